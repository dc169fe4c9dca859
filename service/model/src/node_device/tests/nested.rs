//! What else a device can be, and where that stands.

use super::*;

/// A device of each type that has others in it, whose own parts are right, with a capability inside.
fn inside(outer: &str, kind: &str, elements: &str) -> String {
    let own = match outer {
        "pci" => "<domain>0</domain><bus>0</bus><slot>0</slot><function>0</function><product id='1'/><vendor id='1'/>",
        "net" => "<interface>eth0</interface>",
        "scsi_host" => "<host>1</host>",
        "scsi_target" => "<target>target1:0:0</target>",
        "storage" => "<block>/dev/sda</block><size>1</size>",
        _ => "<cssid>0</cssid><ssid>0</ssid><devno>0</devno>",
    };
    let nested = format!("<capability type='{kind}'>{elements}</capability>");
    format!("<device><name>a</name><capability type='{outer}'>{own}{nested}</capability></device>")
}

fn told(outer: &str, kind: &str, cases: &[(&str, &str)]) {
    for (elements, expected) in cases {
        let expected: Vec<String> = expected.lines().map(|line| format!("/device/capability/capability/{}", line.trim())).collect();
        are_told::<NodeDevice>(&[(&inside(outer, kind, elements), &expected.join("\n"))]);
    }
}

#[test]
fn each_type_has_its_own() {
    told("net", "80203", &[("", "")]);
    told("net", "vpd", &[("", "@type: a capability of the type 'net' has none of the type 'vpd' in it; remove it")]);
    told("pci", "teapot", &[("", "@type: 'teapot' is not known here; write one of 'phys_function'")]);
    told("storage", "pci", &[("", "@type: 'pci' is not known here; write one of 'phys_function'")]);
    let untyped = inside("net", "x", "").replace(" type='x'", "");
    are_told::<NodeDevice>(&[(&untyped, "/device/capability/capability/@type: it is not said; write one of 'phys_function'")]);
    let twice = inside("net", "80203", "").replace("<interface>", "<capability type='80203'/><interface>");
    are_told::<NodeDevice>(&[(&twice, "/device/capability/capability/@type: capability 80203 is there twice; remove one")]);
}

#[test]
fn functions_name_functions() {
    const ADDRESS: &str = "<address domain='0' bus='0x3b' slot='0x1f' function='7'/>";
    let twice = ADDRESS.repeat(2);
    told(
        "pci",
        "phys_function",
        &[
            (ADDRESS, ""),
            ("", "address: needs the function that this one is part of; write <address"),
            (&twice, "address: keep one address"),
            (
                "<address/>",
                "address/@domain: has no domain\naddress/@bus: has no bus\naddress/@slot: has no slot\naddress/@function: has no function",
            ),
        ],
    );
    told(
        "pci",
        "virt_functions",
        &[("", ""), (&twice, ""), ("<address domain='0' bus='0' slot='32' function='0'/>", "address/@slot: too much")],
    );
}

#[test]
fn types_of_mediated_devices_are_listed_once() {
    told(
        "css",
        "mdev_types",
        &[
            ("<type id='vfio_ccw-io'/>", ""),
            ("", "type: needs a type that can be made; write <type id='…'> for each"),
            (
                "<type id='a'/><type id='b/c'/><type id='a'/>",
                "type[2]/@id: 'b/c' is no type of mediated device\ntype/@id: type a is there twice",
            ),
        ],
    );
}

#[test]
fn vital_product_data_have_a_name_and_indices() {
    told(
        "pci",
        "vpd",
        &[
            ("<name>card</name>", ""),
            ("", "name: needs the name of the device"),
            (
                "<name>card</name><fields access='readonly'/><fields access='readwrite'><vendor_field index='A'/><vendor_field index='a'/>
                 <system_field index='A'/><system_field index=''/><system_field index='B1'/><system_field index='9'/></fields>",
                "fields[2]/vendor_field[2]/@index: 'a' is no index; write a digit, or a letter from A to Z
                 fields[2]/system_field[1]/@index: 'A' is no index; write a digit, or a letter from B to Z
                 fields[2]/system_field[2]/@index: '' is no index
                 fields[2]/system_field[3]/@index: 'B1' is no index",
            ),
        ],
    );
}

