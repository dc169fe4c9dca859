//! What a running network with a bridge of its own consists of on the host, made and taken away.
//!
//! [`ensure`] makes what is missing and leaves what is there: a start finds nothing, the next service finds what its
//! predecessor made and repairs the rest. [`remove`] takes away what a status names, whatever of it is there. So a failed
//! start, a stop and the remains of a crash are one and the same.

use std::path::Path;

use super::backends::{Addresses, OwnBridgePlan};
use super::dnsmasq;
use super::filter;
use super::firewall::firewalld;
use super::firewall::nftables::table_of;
use super::host::Host;
use super::limits::{self, Side};
use super::ports::Whose;
use super::status::{Made, Port, ProcessRecord};
use super::vlans::{self, Filtering};
use crate::error::{Error, ErrorKind, Result};
use crate::host::netlink::{Link, NewRoute, PortFlags, VlanMember, VlanPort};
use crate::host::nftables::{self, NftablesError};
use crate::host::process::Process;
use crate::host::sysctl::Parameter;

/// Writes down what was made.
pub type Remember<'a> = &'a (dyn Fn(&Made) -> Result<()> + Sync);

/// What a plan will make, as far as it is known before.
pub fn foreseen(plan: &OwnBridgePlan) -> Made {
    Made {
        bridge: Some((plan.bridge.name.clone(), plan.bridge.mac)),
        table: plan.rules.is_some().then(|| table_of(&plan.bridge.name)),
        limits: plan.limits.is_some().then(|| limits::table_of(&plan.bridge.name)),
        zone: false,
        dnsmasq: None,
    }
}

/// Refuses a start that could not succeed, or would take something from the host.
///
/// # Errors
/// `InUse` for addresses or a name of the host's, `NotSupported` for a program that is missing.
pub async fn check(host: &Host, network: &str, plan: &OwnBridgePlan) -> Result<()> {
    let taken = host.taken().await?;
    let name = &plan.bridge.name;
    if taken.links.iter().any(|link| link.name == *name) {
        let reason = format!(
            "network '{network}' cannot have the bridge {name}: the host has an interface of that name already; write another one into \
             <bridge name='…'/>, or remove that: ip link delete {name}"
        );
        return Err(Error::new(ErrorKind::InUse, reason));
    }
    taken.refuse_collisions(network, &plan.addresses.subnets, name)?;
    if plan.forwards.1 && taken.routes.iter().any(|route| route.advertised) {
        refuse_lost_routes(network, &taken)?;
    }
    if plan.dnsmasq.is_some() {
        dnsmasq::require_program()?;
    }
    firewalld::check(host.firewalld(), network, &plan.zone).await
}

/// The kernel forgets the routes that routers advertised when it begins to forward, unless it is told to keep listening
/// (ip-sysctl.rst, `accept_ra`).
fn refuse_lost_routes(network: &str, taken: &super::addressing::Taken) -> Result<()> {
    if Parameter::forwarding_of_ipv6().read().ok().flatten().as_deref() == Some("1") {
        return Ok(());
    }
    for route in taken.routes.iter().filter(|route| route.advertised) {
        let Some(link) = taken.links.iter().find(|link| Some(link.index) == route.interface) else { continue };
        let accepts = Parameter::of_ipv6(&link.name, "accept_ra").and_then(|parameter| parameter.read()).ok().flatten();
        if accepts.as_deref() == Some("1") {
            let reason = format!(
                "network '{network}' forwards IPv6, and the host would lose the route that it learned by {}: let it keep listening with sysctl \
                 net.ipv6.conf.{}.accept_ra=2",
                link.name, link.name
            );
            return Err(Error::new(ErrorKind::InUse, reason));
        }
    }
    Ok(())
}

