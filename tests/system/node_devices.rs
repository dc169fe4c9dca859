//! Devices of a host with a kernel of its own view: those that come and go while the service runs, and who may touch them.

use futures_util::StreamExt;
use lodge_dbus_interfaces::{BUS_NAME, ROOT_PATH, paths};
use lodge_tests::hosts::{Container, Host, LIMIT};
use zbus::fdo::{ManagedObjects, ObjectManagerProxy};

use crate::service::{installed, lodgectl};

/// Makes a bridge, whose address is chosen here so that its name is known.
fn add_interface(host: &Container) {
    host.run(&["ip", "link", "add", "name", "hot0", "address", "02:00:00:00:00:42", "type", "bridge"]).success();
}

#[tokio::test]
async fn devices_that_come_and_go_are_signalled() {
    let host = installed();
    assert!(lodgectl(&host, "root", &["nodedev-list", "--cap", "system"]).success().contains("computer"));
    let connection = zbus::connection::Builder::address(&*host.bus_address()).build().await.unwrap();
    let manager = ObjectManagerProxy::builder(&connection).destination(BUS_NAME).path(ROOT_PATH).build().await.unwrap();
    let (mut added, mut removed) = (manager.receive_interfaces_added().await.unwrap(), manager.receive_interfaces_removed().await.unwrap());
    let place = paths::device("net_hot0_02_00_00_00_00_42");
    add_interface(&host);
    let comes = async { while added.next().await.unwrap().args().unwrap().object_path.as_str() != place.as_str() {} };
    tokio::time::timeout(LIMIT, comes).await.expect("no signal tells of the new interface");
    assert!(objects(&manager).await.contains_key(&place));
    assert!(lodgectl(&host, "root", &["nodedev-list", "--tree"]).success().contains("+- net_hot0_02_00_00_00_00_42"));
    host.run(&["ip", "link", "delete", "hot0"]).success();
    let goes = async { while removed.next().await.unwrap().args().unwrap().object_path.as_str() != place.as_str() {} };
    tokio::time::timeout(LIMIT, goes).await.expect("no signal tells that the interface has gone");
    assert!(!objects(&manager).await.contains_key(&place));
}

async fn objects(manager: &ObjectManagerProxy<'_>) -> ManagedObjects {
    manager.get_managed_objects().await.unwrap()
}

#[test]
fn only_who_may_manage_devices_takes_them_from_the_host() {
    let host = installed();
    // In the group, which sees devices and no more.
    assert!(lodgectl(&host, "oscar", &["nodedev-list"]).success().contains("computer"));
    let refused = lodgectl(&host, "oscar", &["nodedev-detach", "computer"]).failure();
    assert!(refused.contains("device.manage") || refused.contains("not authorized"), "{refused}");
    lodgectl(&host, "mallory", &["nodedev-dumpxml", "computer"]).failure();
    let refused = lodgectl(&host, "root", &["nodedev-detach", "computer"]).failure();
    assert!(refused.contains("is no PCI device"), "{refused}");
}
