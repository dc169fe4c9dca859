//! Definitions that cannot be completed, and what is said about them.

use super::{completed, guest};

/// Machine, devices, and parts of the sentence that must be there.
const CASES: &[(&str, &str, &[&str])] = &[
    ("q35", "<disk><target dev='hda' bus='ide'/></disk>", &["disk 'hda'", "bus='sata'"]),
    ("pc", "<disk><target dev='xvda'/></disk>", &["disk 'xvda'", "bus='virtio'"]),
    ("pc", "<disk/>", &["disk number 1", "<target dev='vda'"]),
    ("pc", "<disk><target dev='vda'/></disk><disk><target dev='vda'/></disk>", &["two disks", "'vda'"]),
    ("pc", "<disk><target dev='fda' bus='fdc'/></disk>", &["disk 'fda'", "device='floppy'"]),
    (
        "pc",
        "<disk><target dev='hda'/></disk><disk><target dev='hdb'/></disk><disk><target dev='hdc'/></disk>\
         <disk><target dev='hdd'/></disk><disk><target dev='hde'/></disk>",
        &["no room for disk 'hde'", "bus='sata'"],
    ),
    (
        "pc",
        "<disk><target dev='hda'/><address type='drive' unit='1'/></disk><disk><target dev='hdb'/><address type='drive' unit='1'/></disk>",
        &["disk 'hda' and disk 'hdb'", "unit 1"],
    ),
    (
        "pc",
        "<disk><target dev='hda'/><address type='drive' bus='2'/></disk>",
        &["disk 'hda'", "bus='2'", "highest on this ide controller is 1"],
    ),
    ("q35", "<disk><target dev='sda' bus='sata'/><address type='drive' controller='4000000000'/></disk>", &["disk 'sda'", "controller"]),
    (
        "pc",
        "<disk><target dev='vda'/><address type='pci' slot='5'/></disk><sound model='es1370'><address type='pci' slot='5'/></sound>",
        &["disk 'vda' and <sound> number 1", "0000:00:05.0"],
    ),
    ("pc", "<disk><target dev='vda'/><address type='pci' slot='1' function='3'/></disk>", &["disk 'vda'", "the power management"]),
    ("q35", "<disk><target dev='vda'/><address type='pci' slot='0x1f' function='3'/></disk>", &["disk 'vda'", "the SMBus controller"]),
    ("q35", "<disk><target dev='vda'/><address type='pci' bus='0x100' slot='0'/></disk>", &["pci controller 256", "255"]),
    ("q35", "<disk><target dev='vda'/><address type='pci' bus='7' slot='2'/></disk>", &["disk 'vda'", "bus 7 has the slots 0x0 to 0x0"]),
    ("q35", "<disk><target dev='vda'/><address type='pci' bus='0xff' slot='0'/></disk>", &["no PCI slot left"]),
    ("q35", "<disk><target dev='vda'/><address type='pci' bus='0' slot='0x20'/></disk>", &["disk 'vda'", "0x1f"]),
    ("q35", "<disk><target dev='vda'/><address type='pci' bus='0' slot='3' function='8'/></disk>", &["disk 'vda'", "functions 0 to 7"]),
    (
        "q35",
        "<controller type='pci' index='1' model='pcie-root-port'/><disk><target dev='vda'/><address type='pci' bus='1' slot='1'/></disk>",
        &["disk 'vda'", "bus 1 has the slots 0x0 to 0x0"],
    ),
    ("pc", "<disk><target dev='vda'/><address type='pci' domain='1' slot='3'/></disk>", &["disk 'vda'", "domain 0 only"]),
    (
        "pc",
        "<disk><target dev='vda'/><address type='pci' slot='5' multifunction='off'/></disk>\
         <disk><target dev='vdb'/><address type='pci' slot='5' function='1'/></disk>",
        &["disk 'vda' and disk 'vdb'", "multifunction='off'"],
    ),
    (
        "pc",
        "<controller type='ide' index='0'><address type='pci' slot='7'/></controller>",
        &["ide controller 0", "part of the machine", "0000:00:01.1"],
    ),
    ("pc", "<controller type='pci' index='0' model='pcie-root'/>", &["model='pci-root'"]),
    ("q35", "<controller type='pci' index='0' model='pcie-root-port'/>", &["machine's root", "another index"]),
    ("q35", "<controller type='pci' index='3' model='pcie-root'/>", &["only one", "index='0'"]),
    (
        "pc",
        "<controller type='usb' index='0' model='piix3-uhci'/><controller type='usb' index='0' model='qemu-xhci'/>",
        &["two usb controllers", "number 0"],
    ),
    ("pc", "<controller type='scsi' index='256'/>", &["scsi controller 256", "255"]),
    ("pc", "<controller type='usb' model='none'/><input type='tablet'/>", &["<input> number", "USB is off"]),
    (
        "pc",
        "<input type='tablet'><address type='usb' bus='0' port='1'/></input><input type='mouse' bus='usb'><address type='usb' port='1'/></input>",
        &["both on port 1"],
    ),
    ("pc", "<input type='tablet'><address type='usb' bus='0' port='9'/></input>", &["port '9'", "ports 1 to 2"]),
    ("pc", "<input type='tablet'><address type='usb' bus='3' port='1'/></input>", &["no USB controller 3"]),
    (
        "pc",
        "<channel><target type='virtio' name='a'/><address type='virtio-serial' port='1'/></channel>\
         <channel><target type='virtio' name='b'/><address type='virtio-serial' port='1'/></channel>",
        &["<channel> number 1 and <channel> number 2", "port 1"],
    ),
    ("pc", "<channel><target type='virtio' name='a'/><address type='virtio-serial' port='0'/></channel>", &["ports 1 to 30"]),
    ("pc", "<serial><target port='0'/></serial><serial><target port='0'/></serial>", &["two serial ports", "number 0"]),
    ("pc", "<interface type='user'><mac address='01:00:5e:00:00:01'/></interface>", &["01:00:5e:00:00:01", "group"]),
    ("microvm", "", &["machine type 'microvm'", "machine='q35'"]),
];

#[test]
fn contradictions_are_named_with_both_sides() {
    for (machine, devices, parts) in CASES {
        let Err(error) = completed(&guest(machine, devices)) else { panic!("{machine}, {devices}: was completed") };
        let sentence = error.to_string();
        for part in *parts {
            assert!(sentence.contains(part), "{devices}: expected {part:?} in: {sentence}");
        }
    }
}

#[test]
fn other_architectures_and_kinds_are_refused() {
    let other = guest("virt", "").replace("x86_64", "aarch64");
    assert!(completed(&other).unwrap_err().to_string().contains("'aarch64'"));
    let paravirtual = guest("pc", "").replace(">hvm<", ">linux<");
    assert!(completed(&paravirtual).unwrap_err().to_string().contains("write hvm"));
    let empty = guest("pc", "").replace("<memory unit='MiB'>512</memory>", "");
    assert!(completed(&empty).unwrap_err().to_string().contains("no memory"));
}
