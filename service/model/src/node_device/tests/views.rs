//! What each type needs, and what it is told when that is missing.

use super::*;
use crate::domain::devices::PciAddress;
use crate::fibre_channel::AdapterParent;

/// A device named `a` that is one thing.
fn device(kind: &str, elements: &str) -> String {
    format!("<device><name>a</name><capability type='{kind}'>{elements}</capability></device>")
}

/// Checks what is told of capabilities of a type; paths are those inside of the capability.
fn told(kind: &str, cases: &[(&str, &str)]) {
    for (elements, expected) in cases {
        let expected: Vec<String> = expected.lines().map(|line| format!("/device/capability/{}", line.trim())).collect();
        are_told::<NodeDevice>(&[(&device(kind, elements), &expected.join("\n"))]);
    }
}

#[test]
fn a_host_needs_nothing() {
    told("system", &[("", ""), ("<hardware/><firmware/>", "")]);
    told("ap_matrix", &[("", "")]);
}

#[test]
fn functions_of_pci_need_address_product_and_vendor() {
    const IDS: &str = "<product id='0x10c9'/><vendor id='0x8086'/>";
    const PLACE: &str = "<domain>0</domain><bus>0</bus><slot>0</slot><function>0</function>";
    let with = |elements: &str| format!("{PLACE}{IDS}{elements}");
    for (elements, expected) in [
        (with(""), ""),
        (
            String::new(),
            "domain: needs its domain; write <domain>…</domain> with a number from 0 to 4294967295
             bus: needs its bus; write <bus>…</bus> with a number from 0 to 255
             slot: needs its slot; write <slot>…</slot> with a number from 0 to 31
             function: needs its function; write <function>…</function> with a number from 0 to 7
             product: needs the number of its product; write <product id='0x…'/>
             vendor: needs the number of its vendor; write <vendor id='0x…'/>",
        ),
        (
            format!("<domain>65536</domain><bus>256</bus><slot>32</slot><function>8</function>{IDS}"),
            "bus: 256 is too much; write a number from 0 to 255
             slot: 32 is too much; write a number from 0 to 31
             function: 8 is too much; write a number from 0 to 7",
        ),
        (
            format!("<domain>0</domain><bus>left</bus><slot>0</slot><function>0</function>{IDS}"),
            "bus: 'left' is no decimal number; write one from 0 to 255",
        ),
        (
            format!("{PLACE}<product/><vendor>Intel</vendor>"),
            "product/@id: needs the number of its product; write <product id='0x…'/>
             vendor/@id: needs the number of its vendor",
        ),
        (with("<class>0x1020000</class>"), "class: has three bytes; write six hexadecimal digits, such as 0x020000"),
        (with("<class>131072</class>"), "class: write six hexadecimal digits"),
        (
            format!("<domain>0</domain><bus>0x3b</bus><slot>0x1f</slot><function>0</function>{IDS}"),
            "bus: '0x3b' is no decimal number; write one from 0 to 255",
        ),
        (
            with(
                "<iommuGroup number='1'><address domain='0x10000' bus='0x1' slot='0x1' function='0x1'/><address bus='0x100' slot='0x20' function='8'/></iommuGroup>",
            ),
            "iommuGroup/address[2]/@domain: the address has no domain; write domain='…', from 0 to 0xffffffff
             iommuGroup/address[2]/@bus: 0x100 is too much; write a number from 0 to 0xff
             iommuGroup/address[2]/@slot: 0x20 is too much; write a number from 0 to 0x1f
             iommuGroup/address[2]/@function: 0x8 is too much; write a number from 0 to 0x7",
        ),
    ] {
        told("pci", &[(&elements, expected)]);
    }
}

