//! Disks: partitions as volumes.

use std::path::Path;

use lodge_dbus_interfaces::options::{BuildOptions, PoolStartOptions, ResizeOptions, VolumeOptions};
use lodge_dbus_interfaces::proxies::StoragePoolProxy;
use lodge_dbus_interfaces::types::Overwrite;

use super::devices::{Loop, appears, run};
use super::service::{NONE, Service, kind, soon};

fn partition(name: &str, mebibytes: u64) -> String {
    format!("<volume><name>{name}</name><capacity unit='MiB'>{mebibytes}</capacity></volume>")
}

/// A pool 'd' of a disk, defined only.
async fn defined(service: &Service, device: &Loop, format: &str) -> StoragePoolProxy<'static> {
    let xml = format!(
        "<pool type='disk'><name>d</name><source><device path='{}'/><format type='{format}'/></source><target><path>/dev</path></target></pool>",
        device.device
    );
    service.define(&xml).await.unwrap();
    service.pool("d").await
}

#[tokio::test]
async fn partitions_come_grow_and_go() {
    for format in ["gpt", "dos"] {
        let service = Service::new().await;
        let device = Loop::new(64 << 20);
        let pool = defined(&service, &device, format).await;
        assert!(pool.start(&PoolStartOptions::default()).await.is_err());
        soon("building", pool.build(&BuildOptions::default())).await.unwrap();
        soon("a start", pool.start(&PoolStartOptions::default())).await.unwrap();
        let free = pool.available().await.unwrap();
        assert!((60 << 20..64 << 20).contains(&free), "{free}");
        let (first, second) = (format!("{}p1", device.name()), format!("{}p2", device.name()));
        assert_eq!(kind(service.make("d", &partition("mine", 10)).await), "InvalidArgument");
        assert_eq!(kind(service.make("d", &partition(&first, 100)).await), "NoSpace");
        let one = service.make("d", &partition(&first, 10)).await.unwrap();
        service.make("d", &partition(&second, 20)).await.unwrap();
        assert_eq!(one.capacity().await.unwrap(), 10 << 20);
        assert_eq!(one.path().await.unwrap(), format!("/dev/{first}"));
        assert!(one.get_xml(&NONE).await.unwrap().contains(&format!("<device path='{}'>", device.device)));
        // The second one is in the way; itself has room.
        assert_eq!(kind(soon("growing", one.resize(20 << 20, &ResizeOptions::default())).await), "NoSpace");
        let two = service.volume("d", &second).await;
        soon("growing", two.resize(30 << 20, &ResizeOptions::default())).await.unwrap();
        assert_eq!(two.capacity().await.unwrap(), 30 << 20);
        assert_eq!(kind(pool.delete(&NONE).await), "InvalidState");
        one.delete(&NONE).await.unwrap();
        assert_eq!(service.volumes("d").await, [second.as_str()]);
        // Others see the same.
        let table = run("sfdisk", "fdisk", &["--json", &device.device]);
        let table: serde_json::Value = serde_json::from_str(&table).unwrap();
        assert_eq!(table["partitiontable"]["partitions"].as_array().unwrap().len(), 1);
        two.delete(&NONE).await.unwrap();
        pool.stop(&NONE).await.unwrap();
        pool.delete(&NONE).await.unwrap();
    }
}

#[tokio::test]
async fn a_partition_whose_making_is_cancelled_is_not_there() {
    let service = Service::new().await;
    let device = Loop::new(64 << 20);
    let pool = defined(&service, &device, "gpt").await;
    soon("a start", pool.start(&PoolStartOptions { build: true, overwrite: Overwrite::Everything, no_wait: false })).await.unwrap();
    let name = format!("{}p1", device.name());
    // A key is derived for some seconds; that is long enough.
    let encrypted =
        format!("<volume><name>{name}</name><capacity unit='MiB'>8</capacity><target><encryption format='default'/></target></volume>");
    let (_, job, _) = pool.create_volume(&encrypted, &VolumeOptions { no_wait: true, ..Default::default() }).await.unwrap();
    appears(Path::new("/dev"), {
        let name = name.clone();
        move |entry| entry == name
    })
    .await;
    // Nobody takes it for something that the table has forgotten.
    pool.refresh(&NONE).await.unwrap();
    assert!(Path::new("/dev").join(&name).exists());
    assert_eq!(service.volumes("d").await, Vec::<String>::new());
    // The next one gets another place and number, also in the table.
    let second = format!("{}p2", device.name());
    assert_eq!(kind(service.make("d", &partition(&name, 10)).await), "Busy");
    service.make("d", &partition(&second, 10)).await.unwrap().delete(&NONE).await.unwrap();
    service.job(job.clone()).await.cancel(&NONE).await.unwrap();
    assert_eq!(service.ended(job).await.0, "cancelled");
    assert_eq!(service.volumes("d").await, Vec::<String>::new());
    assert!(!Path::new("/dev").join(&name).exists());
    // Encrypted to the end, and found so.
    let made = service.make("d", &encrypted).await.unwrap();
    assert!(made.encrypted().await.unwrap());
    made.delete(&NONE).await.unwrap();
    pool.stop(&NONE).await.unwrap();
}

#[tokio::test]
async fn the_kernel_knows_what_the_table_says_after_a_refresh() {
    let service = Service::new().await;
    let device = Loop::new(64 << 20);
    let pool = defined(&service, &device, "gpt").await;
    soon("a start", pool.start(&PoolStartOptions { build: true, overwrite: Overwrite::Everything, no_wait: false })).await.unwrap();
    let (first, second) = (format!("{}p1", device.name()), format!("{}p2", device.name()));
    service.make("d", &partition(&first, 10)).await.unwrap();
    service.make("d", &partition(&second, 10)).await.unwrap();
    let size =
        |name: &str| std::fs::read_to_string(format!("/sys/class/block/{name}/size")).map(|size| size.trim().parse::<u64>().unwrap());
    assert_eq!(size(&second).unwrap(), (10 << 20) / 512);
    // As a service leaves it that is killed between sfdisk and partx.
    run("partx", "util-linux", &["--delete", "--nr", "1", &device.device]);
    let resize = format!("echo ,20M | sfdisk --quiet --no-reread --no-tell-kernel {} --partno 2", device.device);
    run("sh", "dash", &["-c", &resize]);
    // And in the middle of filling a third one.
    run("addpart", "util-linux", &[&device.device, "3", "102400", "2048"]);
    pool.refresh(&NONE).await.unwrap();
    assert_eq!((size(&first).unwrap(), size(&second).unwrap()), ((10 << 20) / 512, (20 << 20) / 512));
    assert!(size(&format!("{}p3", device.name())).is_err());
    assert_eq!(service.volume("d", &second).await.capacity().await.unwrap(), 20 << 20);
    assert_eq!(service.volumes("d").await, [first.as_str(), second.as_str()]);
    pool.stop(&NONE).await.unwrap();
}
