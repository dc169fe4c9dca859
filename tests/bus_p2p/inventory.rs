//! The inventory: everything in one call, the same as asking each object.

use std::collections::HashMap;

use lodge_dbus_interfaces::options::DefineOptions;
use lodge_dbus_interfaces::{BUS_NAME, DOMAIN_INTERFACE, HYPERVISOR_INTERFACE, JOB_INTERFACE, NODE_DEVICE_INTERFACE};
use zbus::OwnedVariant;

use super::service::{NONE, Service, xml};

#[tokio::test]
async fn a_thousand_domains_look_in_the_inventory_as_each_of_them_says() {
    let service = Service::new().await;
    let manager = service.manager().await;
    for batch in 0..20 {
        let defined = (0..50).map(|number| {
            let (manager, number) = (manager.clone(), batch * 50 + number);
            async move { manager.define_domain(&xml(&format!("vm {number}"), number), &DefineOptions::default()).await.unwrap() }
        });
        futures_util::future::join_all(defined).await;
    }
    service.domain("vm 7").await.start(&Default::default()).await.unwrap();
    let objects = service.objects().await;
    assert_eq!(objects.len(), 1000 + 1 + 1 + 1, "domains, the hypervisor, a job, the host itself");
    let asked = objects.keys().map(|path| {
        let interface = match path.split('/').nth(4).unwrap() {
            "domain" => DOMAIN_INTERFACE,
            "hypervisor" => HYPERVISOR_INTERFACE,
            "device" => NODE_DEVICE_INTERFACE,
            _ => JOB_INTERFACE,
        };
        let client = &service.client;
        async move {
            let properties = Some("org.freedesktop.DBus.Properties");
            let reply = client.call_method(Some(BUS_NAME), path, properties, "GetAll", &interface).await.unwrap();
            let all: HashMap<String, OwnedVariant> = reply.body().deserialize().unwrap();
            (path.clone(), HashMap::from([(interface.to_owned(), all)]))
        }
    });
    let asked: HashMap<_, _> = futures_util::future::join_all(asked).await.into_iter().collect();
    for (path, interfaces) in &objects {
        assert_eq!(interfaces, &asked[path], "{path}");
    }
}

#[tokio::test]
async fn a_renamed_domain_moves_with_everything_it_is() {
    let service = Service::new().await;
    let domain = service.define(&xml("old", 1)).await;
    domain.set_autostart(true).await.unwrap();
    domain.set_title("mine", &Default::default()).await.unwrap();
    let (path, seen) = service.during(domain.rename("new", &NONE)).await;
    assert_eq!(path.unwrap().as_str(), "/org/lodge/Lodge1/domain/new");
    assert_eq!(seen, ["- domain/old Domain", "+ domain/new Domain", "reply"]);
    let renamed = service.domain("new").await;
    assert_eq!(renamed.title().await.unwrap(), "mine");
    assert!(renamed.autostart().await.unwrap());
    assert!(domain.state().await.is_err(), "the old object is gone");
    assert_eq!(service.files().definitions(), ["new.xml"]);
    assert!(service.files().autostart("new").is_symlink() && !service.files().autostart("old").is_symlink());
    // Its old name is free.
    service.define(&xml("old", 2)).await;
}

#[tokio::test]
async fn autostart_is_a_property_that_can_be_set() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    for (on, line) in [(true, "domain/a: Autostart=true"), (false, "domain/a: Autostart=false")] {
        let (set, seen) = service.during(domain.set_autostart(on)).await;
        set.unwrap();
        // zbus announces a property that was set once more.
        assert_eq!(seen, [line, line, "reply"]);
        assert_eq!(service.files().autostart("a").is_symlink(), on);
    }
}

#[tokio::test]
async fn the_hypervisor_tells_what_it_can() {
    let service = Service::new().await;
    let hypervisors = service.manager().await.hypervisors().await.unwrap();
    assert_eq!(hypervisors.iter().map(|path| path.as_str()).collect::<Vec<_>>(), ["/org/lodge/Lodge1/hypervisor/fake"]);
    let objects = service.objects().await;
    assert!(objects.contains_key(&hypervisors[0]));
}
