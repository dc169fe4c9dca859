//! Devices of the host in guests of the packaged service, on a kernel with an IOMMU: a network card by VFIO and a USB tablet are
//! taken from the host, given to a confined guest whose firmware sees the card, and are back when the guest is over.

use lodge_dbus_interfaces::{BUS_NAME, NODE_DEVICE_INTERFACE, paths};
use lodge_tests::hosts::{Host, Vm, VmKind};
use lodge_tests::staging;

use super::confinement::label_for_selinux;

const WEB: &str = "a9bb4c68-7d9b-4d0a-8d0b-2f1d1a6c0011";
const DB: &str = "a9bb4c68-7d9b-4d0a-8d0b-2f1d1a6c0012";
/// The Ethernet address of the card, as the names of its interfaces end.
const CARD: &str = "_52_54_00_00_00_11";
/// The tablet, as QEMU makes it.
const TABLET: &str = "<vendor id='0x0627'/><product id='0x0001'/>";
/// How often something is looked at before it ought to be so; each look takes a tenth of a second.
const LOOKS: usize = 1000;

fn installed(kind: VmKind) -> Vm {
    let directory = tempfile::tempdir().unwrap();
    let package = staging::package(directory.path());
    let host = Vm::boot(kind);
    host.install_package(&package);
    host
}

fn lodgectl(host: &Vm, arguments: &[&str]) -> String {
    host.run(&[&["lodgectl"][..], arguments].concat()).success()
}

fn refusal(host: &Vm, arguments: &[&str]) -> String {
    host.run(&[&["lodgectl"][..], arguments].concat()).failure()
}

fn property(host: &Vm, device: &str, name: &str) -> String {
    let path = paths::device(device).to_string();
    host.run(&["busctl", "get-property", BUS_NAME, &path, NODE_DEVICE_INTERFACE, name]).success()
}

/// The names of the card's interface and of the card.
fn card(host: &Vm) -> (String, String) {
    let interfaces = lodgectl(host, &["nodedev-list", "--cap", "net"]);
    let interface = interfaces.lines().find(|name| name.ends_with(CARD)).unwrap_or_else(|| panic!("no card in {interfaces}")).to_owned();
    let card = property(host, &interface, "Parent");
    (interface, card.trim_start_matches("s \"").trim_end_matches('"').to_owned())
}

/// The driver of the card, as the service tells it and as it is.
fn driver(host: &Vm, card: &str) -> String {
    let told = property(host, card, "Driver");
    let link = format!("/sys/bus/pci/devices/{}/driver", address(card));
    let bound = host.run(&["sh", "-c", &format!("basename $(readlink {link})")]).success();
    assert_eq!(told, format!("s \"{bound}\""), "what the service tells of {card} is not so");
    bound
}

/// `0000:01:00.0` of `pci_0000_01_00_0`.
fn address(card: &str) -> String {
    let parts: Vec<&str> = card.split('_').skip(1).collect();
    format!("{}:{}:{}.{}", parts[0], parts[1], parts[2], parts[3])
}

/// The driver of the tablet's interface, and who owns its special file.
fn tablet(host: &Vm) -> String {
    let script = "for device in /sys/bus/usb/devices/*; do \
                  [ \"$(cat $device/idVendor 2>/dev/null)\" = 0627 ] || continue; \
                  echo $(basename \"$(readlink $device/*:1.0/driver)\") $(stat --format=%U /dev/$(sed -n s/DEVNAME=//p $device/uevent)); done";
    host.run(&["sh", "-c", script]).success()
}

