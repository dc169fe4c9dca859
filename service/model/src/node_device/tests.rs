//! Devices: fixtures, errors with their place, and what is told.

mod generated;
mod nested;
mod views;

use super::*;
use crate::testing::problems::are_told;
use crate::testing::{damage, fixtures};

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<NodeDevice>("node-device", 40);
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<NodeDevice>("node-device");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<NodeDevice>("node-device");
}

fn devices() -> Vec<NodeDevice> {
    fixtures::files("node-device").iter().map(|file| NodeDevice::parse(&fixtures::text(file)).unwrap().0).collect()
}

#[test]
fn every_type_has_a_fixture() {
    let devices = devices();
    let capabilities = || devices.iter().flat_map(|device| &device.capabilities);
    for kind in CapabilityType::ALL {
        assert!(capabilities().any(|capability| capability.known_type() == Some(*kind)), "no fixture of the type {kind}");
    }
    for kind in NestedType::ALL {
        assert!(capabilities().any(|capability| capability.has(*kind)), "no fixture with a capability of the type {kind}");
    }
}

#[test]
fn every_valid_device_has_a_view() {
    for device in devices() {
        assert!(device.view().is_ok(), "{device:?}: {:?}", device.view());
    }
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("<devices/>", "/devices, line 1, column 1: expected <device>, found <devices>"),
        (
            "<device><devnode>/dev/sda</devnode></device>",
            "/device/devnode, line 1, column 9: expected the attribute type (one of 'dev', 'link')",
        ),
        (
            "<device><capability type='pci'>\n<slot>-1</slot></capability></device>",
            "/device/capability/slot, line 2, column 1: expected a number from 0 to 4294967295, found '-1'",
        ),
        (
            "<device><capability type='pci'><product id='0x10c99'/></capability></device>",
            "/device/capability/product/@id, line 1, column 41: expected up to four hexadecimal digits such as 0x10c9, found '0x10c99'",
        ),
        (
            "<device><capability><vendor id='+1'/></capability></device>",
            "/device/capability/vendor/@id, line 1, column 29: expected up to four",
        ),
        (
            "<device><capability type='mdev'><uuid>7</uuid></capability></device>",
            "/device/capability/uuid, line 1, column 33: expected a UUID such as ",
        ),
        (
            "<device><capability><iommuGroup number='1'><address bus='x'/></iommuGroup></capability></device>",
            "/device/capability/iommuGroup/address/@bus, line 1, column 53: expected a number such as 0x1f or 31, found 'x'",
        ),
        (
            "<device><capability><link state='sideways'/></capability></device>",
            "/device/capability/link/@state, line 1, column 27: expected one of 'unknown', 'notpresent', 'down', ",
        ),
        (
            "<device><capability><capability><fields access='all'/></capability></capability></device>",
            "/device/capability/capability/fields/@access, line 1, column 41: expected one of 'readonly', 'readwrite', found 'all'",
        ),
        (
            "<device><capability><attr name='a'/></capability></device>",
            "/device/capability/attr, line 1, column 21: expected the attribute value (text)",
        ),
    ] {
        let error = NodeDevice::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

#[test]
fn what_belongs_to_no_type_in_particular_is_told() {
    let long = format!("<device><name>{}</name><capability type='system'/></device>", "a".repeat(201));
    are_told::<NodeDevice>(&[
        (
            "<device/>",
            "/device/name: write <name>
             /device/capability: write <capability type='…'>, such as pci",
        ),
        ("<device><name>a</name><capability/></device>", "/device/capability/@type: it is not said; write one of 'system', 'pci'"),
        (
            "<device><name>a</name><capability type='tape'/></device>",
            "/device/capability/@type: 'tape' is not known here; write one of 'system'",
        ),
        ("<device><name/><capability type='system'/></device>", "/device/name: the name is empty"),
        ("<device><name>a/b</name><capability type='system'/></device>", "/device/name: '/'"),
        (
            "<device><name>net eth1</name><capability type='system'/></device>",
            "/device/name: holds the character ' '; write letters, digits, _ and - alone",
        ),
        ("<device><name>scsi-host_2</name><capability type='system'/></device>", ""),
        (&long, "/device/name: has 201 bytes"),
        (
            "<device><name>a</name><path>devices/a</path><devnode type='dev'>sda</devnode><devnode type='link'/><capability type='system'/></device>",
            "/device/path: 'devices/a' is not an absolute path
             /device/devnode[1]: 'sda' is not an absolute path
             /device/devnode[2]: '' is not an absolute path",
        ),
        (
            "<device><name>a</name><devnode type='dev'>sda</devnode><capability type='system'/></device>",
            "/device/devnode: not an absolute path",
        ),
        ("<device><name>a</name><parent/><capability type='system'/></device>", "/device/parent: write the name of that, such as pci_"),
        (
            "<device><name>a</name><capability type='system'/><capability type='ap_card'/></device>",
            "/device/capability[2]/ap-adapter: needs its ap-adapter; write <ap-adapter>…</ap-adapter> with a number from 0 to 255",
        ),
    ]);
}

#[test]
fn what_a_device_is_on_is_said_in_one_way() {
    let adapter = |parent: &str| format!("<device>{parent}<capability type='scsi_host'><capability type='fc_host'/></capability></device>");
    for (parent, expected) in [
        ("", ""),
        ("<parent>scsi_host5</parent>", ""),
        ("<parent wwnn='20000024ff4b1c82' wwpn='21000024ff4b1c82'/>", ""),
        ("<parent fabric_wwn='100000051e0ab3d4'/>", ""),
        ("<parent wwnn='20000024ff4b1c82'/>", "/device/parent/@wwpn: a world wide name is missing here; write 16"),
        ("<parent fabric_wwn='1000'/>", "/device/parent/@fabric_wwn: '1000' is no world wide name; write 16"),
        ("<parent fabric_wwn='100000051e0ab3d4'>scsi_host5</parent>", "/device/parent: said in several ways; keep the name, or both"),
    ] {
        are_told::<NodeDevice>(&[(&adapter(parent), expected)]);
    }
    let disk =
        "<device><name>a</name><parent fabric_wwn='100000051e0ab3d4'/><capability type='drm'><type>render</type></capability></device>";
    are_told::<NodeDevice>(&[(disk, "/device/parent: world wide names are for the parent of a virtual adapter; write the name")]);
}

#[test]
fn devices_to_be_made_may_leave_out_what_they_get() {
    let mdev = |outer: &str, inner: &str| format!("<device>{outer}<capability type='mdev'>{inner}</capability></device>");
    for (text, expected) in [
        (mdev("<parent>pci_0000_00_02_0</parent>", "<type id='nvidia-11'/>"), ""),
        (mdev("", "<type id='nvidia-11'/><parent_addr>0000:00:02.0</parent_addr>"), ""),
        (mdev("", "<type id='a'/><parent_addr>../0000:00:02.0</parent_addr>"), "/device/capability/parent_addr: is no address of a device"),
        (mdev("<parent>a</parent>", "<type id='a'/><parent_addr/>"), "/device/capability/parent_addr: '' is no address of a device"),
        (
            mdev("", "<type id='nvidia-11'/>"),
            "/device/parent: it is not said what the mediated device is made on; write <parent>…</parent> with the name of that",
        ),
        (mdev("<parent/>", "<type id='a'/>"), "/device/parent: it is not said what the device is on"),
        (mdev("<parent wwnn='20000024ff4b1c82' wwpn='21000024ff4b1c82'/>", "<type id='a'/>"), "/device/parent: world wide names are for"),
        (mdev("<parent>a</parent>", ""), "/device/capability/type: needs the type that it is of; write <type id='…'/>"),
        (mdev("<parent>a</parent>", "<type>nvidia-11</type>"), "/device/capability/type: write <type id='…'/>"),
        (mdev("<parent>a</parent>", "<type id='../reset'/>"), "/device/capability/type/@id: '../reset' is no type of mediated device"),
        (mdev("<parent>a</parent>", "<type id=''/>"), "/device/capability/type/@id: '' is no type of mediated device"),
        (
            mdev(
                "<parent>a</parent>",
                "<type id='a'/><attr name='b/c' value=''/><attr name='../remove' value='1'/><attr name='/sys' value='1'/>",
            ),
            "/device/capability/attr[2]/@name: '../remove' is no attribute of a mediated device; write its path below the device
             /device/capability/attr[3]/@name: '/sys' is no attribute",
        ),
    ] {
        are_told::<NodeDevice>(&[(&text, expected)]);
    }
}