/// Makes what is missing; answers with dnsmasq, if there is to be one.
///
/// # Errors
/// The host refuses something; what was made stays, and is in the status.
pub async fn ensure(
    host: &Host,
    plan: &OwnBridgePlan,
    directory: &Path,
    made: &mut Made,
    remember: Remember<'_>,
) -> Result<Option<Process>> {
    forward(plan.forwards)?;
    let link = bridge(host, plan).await?;
    if plan.filters_vlans {
        keep_apart(host, &link, &plan.vlans).await?;
    }
    // Before it is on: firewalld has it in the default zone otherwise.
    made.zone = true;
    remember(made)?;
    made.zone = firewalld::bind(host.firewalld(), &plan.bridge.name, &plan.zone).await?;
    addresses(host, &link, &plan.addresses).await?;
    host.netlink.switch(link.index, true).await?;
    // The kernel takes routes only where the interface is on.
    routes(host, &link, &plan.addresses).await?;
    if let Some(rules) = &plan.rules {
        nftables::apply(rules).await?;
    }
    if let Some(wanted) = &plan.limits {
        nftables::apply(&limits::make(&plan.bridge.name, wanted, Side::Host)).await?;
    }
    let Some(files) = &plan.dnsmasq else { return Ok(None) };
    if let Some(process) = running(made.dnsmasq)? {
        return Ok(Some(process));
    }
    let recorded = |process: &Process| {
        made.dnsmasq = Some(ProcessRecord::of(process));
        remember(made)
    };
    dnsmasq::start(directory, host.others(), files, recorded).await.map(Some)
}

/// Gives a bridge that is there the addresses, routes and times of another plan, and takes away those that only the old one had.
///
/// # Errors
/// The host refuses something; what was changed stays.
pub async fn readdress(host: &Host, old: &OwnBridgePlan, new: &OwnBridgePlan) -> Result<()> {
    forward(new.forwards)?;
    let link = bridge(host, new).await?;
    if new.filters_vlans && !old.filters_vlans {
        keep_apart(host, &link, &new.vlans).await?;
    }
    if (old.bridge.stp, old.bridge.delay) != (new.bridge.stp, new.bridge.delay) {
        host.netlink.set_bridge_times(link.index, &new.bridge).await?;
    }
    let there = host.netlink.addresses(link.index).await?;
    for subnet in old.addresses.subnets.iter().filter(|subnet| !new.addresses.subnets.contains(subnet)) {
        if there.contains(&(subnet.address(), subnet.prefix())) {
            host.netlink.remove_address(link.index, subnet.address()).await?;
        }
    }
    addresses(host, &link, &new.addresses).await?;
    routes(host, &link, &new.addresses).await
}

/// The process of a record, if it still runs.
///
/// # Errors
/// It cannot be found out.
pub fn running(record: Option<ProcessRecord>) -> Result<Option<Process>> {
    let Some(ProcessRecord { pid, start_time }) = record else { return Ok(None) };
    Ok(Process::reopen(pid, start_time)?)
}

/// Lets the kernel forward packets. It stays so: nobody knows who else relies on it by the time a network stops.
fn forward((ipv4, ipv6): (bool, bool)) -> Result<()> {
    let families = [(ipv4, Parameter::forwarding_of_ipv4(), "IPv4"), (ipv6, Parameter::forwarding_of_ipv6(), "IPv6")];
    for (wanted, parameter, family) in families {
        if wanted && set(&parameter, "1")? {
            tracing::info!("this host forwards packets of {family} from now on, for its virtual networks");
        }
    }
    Ok(())
}

fn set(parameter: &Parameter, value: &str) -> Result<bool> {
    parameter.set(value).map_err(|error| Error::new(ErrorKind::HostFailed, error.to_string()))
}

