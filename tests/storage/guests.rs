//! Guests and volumes: nobody takes a disk from a guest that runs or starts, however the disk's path is spelled.

use std::os::fd::AsFd;

use lodge_dbus_interfaces::options::{DefineOptions, DestroyOptions, StartOptions, TransferOptions, WipeOptions};
use lodge_dbus_interfaces::paths;
use lodge_dbus_interfaces::proxies::DomainProxy;

use super::service::{NONE, Service, kind, soon, volume};

#[tokio::test]
async fn a_volume_is_worked_on_or_used_by_guests() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    let disk = service.make("images", &volume("a.img", "raw", 1 << 20, "")).await.unwrap();
    let spelled = path.join("../images/./a.img");
    let xml = format!(
        "<domain type='test'><name>guest</name><memory>65536</memory><os><type>hvm</type></os><devices>\
         <disk type='file'><source file='{}'/><target dev='vda'/></disk></devices></domain>",
        spelled.display()
    );
    service.manager().await.define_domain(&xml, &DefineOptions::default()).await.unwrap();
    let guest = DomainProxy::builder(&service.client).path(paths::domain("guest")).build().await.unwrap();
    // It waits for bytes that never come.
    let (reader, writer) = std::io::pipe().unwrap();
    let job = disk.upload(reader.as_fd().into(), &TransferOptions { no_wait: true, ..Default::default() }).await.unwrap();
    let refused = guest.start(&StartOptions::default()).await;
    assert!(refused.as_ref().unwrap_err().to_string().contains("volume 'a.img' of pool 'images' is being uploaded to"), "{refused:?}");
    assert_eq!(kind(refused), "Busy");
    drop(writer);
    assert_eq!(service.ended(job).await.0, "succeeded");
    soon("a start", guest.start(&StartOptions::default())).await.unwrap();
    assert_eq!(kind(disk.wipe(&WipeOptions::default()).await), "InUse");
    assert_eq!(kind(disk.delete(&NONE).await), "InUse");
    guest.destroy(&DestroyOptions::default()).await.unwrap();
    disk.delete(&NONE).await.unwrap();
}