/// Defines a guest that has a device; what its firmware sees stands in a file of its own.
fn define(host: &Vm, name: &str, uuid: &str, devices: &str) {
    let log = firmware_log(uuid);
    let document = format!(
        "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>{name}</name><uuid>{uuid}</uuid>
        <memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{devices}</devices>
        <qemu:commandline>
          <qemu:arg value='-chardev'/><qemu:arg value='file,id=firmware,path={log}'/>
          <qemu:arg value='-device'/><qemu:arg value='isa-debugcon,iobase=0x402,chardev=firmware'/>
        </qemu:commandline></domain>"
    );
    host.write("/tmp/guest.xml", &document);
    lodgectl(host, &["define", "/tmp/guest.xml"]);
}

fn firmware_log(uuid: &str) -> String {
    format!("/run/lodge/domains/{uuid}/sockets/firmware.log")
}

fn hostdev(card: &str, managed: &str) -> String {
    let parts: Vec<&str> = card.split('_').skip(1).collect();
    format!(
        "<hostdev mode='subsystem' type='pci' managed='{managed}'><source>
         <address domain='0x{}' bus='0x{}' slot='0x{}' function='0x{}'/></source></hostdev>",
        parts[0], parts[1], parts[2], parts[3]
    )
}

fn usb() -> String {
    format!("<hostdev mode='subsystem' type='usb'><source>{TABLET}</source></hostdev>")
}

/// An 82576 of Intel, and what it is divided into.
const PRODUCT: &str = "10c9";

/// Waits until the guest's firmware has seen a product of Intel's.
fn firmware_sees(host: &Vm, product: &str) {
    firmware_says(host, &format!("id=8086:{product}"));
}

fn firmware_says(host: &Vm, words: &str) {
    let says = |_| host.run(&["grep", "--fixed-strings", words, &firmware_log(WEB)]).status == 0;
    assert!((0..LOOKS).any(says), "{words} in {}", host.run(&["cat", &firmware_log(WEB)]).stdout);
}

fn process(host: &Vm, name: &str) -> String {
    host.run(&["pgrep", "--uid", "lodge-qemu", "--full", &format!("guest={name},")]).success()
}

/// The service dies, with what else is named.
fn kill(host: &Vm, others: &str) {
    let script =
        format!("pids=\"$(pidof lodged) {others}\"; kill -9 $pids; for pid in $pids; do while kill -0 $pid 2>/dev/null; do :; done; done");
    host.run(&["sh", "-c", &script]).success();
}

#[test]
fn a_card_goes_to_a_confined_guest_and_comes_back_whatever_ends() {
    let host = installed(VmKind::AppArmor);
    let (interface, card) = card(&host);
    moves_by_hand(&host, &interface, &card);

    define(&host, "web", WEB, &hostdev(&card, "no"));
    let unmanaged = refusal(&host, &["start", "web"]);
    assert!(unmanaged.contains(&format!("lodgectl nodedev-detach {card}, or write managed='yes'")), "{unmanaged}");
    define(&host, "web", WEB, &[hostdev(&card, "yes"), usb()].concat());
    define(&host, "db", DB, &hostdev(&card, "yes"));
    lodgectl(&host, &["start", "web"]);
    firmware_sees(&host, PRODUCT);
    it_is_the_guests(&host, &card);
    the_kernel_confines(&host, &card);

    // A service that comes later knows it still.
    kill(&host, "");
    it_is_the_guests(&host, &card);
    lodgectl(&host, &["destroy", "web"]);
    it_is_the_hosts(&host, &card);

    // It ends while nobody looks.
    lodgectl(&host, &["start", "web"]);
    assert_eq!(driver(&host, &card), "vfio-pci");
    kill(&host, &process(&host, "web"));
    it_is_the_hosts(&host, &card);

    // It never begins: QEMU knows no such option.
    let broken = "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>broken</name><memory>65536</memory>
                  <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>DEVICES</devices><qemu:commandline>
                  <qemu:arg value='-device'/><qemu:arg value='no-such-device'/></qemu:commandline></domain>";
    host.write("/tmp/broken.xml", &broken.replace("DEVICES", &[hostdev(&card, "yes"), usb()].concat()));
    refusal(&host, &["create", "/tmp/broken.xml"]);
    it_is_the_hosts(&host, &card);
    a_function_is_held_to_its_guests_address_and_tag(&host, &interface, &card);
    a_scsi_unit_is_the_guests(&host);
}

