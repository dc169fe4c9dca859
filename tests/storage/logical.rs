//! LVM volume groups. What needs the kernel's device mapper is done where there is one; elsewhere the kernel's refusal is what is seen.

use lodge_dbus_interfaces::options::{BuildOptions, PoolStartOptions, ResizeOptions};

use super::devices::{Loop, run};
use super::service::{NONE, Service, kind, soon};

#[tokio::test]
async fn a_volume_group_is_made_used_and_removed() {
    let service = Service::new().await;
    let (one, two) = (Loop::new(64 << 20), Loop::new(64 << 20));
    let group = format!("lodge-test-{}", std::process::id());
    let xml = format!(
        "<pool type='logical'><name>guests</name><source><device path='{}'/><device path='{}'/><name>{group}</name></source></pool>",
        one.device, two.device
    );
    service.define(&xml).await.unwrap();
    let pool = service.pool("guests").await;
    assert_eq!(pool.path().await.unwrap(), format!("/dev/{group}"));
    let found = async || service.manager().await.find_pool_sources("logical", "", &NONE).await.unwrap();
    assert!(!found().await.contains(&group));
    assert!(soon("a start", pool.start(&PoolStartOptions::default())).await.is_err());
    soon("building", pool.build(&BuildOptions::default())).await.unwrap();
    assert_eq!(kind(soon("building", pool.build(&BuildOptions::default())).await), "InUse");
    soon("a start", pool.start(&PoolStartOptions::default())).await.unwrap();
    let told = found().await;
    for part in [format!("<name>{group}</name>"), format!("<device path='{}'/>", one.device), format!("<device path='{}'/>", two.device)] {
        assert!(told.contains(&part), "{part} in {told}");
    }
    let free = pool.available().await.unwrap();
    assert!((100 << 20..128 << 20).contains(&free) && pool.capacity().await.unwrap() == free, "{free}");
    let too_large = "<volume><name>a</name><capacity unit='GiB'>1</capacity></volume>";
    assert_eq!(kind(service.make("guests", too_large).await), "NoSpace");
    let made = service.make("guests", "<volume><name>a</name><capacity unit='MiB'>16</capacity></volume>").await;
    if std::path::Path::new("/sys/class/misc/device-mapper").exists() {
        let volume = made.unwrap();
        assert_eq!(volume.capacity().await.unwrap(), 16 << 20);
        soon("growing", volume.resize(32 << 20, &ResizeOptions::default())).await.unwrap();
        assert_eq!(volume.capacity().await.unwrap(), 32 << 20);
        assert!(pool.available().await.unwrap() < free);
        volume.delete(&NONE).await.unwrap();
    } else {
        assert_eq!(kind(made), "HostFailed");
    }
    assert_eq!(service.volumes("guests").await, Vec::<String>::new());
    pool.stop(&NONE).await.unwrap();
    soon("deleting", pool.delete(&NONE)).await.unwrap();
    assert!(!run("vgs", "lvm2", &["--noheadings", "-o", "vg_name"]).contains(&group));
}

/// The text of a volume group's metadata (vgcfgbackup(8)) with logical volumes of one extent each, by name and tag.
fn with_volumes(metadata: &str, volumes: &[(&str, &str)]) -> String {
    let (mut group, mut at) = (String::new(), 0);
    for (name, tag) in volumes {
        let id = format!("{at}aaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaaa");
        let tags = if tag.is_empty() { String::new() } else { format!("\"{tag}\"") };
        group += &format!(
            "{name} {{ id = \"{id}\" status = [\"READ\", \"WRITE\", \"VISIBLE\"] tags = [{tags}] segment_count = 1 \
             segment1 {{ start_extent = 0 extent_count = 1 type = \"striped\" stripe_count = 1 stripes = [\"pv0\", {at}] }} }}\n"
        );
        at += 1;
    }
    metadata.replacen("physical_volumes {", &format!("logical_volumes {{ {group} }}\nphysical_volumes {{"), 1)
}

#[tokio::test]
async fn what_a_killed_service_left_half_made_is_removed_and_what_is_being_made_is_not_shown() {
    let service = Service::new().await;
    let (device, group) = (Loop::new(64 << 20), format!("lodge-test-kill-{}", std::process::id()));
    let xml =
        format!("<pool type='logical'><name>guests</name><source><device path='{}'/><name>{group}</name></source></pool>", device.device);
    service.define(&xml).await.unwrap();
    let pool = service.pool("guests").await;
    soon("a start", pool.start(&PoolStartOptions { build: true, ..Default::default() })).await.unwrap();
    // As lvcreate writes it, which needs the kernel's device mapper.
    let file = service.path("metadata");
    run("vgcfgbackup", "lvm2", &["-q", "-f", file.to_str().unwrap(), &group]);
    let alive = format!("lodge.new.{}", lodge_service::host::process::maker::this().unwrap());
    let dead = "lodge.new.1.2.0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f";
    let text = with_volumes(&std::fs::read_to_string(&file).unwrap(), &[("half", dead), ("busy", &alive), ("whole", "")]);
    std::fs::write(&file, text).unwrap();
    run("vgcfgrestore", "lvm2", &["-q", "--force", "-f", file.to_str().unwrap(), &group]);
    let free = pool.available().await.unwrap();
    soon("a refresh", pool.refresh(&NONE)).await.unwrap();
    assert_eq!(service.volumes("guests").await, ["whole"]);
    assert_eq!(free - pool.available().await.unwrap(), 2 * (4 << 20));
    let left = run("lvs", "lvm2", &["--noheadings", "-o", "lv_name", &group]);
    assert_eq!(left.split_whitespace().collect::<Vec<_>>(), ["busy", "whole"]);
    run("lvremove", "lvm2", &["-q", "--force", &group]);
    pool.stop(&NONE).await.unwrap();
    soon("deleting", pool.delete(&NONE)).await.unwrap();
}
