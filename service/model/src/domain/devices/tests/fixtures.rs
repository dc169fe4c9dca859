//! Reading a fixture finds nothing odd, and writing it gives the same text.

use crate::domain::devices::*;
use crate::xml::{read_document, write_document};

/// Reads `<devices>`, checks that reading what is written gives the same, and returns the text
/// written and the warnings.
pub fn round_trip(text: &str) -> (String, Vec<String>) {
    let (devices, warnings) = read_document::<Devices>(text, "devices").unwrap();
    let written = write_document(&devices, "devices");
    let (again, _) = read_document::<Devices>(&written, "devices").unwrap();
    assert_eq!(devices, again, "read(write(x)) == x");
    (written, warnings.iter().map(ToString::to_string).collect())
}

macro_rules! fixtures {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!($name, ".xml")))),*] };
}

pub const FIXTURES: &[(&str, &str)] = fixtures!["character" "controller" "disk" "host" "interface" "platform" "simple"];

#[test]
fn fixtures_are_understood_and_kept() {
    for (name, text) in FIXTURES {
        let (written, warnings) = round_trip(text);
        assert_eq!(warnings, Vec::<String>::new(), "{name}.xml");
        for (number, (found, expected)) in written.lines().zip(text.lines()).enumerate() {
            assert_eq!(found, expected, "{name}.xml, line {}", number + 1);
        }
        assert_eq!(written.len(), text.len(), "{name}.xml");
    }
}

#[test]
fn other_spellings_are_normalized() {
    for (text, expected) in [
        // A Xen document of old: no bus, no type, a terminal's path on the console.
        ("<disk type='file'><source file='/a.img'/><target dev='sda1'/></disk>", ""),
        ("<disk type=\"file\" device=\"disk\"><driver name=\"tap\" type=\"aio\"/><target dev=\"xvda\" bus=\"xen\"/></disk>", ""),
        ("<console tty='/dev/pts/5'/>", ""),
        ("<graphics type='vnc' port='-1' keymap='de'/>", ""),
        ("<input type='mouse' bus='xen'/>", ""),
        (
            "<rng><backend model='egd' type='unix'>\n <source path='/s'/> </backend></rng>",
            "<rng><backend model='egd' type='unix'><source path='/s'/></backend></rng>",
        ),
        ("<shmem name='a'><size unit='M'>4</size></shmem>", "<shmem name='a'><size unit='bytes'>4194304</size></shmem>"),
        (
            "<memory model='dimm'><target><size>1024</size></target></memory>",
            "<memory model='dimm'><target><size unit='KiB'>1024</size></target></memory>",
        ),
        // Numbers get the notation of their field, parts the order of the format.
        (
            "<interface type='bridge'><source bridge='xenbr0'/><mac address='AA-0-0:00:00:11'/></interface>",
            "<interface type='bridge'><mac address='aa:00:00:00:00:11'/><source bridge='xenbr0'/></interface>",
        ),
        (
            "<controller type='usb'><address slot='1' function='0' type='pci' bus='0' domain='0'/></controller>",
            "<controller type='usb'><address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/></controller>",
        ),
        (
            "<serial type='pty'><address type='isa' irq='4' iobase='0x3F8'/></serial>",
            "<serial type='pty'><address type='isa' iobase='0x3f8' irq='0x4'/></serial>",
        ),
    ] {
        let (written, warnings) = round_trip(&format!("<devices>{text}</devices>"));
        assert_eq!(warnings, Vec::<String>::new(), "{text}");
        let expected = if expected.is_empty() { text.replace('"', "'") } else { expected.to_owned() };
        let flat = written.lines().map(str::trim).collect::<String>();
        assert_eq!(flat, format!("<devices>{expected}</devices>"));
    }
}

#[test]
fn order_and_unknown_devices_are_kept() {
    let text = "<devices><rng model='virtio'/><teleporter to='mars'/><disk/><rng/></devices>";
    let (written, warnings) = round_trip(text);
    assert_eq!(written.lines().map(str::trim).collect::<String>(), text);
    assert_eq!(warnings, ["/devices/teleporter, line 1, column 31: is not understood; it is kept as it is"]);
}

#[test]
fn values_that_are_none_are_refused_with_the_place() {
    for (text, expected) in [
        (
            "<disk device='tape'/>",
            "/devices/disk/@device, line 1, column 16: expected one of 'disk', 'cdrom', 'floppy', 'lun', found 'tape'",
        ),
        ("<interface type='user'><mac address='52:54:00:00:00'/></interface>", "expected an Ethernet address such as 52:54:00:6b:3c:58"),
        ("<rng><address type='moon'/></rng>", "expected the attribute type to be one of 'pci', 'drive',"),
        ("<rng><address/></rng>", "expected the attribute type"),
        ("<controller index='0'/>", "/devices/controller, line 1, column 10: expected the attribute type (one of 'ide',"),
    ] {
        let error = read_document::<Devices>(&format!("<devices>{text}</devices>"), "devices").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