#[test]
fn usb_needs_numbers() {
    told(
        "usb_device",
        &[
            ("<bus>1</bus><device>4</device><product id='1'/><vendor id='ffff'/>", ""),
            (
                "",
                "bus: needs its bus
                 device: needs its device; write <device>…</device>
                 product: write <product id='0x…'/>
                 vendor: write <vendor id='0x…'/>",
            ),
        ],
    );
    told(
        "usb",
        &[
            ("<number>0</number><class>255</class><subclass>255</subclass><protocol>255</protocol>", ""),
            (
                "<number>256</number><class>0x100</class><subclass>300</subclass>",
                "number: 256 is too much; write a number from 0 to 255
                 class: is a decimal number; write it so, such as 3
                 class: 256 is too much
                 subclass: 300 is too much
                 protocol: needs its protocol",
            ),
        ],
    );
}

#[test]
fn network_interfaces_need_a_name() {
    told(
        "net",
        &[
            ("<interface>eth0</interface>", ""),
            ("", "interface: needs the name of the interface; write <interface>eth0</interface>"),
            ("<interface> </interface>", "interface: needs the name"),
            ("<interface>enx3ca0670f11c4</interface>", ""),
            (
                "<interface>enx3ca0670f11c45</interface>",
                "interface: cannot be the name of an interface; write one such as eth0, of up to 15 bytes",
            ),
            ("<interface>eth 0</interface>", "interface: 'eth 0' cannot be the name"),
            ("<interface>..</interface>", "interface: '..' cannot be the name"),
            ("<interface>a/b</interface>", "interface: 'a/b' cannot be the name"),
            ("<interface>eth0</interface><address>52:54:00:6B:3C:58</address>", ""),
            ("<interface>sit0</interface><address>00:00:00:00</address>", ""),
            ("<interface>eth0</interface><address/>", "address: '' is not the address of an interface; write pairs of hexadecimal digits"),
            ("<interface>eth0</interface><address>52-54-00-6b-3c-58</address>", "address: is not the address"),
            ("<interface>eth0</interface><address>52:54:0:6b:3c:58</address>", "address: is not the address"),
        ],
    );
}

#[test]
fn scsi_needs_numbers_and_names() {
    told("scsi_host", &[("<host>0</host>", ""), ("", "host: needs its host; write <host>…</host>")]);
    told("scsi_target", &[("<target>target0:0:0</target>", ""), ("<target/>", "target: write <target>target2:0:0</target>")]);
    told(
        "scsi",
        &[
            ("<host>0</host><bus>0</bus><target>0</target><lun>0</lun>", ""),
            (
                "<bus>ata</bus><target>target0:0:0</target>",
                "host: needs its host
                 bus: 'ata' is no decimal number; write one from 0 to 4294967295
                 target: 'target0:0:0' is no decimal number
                 lun: needs the number of the unit; write <lun>0</lun>",
            ),
        ],
    );
    told(
        "scsi_generic",
        &[
            ("", "char: needs the path of its special file; write <char>/dev/sg0</char>"),
            ("<char>sg0</char>", "char: not an absolute path"),
        ],
    );
}

#[test]
fn block_devices_need_a_path_and_a_size() {
    told(
        "storage",
        &[
            ("<block>/dev/sda</block><size>0</size>", ""),
            (
                "",
                "block: needs the path of its special file; write <block>/dev/sda</block>
                 size: needs its size in bytes; write <size>…</size>, or <capability type='removable'>",
            ),
            ("<block>sda</block><size>1</size>", "block: 'sda' is not an absolute path"),
            (
                "<block>/dev/sda</block><size>1</size><logical_block_size>512</logical_block_size>",
                "num_blocks: write it, or remove <logical_block_size>",
            ),
            ("<block>/dev/sda</block><size>1</size><num_blocks>1</num_blocks>", "logical_block_size: write it, or remove <num_blocks>"),
            ("<block>/dev/sr0</block><capability type='removable'><media_available>0</media_available></capability>", ""),
        ],
    );
}

