//! A change to one part of a network's document, as a value (virsh(1), net-update). Pure: how it is stored and brought to a
//! network that runs is the actor's business.
//!
//! A part is known by what tells it from its neighbours: a reserved address by who gets it, a name by its address. Of bridge,
//! domain and forward there is one at most.

use lodge_model::addresses::IpFamily;
use lodge_model::document::Document as _;
use lodge_model::network::{
    Bridge, Dhcp, DhcpHost, DhcpRange, Dns, DnsDomain, DnsHost, DnsService, DnsText, Forward, ForwardInterface, Network, NetworkIp,
    PhysicalFunction, PortGroup,
};

use super::complete::keep_bridge;
use crate::error::{Error, ErrorKind, Result};

/// What is done with a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// It is put before the others.
    AddFirst,
    /// It is put behind the others.
    AddLast,
    /// It takes the place of the one that is known by the same.
    Modify,
    /// It is taken away.
    Delete,
}

/// The words of commands; `add` is what people write.
const COMMANDS: &[(&str, Command)] = &[
    ("add", Command::AddLast),
    ("add-first", Command::AddFirst),
    ("add-last", Command::AddLast),
    ("modify", Command::Modify),
    ("delete", Command::Delete),
];

/// What a part is of.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Bridge(Bridge),
    Domain(DnsDomain),
    Forward(Box<Forward>),
    PhysicalFunction(PhysicalFunction),
    Ip(Box<NetworkIp>),
    DhcpHost(DhcpHost),
    DhcpRange(DhcpRange),
    DnsHost(DnsHost),
    DnsText(DnsText),
    DnsService(DnsService),
    ForwardInterface(ForwardInterface),
    PortGroup(Box<PortGroup>),
}

/// The words of sections, each with what stands around a part of it in a document.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("bridge", "", ""),
    ("domain", "", ""),
    ("ip", "", ""),
    ("ip-dhcp-host", "<ip><dhcp>", "</dhcp></ip>"),
    ("ip-dhcp-range", "<ip><dhcp>", "</dhcp></ip>"),
    ("dns-host", "<dns>", "</dns>"),
    ("dns-txt", "<dns>", "</dns>"),
    ("dns-srv", "<dns>", "</dns>"),
    ("forward", "", ""),
    ("forward-interface", "<forward>", "</forward>"),
    ("forward-pf", "<forward>", "</forward>"),
    ("portgroup", "", ""),
];

/// A change to one part.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    command: Command,
    part: Part,
    /// The `<ip>` that the part is in, from 0.
    parent: Option<usize>,
}

impl Update {
    /// Reads a change: the words of command and section, and the part as XML.
    ///
    /// # Errors
    /// `InvalidArgument` for another word, `InvalidXml` for XML that is not one such part.
    pub fn read(command: &str, section: &str, parent: Option<usize>, xml: &str) -> Result<Self> {
        let command = COMMANDS.iter().find(|(word, _)| *word == command).map(|(_, command)| *command);
        let command = command.ok_or_else(|| unknown("command", COMMANDS.iter().map(|(word, _)| *word)))?;
        let found = SECTIONS.iter().find(|(word, ..)| *word == section);
        let (section, before, behind) = found.ok_or_else(|| unknown("section", SECTIONS.iter().map(|(word, ..)| *word)))?;
        let around = |part: &str| format!("<network><name>a</name>{before}{part}{behind}</network>");
        let (network, warnings) = Network::parse(&around(xml))?;
        let part = part(section, network.clone());
        // Whatever else is in it was meant to say something, too.
        let alone = part.as_ref().is_some_and(|part| {
            let mut skeleton = Network::parse(&around("")).map(|(network, _)| network).unwrap_or_default();
            place(&mut skeleton, part);
            skeleton == network
        });
        match part {
            Some(part) if alone && warnings.is_empty() => Ok(Self { command, part, parent }),
            _ => Err(Error::new(
                ErrorKind::InvalidXml,
                format!("'{xml}' is not one element of the section {section}, with what belongs to it"),
            )),
        }
    }

