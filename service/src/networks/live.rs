//! A network that runs: what it runs by, what was made for it, and the guests in it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lodge_model::document::Document as _;
use lodge_model::network::{Network, PortGroup};
use uuid::Uuid;

use super::apparatus;
use super::backends::{HostBridge, OwnBridgePlan, Plan};
use super::dnsmasq;
use super::firewall::{firewalld, others};
use super::host::Host;
use super::limits::Limits;
use super::ports::Whose;
use super::request::{Connect, Connection};
use super::status::{FORMAT, Made, Port, ProcessRecord, Status};
use super::view::Definition;
use super::vlans::{self, Filtering};
use crate::error::{Error, ErrorKind, Result};
use crate::host::boot;
use crate::host::netlink::PortFlags;
use crate::host::process::{Exit, Process};
use crate::store::StatusFiles;

/// A dnsmasq that ends sooner than this is not started again.
const SHORTEST_LIFE: Duration = Duration::from_secs(10);

/// A running network.
pub(super) struct Live {
    pub name: String,
    pub uuid: Uuid,
    /// What it runs by.
    pub definition: Definition,
    /// The stored text that it was started from.
    pub started_from: std::sync::Arc<str>,
    pub plan: Plan,
    pub made: Made,
    pub ports: Vec<Port>,
    pub dnsmasq: Option<Process>,
    /// What of the host keeps it from working.
    pub problems: Vec<String>,
    pub directory: PathBuf,
    dnsmasq_since: Instant,
}

/// What is needed to start or to find a network.
pub(super) struct Surroundings<'a> {
    pub host: &'a Host,
    pub status: &'a StatusFiles,
}

impl Live {
    /// A network that is to run by a definition, with nothing made yet.
    pub fn planned(name: &str, uuid: Uuid, definition: Definition, host: &Host) -> Result<Self> {
        let (network, _) = Network::parse(&definition.xml)?;
        let directory = host.directory(uuid);
        let plan = Plan::of(&network, &host.surroundings(&directory))?;
        let made = match &plan {
            Plan::OwnBridge(plan) => apparatus::foreseen(plan),
            _ => Made::default(),
        };
        Ok(Self {
            name: name.to_owned(),
            uuid,
            started_from: definition.xml.clone(),
            definition,
            plan,
            made,
            ports: Vec::new(),
            dnsmasq: None,
            problems: Vec::new(),
            directory,
            dnsmasq_since: Instant::now(),
        })
    }

    /// Starts it. What is made is written down first.
    ///
    /// # Errors
    /// Whatever keeps it from starting; nothing is left behind then.
    pub async fn start(mut self, with: &Surroundings<'_>) -> Result<Self> {
        match &self.plan {
            Plan::OwnBridge(plan) => apparatus::check(with.host, &self.name, plan).await?,
            Plan::HostBridge(bridge) => require_bridge(with.host, &self.name, bridge).await?,
            Plan::Direct(direct) => require_interfaces(with.host, &self.name, &direct.interfaces).await?,
        }
        self.save(with.status, false)?;
        if let Err(error) = self.ensure(with).await {
            // What went wrong here is the answer; what stays behind is logged.
            drop(self.remove(with).await);
            return Err(error);
        }
        self.save(with.status, true)?;
        self.look_around().await;
        Ok(self)
    }

    /// Makes what is missing of a network that was found running.
    pub async fn repair(&mut self, with: &Surroundings<'_>) {
        let repaired = async {
            self.ensure(with).await?;
            if let Some((bridge, whose)) = self.plan.bridge() {
                apparatus::reconnect(with.host, (bridge, whose), &self.ports, self.flags()).await?;
            }
            apparatus::limit(with.host, &self.ports).await?;
            apparatus::filter(with.host, &self.ports).await?;
            self.save(with.status, true)
        };
        if let Err(error) = repaired.await {
            tracing::error!("network '{}' runs, but could not be repaired: {error}", self.name);
            self.problems.push(format!("it could not be repaired after a restart of the service: {error}; stop it and start it again"));
        }
        self.look_around().await;
    }

    /// Connects guests again that were in it when it was stopped.
    pub async fn take_back(&mut self, ports: Vec<Port>, with: &Surroundings<'_>) {
        self.ports = ports;
        let Some((bridge, whose)) = self.plan.bridge().filter(|_| !self.ports.is_empty()) else { return };
        let connected = apparatus::reconnect(with.host, (bridge, whose), &self.ports, self.flags()).await;
        if let Err(error) = connected.and_then(|()| self.save(with.status, true)) {
            tracing::error!("guests that were in network '{}' are not connected again: {error}", self.name);
        }
    }

