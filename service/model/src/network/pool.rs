//! What of the host guests are connected to, where that is no bridge: interfaces and PCI functions.

use super::{Forward, PhysicalFunction, names};
use crate::document::Problems;
use crate::domain::devices::PciAddress;

/// Things of the host of which guests get one each, or share them.
#[derive(Debug, Clone, PartialEq)]
pub enum Pool<'a, T> {
    /// These; there is one at least.
    Listed(Vec<T>),
    /// The virtual functions of this interface (SR-IOV), as many as it has.
    FunctionsOf(&'a str),
}

/// The interface by which traffic leaves, if one is said.
pub(super) fn leaving<'a>(forward: &'a Forward, found: &mut Problems) -> Option<&'a str> {
    let listed = listed(forward, found);
    if listed.len() > 1 {
        let reason = format!("traffic leaves by one interface, and here are {}: {}; keep one", listed.len(), listed.join(", "));
        found.add("interface", reason);
    }
    listed.first().copied()
}

/// Interfaces for macvtap.
pub(super) fn interfaces<'a>(forward: &'a Forward, found: &mut Problems) -> Option<Pool<'a, &'a str>> {
    let listed = listed(forward, found);
    if let Some(function) = &forward.physical_function {
        return Some(functions_of(function, found));
    }
    if listed.is_empty() {
        let reason =
            "no interface of the host is named; write <interface dev='eth1'/> for each, or <pf dev='eth1'/> for the functions of one";
        found.add("interface", reason);
        return None;
    }
    Some(Pool::Listed(listed))
}

/// PCI functions.
pub(super) fn functions<'a>(forward: &'a Forward, found: &mut Problems) -> Option<Pool<'a, &'a PciAddress>> {
    found.each("address", &forward.addresses, |found, address| {
        if address.pci.is_unset() {
            found.add(
                "",
                "it is not said which function; write domain='0x0000' bus='0x04' slot='0x10' function='0x1', as lspci -D tells them",
            );
        }
        address.pci.check(found);
    });
    found.unique("address", "function", forward.addresses.iter().map(|address| address.pci.to_string()));
    if let Some(function) = &forward.physical_function {
        return Some(functions_of(function, found));
    }
    if forward.addresses.is_empty() {
        let reason = "no function of the host is named; write <pf dev='eth1'/> for those of an interface, or <address type='pci' domain='0x0000' bus='0x04' slot='0x10' function='0x1'/> for each";
        found.add("pf", reason);
        return None;
    }
    Some(Pool::Listed(forward.addresses.iter().map(|address| &address.pci).collect()))
}

/// Those of an interface. Of a network that runs the functions found stand beside it; they are
/// reported, never configured.
fn functions_of<'a, T>(function: &'a PhysicalFunction, found: &mut Problems) -> Pool<'a, T> {
    names::interface(found, "pf/@dev", &function.dev);
    Pool::FunctionsOf(&function.dev)
}

/// The interfaces that are said, in the attribute (which may repeat the first) and as elements.
fn listed<'a>(forward: &'a Forward, found: &mut Problems) -> Vec<&'a str> {
    found.each("interface", &forward.interfaces, |found, interface| names::interface(found, "@dev", &interface.dev));
    let mut listed: Vec<&str> = forward.interfaces.iter().map(|interface| interface.dev.as_str()).collect();
    found.unique("interface/@dev", "interface", listed.iter());
    if let Some(dev) = forward.dev.as_deref().filter(|dev| !listed.contains(dev)) {
        names::interface(found, "@dev", dev);
        listed.insert(0, dev);
    }
    listed
}
