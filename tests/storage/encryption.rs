//! Encrypted volumes: LUKS in raw and qcow2, secrets that are given and secrets that are made.

use lodge_dbus_interfaces::options::{DefineOptions, ResizeOptions};

use super::devices::info;
use super::service::{NONE, Service, kind, soon, volume};

const UUID: &str = "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f";

fn encrypted(name: &str, format: &str, encryption: &str) -> String {
    format!("<volume><name>{name}</name><capacity unit='MiB'>4</capacity><target><format type='{format}'/>{encryption}</target></volume>")
}

#[tokio::test]
async fn a_passphrase_of_ones_own_opens_the_image() {
    let service = Service::new().await;
    let (pool, path) = service.directory_pool("images").await;
    let manager = service.manager().await;
    manager.define_secret(&format!("<secret><uuid>{UUID}</uuid></secret>"), &DefineOptions::default()).await.unwrap();
    let luks = format!("<encryption format='luks'><secret type='passphrase' uuid='{UUID}'/></encryption>");
    // It has no value yet.
    assert_eq!(kind(service.make("images", &encrypted("a.img", "raw", &luks)).await), "InvalidState");
    let secret = lodge_dbus_interfaces::proxies::SecretProxy::builder(&service.client);
    let secret = secret.path(lodge_dbus_interfaces::paths::secret(UUID)).build().await.unwrap();
    secret.set_value(b"correct horse", &NONE).await.unwrap();
    for (name, format) in [("a.img", "raw"), ("a.qcow2", "qcow2")] {
        let made = service.make("images", &encrypted(name, format, &luks)).await.unwrap();
        assert!(made.encrypted().await.unwrap());
        assert_eq!((made.format().await.unwrap(), made.capacity().await.unwrap()), (format.to_owned(), 4 << 20));
        let xml = made.get_xml(&NONE).await.unwrap();
        assert!(xml.contains(&format!("uuid='{UUID}'")), "{xml}");
        soon("growing", made.resize(8 << 20, &ResizeOptions::default())).await.unwrap();
        assert_eq!(made.capacity().await.unwrap(), 8 << 20, "{name}");
    }
    assert_eq!(info(&path.join("a.img"))["format"], "luks");
    assert_eq!(info(&path.join("a.qcow2"))["format-specific"]["data"]["encrypt"]["format"], "luks");
    // What is read with one passphrase is written without.
    let source = service.volume("images", "a.qcow2").await.inner().path().to_owned();
    soon("a clone", pool.clone_volume(&volume("plain.img", "raw", 8 << 20, ""), &source, &Default::default())).await.unwrap();
    assert!(std::fs::read(path.join("plain.img")).unwrap() == vec![0; 8 << 20]);
}

#[tokio::test]
async fn a_secret_may_be_named_by_its_use() {
    let service = Service::new().await;
    service.directory_pool("images").await;
    let manager = service.manager().await;
    let xml = format!("<secret><uuid>{UUID}</uuid><usage type='volume'><volume>/for/tests</volume></usage></secret>");
    let (secret, _) = manager.define_secret(&xml, &DefineOptions::default()).await.unwrap();
    let secret = lodge_dbus_interfaces::proxies::SecretProxy::builder(&service.client).path(secret).build().await.unwrap();
    secret.set_value(b"correct horse", &NONE).await.unwrap();
    let luks = |usage: &str| format!("<encryption format='luks'><secret type='passphrase' usage='{usage}'/></encryption>");
    assert_eq!(kind(service.make("images", &encrypted("a.img", "raw", &luks("/for/others"))).await), "NotFound");
    for format in ["raw", "qcow2"] {
        let made = service.make("images", &encrypted(format, format, &luks("/for/tests"))).await.unwrap();
        assert!(made.get_xml(&NONE).await.unwrap().contains(&format!("uuid='{UUID}'")));
        soon("growing", made.resize(8 << 20, &ResizeOptions::default())).await.unwrap();
    }
}

#[tokio::test]
async fn the_service_makes_a_passphrase_and_refuses_what_is_broken() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    let made = service.make("images", &encrypted("a.qcow2", "qcow2", "<encryption format='default'/>")).await.unwrap();
    let secret = service.manager().await.get_secret(&format!("volume:{}", path.join("a.qcow2").display())).await.unwrap();
    let secret = lodge_dbus_interfaces::proxies::SecretProxy::builder(&service.client).path(secret).build().await.unwrap();
    assert!(secret.has_value().await.unwrap());
    assert!(made.get_xml(&NONE).await.unwrap().contains(&secret.uuid().await.unwrap()));
    let qcow = "<encryption format='qcow'><secret type='passphrase' uuid='c1f11a6d-8c5d-4a3e-ac7a-4e171c5e0d4a'/></encryption>";
    let refused = service.make("images", &encrypted("b.qcow2", "qcow2", qcow)).await.unwrap_err();
    assert!(refused.to_string().contains("broken"), "{refused}");
    assert_eq!(service.volumes("images").await, ["a.qcow2"]);
}