    /// Stops it: takes away all that was made for it.
    ///
    /// # Errors
    /// What stays behind; it is forgotten all the same only when nothing does.
    pub async fn remove(&mut self, with: &Surroundings<'_>) -> Result<()> {
        apparatus::remove(with.host, &self.made, &self.directory).await?;
        Ok(with.status.remove(self.uuid)?)
    }

    async fn ensure(&mut self, with: &Surroundings<'_>) -> Result<()> {
        let Plan::OwnBridge(plan) = &self.plan else { return Ok(()) };
        let template = self.status(false)?;
        let (uuid, files) = (self.uuid, with.status);
        let remember = |made: &Made| Ok(files.save(uuid, &Status { made: made.clone(), ..template.clone() })?);
        self.dnsmasq = apparatus::ensure(with.host, plan, &self.directory, &mut self.made, &remember).await?;
        self.dnsmasq_since = Instant::now();
        Ok(())
    }

    /// dnsmasq has ended by itself: it is started again, unless that is of no use.
    pub async fn dnsmasq_ended(&mut self, exit: Exit, with: &Surroundings<'_>) {
        tracing::warn!("dnsmasq of network '{}' ended by itself ({exit})", self.name);
        self.dnsmasq = None;
        let result = match &self.plan {
            Plan::OwnBridge(plan) if self.dnsmasq_since.elapsed() >= SHORTEST_LIFE => {
                let plan = plan.clone();
                self.restart_dnsmasq(&plan, with).await
            }
            _ => Err(Error::new(ErrorKind::HostFailed, "it ended soon after it was started")),
        };
        if let Err(error) = result {
            tracing::error!("dnsmasq of network '{}' is not started again: {error}", self.name);
            self.problems
                .push(format!("guests get no addresses and names: dnsmasq ended ({exit}), {error}; stop the network and start it again"));
        }
    }

    pub(super) async fn restart_dnsmasq(&mut self, plan: &OwnBridgePlan, with: &Surroundings<'_>) -> Result<()> {
        if let Some(process) = self.dnsmasq.take() {
            dnsmasq::stop(&process).await?;
        }
        let Some(files) = &plan.dnsmasq else { return Ok(()) };
        let template = self.status(true)?;
        let remember = |process: &Process| {
            let made = Made { dnsmasq: Some(ProcessRecord::of(process)), ..template.made.clone() };
            Ok(with.status.save(self.uuid, &Status { made, ..template.clone() })?)
        };
        let process = dnsmasq::start(&self.directory, with.host.others(), files, remember).await?;
        self.made.dnsmasq = Some(ProcessRecord::of(&process));
        self.dnsmasq = Some(process);
        self.dnsmasq_since = Instant::now();
        Ok(())
    }

    /// Tells who else's rules cut guests off.
    async fn look_around(&mut self) {
        if let Plan::OwnBridge(plan) = &self.plan
            && plan.rules.is_some()
        {
            let (ipv4, ipv6) = plan.forwards;
            let zone = (!self.made.zone).then_some(plan.zone.name.as_str());
            self.problems.extend(others::warnings(&plan.bridge.name, ipv4 || ipv6, zone).await);
        }
    }

    /// Puts the bridge into its zone again: firewalld has started, or read its configuration anew.
    pub async fn bind_zone(&mut self, with: &Surroundings<'_>) {
        let Plan::OwnBridge(plan) = &self.plan else { return };
        match firewalld::bind(with.host.firewalld(), &plan.bridge.name, &plan.zone).await {
            Ok(bound) => self.made.zone |= bound,
            Err(error) => {
                tracing::error!("network '{}' is in no zone of firewalld: {error}", self.name);
                self.problems.push(format!("guests may be cut off: {error}; stop the network and start it again"));
            }
        }
        if let Err(error) = self.save(with.status, true) {
            tracing::error!("that firewalld knows network '{}' is not known after a restart of the service: {error}", self.name);
        }
    }