#[test]
fn fibre_channels_have_world_wide_names() {
    told(
        "scsi_host",
        "fc_host",
        &[
            ("<wwnn>20000024ff4b1c82</wwnn><wwpn>0x21000024ff4b1c82</wwpn>", ""),
            ("", "wwnn: a world wide name is missing here; write 16\nwwpn: is missing here"),
            (
                "<wwnn>2000</wwnn><wwpn>21000024ff4b1c8g</wwpn><fabric_wwn/>",
                "fabric_wwn: is missing here
                 wwnn: '2000' is no world wide name
                 wwpn: '21000024ff4b1c8g' is no world wide name",
            ),
        ],
    );
    told(
        "scsi_target",
        "fc_remote_port",
        &[
            ("<rport>rport-1:0-2</rport><wwpn>21000024ff4b1c82</wwpn>", ""),
            ("", "rport: needs the name of the port; write <rport>\nwwpn: is missing here"),
        ],
    );
    // One that is to be made has both, or gets both.
    let new =
        "<device><capability type='scsi_host'><capability type='fc_host'><wwnn>20000024ff4b1c82</wwnn></capability></capability></device>";
    are_told::<NodeDevice>(&[(new, "/device/capability/capability/wwpn: a world wide name is missing here")]);
}

#[test]
fn media_are_there_or_not() {
    told(
        "storage",
        "removable",
        &[
            ("<media_available>1</media_available>", ""),
            ("", "media_available: needs to say whether there is a medium; write <media_available>1"),
            (
                "<media_available>2</media_available><num_blocks>1</num_blocks>",
                "media_available: 2 is too much\nlogical_block_size: write it",
            ),
        ],
    );
    told("ccw", "ccwgroup_member", &[("", "group_device: needs the name of the group"), ("<group_device>a</group_device>", "")]);
    told("ccwgroup", "qeth_layer2", &[("", "")]);
}

#[test]
fn views_have_what_is_inside() {
    let view = |text: String| {
        let (device, _) = NodeDevice::parse(&text).unwrap();
        format!("{:?}", device.view().unwrap().capabilities[0].nested)
    };
    for (text, expected) in [
        (inside("pci", "cardbus-bridge", ""), "[Bridge]"),
        (inside("pci", "virt_functions", ""), "[VirtFunctions { most: None, functions: [] }]"),
        (inside("scsi_host", "vport_ops", "<max_vports>7</max_vports>"), "[VportOps { most: Some(7), made: None }]"),
        (inside("storage", "removable", "<media_available>0</media_available>"), "[Removable(None)]"),
        (inside("ccwgroup", "qeth_layer3", "<chpid>f2</chpid>"), r#"[Qeth { layer: Some(3), card_type: None, channel_path: Some("f2") }]"#),
        (inside("ccwgroup", "qeth_generic", ""), "[Qeth { layer: None, card_type: None, channel_path: None }]"),
        (
            inside("scsi_host", "fc_host", "<wwnn>20000024ff4b1c82</wwnn><wwpn>21000024ff4b1c82</wwpn>"),
            r#"[FcHost { names: Some(("20000024ff4b1c82", "21000024ff4b1c82")), fabric_wwn: None }]"#,
        ),
        (
            inside(
                "storage",
                "removable",
                "<media_available>1</media_available><media_size>8</media_size><logical_block_size>2</logical_block_size><num_blocks>4</num_blocks>",
            ),
            "[Removable(Some(Medium { size: Some(8), label: None, blocks: Some(Blocks { size: 2, count: 4 }) }))]",
        ),
    ] {
        assert_eq!(view(text), expected);
    }
}