#[test]
fn what_has_a_special_file_needs_its_path() {
    told("vdpa", &[("", "chardev: write <chardev>/dev/vhost-vdpa-0</chardev>"), ("<chardev>/dev/vhost-vdpa-0</chardev>", "")]);
    told(
        "drm",
        &[
            ("<type>primary</type>", ""),
            ("", "type: needs its type; write <type>…</type> with one of 'primary', 'control', 'render'"),
            ("<type id='render'/>", "type: needs its type"),
            ("<type>card</type>", "type: 'card' is not known here; write one of 'primary'"),
        ],
    );
}

#[test]
fn the_channel_subsystem_and_its_cards_need_numbers_in_range() {
    const PLACE: &str = "<cssid>0xfe</cssid><ssid>3</ssid><devno>0xffff</devno>";
    for kind in ["ccw", "ccwgroup", "css"] {
        told(
            kind,
            &[
                (PLACE, ""),
                (
                    "<cssid>0xff</cssid><ssid>4</ssid><devno>0x10000</devno>",
                    "cssid: 255 is too much; write a number from 0 to 254
                     ssid: 4 is too much; write a number from 0 to 3
                     devno: 65536 is too much; write a number from 0 to 65535",
                ),
                ("", "cssid: needs its cssid\nssid: needs its ssid\ndevno: needs its devno"),
            ],
        );
    }
    let channel = format!("{PLACE}<channel_dev_addr><cssid>0</cssid><ssid>9</ssid></channel_dev_addr>");
    told("css", &[(&channel, "channel_dev_addr/ssid: 9 is too much\nchannel_dev_addr/devno: needs its devno")]);
    told("ap_card", &[("<ap-adapter>0xff</ap-adapter>", ""), ("<ap-adapter>256</ap-adapter>", "ap-adapter: 256 is too much")]);
    told("ap_queue", &[("<ap-domain>0x100</ap-domain>", "ap-adapter: needs its ap-adapter\nap-domain: 256 is too much")]);
}

#[test]
fn views_have_numbers_for_text_and_the_names_of_what_is_left_out() {
    let text = device(
        "pci",
        "<class>0x020000</class><domain>0</domain><bus> 59 </bus><slot>16</slot><function>2</function><product id='10ed'>VF</product>
         <vendor id='0x8086'/><numa node='-1'/>",
    );
    let (pci, _) = NodeDevice::parse(&text).unwrap();
    let kind = CapabilityKind::Pci {
        address: PciAddress::new(0, 0x3b, 16, 2),
        class: Some(0x02_0000),
        product: DeviceId { number: 0x10ed, name: Some("VF") },
        vendor: DeviceId { number: 0x8086, name: None },
        iommu_group: None,
        numa_node: None,
        links: &[],
    };
    let capabilities = vec![CapabilityView { kind, nested: vec![] }];
    assert_eq!(pci.view(), Ok(NodeDeviceView { parent: AdapterParent::Any, capabilities }));

    let text = "<device><parent>b</parent><capability type='mdev'><type id='c'/><attr name='d' value='e'/></capability></device>";
    let (mdev, _) = NodeDevice::parse(text).unwrap();
    let attributes = &mdev.capabilities[0].attributes;
    let kind = CapabilityKind::Mdev { mdev_type: "c", uuid: None, parent_address: None, attributes };
    let capabilities = vec![CapabilityView { kind, nested: vec![] }];
    assert_eq!(mdev.view(), Ok(NodeDeviceView { parent: AdapterParent::Named("b"), capabilities }));
}

#[test]
fn views_tell_what_the_check_tells_of_them() {
    let (empty, _) = NodeDevice::parse("<device><path>a</path></device>").unwrap();
    let paths = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.path).collect::<Vec<_>>();
    assert_eq!(paths(empty.view().unwrap_err()), ["/device/capability"]);
    assert_eq!(paths(empty.validate().unwrap_err()), ["/device/name", "/device/path", "/device/capability"]);
}