async fn bridge(host: &Host, plan: &OwnBridgePlan) -> Result<Link> {
    let name = &plan.bridge.name;
    let link = match host.netlink.link(name).await? {
        Some(link) if is_ours(&link, plan.bridge.mac) => link,
        Some(_) => {
            let reason = format!("the interface {name} is not the bridge that this service made; remove it: ip link delete {name}");
            return Err(Error::new(ErrorKind::InUse, reason));
        }
        None => {
            let index = host.netlink.add_bridge(&plan.bridge).await?;
            let made = host.netlink.link(name).await?;
            made.unwrap_or_else(|| Link { index, name: name.clone(), ..Link::default() })
        }
    };
    // Before it has an address and is on: no packet of a family that it is not to speak.
    let of_ipv6 = |parameter: &str, value: &str| {
        let parameter = Parameter::of_ipv6(name, parameter).map_err(|error| Error::new(ErrorKind::HostFailed, error.to_string()))?;
        let read = parameter.read().map_err(|error| Error::new(ErrorKind::HostFailed, error.to_string()))?;
        // A kernel without IPv6 has none of these.
        if read.is_some() { set(&parameter, value).map(drop) } else { Ok(()) }
    };
    of_ipv6("disable_ipv6", if plan.addresses.ipv6 { "0" } else { "1" })?;
    // Guests are no routers of the host's.
    of_ipv6("accept_ra", "0")?;
    of_ipv6("autoconf", "0")?;
    Ok(link)
}

/// Lets a bridge of ours keep virtual networks apart, with the host's end in those of guests that say none.
async fn keep_apart(host: &Host, link: &Link, own: &[VlanMember]) -> Result<()> {
    require_filtering(host, link, Whose::Ours).await?;
    if !own.is_empty() {
        host.netlink.set_vlans(link.index, VlanPort::Bridge, own).await?;
    }
    Ok(())
}

/// Sees to it that a bridge keeps virtual networks apart before a guest in one is connected.
///
/// # Errors
/// `NotSupported` where this kernel's bridges know none, `InvalidState` where somebody else would have to tell the bridge.
pub async fn require_filtering(host: &Host, bridge: &Link, whose: Whose) -> Result<()> {
    match (vlans::filtering(bridge)?, whose) {
        (Filtering::On, _) => Ok(()),
        (Filtering::Off, Whose::Ours) => Ok(host.netlink.filter_vlans(bridge).await?),
        (Filtering::Off, Whose::Others) => Err(vlans::refuse_unfiltered(&bridge.name)),
    }
}

async fn addresses(host: &Host, link: &Link, wanted: &Addresses) -> Result<()> {
    let there = host.netlink.addresses(link.index).await?;
    for subnet in &wanted.subnets {
        if !there.contains(&(subnet.address(), subnet.prefix())) {
            host.netlink.add_address(link.index, subnet.address(), subnet.prefix()).await?;
        }
    }
    Ok(())
}