/// A disk that the kernel makes up.
fn a_scsi_unit_is_the_guests(host: &Vm) {
    host.run(&["modprobe", "--all", "sg", "scsi_debug"]).success();
    host.run(&["udevadm", "settle"]).success();
    let unit =
        host.run(&["sh", "-c", "basename $(dirname $(grep --files-with-matches scsi_debug /sys/bus/scsi/devices/*/model))"]).success();
    let [adapter, bus, target, lun] = unit.split(':').collect::<Vec<_>>()[..] else { panic!("{unit} is no SCSI unit") };
    let file = host.run(&["sh", "-c", &format!("echo /dev/$(ls /sys/bus/scsi/devices/{unit}/scsi_generic)")]).success();
    let device = format!(
        "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host{adapter}'/>
         <address bus='{bus}' target='{target}' unit='{lun}'/></source></hostdev>"
    );
    define(host, "web", WEB, &device);
    lodgectl(host, &["start", "web"]);
    let name = format!("scsi_{}", unit.replace(':', "_"));
    assert_eq!(property(host, &name, "UsedBy"), "s \"web\"");
    assert_eq!(host.run(&["stat", "--format=%U", &file]).success(), "lodge-qemu");
    firmware_says(host, "product='scsi_debug");
    lodgectl(host, &["destroy", "web"]);
    assert_eq!(property(host, &name, "UsedBy"), "s \"\"");
    assert_eq!(host.run(&["stat", "--format=%U", &file]).success(), "root");
}

/// The card is divided, and the guest has a part of it as its interface.
fn a_function_is_held_to_its_guests_address_and_tag(host: &Vm, interface: &str, card: &str) {
    let functions = format!("/sys/bus/pci/devices/{}", address(card));
    host.run(&["sh", "-c", &format!("echo 1 >{functions}/sriov_numvfs; udevadm settle")]).success();
    let function = host.run(&["sh", "-c", &format!("basename $(readlink {functions}/virtfn0)")]).success();
    let function = format!("pci_{}", function.replace([':', '.'], "_"));
    assert_eq!(driver(host, &function), "igbvf");
    let network = interface.strip_prefix("net_").unwrap().strip_suffix(CARD).unwrap();
    let shown = || host.run(&["ip", "link", "show", "dev", network]).success();
    let before = shown();
    let source = hostdev(&function, "yes").replace("<hostdev mode='subsystem' type='pci'", "<interface type='hostdev'");
    let source = source.replace("<address domain", "<address type='pci' domain");
    let guests = "<mac address='52:54:00:aa:00:01'/><vlan><tag id='42'/></vlan></interface>";
    define(host, "web", WEB, &source.replace("</hostdev>", guests));
    lodgectl(host, &["start", "web"]);
    let held = shown();
    assert!(held.contains("52:54:00:aa:00:01") && held.contains("vlan 42"), "{held}");
    assert_eq!(driver(host, &function), "vfio-pci");
    firmware_sees(host, "10ca");
    lodgectl(host, &["destroy", "web"]);
    assert_eq!(driver(host, &function), "igbvf");
    assert_eq!(shown(), before);
}

/// Without a guest: to VFIO, reset, and back.
fn moves_by_hand(host: &Vm, interface: &str, card: &str) {
    assert_eq!(driver(host, card), "igb");
    let group = property(host, card, "IommuGroup");
    assert!(group.trim_start_matches("i ").parse::<u32>().is_ok(), "{group}");
    assert!(lodgectl(host, &["nodedev-dumpxml", card]).contains(&format!("<iommuGroup number='{}'>", group.trim_start_matches("i "))));
    lodgectl(host, &["nodedev-detach", card]);
    assert_eq!(driver(host, card), "vfio-pci");
    assert!(refusal(host, &["nodedev-info", interface]).contains("there is no device"));
    lodgectl(host, &["nodedev-reset", card]);
    lodgectl(host, &["nodedev-reattach", card]);
    assert_eq!(driver(host, card), "igb");
}

