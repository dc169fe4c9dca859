//! Classes of the guests' interfaces: `<portgroup>`.

use crate::domain::devices::{Bandwidth, VirtualPort, Vlan};
use crate::element;
use crate::xml::YesNo;

element! {
    /// A class of guests' interfaces. What it says holds for each of them that does not say itself.
    pub struct PortGroup {
        /// Its name, by which interfaces ask for it.
        required "name" name: String,
        /// Whether interfaces that ask for none are of it.
        attr "default" default: Option<YesNo>,
        /// Whether guests may choose what they receive.
        attr "trustGuestRxFilters" trust_guest_rx_filters: Option<YesNo>,
        /// Parameters for a switch.
        child "virtualport" virtual_port: Option<VirtualPort>,
        /// Limits of each interface.
        child "bandwidth" bandwidth: Option<Bandwidth>,
        /// Virtual networks.
        child "vlan" vlan: Option<Vlan>,
    }
}
