//! File systems of block devices.

use lodge_dbus_interfaces::options::{BuildOptions, PoolStartOptions};
use lodge_dbus_interfaces::types::Overwrite;

use super::devices::Loop;
use super::service::{NONE, Service, kind, soon, volume};

#[tokio::test]
async fn a_device_is_formatted_only_when_asked_mounted_and_unmounted() {
    let service = Service::new().await;
    let device = Loop::new(64 << 20);
    let path = service.path("data");
    let xml = format!(
        "<pool type='fs'><name>data</name><source><device path='{}'/><format type='ext4'/></source><target><path>{}</path></target></pool>",
        device.device,
        path.display()
    );
    service.define(&xml).await.unwrap();
    let pool = service.pool("data").await;
    soon("building", pool.build(&BuildOptions::default())).await.unwrap();
    // Nothing was formatted.
    assert_eq!(kind(soon("a start", pool.start(&PoolStartOptions::default())).await), "HostFailed");
    let build = |overwrite| BuildOptions { overwrite, no_wait: false };
    soon("building", pool.build(&build(Overwrite::IfEmpty))).await.unwrap();
    assert_eq!(kind(soon("building", pool.build(&build(Overwrite::IfEmpty))).await), "InUse");
    soon("building", pool.build(&build(Overwrite::Everything))).await.unwrap();
    soon("a start", pool.start(&PoolStartOptions::default())).await.unwrap();
    let capacity = pool.capacity().await.unwrap();
    assert!((32 << 20..64 << 20).contains(&capacity), "{capacity}");
    service.make("data", &volume("a.img", "raw", 1 << 20, "")).await.unwrap();
    // It is full before anything is written.
    let too_large = "<volume><name>b.img</name><capacity unit='MiB'>100</capacity></volume>";
    assert_eq!(kind(service.make("data", too_large).await), "NoSpace");
    assert_eq!(service.volumes("data").await, ["a.img", "lost+found"]);
    // Somebody is in it.
    let open = std::fs::File::open(path.join("a.img")).unwrap();
    assert_eq!(kind(pool.stop(&NONE).await), "InUse");
    assert!(pool.active().await.unwrap());
    drop(open);
    let service = service.crash_and_restart().await;
    let pool = service.pool("data").await;
    assert!(pool.active().await.unwrap());
    pool.stop(&NONE).await.unwrap();
    assert!(std::fs::read_dir(&path).unwrap().next().is_none());
    pool.delete(&NONE).await.unwrap();
}