    /// A place for a guest's interface.
    ///
    /// # Errors
    /// `NotFound` for a port group that it does not have; `InUse` when no interface of the host is left.
    pub fn connect(&mut self, connect: &Connect) -> Result<Connection> {
        // What the interface itself says counts.
        let group = self.port_group(connect.port_group.as_deref())?;
        let limits = connect.limits.clone().or_else(|| Limits::of(group.as_ref()?.bandwidth.as_ref()?));
        let of_group = group.as_ref().and_then(|group| group.vlan.as_ref()).map(vlans::members).transpose()?;
        let mut vlans = if connect.vlans.is_empty() { of_group.unwrap_or_default() } else { connect.vlans.clone() };
        let (connection, lower) = match &self.plan {
            Plan::OwnBridge(plan) => {
                let bridge = plan.bridge.name.clone();
                let (isolated, fixed_addresses, mtu) = (plan.isolated_ports, plan.fixed_addresses, plan.bridge.mtu);
                if vlans.is_empty() {
                    vlans.clone_from(&plan.vlans);
                }
                let (limits, vlans) = (limits.clone(), vlans.clone());
                (Connection::Bridge { bridge, isolated, fixed_addresses, mtu, limits, vlans, whose: Whose::Ours }, None)
            }
            Plan::HostBridge(plan) => {
                let (bridge, isolated) = (plan.name.clone(), plan.isolated_ports);
                if vlans.is_empty() {
                    vlans.clone_from(&plan.vlans);
                }
                let (limits, vlans) = (limits.clone(), vlans.clone());
                (Connection::Bridge { bridge, isolated, fixed_addresses: false, mtu: None, limits, vlans, whose: Whose::Others }, None)
            }
            Plan::Direct(_) if !vlans.is_empty() => return Err(vlans::refuse_elsewhere("an interface of the host")),
            Plan::Direct(direct) => {
                let used: Vec<String> = self.ports.iter().filter_map(|port| port.lower.clone()).collect();
                let dev = direct.choose(&self.name, &used)?.to_owned();
                (Connection::Direct { dev: dev.clone(), mode: direct.mode, limits: limits.clone() }, Some(dev))
            }
        };
        self.ports.retain(|port| (port.owner, port.mac) != (connect.owner, connect.mac));
        self.ports.push(Port {
            owner: connect.owner,
            mac: connect.mac,
            interface: None,
            lower,
            limits,
            vlans,
            filter: connect.filter.clone(),
        });
        Ok(connection)
    }

    /// The port group of an interface, if it is in one. Refuses one that is not there, and one of a switch that this version does not
    /// speak to.
    fn port_group(&self, wanted: Option<&str>) -> Result<Option<PortGroup>> {
        let (network, _) = Network::parse(&self.definition.xml)?;
        let is_default = |group: &&PortGroup| group.default.is_some_and(|default| default.0);
        let group = match wanted {
            Some(name) => {
                let group = network.port_groups.iter().find(|group| group.name == name);
                Some(group.ok_or_else(|| {
                    let reason = format!("network '{}' has no port group '{name}'; correct <source portgroup='…'/>", self.name);
                    Error::new(ErrorKind::NotFound, reason)
                })?)
            }
            None => network.port_groups.iter().find(is_default),
        };
        match group {
            Some(group) if group.virtual_port.is_some() => {
                let reason = format!(
                    "the port group '{}' of network '{}' has <virtualport>, for a switch that this version does not speak to: the guest would reach \
                     more than is meant; take <virtualport> out",
                    group.name, self.name
                );
                Err(Error::new(ErrorKind::NotSupported, reason))
            }
            group => Ok(group.cloned()),
        }
    }

    fn flags(&self) -> PortFlags {
        match &self.plan {
            Plan::OwnBridge(plan) => PortFlags { isolated: plan.isolated_ports, fixed_addresses: plan.fixed_addresses },
            Plan::HostBridge(plan) => PortFlags { isolated: plan.isolated_ports, fixed_addresses: false },
            Plan::Direct(_) => PortFlags::default(),
        }
    }

    /// Writes down what a later service needs.
    pub fn save(&self, files: &StatusFiles, started: bool) -> Result<()> {
        Ok(files.save(self.uuid, &self.status(started)?)?)
    }

    fn status(&self, started: bool) -> Result<Status> {
        let boot = boot::id().map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot read {}: {error}", boot::ID)))?;
        Ok(Status {
            format: FORMAT,
            name: self.name.clone(),
            boot,
            live: self.definition.xml.to_string(),
            started,
            made: self.made.clone(),
            ports: self.ports.clone(),
        })
    }
}

pub(super) async fn require_bridge(host: &Host, network: &str, plan: &HostBridge) -> Result<()> {
    let bridge = &plan.name;
    let reason = match host.netlink.link(bridge).await? {
        Some(link) if link.is_bridge() && plan.filters_vlans && vlans::filtering(&link)? == Filtering::Off => {
            return Err(vlans::refuse_unfiltered(bridge));
        }
        Some(link) if link.is_bridge() => return Ok(()),
        Some(_) => format!("network '{network}' is on {bridge}, which is no bridge: write the name of one into <bridge name='…'/>"),
        None => {
            format!("network '{network}' is on the bridge {bridge}, which is not there: make it, as with ip link add {bridge} type bridge")
        }
    };
    Err(Error::new(ErrorKind::NotFound, reason))
}

pub(super) async fn require_interfaces(host: &Host, network: &str, interfaces: &[String]) -> Result<()> {
    let links = host.netlink.links().await?;
    match interfaces.iter().find(|interface| links.iter().all(|link| link.name != **interface)) {
        Some(missing) => {
            let reason = format!("network '{network}' is on the interface {missing}, which this host does not have; correct <forward>");
            Err(Error::new(ErrorKind::NotFound, reason))
        }
        None => Ok(()),
    }
}