    /// Changes a document.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `InvalidXml` when the result is no network; the document is then to be dropped.
    pub fn apply(&self, network: &mut Network) -> Result<()> {
        let before = network.clone();
        let Self { command, part, parent } = self;
        let command = *command;
        match part {
            Part::Bridge(bridge) => one(&mut network.bridge, command, bridge),
            Part::Domain(domain) => one(&mut network.domain, command, domain),
            Part::Forward(forward) => one(&mut network.forward, command, forward),
            Part::PhysicalFunction(function) => one(&mut forward(network)?.physical_function, command, function),
            Part::Ip(ip) => list(&mut network.ips, command, ip, |a, b| a.address == b.address),
            Part::DhcpHost(host) => {
                let family = host.ip.map(IpFamily::of);
                list(&mut dhcp(network, *parent, family, command)?.hosts, command, host, same_client)
            }
            Part::DhcpRange(range) => {
                let family = range.start.map(IpFamily::of);
                let same = |a: &DhcpRange, b: &DhcpRange| a.start == b.start && a.end == b.end;
                list(&mut dhcp(network, *parent, family, command)?.ranges, command, range, same)
            }
            Part::DnsHost(host) => list(&mut dns(network).hosts, command, host, same_names),
            Part::DnsText(text) => list(&mut dns(network).texts, command, text, |a, b| a.name == b.name),
            Part::DnsService(service) => {
                let same = |a: &DnsService, b: &DnsService| {
                    (&a.service, a.protocol, &a.domain, &a.target) == (&b.service, b.protocol, &b.domain, &b.target)
                };
                list(&mut dns(network).services, command, service, same)
            }
            Part::ForwardInterface(interface) => list(&mut forward(network)?.interfaces, command, interface, |a, b| a.dev == b.dev),
            Part::PortGroup(group) => list(&mut network.port_groups, command, group, |a, b| a.name == b.name),
        }?;
        keep_bridge(network, &before);
        network.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))
    }
}

fn unknown<'a>(what: &str, words: impl Iterator<Item = &'a str>) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("there is no such {what}; use one of {}", words.collect::<Vec<_>>().join(", ")))
}

/// The part of a document around one.
fn part(section: &str, mut network: Network) -> Option<Part> {
    let dhcp = network.ips.first_mut().and_then(|ip| ip.dhcp.as_mut());
    match section {
        "bridge" => network.bridge.map(Part::Bridge),
        "domain" => network.domain.map(Part::Domain),
        "forward" => network.forward.map(|forward| Part::Forward(Box::new(forward))),
        "forward-pf" => network.forward?.physical_function.map(Part::PhysicalFunction),
        "ip" => network.ips.pop().map(|ip| Part::Ip(Box::new(ip))),
        "ip-dhcp-host" => dhcp?.hosts.pop().map(Part::DhcpHost),
        "ip-dhcp-range" => dhcp?.ranges.pop().map(Part::DhcpRange),
        "dns-host" => network.dns?.hosts.pop().map(Part::DnsHost),
        "dns-txt" => network.dns?.texts.pop().map(Part::DnsText),
        "dns-srv" => network.dns?.services.pop().map(Part::DnsService),
        "forward-interface" => network.forward?.interfaces.pop().map(Part::ForwardInterface),
        "portgroup" => network.port_groups.pop().map(|group| Part::PortGroup(Box::new(group))),
        _ => None,
    }
}

/// Puts a part where [`part`] takes it from.
fn place(network: &mut Network, part: &Part) {
    let dhcp = network.ips.first_mut().and_then(|ip| ip.dhcp.as_mut());
    match (part, dhcp) {
        (Part::Bridge(bridge), _) => network.bridge = Some(bridge.clone()),
        (Part::Domain(domain), _) => network.domain = Some(domain.clone()),
        (Part::Forward(forward), _) => network.forward = Some((**forward).clone()),
        (Part::PhysicalFunction(function), _) => network.forward.get_or_insert_default().physical_function = Some(function.clone()),
        (Part::Ip(ip), _) => network.ips.push((**ip).clone()),
        (Part::DhcpHost(host), Some(dhcp)) => dhcp.hosts.push(host.clone()),
        (Part::DhcpRange(range), Some(dhcp)) => dhcp.ranges.push(range.clone()),
        (Part::DnsHost(host), _) => network.dns.get_or_insert_default().hosts.push(host.clone()),
        (Part::DnsText(text), _) => network.dns.get_or_insert_default().texts.push(text.clone()),
        (Part::DnsService(service), _) => network.dns.get_or_insert_default().services.push(service.clone()),
        (Part::ForwardInterface(interface), _) => network.forward.get_or_insert_default().interfaces.push(interface.clone()),
        (Part::PortGroup(group), _) => network.port_groups.push((**group).clone()),
        (Part::DhcpHost(_) | Part::DhcpRange(_), None) => {}
    }
}

