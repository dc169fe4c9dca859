//! Devices made up, of every shape.

use proptest::prelude::*;

use super::*;
use crate::domain::devices::{Number, PciAddress};
use crate::storage_pool::NamedPart;
use crate::testing::strategies::{any_of, few, is_read_as_written, maybe, text, uuid};
use crate::xml::Hex;

fn hex<const DIGITS: usize>() -> impl Strategy<Value = Option<Hex<DIGITS>>> {
    maybe(any::<u32>().prop_map(Hex))
}

fn number() -> impl Strategy<Value = Option<Number>> {
    maybe((any::<u32>(), 0..=8_u8).prop_map(|(value, digits)| {
        // As many digits are written as are needed.
        let needed = u8::try_from(format!("{value:x}").len()).unwrap();
        if digits == 0 { Number::decimal(value) } else { Number::hex(value, digits.max(needed)) }
    }))
}

/// A word of the types, or any text.
fn type_word(words: Vec<&'static str>) -> impl Strategy<Value = Option<String>> {
    maybe(prop_oneof![4 => proptest::sample::select(words).prop_map(str::to_owned), 1 => text()])
}

prop_compose! {
    fn address()(domain in hex(), bus in hex(), slot in hex(), function in hex()) -> PciAddress {
        PciAddress { domain, bus, slot, function, ..Default::default() }
    }
}

fn device_id() -> impl Strategy<Value = Option<DeviceIdElement>> {
    let id = maybe(any::<u16>().prop_map(IdNumber));
    maybe((id, maybe(text())).prop_map(|(id, name)| DeviceIdElement { id, name, ..Default::default() }))
}

fn subtype() -> impl Strategy<Value = Option<Subtype>> {
    maybe((maybe(text()), maybe(text())).prop_map(|(id, word)| Subtype { id, word, ..Default::default() }))
}

prop_compose! {
    fn mdev_type()(id in text(), name in maybe(text()), device_api in maybe(text()), available in maybe(any::<u32>())) -> MdevType {
        MdevType { id, name, device_api, available, ..Default::default() }
    }
}

fn vpd_field() -> impl Strategy<Value = VpdField> {
    (prop_oneof!["[0-9A-Za-z]", text()], maybe(text())).prop_map(|(index, value)| VpdField { index, value, ..Default::default() })
}

prop_compose! {
    fn vpd_fields()(
        access in any_of(VpdAccess::ALL), change_level in maybe(text()), manufacture_id in maybe(text()), part_number in maybe(text()),
        serial_number in maybe(text()), asset_tag in maybe(text()), vendor_fields in few(vpd_field()), system_fields in few(vpd_field()),
    ) -> VpdFields {
        VpdFields {
            access, change_level, manufacture_id, part_number, serial_number, asset_tag, vendor_fields, system_fields, ..Default::default()
        }
    }
}

prop_compose! {
    fn nested()(
        kind in type_word(NestedType::ALL.iter().map(|kind| kind.as_str()).collect()), max_count in maybe(any::<u32>()),
        addresses in few(address()), mdev_types in few(mdev_type()), (name, remote_port, group_device) in (maybe(text()), maybe(text()), maybe(text())),
        fields in few(vpd_fields()), (wwnn, wwpn, fabric_wwn) in (maybe(text()), maybe("[0-9a-f]{16}"), maybe(text())),
        (max_vports, vports) in (maybe(any::<u32>()), maybe(any::<u32>())),
        (media_available, media_size, media_label) in (maybe(0..3_u32), maybe(any::<u64>()), maybe(text())),
        (logical_block_size, blocks) in (maybe(any::<u64>()), maybe(any::<u64>())), (card_type, channel_path) in (maybe(text()), maybe(text())),
    ) -> NestedCapability {
        NestedCapability {
            kind, max_count, addresses, mdev_types, name, fields, remote_port, wwnn, wwpn, fabric_wwn, max_vports, vports, media_available,
            media_size, media_label, logical_block_size, blocks, group_device, card_type, channel_path, ..Default::default()
        }
    }
}

prop_compose! {
    fn hardware()(vendor in maybe(text()), version in maybe(text()), serial in maybe(text()), uuid in uuid()) -> Box<Hardware> {
        Box::new(Hardware { vendor, version, serial, uuid, ..Default::default() })
    }
}

prop_compose! {
    fn firmware()(vendor in maybe(text()), version in maybe(text()), release_date in maybe(text())) -> Box<Firmware> {
        Box::new(Firmware { vendor, version, release_date, ..Default::default() })
    }
}

prop_compose! {
    fn channel_address()(cssid in hex(), ssid in hex(), devno in hex()) -> ChannelAddress {
        ChannelAddress { cssid, ssid, devno, ..Default::default() }
    }
}

fn members() -> impl Strategy<Value = GroupMembers> {
    let member = (text(), maybe(text())).prop_map(|(role, name)| GroupMember { role, name, ..Default::default() });
    few(member).prop_map(|devices| GroupMembers { devices, ..Default::default() })
}