fn it_is_the_guests(host: &Vm, card: &str) {
    assert_eq!(driver(host, card), "vfio-pci");
    assert_eq!(property(host, card, "UsedBy"), "s \"web\"");
    let in_use = format!("'{card}' is in use by domain 'web'");
    for arguments in [&["start", "db"][..], &["nodedev-reattach", card], &["nodedev-reset", card, "--force"], &["nodedev-detach", card]] {
        let refused = refusal(host, arguments);
        assert!(refused.contains(&in_use), "{arguments:?}: {refused}");
    }
    let tablet = tablet(host);
    assert!(tablet.ends_with("lodge-qemu") && !tablet.contains("usbhid"), "{tablet}");
}

fn it_is_the_hosts(host: &Vm, card: &str) {
    assert_eq!(property(host, card, "UsedBy"), "s \"\"");
    assert_eq!(driver(host, card), "igb");
    assert_eq!(tablet(host), "usbhid root");
}

/// QEMU has its own group's file and its own device's, may lock the guest's memory and no more than libvirt documents beside it,
/// and misses nothing.
fn the_kernel_confines(host: &Vm, card: &str) {
    let pid = process(host, "web");
    let group = property(host, card, "IommuGroup");
    let file = format!("/dev/vfio/{}", group.trim_start_matches("i "));
    let open = host.run(&["sh", "-c", &format!("readlink /proc/{pid}/fd/*")]).success();
    assert!(open.lines().any(|path| path == file) && open.contains("/dev/bus/usb/"), "{file} in {open}");
    assert_eq!(host.run(&["stat", "--format=%U", &file]).success(), "lodge-qemu");
    let limits = host.run(&["cat", &format!("/proc/{pid}/limits")]).success();
    let locked = limits.lines().find(|line| line.starts_with("Max locked memory")).unwrap();
    assert!(locked.contains(&((64 + 1024) << 20_u64).to_string()), "{locked}");
    let scope = host.run(&["systemctl", "show", "--property=DeviceAllow", "lodge-qemu-web.scope"]).success();
    let number = host.run(&["stat", "--format=%Hr:%Lr", &file]).success();
    assert!(scope.contains(&format!("/dev/char/{number} rw")), "{number} in {scope}");
    let refused = host.run(&["grep", "apparmor=\"DENIED\".*comm=\"qemu-system-x86\"", "/var/log/audit/audit.log"]);
    assert_eq!(refused.stdout, "");
}

#[test]
fn under_selinux_a_guest_has_its_devices_too() {
    let host = installed(VmKind::SeLinux);
    label_for_selinux(&host);
    host.run(&["setsebool", "virt_use_vfio", "on"]).success();
    host.run(&["setsebool", "virt_use_usb", "on"]).success();
    let (interface, card) = card(&host);
    moves_by_hand(&host, &interface, &card);
    define(&host, "web", WEB, &[hostdev(&card, "yes"), usb()].concat());
    define(&host, "db", DB, &hostdev(&card, "yes"));
    lodgectl(&host, &["start", "web"]);
    firmware_sees(&host, PRODUCT);
    it_is_the_guests(&host, &card);
    let denials = host.run(&["grep", "denied", "/var/log/audit/audit.log"]).stdout;
    let denials: Vec<&str> = denials.lines().filter(|line| line.contains("virtd_t") || line.contains("svirt")).collect();
    assert!(!denials.iter().any(|line| line.contains("vfio") || line.contains("uevent") || line.contains("usb")), "{denials:#?}");
    lodgectl(&host, &["destroy", "web"]);
    it_is_the_hosts(&host, &card);
}
