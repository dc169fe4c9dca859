//! Functions of PCI devices: `/sys/bus/pci/devices` (the kernel's `Documentation/ABI/testing/sysfs-bus-pci`).

use lodge_model::domain::devices::{Number, PciAddress};
use lodge_model::node_device::{Capability, CapabilityType, IommuGroup, MdevType, NestedCapability, NestedType, NumaAffinity, PciExpress};

use super::ids::Ids;
use super::pci_config::{Config, Header};
use super::scan::Described;
use crate::host::sysfs::Device;

pub(super) fn describe(device: &Device, ids: &mut Ids) -> Option<Described> {
    let (domain, bus, slot, function) = address_parts(device.name())?;
    let id = |attribute| u16::try_from(device.hex(attribute)?).ok();
    let (vendor, product) = ids.pci(device.sysfs(), id("vendor")?, id("device")?);
    let config = Config::read(device);
    Some(Described::of(
        CapabilityType::Pci,
        Capability {
            class: device.hex("class").map(|class| Number::hex(class, 6)),
            domain: Some(domain),
            bus: Some(bus.to_string()),
            slot: Some(slot),
            function: Some(function),
            product: Some(product),
            vendor: Some(vendor),
            capabilities: nested(device, &config),
            iommu_group: iommu_group(device),
            numa: device.number("numa_node").filter(|node| *node >= 0).map(|node| NumaAffinity { node: Some(node), ..Default::default() }),
            pci_express: config.express_links().map(|links| PciExpress { links, ..PciExpress::default() }),
            ..Capability::default()
        },
    ))
}

/// Domain, bus, slot and function of `0000:00:1f.2`.
pub(super) fn address_parts(name: &str) -> Option<(u32, u32, u32, u32)> {
    let mut parts = name.split([':', '.']).map(|part| u32::from_str_radix(part, 16).ok());
    let address = (parts.next()??, parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(address)
}

fn address(name: &str) -> Option<PciAddress> {
    let (domain, bus, slot, function) = address_parts(name)?;
    Some(PciAddress::new(domain, bus, slot, function))
}

fn of_type(kind: NestedType, nested: NestedCapability) -> NestedCapability {
    NestedCapability { kind: Some(kind.to_string()), ..nested }
}

fn nested(device: &Device, config: &Config) -> Vec<NestedCapability> {
    let physical = device.link("physfn").as_deref().and_then(address);
    let physical = physical.map(|function| NestedCapability { addresses: vec![function], ..NestedCapability::default() });
    let bridge = match config.header() {
        Header::Device => None,
        Header::PciBridge => Some(NestedType::PciBridge),
        Header::CardbusBridge => Some(NestedType::CardbusBridge),
    };
    let types = mdev_types(device);
    [
        physical.map(|nested| of_type(NestedType::PhysFunction, nested)),
        virtual_functions(device).map(|nested| of_type(NestedType::VirtFunctions, nested)),
        bridge.map(|kind| of_type(kind, NestedCapability::default())),
        (!types.is_empty()).then(|| of_type(NestedType::MdevTypes, NestedCapability { mdev_types: types, ..Default::default() })),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The functions that a device can be divided into by SR-IOV, in order of their numbers.
fn virtual_functions(device: &Device) -> Option<NestedCapability> {
    let most = device.number("sriov_totalvfs").filter(|most| *most > 0)?;
    let functions = (0..most).map_while(|number| device.link(&format!("virtfn{number}")));
    let addresses = functions.filter_map(|name| address(&name)).collect();
    Some(NestedCapability { max_count: Some(most), addresses, ..NestedCapability::default() })
}

fn mdev_types(device: &Device) -> Vec<MdevType> {
    let types = device.names("mdev_supported_types").into_iter().map(|id| {
        let text = |attribute| device.text(&format!("mdev_supported_types/{id}/{attribute}"));
        MdevType {
            name: text("name"),
            device_api: text("device_api"),
            available: text("available_instances").and_then(|number| number.parse().ok()),
            id,
            ..MdevType::default()
        }
    });
    types.collect()
}

/// The number of the group that an IOMMU keeps from others, which links of `vfio` and `iommu_groups` are called by.
pub(super) fn iommu_group(device: &Device) -> Option<IommuGroup> {
    let number = device.link("iommu_group")?.parse().ok()?;
    let addresses = device.names("iommu_group/devices").iter().filter_map(|name| address(name)).collect();
    Some(IommuGroup { number, addresses, ..IommuGroup::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_functions() {
        assert_eq!(address_parts("0000:00:1f.2"), Some((0, 0, 0x1f, 2)));
        assert_eq!(address_parts("10000:e1:00.0"), Some((0x10000, 0xe1, 0, 0)));
        for name in ["", "0000:00:1f", "0000:00:1f.2.3", "pci0000:00", "0000:00:zz.0"] {
            assert_eq!(address_parts(name), None, "{name}");
        }
    }
}
