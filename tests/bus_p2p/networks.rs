//! Networks on the bus of a user's own service, where they are defined and never started: signals in order, changes, refusals.

use lodge_dbus_interfaces::NETWORK_INTERFACE;
use lodge_dbus_interfaces::options::{DefineOptions, InactiveOptions, NetworkUpdateOptions};
use lodge_dbus_interfaces::proxies::NetworkProxy;
use zbus::OwnedObjectPath;
use zbus::proxy::CacheProperties;

use super::service::{NONE, Service, kind};

const XML: &str = "<network><name>lab</name><forward mode='nat'/><bridge name='lab0'/><ip address='10.0.0.1' prefix='24'>\
    <dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp></ip></network>";

async fn define(service: &Service, xml: &str) -> (OwnedObjectPath, Vec<String>) {
    service.manager().await.define_network(xml, &DefineOptions::default()).await.unwrap()
}

async fn at(service: &Service, path: OwnedObjectPath) -> NetworkProxy<'static> {
    NetworkProxy::builder(&service.client).path(path).cache_properties(CacheProperties::No).build().await.unwrap()
}

#[tokio::test]
async fn a_network_comes_changes_and_goes_with_its_signals_before_the_replies() {
    let service = Service::new().await;
    let ((path, warnings), seen) = service.during(define(&service, &XML.replace("</network>", "<odd/></network>"))).await;
    assert!(warnings.len() == 1 && warnings[0].contains("odd"), "{warnings:?}");
    assert_eq!(seen, ["+ network/lab Network".to_owned(), "reply".to_owned()]);
    let network = at(&service, path.clone()).await;
    assert_eq!((network.mode().await.unwrap(), network.bridge().await.unwrap()), ("nat".to_owned(), "lab0".to_owned()));
    assert_eq!(network.addresses().await.unwrap(), ["10.0.0.1/24"]);
    let (_, seen) = service.during(network.set_autostart(true)).await;
    // zbus announces a property that was set once more.
    assert_eq!(seen, ["network/lab: Autostart=true", "network/lab: Autostart=true", "reply"]);
    let (_, seen) = service.during(define(&service, &XML.replace("</network>", "<title>mine</title></network>"))).await;
    assert_eq!(seen.last().unwrap(), "reply");
    assert!(seen[0].starts_with("network/lab: ") && seen[0].contains("Title=\"mine\""), "{seen:?}");
    let manager = service.manager().await;
    assert_eq!(manager.get_network(&network.uuid().await.unwrap()).await.unwrap(), path);
    assert!(service.objects().await[&path].contains_key(NETWORK_INTERFACE));
    let (_, seen) = service.during(network.undefine(&NONE)).await;
    assert_eq!(seen.last().unwrap(), "reply");
    assert!(seen.contains(&"- network/lab Network".to_owned()), "{seen:?}");
    assert!(!service.objects().await.contains_key(&path));
}

#[tokio::test]
async fn a_definition_and_its_changes_outlive_a_crash_of_the_service() {
    let service = Service::new().await;
    let (path, _) = define(&service, XML).await;
    let network = at(&service, path.clone()).await;
    let host = "<host mac='52:54:00:00:00:01' ip='10.0.0.5'/>";
    network.update("add", "ip-dhcp-host", host, &NetworkUpdateOptions { config: true, ..NetworkUpdateOptions::default() }).await.unwrap();
    network.set_autostart(true).await.unwrap();
    let before = network.get_xml(&InactiveOptions { inactive: true }).await.unwrap();
    assert!(before.contains("10.0.0.5") && before.contains("<mac address="), "{before}");
    let service = service.crash_and_restart().await;
    let network = at(&service, path).await;
    assert_eq!(network.get_xml(&InactiveOptions::default()).await.unwrap(), before);
    assert!(network.autostart().await.unwrap() && network.persistent().await.unwrap() && !network.active().await.unwrap());
    assert_eq!(network.get_leases(&NONE).await.unwrap().len(), 0);
}

#[tokio::test]
async fn refusals_have_their_kinds() {
    let service = Service::new().await;
    let manager = service.manager().await;
    let (path, _) = define(&service, XML).await;
    let network = at(&service, path).await;
    // A user's own service changes nothing of the host.
    assert_eq!(kind(network.start(&NONE).await), "NotSupported");
    assert_eq!(kind(manager.create_network("<network><name>a</name></network>", &NONE).await), "NotSupported");
    assert_eq!(kind(manager.get_network("a").await), "NotFound");
    assert_eq!(kind(network.destroy(&NONE).await), "InvalidState");
    assert_eq!(kind(manager.define_network(XML, &DefineOptions { new: true }).await), "AlreadyExists");
    assert_eq!(kind(manager.define_network(&XML.replace("lab<", "other<"), &DefineOptions::default()).await), "AlreadyExists");
    assert_eq!(kind(manager.define_network("<network/>", &DefineOptions::default()).await), "InvalidXml");
    let update = async |command: &str, section: &str, xml: &str, live| {
        let options = NetworkUpdateOptions { live, ..NetworkUpdateOptions::default() };
        kind(network.update(command, section, xml, &options).await)
    };
    let host = "<host mac='52:54:00:00:00:01' ip='10.0.0.5'/>";
    assert_eq!(update("add", "ip-dhcp-host", host, true).await, "InvalidState");
    assert_eq!(update("delete", "ip-dhcp-host", host, false).await, "NotFound");
    assert_eq!(update("add", "nowhere", host, false).await, "InvalidArgument");
    assert_eq!(update("add", "ip-dhcp-host", "<host/><host/>", false).await, "InvalidXml");
}