fn link() -> impl Strategy<Value = DeviceLink> {
    (maybe(any::<u32>()), maybe(any_of(LinkState::ALL))).prop_map(|(speed, state)| DeviceLink { speed, state, ..Default::default() })
}

prop_compose! {
    fn pci_link()(validity in any_of(LinkValidity::ALL), port in maybe(any::<u32>()), speed in maybe(text()), width in any::<u32>()) -> PciLink {
        PciLink { validity, port, speed, width, ..Default::default() }
    }
}

fn iommu_group() -> impl Strategy<Value = IommuGroup> {
    (any::<u32>(), few(address())).prop_map(|(number, addresses)| IommuGroup { number, addresses, ..Default::default() })
}

prop_compose! {
    /// The parts that are for devices of buses.
    fn of_buses()(
        (domain, bus, slot, function) in (maybe(any::<u32>()), maybe(prop_oneof!["[0-9]{1,3}", text()]), maybe(0..40_u32), maybe(0..10_u32)),
        (number, class, subclass, protocol) in (maybe(any::<u32>()), number(), maybe(any::<u32>()), maybe(any::<u32>())),
        (device, description) in (maybe(any::<u32>()), maybe(text())), (product, vendor) in (device_id(), device_id()),
        iommu_group in maybe(iommu_group()), node in maybe(maybe(any::<i32>())), links in maybe(few(pci_link())),
        (host, unique_id, target, lun) in (maybe(any::<u32>()), maybe(any::<u32>()), maybe(prop_oneof!["[0-9]{1,3}", text()]), maybe(any::<u64>())),
    ) -> Capability {
        Capability {
            domain, bus, slot, function, number, class, subclass, protocol, device, description, product, vendor, iommu_group, host, unique_id,
            target, lun,
            numa: node.map(|node| NumaAffinity { node, ..Default::default() }),
            pci_express: links.map(|links| PciExpress { links, ..Default::default() }),
            ..Default::default()
        }
    }
}

prop_compose! {
    /// The same, with the parts that are for others.
    fn capability()(
        of_buses in of_buses(), kind in type_word(CapabilityType::ALL.iter().map(|kind| kind.as_str()).collect()), capabilities in few(nested()),
        (interface, address, link, features) in (maybe(text()), maybe(text()), maybe(link()), few(text())),
        (cssid, ssid, devno) in (hex(), hex(), hex()),
        (state, channel_device, members) in (maybe(any_of(ChannelState::ALL)), maybe(channel_address()), maybe(members())),
        (block, drive_type, model, serial) in (maybe(text()), maybe(text()), maybe(text()), maybe(text())),
        (size, logical_block_size, blocks) in (maybe(any::<u64>()), maybe(any::<u64>()), maybe(any::<u64>())),
        (hardware, firmware) in (maybe(hardware()), maybe(firmware())),
        (subtype, uuid, parent_address, attributes) in (subtype(), uuid(), maybe(text()), few((text(), text()))),
        (character, character_device, ap_adapter, ap_domain) in (maybe(text()), maybe(text()), hex(), hex()),
    ) -> Capability {
        let attribute = |(name, value)| MdevAttribute { name, value, ..Default::default() };
        Capability {
            kind, capabilities, interface, address, link, cssid, ssid, devno, state, channel_device, members, block, drive_type, model, serial,
            size, logical_block_size, blocks, hardware, firmware, subtype, uuid, parent_address, character, character_device, ap_adapter,
            ap_domain,
            features: features.into_iter().map(|name| NamedPart { name, ..Default::default() }).collect(),
            attributes: attributes.into_iter().map(attribute).collect(),
            ..of_buses
        }
    }
}

prop_compose! {
    fn device()(
        name in maybe(text()), path in maybe(text()), files in few((any_of(DeviceFileType::ALL), maybe(text()))),
        parent in maybe((maybe(text()), maybe(text()), maybe(text()), maybe(text()))), driver in maybe(maybe(text())),
        capabilities in proptest::collection::vec(capability().boxed(), 0..3),
    ) -> NodeDevice {
        let parent = parent.map(|(wwnn, wwpn, fabric_wwn, name)| DeviceParent { wwnn, wwpn, fabric_wwn, name, ..Default::default() });
        NodeDevice {
            name, path, parent, capabilities,
            files: files.into_iter().map(|(kind, path)| DeviceFile { kind, path, ..Default::default() }).collect(),
            driver: driver.map(|name| DeviceDriver { name, ..Default::default() }),
            ..Default::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(device in device()) {
        is_read_as_written(&device)?;
    }

    #[test]
    fn views_tell_nothing_that_the_check_does_not(device in device()) {
        let told = device.validate().err().unwrap_or_default();
        let of_the_view = device.view().err().unwrap_or_default();
        prop_assert!(of_the_view.iter().all(|problem| told.contains(problem)), "{:?} in {:?}", of_the_view, told);
        // What is not in order has no view, so that no driver sees it.
        prop_assert_eq!(device.view().is_ok(), of_the_view.is_empty());
    }
}
