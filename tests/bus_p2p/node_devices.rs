//! Devices of the host: a machine of our own making on the bus, and what is refused there.

use lodge_dbus_interfaces::options::{DetachOptions, ResetOptions};
use lodge_dbus_interfaces::{NODE_DEVICE_INTERFACE, paths};
use lodge_tests::sysfs_tree;
use zbus::Variant;

use super::service::{NONE, Service, kind};

const LAPTOP: &str = include_str!("../fixtures/sysfs/laptop.txt");
const SERVER: &str = include_str!("../fixtures/sysfs/server.txt");

#[tokio::test]
async fn devices_are_objects_with_their_properties() {
    let service = Service::on_machine(LAPTOP).await;
    let disk = service.device("block_sda_ST9160823AS_5NK0E6JX").await;
    assert_eq!(disk.parent().await.unwrap(), "scsi_0_0_0_0");
    assert_eq!(disk.capabilities().await.unwrap(), ["storage"]);
    assert_eq!(disk.device_files().await.unwrap()[0], "/dev/sda");
    assert_eq!((disk.vendor().await.unwrap(), disk.product().await.unwrap()), ("ATA".to_owned(), "ST9160823AS".to_owned()));
    let adapter = service.device("pci_0000_00_19_0").await;
    assert_eq!(adapter.product().await.unwrap(), "82567LM Gigabit Network Connection");
    assert_eq!((adapter.driver().await.unwrap(), adapter.iommu_group().await.unwrap()), ("e1000e".to_owned(), -1));
    let xml = service.device("computer").await.get_xml(&NONE).await.unwrap();
    assert!(xml.contains("<product>2241B36</product>") && xml.contains("<version>6FET82WW (3.12 )</version>"), "{xml}");
    let objects = service.objects().await;
    let group = |name: &str| objects[&paths::device(name)][NODE_DEVICE_INTERFACE]["IommuGroup"].clone();
    assert_eq!(*group("pci_0000_00_19_0"), Variant::from(-1));
    assert_eq!(objects.values().filter(|interfaces| interfaces.contains_key(NODE_DEVICE_INTERFACE)).count(), 26);
}

#[tokio::test]
async fn capabilities_tell_what_a_device_can_do_besides() {
    let service = Service::on_machine(SERVER).await;
    for (name, expected) in [
        ("pci_0000_06_00_0", "pci virt_functions"),
        ("pci_0000_06_10_0", "pci phys_function"),
        ("pci_0000_81_00_0", "pci mdev_types"),
        ("pci_0000_00_01_0", "pci pci-bridge"),
        ("scsi_host5", "scsi_host fc_host vport_ops"),
        ("scsi_target5_0_1", "scsi_target fc_remote_port"),
        ("vdpa_vdpa0", "vdpa"),
    ] {
        assert_eq!(service.device(name).await.capabilities().await.unwrap().join(" "), expected, "{name}");
    }
    assert_eq!(service.device("pci_0000_06_10_0").await.iommu_group().await.unwrap(), 31);
}

#[tokio::test]
async fn what_a_call_finds_changed_is_signalled_before_its_reply() {
    let service = Service::on_machine(SERVER).await;
    let mediated = service.device("mdev_6fa8e0e4_5b54_4f0a_8c0e_0d1d8f7b8a2a_0000_81_00_0").await;
    sysfs_tree::build(&service.machine(), "device devices/virtual/net/vnet0 in class/net\naddress = fe:54:00:00:00:01\n");
    let (_, seen) = service.during(mediated.destroy(&NONE)).await;
    let place = format!("{}", paths::device("net_vnet0_fe_54_00_00_00_01"));
    let place = place.strip_prefix("/org/lodge/Lodge1/").unwrap();
    assert_eq!(seen, [format!("+ {place} NodeDevice"), "reply".to_owned()]);
    assert_eq!(
        std::fs::read_to_string(service.machine().join("sys/devices/pci0000:80/0000:81:00.0/6fa8e0e4-5b54-4f0a-8c0e-0d1d8f7b8a2a/remove"))
            .unwrap(),
        "1"
    );
}

#[tokio::test]
async fn refusals_have_their_kinds() {
    let service = Service::on_machine(LAPTOP).await;
    let manager = service.manager().await;
    assert_eq!(kind(manager.get_device("pci_0000_ff_00_0").await), "NotFound");
    assert_eq!(kind(manager.create_device("<device><capability type='mdev'/></device>", &NONE).await), "InvalidXml");
    let controller = service.device("pci_0000_00_1f_2").await;
    let refused = controller.detach(&DetachOptions::default()).await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("sda1 on it has the file system at /")), "{refused:?}");
    assert_eq!(kind(refused), "InUse");
    assert_eq!(kind(controller.reset(&ResetOptions::default()).await), "InUse");
    assert_eq!(kind(controller.reset(&ResetOptions { force: true }).await), "NotSupported");
    assert_eq!(kind(controller.destroy(&NONE).await), "NotSupported");
    assert_eq!(kind(service.device("usb_1_1").await.reattach(&NONE).await), "NotSupported");
    let other = DetachOptions { driver: "/bin/sh".to_owned(), force: false };
    assert_eq!(kind(service.device("pci_0000_00_1a_0").await.detach(&other).await), "InvalidArgument");
}