/// Where addresses are given out: of the `<ip>` that is said, else of the one that fits.
fn dhcp(network: &mut Network, parent: Option<usize>, family: Option<IpFamily>, command: Command) -> Result<&mut Dhcp> {
    let none = |what: String| Error::new(ErrorKind::NotFound, format!("network '{}' has no {what}", network.name));
    let fits = |ip: &NetworkIp| family.is_none() || ip.address.map(IpFamily::of) == family;
    let index = match parent {
        Some(index) if index < network.ips.len() => index,
        Some(index) => return Err(none(format!("<ip> number {index}; they are counted from 0"))),
        None => {
            let with = network.ips.iter().position(|ip| ip.dhcp.is_some() && fits(ip));
            let without = || network.ips.iter().position(fits).filter(|_| matches!(command, Command::AddFirst | Command::AddLast));
            with.or_else(without).ok_or_else(|| none("<dhcp> for such an address".to_owned()))?
        }
    };
    let name = network.name.clone();
    let ip = network.ips.get_mut(index).ok_or_else(|| Error::new(ErrorKind::NotFound, format!("network '{name}' has no such <ip>")))?;
    Ok(ip.dhcp.get_or_insert_with(Dhcp::default))
}

/// What the DNS server knows.
fn dns(network: &mut Network) -> &mut Dns {
    network.dns.get_or_insert_with(Dns::default)
}

/// The way to the world. A network without one does not get one by the way.
fn forward(network: &mut Network) -> Result<&mut Forward> {
    let name = &network.name;
    let none = || Error::new(ErrorKind::NotFound, format!("network '{name}' has no <forward>; add that first, with the section forward"));
    network.forward.as_mut().ok_or_else(none)
}

/// Whether two records are of the same address, or have a name in common where one says no address.
fn same_names(a: &DnsHost, b: &DnsHost) -> bool {
    match (a.ip, b.ip) {
        (Some(a), Some(b)) => a == b,
        _ => a.names.iter().any(|name| b.names.contains(name)),
    }
}

/// Whether two reserved addresses are for the same: by the first of what both say.
fn same_client(a: &DhcpHost, b: &DhcpHost) -> bool {
    fn both<T: PartialEq>(a: Option<T>, b: Option<T>) -> Option<bool> {
        Some(a? == b?)
    }
    let by_name = || both(a.name.as_ref(), b.name.as_ref());
    both(a.mac, b.mac).or_else(|| both(a.id.as_ref(), b.id.as_ref())).or_else(by_name).or_else(|| both(a.ip, b.ip)).unwrap_or(false)
}

/// Changes a part of which there is one at most.
fn one<T: Clone>(there: &mut Option<T>, command: Command, part: &T) -> Result<()> {
    match (command, &there) {
        (Command::AddFirst | Command::AddLast, Some(_)) => Err(is_there()),
        (Command::Modify | Command::Delete, None) => Err(is_not_there()),
        (Command::AddFirst | Command::AddLast | Command::Modify, _) => {
            *there = Some(part.clone());
            Ok(())
        }
        (Command::Delete, Some(_)) => {
            *there = None;
            Ok(())
        }
    }
}

/// Changes a part of which there are several.
fn list<T: Clone>(list: &mut Vec<T>, command: Command, part: &T, same: impl Fn(&T, &T) -> bool) -> Result<()> {
    let place = list.iter().position(|there| same(there, part));
    match (command, place) {
        (Command::AddFirst | Command::AddLast, Some(_)) => return Err(is_there()),
        (Command::Modify | Command::Delete, None) => return Err(is_not_there()),
        (Command::AddFirst, None) => list.insert(0, part.clone()),
        (Command::AddLast, None) => list.push(part.clone()),
        (Command::Modify, Some(place)) => drop(list.splice(place..=place, [part.clone()])),
        (Command::Delete, Some(place)) => drop(list.remove(place)),
    }
    Ok(())
}

fn is_there() -> Error {
    Error::new(ErrorKind::AlreadyExists, "there is such an element already; use the command modify to replace it")
}

fn is_not_there() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such element; use the command add for a new one")
}

#[cfg(test)]
mod tests;
