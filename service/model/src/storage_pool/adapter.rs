//! The SCSI adapter of a pool: `<adapter>`, as it is written and checked.

use super::need::Need;
use crate::domain::devices::PciAddress;
use crate::fibre_channel::{AdapterParent, ParentNames, world_wide_name};
use crate::xml::YesNo;
use crate::{element, keywords};

keywords! {
    /// Which adapter it is.
    pub enum AdapterType {
        /// An adapter of the host.
        ScsiHost = "scsi_host",
        /// A virtual adapter on a Fibre Channel adapter of the host (NPIV).
        FcHost = "fc_host",
    }
}

element! {
    /// A SCSI adapter.
    pub struct PoolAdapter {
        /// Which it is; one of the host when left out.
        attr "type" kind: Option<AdapterType>,
        /// Name of an adapter of the host such as `scsi_host1`; it may be another after a reboot.
        attr "name" name: Option<String>,
        /// Name of the adapter that a virtual one is on.
        attr "parent" parent: Option<String>,
        /// Whether the service removes a virtual adapter when the pool stops.
        attr "managed" managed: Option<YesNo>,
        /// World wide node name of the adapter that a virtual one is on; with the port name.
        attr "parent_wwnn" parent_wwnn: Option<String>,
        /// World wide port name of that adapter.
        attr "parent_wwpn" parent_wwpn: Option<String>,
        /// World wide name of the fabric that such an adapter is in.
        attr "parent_fabric_wwn" parent_fabric_wwn: Option<String>,
        /// World wide node name of a virtual adapter: 16 hexadecimal digits.
        attr "wwnn" wwnn: Option<String>,
        /// World wide port name of a virtual adapter.
        attr "wwpn" wwpn: Option<String>,
        /// Place of an adapter of the host, which stays the same.
        child "parentaddr" parent_address: Option<ParentAddress>,
    }
}

element! {
    /// Place of an adapter.
    pub struct ParentAddress {
        /// Number of the adapter at that address, as the kernel says in `unique_id`.
        attr "unique_id" unique_id: Option<u32>,
        /// Its PCI address.
        child "address" address: Option<PciAddress>,
    }
}

/// A SCSI adapter, checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AdapterView<'a> {
    /// One of the host, by name.
    Named(&'a str),
    /// One of the host, by its place.
    Placed {
        /// PCI address.
        address: &'a PciAddress,
        /// Number of the adapter there.
        unique_id: u32,
    },
    /// A virtual one.
    Virtual {
        /// World wide node name.
        wwnn: &'a str,
        /// World wide port name.
        wwpn: &'a str,
        /// What it is on.
        parent: AdapterParent<'a>,
        /// Whether the service removes it when the pool stops.
        managed: bool,
    },
}

impl PoolAdapter {
    /// The adapter as its type asks for; tells what is missing.
    pub(super) fn view<'a>(&'a self, need: &mut Need<'a, '_>) -> Option<AdapterView<'a>> {
        match self.kind.unwrap_or_default() {
            AdapterType::ScsiHost => self.of_host(need),
            AdapterType::FcHost => self.virtual_one(need),
        }
    }

    fn of_host<'a>(&'a self, need: &mut Need<'a, '_>) -> Option<AdapterView<'a>> {
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        match (name, &self.parent_address) {
            (Some(name), None) => Some(AdapterView::Named(name)),
            (Some(_), Some(_)) => {
                need.tell("source/adapter/@name", "the adapter is said by name and by its place; keep <parentaddr>, which stays the same");
                None
            }
            (None, None) => {
                need.tell("source/adapter", "it is not said which adapter; write name='scsi_host1', or <parentaddr> with its place");
                None
            }
            (None, Some(place)) => {
                if place.address.is_none() {
                    need.tell("source/adapter/parentaddr", "the place has no address; write <address domain='0x0000' bus='…' slot='…'/>");
                }
                if place.unique_id.is_none() {
                    let reason =
                        "it is not said which adapter of that address; write unique_id='…', as /sys/class/scsi_host/host*/unique_id has it";
                    need.tell("source/adapter/parentaddr/@unique_id", reason);
                }
                Some(AdapterView::Placed { address: place.address.as_ref()?, unique_id: place.unique_id? })
            }
        }
    }

    fn virtual_one<'a>(&'a self, need: &mut Need<'a, '_>) -> Option<AdapterView<'a>> {
        let wwnn = world_wide_name(need.found(), "source/adapter/@wwnn", self.wwnn.as_deref());
        let wwpn = world_wide_name(need.found(), "source/adapter/@wwpn", self.wwpn.as_deref());
        let parent = self.parent(need);
        let managed = self.managed.unwrap_or_default().0;
        Some(AdapterView::Virtual { wwnn: wwnn?, wwpn: wwpn?, parent: parent?, managed })
    }

    fn parent<'a>(&'a self, need: &mut Need<'a, '_>) -> Option<AdapterParent<'a>> {
        let names = ParentNames {
            name: ("source/adapter/@parent", self.parent.as_deref()),
            wwnn: ("source/adapter/@parent_wwnn", self.parent_wwnn.as_deref()),
            wwpn: ("source/adapter/@parent_wwpn", self.parent_wwpn.as_deref()),
            fabric_wwn: ("source/adapter/@parent_fabric_wwn", self.parent_fabric_wwn.as_deref()),
        };
        names.view(need.found())
    }
}
