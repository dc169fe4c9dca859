//! What must hold of a network: what its mode makes of it stands in [`view`]; here is the rest.

use super::kind::{self, INTERFACE_LIMITS, Kind, SWITCHES, TAGS};
use super::{DnsmasqOptions, Network, PortGroup, names, view};
use crate::document::Problems;
use crate::domain::devices::{Bandwidth, Vlan};

/// Tells every problem of a network.
pub(super) fn check(network: &Network, found: &mut Problems) {
    let kind = Kind::of(network);
    found.name("name", "network", &network.name);
    found.title(network.title.as_deref());
    kind::check(network, kind, found);
    view::of(network, found);
    if let Some(vlan) = &network.vlan {
        found.inside("vlan", |found| tags(vlan, kind, found));
    }
    if let Some(bandwidth) = &network.bandwidth {
        found.inside("bandwidth", |found| limits(bandwidth, found));
    }
    port_groups(network, kind, found);
    if let Some(options) = &network.dnsmasq_options {
        found.inside("dnsmasq:options", |found| check_options(options, found));
    }
}

/// Checks tags of a network or of a port group.
fn tags(vlan: &Vlan, kind: Kind, found: &mut Problems) {
    vlan.check(found);
    if vlan.is_trunk() && matches!(kind, Kind::Passthrough | Kind::Hostdev) {
        found.add("tag", format!("an interface of {kind} has one tag; keep one <tag>, and leave trunk out"));
    }
}

/// Checks limits of a network or of a port group.
fn limits(bandwidth: &Bandwidth, found: &mut Problems) {
    bandwidth.check(found);
    if bandwidth.inbound.as_ref().is_some_and(|limit| limit.floor.is_some()) {
        found.add("inbound/@floor", "what is guaranteed is said by the interface of a guest, not by a network; remove it");
    }
}

fn port_groups(network: &Network, kind: Kind, found: &mut Problems) {
    found.each("portgroup", &network.port_groups, |found, group| port_group(group, kind, found));
    found.unique("portgroup/@name", "port group", network.port_groups.iter().map(|group| &group.name));
    let default = network.port_groups.iter().filter(|group| group.default.is_some_and(|default| default.0));
    let default: Vec<&str> = default.map(|group| group.name.as_str()).collect();
    if default.len() > 1 {
        let reason = format!("one port group can be that of interfaces that ask for none, and here are {}; keep one", default.join(", "));
        found.add("portgroup/@default", reason);
    }
}

fn port_group(group: &PortGroup, kind: Kind, found: &mut Problems) {
    if group.name.is_empty() {
        found.add("@name", "the port group has no name by which interfaces can ask for it; write one");
    }
    SWITCHES.check(kind, "virtualport", group.virtual_port.is_some(), found);
    INTERFACE_LIMITS.check(kind, "bandwidth", group.bandwidth.is_some(), found);
    TAGS.check(kind, "vlan", group.vlan.is_some(), found);
    if let Some(port) = &group.virtual_port {
        found.inside("virtualport", |found| view::switch(port, kind, found));
    }
    if let Some(bandwidth) = &group.bandwidth {
        found.inside("bandwidth", |found| limits(bandwidth, found));
    }
    if let Some(vlan) = &group.vlan {
        found.inside("vlan", |found| tags(vlan, kind, found));
    }
}

fn check_options(options: &DnsmasqOptions, found: &mut Problems) {
    found.each("dnsmasq:option", &options.options, |found, option| {
        if option.value.trim().is_empty() {
            found.add("@value", "the option is empty; write one of dnsmasq, such as value='domain-needed'");
        }
        names::line(found, "@value", &option.value);
    });
}