async fn routes(host: &Host, link: &Link, wanted: &Addresses) -> Result<()> {
    for (network, gateway, metric) in &wanted.routes {
        let route =
            NewRoute { network: network.address(), prefix: network.prefix(), gateway: *gateway, interface: link.index, metric: *metric };
        match host.netlink.add_route(&route).await {
            Err(error) if !error.is_there_already() => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Whether an interface is the bridge that was made, and not another one of its name.
fn is_ours(link: &Link, mac: [u8; 6]) -> bool {
    link.is_bridge() && link.mac == mac
}

/// Makes the guests' interfaces ports of a bridge that had to be made anew. Those that are gone are answered: not theirs any
/// more.
///
/// # Errors
/// The kernel does not answer.
pub async fn reconnect(host: &Host, (bridge, whose): (&str, Whose), ports: &[Port], flags: PortFlags) -> Result<()> {
    let links = host.netlink.links().await?;
    let Some(bridge) = links.iter().find(|link| link.name == bridge) else { return Ok(()) };
    let lost = |link: &&Link| ports.iter().any(|port| port.interface.as_deref() == Some(&link.name)) && link.controller.is_none();
    if ports.iter().any(|port| !port.vlans.is_empty()) {
        require_filtering(host, bridge, whose).await?;
    }
    for link in links.iter().filter(lost) {
        let Some(port) = ports.iter().find(|port| port.interface.as_deref() == Some(&link.name)) else { continue };
        // It is off until all is said: no frame goes where it is not meant to.
        host.netlink.switch(link.index, false).await?;
        host.netlink.connect(link.index, bridge.index).await?;
        host.netlink.set_port(link.index, flags).await?;
        if !port.vlans.is_empty() {
            host.netlink.set_vlans(link.index, VlanPort::Port, &port.vlans).await?;
        }
        if flags.fixed_addresses {
            host.netlink.pin_mac(link.index, port.mac).await?;
        }
        host.netlink.switch(link.index, true).await?;
    }
    Ok(())
}

/// Limits guests' interfaces again whose limits somebody took away.
///
/// # Errors
/// nft refuses.
pub async fn limit(host: &Host, ports: &[Port]) -> Result<()> {
    let links = host.netlink.links().await?;
    for port in ports {
        if let (Some(interface), Some(wanted)) = (&port.interface, &port.limits)
            && links.iter().any(|link| link.name == *interface)
        {
            nftables::apply(&limits::make(interface, wanted, port.side())).await?;
        }
    }
    Ok(())
}

/// Filters again what guests' interfaces send whose filters somebody took away. Those that are there have learned, and stay.
///
/// # Errors
/// nft refuses.
pub async fn filter(host: &Host, ports: &[Port]) -> Result<()> {
    if ports.iter().all(|port| port.filter.is_none()) {
        return Ok(());
    }
    let (links, tables) = (host.netlink.links().await?, nftables::tables(limits::FAMILY).await?);
    for port in ports {
        if let (Some(interface), Some(wanted)) = (&port.interface, &port.filter)
            && links.iter().any(|link| link.name == *interface)
            && !tables.contains(&filter::table_of(interface))
        {
            nftables::apply(&filter::make(interface, wanted, port.side())).await?;
        }
    }
    Ok(())
}

/// Takes away what was made, the last first. What is not there is no error, and an error does not stop the rest.
///
/// # Errors
/// The first of what went wrong.
pub async fn remove(host: &Host, made: &Made, directory: &Path) -> Result<()> {
    let mut first = Ok(());
    let mut note = |result: Result<()>| {
        if let Err(error) = result {
            tracing::error!("what a network made of the host stays behind: {error}");
            if first.is_ok() {
                first = Err(error);
            }
        }
    };
    note(stop_dnsmasq(made).await);
    if let Some(table) = &made.table {
        note(remove_table(&super::firewall::nftables::remove(table)).await);
    }
    if let Some(table) = &made.limits {
        note(remove_table(&limits::remove(table)).await);
    }
    if let (true, Some((name, _))) = (made.zone, &made.bridge) {
        note(firewalld::unbind(host.firewalld(), name).await);
    }
    if let Some((name, mac)) = &made.bridge {
        note(remove_bridge(host, name, *mac).await);
    }
    note(remove_directory(directory));
    first
}

async fn stop_dnsmasq(made: &Made) -> Result<()> {
    match running(made.dnsmasq)? {
        Some(process) => dnsmasq::stop(&process).await,
        None => Ok(()),
    }
}

async fn remove_table(commands: &[serde_json::Value]) -> Result<()> {
    match nftables::apply(commands).await {
        // Without the program no table was made.
        Err(NftablesError::Missing) => Ok(()),
        other => Ok(other?),
    }
}

async fn remove_bridge(host: &Host, name: &str, mac: [u8; 6]) -> Result<()> {
    match host.netlink.link(name).await? {
        Some(link) if is_ours(&link, mac) => match host.netlink.remove_link(link.index).await {
            Err(error) if !error.is_not_there() => Err(error.into()),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn remove_directory(directory: &Path) -> Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(ErrorKind::HostFailed, format!("cannot remove {}", directory.display())).caused_by(error))
        }
        _ => Ok(()),
    }
}
