//! Disks: partitions as volumes.

use lodge_dbus_interfaces::options::{BuildOptions, PoolStartOptions, ResizeOptions};

use super::devices::{Loop, run};
use super::service::{NONE, Service, kind, soon};

fn partition(name: &str, mebibytes: u64) -> String {
    format!("<volume><name>{name}</name><capacity unit='MiB'>{mebibytes}</capacity></volume>")
}

#[tokio::test]
async fn partitions_come_grow_and_go() {
    for format in ["gpt", "dos"] {
        let service = Service::new().await;
        let device = Loop::new(64 << 20);
        let xml = format!(
            "<pool type='disk'><name>d</name><source><device path='{}'/><format type='{format}'/></source><target><path>/dev</path></target></pool>",
            device.device
        );
        service.define(&xml).await.unwrap();
        let pool = service.pool("d").await;
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
