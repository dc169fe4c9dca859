//! The pools and volumes of the examples that people learn with: they define, and with places that exist they do their work.

use lodge_dbus_interfaces::options::{DefineOptions, PoolStartOptions};

use super::service::{NONE, Service, kind, soon};

/// What the documents have in common with those in books, with a place for the directory.
const POOL: &str = "<pool type='dir'><name>virtimages</name><target><path>PATH</path></target></pool>";
const VOLUME: &str = "<volume><name>sparse.img</name><allocation>0</allocation><capacity unit='T'>1</capacity><target><path>PATH/sparse.img</path>\
    <permissions><owner>107</owner><group>107</group><mode>0744</mode><label>virt_image_t</label></permissions></target></volume>";

#[tokio::test]
async fn a_directory_with_a_sparse_volume() {
    let service = Service::new().await;
    let path = service.path("images").display().to_string();
    service.define(&POOL.replace("PATH", &path)).await.unwrap();
    let pool = service.pool("virtimages").await;
    soon("a start", pool.start(&PoolStartOptions { build: true, ..Default::default() })).await.unwrap();
    let volume = service.make("virtimages", &VOLUME.replace("PATH", &path)).await.unwrap();
    assert_eq!(volume.capacity().await.unwrap(), 1 << 40);
    assert_eq!(service.volumes("virtimages").await, ["sparse.img"]);
    volume.delete(&NONE).await.unwrap();
    pool.stop(&NONE).await.unwrap();
    pool.delete(&NONE).await.unwrap();
}

#[tokio::test]
async fn a_target_of_iscsi_is_kept_and_its_sizes_are_not_believed() {
    let service = Service::new().await;
    let xml = "<pool type='iscsi'><name>virtimages</name><uuid>3e3fce45-4f53-4fa7-bb32-11f34168b82b</uuid><allocation>10000000</allocation>\
        <capacity>50000000</capacity><available>40000000</available><source><host name='iscsi.invalid'/>\
        <device path='iqn.2013-06.com.example:demo-target'/></source><target><path>/dev/disk/by-path</path></target></pool>";
    let (_, warnings) = service.manager().await.define_pool(xml, &DefineOptions::default()).await.unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let pool = service.pool("virtimages").await;
    assert_eq!((pool.capacity().await.unwrap(), pool.kind().await.unwrap()), (0, "iscsi".to_owned()));
    let refused = kind(soon("a start", pool.start(&PoolStartOptions::default())).await);
    assert!(refused == "HostFailed" || refused == "NotSupported", "{refused}");
    assert!(!pool.active().await.unwrap());
    pool.undefine(&NONE).await.unwrap();
}
