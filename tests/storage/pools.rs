//! What holds for pools of every type: definitions, states, refusals, and what a later service finds again.

use lodge_dbus_interfaces::options::{DefineOptions, InactiveOptions, PoolStartOptions};

use super::service::{NONE, Service, directory, kind, soon};

#[tokio::test]
async fn a_pool_lives_and_goes() {
    let service = Service::new().await;
    let path = service.path("images");
    service.define(&directory("images", &path)).await.unwrap();
    let pool = service.pool("images").await;
    assert!(!pool.active().await.unwrap() && pool.persistent().await.unwrap());
    // What it is made of is not there yet.
    assert_eq!(kind(pool.start(&PoolStartOptions::default()).await), "NotFound");
    assert_eq!(kind(pool.refresh(&NONE).await), "InvalidState");
    soon("a start", pool.start(&PoolStartOptions { build: true, ..Default::default() })).await.unwrap();
    assert!(pool.active().await.unwrap() && path.is_dir());
    assert!(pool.capacity().await.unwrap() > 0 && pool.available().await.unwrap() > 0);
    let xml = pool.get_xml(&InactiveOptions::default()).await.unwrap();
    assert!(!xml.contains("<available unit='bytes'>0</available>"), "{xml}");
    for result in [pool.undefine(&NONE).await, pool.delete(&NONE).await] {
        assert_eq!(kind(result), "InvalidState");
    }
    assert_eq!(kind(pool.start(&PoolStartOptions::default()).await), "InvalidState");
    pool.stop(&NONE).await.unwrap();
    assert!(!pool.active().await.unwrap());
    pool.delete(&NONE).await.unwrap();
    assert!(!path.exists());
    pool.undefine(&NONE).await.unwrap();
    assert_eq!(kind(service.manager().await.get_pool("images").await), "NotFound");
}

#[tokio::test]
async fn a_pool_without_definition_is_gone_when_it_stops() {
    let service = Service::new().await;
    let path = service.path("t");
    assert_eq!(kind(service.create(&directory("t", &path)).await), "NotFound");
    assert_eq!(kind(service.manager().await.get_pool("t").await), "NotFound");
    std::fs::create_dir(&path).unwrap();
    service.create(&directory("t", &path)).await.unwrap();
    let pool = service.pool("t").await;
    assert!(!pool.persistent().await.unwrap());
    assert_eq!(kind(pool.undefine(&NONE).await), "InvalidState");
    pool.stop(&NONE).await.unwrap();
    assert_eq!(kind(service.manager().await.get_pool("t").await), "NotFound");
}

#[tokio::test]
async fn what_contradicts_itself_or_others_is_refused() {
    let service = Service::new().await;
    service.define(&directory("a", &service.path("a"))).await.unwrap();
    let manager = service.manager().await;
    let new = DefineOptions { new: true };
    assert_eq!(kind(manager.define_pool(&directory("a", &service.path("a")), &new).await), "AlreadyExists");
    // Two pools of the same would take each other's volumes away.
    assert_eq!(kind(service.define(&directory("b", &service.path("a"))).await), "AlreadyExists");
    assert_eq!(kind(service.define("<pool type='dir'><name>a/b</name></pool>").await), "InvalidXml");
    let (_, warnings) = manager.define_pool("<pool type='mpath'><name>m</name></pool>", &DefineOptions::default()).await.unwrap();
    assert!(warnings[0].contains("types that can: dir, fs, netfs, disk, logical, iscsi"), "{warnings:?}");
    assert_eq!(kind(service.pool("m").await.start(&PoolStartOptions::default()).await), "NotSupported");
}

#[tokio::test]
async fn a_later_service_finds_what_was_started() {
    let service = Service::new().await;
    let (pool, path) = service.directory_pool("images").await;
    pool.set_autostart(true).await.unwrap();
    let transient = service.path("transient");
    std::fs::create_dir(&transient).unwrap();
    service.create(&directory("t", &transient)).await.unwrap();
    service.define(&directory("stopped", &service.path("stopped"))).await.unwrap();
    std::fs::write(path.join("image"), "").unwrap();
    let service = service.crash_and_restart().await;
    let pool = service.pool("images").await;
    assert!(pool.active().await.unwrap() && pool.autostart().await.unwrap());
    assert_eq!(service.volumes("images").await, ["image"]);
    assert!(service.pool("t").await.active().await.unwrap() && !service.pool("t").await.persistent().await.unwrap());
    assert!(!service.pool("stopped").await.active().await.unwrap());
    std::fs::remove_dir_all(&path).unwrap();
    let service = service.crash_and_restart().await;
    assert!(!service.pool("images").await.active().await.unwrap());
}

#[tokio::test]
async fn sources_are_looked_for_where_that_can_be_done() {
    let service = Service::new().await;
    let manager = service.manager().await;
    let find = async |of: &str, place: &str| kind(manager.find_pool_sources(of, place, &NONE).await);
    assert_eq!(find("dir", "").await, "NotSupported");
    assert_eq!(find("nothing", "").await, "InvalidArgument");
    assert_eq!(find("netfs", "").await, "InvalidXml");
    assert_eq!(find("iscsi", "<source><host name='-x y'/></source>").await, "InvalidXml");
    assert_eq!(find("netfs", "<sauce/>").await, "InvalidXml");
    // Nobody is there. Without the program it is NotSupported, with the package.
    let refused = find("netfs", "<source><host name='127.0.0.1'/></source>").await;
    assert!(refused == "HostFailed" || refused == "NotSupported", "{refused}");
}
