//! Devices of the host in guests: who has which is seen on the bus, and nobody else gets them. What happens to devices themselves
//! is tested on a real kernel (`tests/vm`).

use lodge_dbus_interfaces::options::XmlOptions;
use lodge_service::hypervisors::fake::Fault;
use lodge_tests::sysfs_tree;

use super::service::{FORCE, NONE, START, Service, kind, uuid, xml_with};

const LAPTOP: &str = include_str!("../fixtures/sysfs/laptop.txt");
const SERVER: &str = include_str!("../fixtures/sysfs/server.txt");
const MOUSE: &str = "<hostdev mode='subsystem' type='usb'><source><vendor id='0x046d'/><product id='0xfffe'/></source></hostdev>";
const MEDIATED: &str = "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>\
                        <address uuid='6fa8e0e4-5b54-4f0a-8c0e-0d1d8f7b8a2a'/></source></hostdev>";

fn with(name: &str, number: u64, device: &str) -> String {
    xml_with(name, number, &format!("<devices>{device}</devices>"))
}

#[tokio::test]
async fn a_device_is_used_by_one_guest_from_its_start_to_its_end() {
    let service = Service::on_machine(LAPTOP).await;
    let mouse = service.device("usb_1_1").await;
    let (web, mail) = (service.define(&with("web", 1, MOUSE)).await, service.define(&with("mail", 2, MOUSE)).await);
    let (started, seen) = service.during(web.start(&START)).await;
    started.unwrap();
    assert_eq!(mouse.used_by().await.unwrap(), "web");
    assert!(seen.contains(&r#"device/usb_5f1_5f1: UsedBy="web""#.to_owned()), "{seen:#?}");
    // Which one it is stands in the document of the guest, and not in the definition.
    let live = web.get_xml(&XmlOptions::default()).await.unwrap();
    assert!(live.contains("<address bus='1' device='2'/>"), "{live}");
    let refused = mail.start(&START).await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("is in use by domain 'web'; stop that first")), "{refused:?}");
    assert_eq!(kind(refused), "InUse");
    let (stopped, seen) = service.during(web.destroy(&FORCE)).await;
    stopped.unwrap();
    assert!(seen.contains(&r#"device/usb_5f1_5f1: UsedBy="""#.to_owned()), "{seen:#?}");
    mail.start(&START).await.unwrap();
    assert_eq!(mouse.used_by().await.unwrap(), "mail");
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing_used() {
    let service = Service::on_machine(LAPTOP).await;
    let web = service.define(&with("web", 1, MOUSE)).await;
    service.driver.inject(Fault::Start);
    assert_eq!(kind(web.start(&START).await), "HypervisorFailed");
    assert_eq!(service.device("usb_1_1").await.used_by().await.unwrap(), "");
    service.driver.inject(Fault::Panic);
    web.start(&START).await.unwrap_err();
    assert_eq!(service.device("usb_1_1").await.used_by().await.unwrap(), "");
}

#[tokio::test]
async fn a_mediated_device_that_a_guest_has_is_not_removed() {
    let service = Service::on_machine(SERVER).await;
    service.started(&with("web", 1, MEDIATED)).await;
    let mediated = service.device("mdev_6fa8e0e4_5b54_4f0a_8c0e_0d1d8f7b8a2a_0000_81_00_0").await;
    let refused = mediated.destroy(&NONE).await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("is in use by domain 'web'")), "{refused:?}");
    assert_eq!(kind(refused), "InUse");
}

#[tokio::test]
async fn a_guest_does_without_what_it_can_do_without() {
    let service = Service::on_machine(LAPTOP).await;
    let absent = MOUSE.replace("0xfffe", "0x0001");
    assert_eq!(kind(service.define(&with("web", 1, &absent)).await.start(&START).await), "NotFound");
    for (policy, starts) in [("mandatory", false), ("requisite", false), ("optional", true)] {
        let device = absent.replace("<source>", &format!("<source startupPolicy='{policy}'>"));
        let web = service.define(&with("web", 1, &device)).await;
        assert_eq!(web.start(&START).await.is_ok(), starts, "{policy}");
    }
    let live = service.domain("web").await.get_xml(&XmlOptions::default()).await.unwrap();
    assert!(live.contains("missing='yes'"), "{live}");
}

#[tokio::test]
async fn a_later_service_knows_the_devices_of_guests_that_run_on() {
    let service = Service::on_machine(LAPTOP).await;
    sysfs_tree::build(&service.machine(), SERVER);
    service.started(&with("stays", 1, MOUSE)).await;
    service.started(&with("ends", 2, MEDIATED)).await;
    let service = service.restart_after(|_, driver| driver.lose(uuid(2))).await;
    assert_eq!(service.device("usb_1_1").await.used_by().await.unwrap(), "stays");
    let mediated = service.device("mdev_6fa8e0e4_5b54_4f0a_8c0e_0d1d8f7b8a2a_0000_81_00_0").await;
    assert_eq!(mediated.used_by().await.unwrap(), "");
    mediated.destroy(&NONE).await.unwrap();
    service.domain("stays").await.destroy(&FORCE).await.unwrap();
    assert_eq!(service.device("usb_1_1").await.used_by().await.unwrap(), "");
}
