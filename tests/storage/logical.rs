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
    assert!(soon("a start", pool.start(&PoolStartOptions::default())).await.is_err());
    soon("building", pool.build(&BuildOptions::default())).await.unwrap();
    assert_eq!(kind(soon("building", pool.build(&BuildOptions::default())).await), "InUse");
    soon("a start", pool.start(&PoolStartOptions::default())).await.unwrap();
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
