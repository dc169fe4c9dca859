//! A scope unit of its own for a process, made by the systemd manager on a bus.
//!
//! In a scope a guest is no longer part of the daemon's own unit: restarting or stopping the daemon leaves it alone,
//! and `systemctl status` shows it under its name. Interface: `org.freedesktop.systemd1(5)`, `StartTransientUnit`.
//! Where no systemd is on the bus the caller goes on: the process is detached in any case.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use zbus::{OwnedObjectPath, Variant};

use super::cgroup::{DeviceKind, DeviceLimit, DeviceRule, Limits};

/// A connection to the bus that a manager may be on.
pub type Bus = zbus::Connection;

/// Length limit of a unit name (systemd.unit(5)).
const UNIT_NAME_LIMIT: usize = 255;

/// Which slice a scope belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slice {
    /// `app.slice` of a user's manager.
    App,
    /// `machine.slice` of the system's manager.
    Machine,
    /// The one that a path such as `/production/web` means: `production-web.slice` (systemd.slice(5)).
    Path(String),
}

impl Slice {
    fn unit(&self) -> String {
        match self {
            Self::App => "app.slice".to_owned(),
            Self::Machine => "machine.slice".to_owned(),
            Self::Path(path) => {
                let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(escape).collect();
                // The root of all slices.
                if parts.is_empty() { "-.slice".to_owned() } else { format!("{}.slice", parts.join("-")) }
            }
        }
    }
}

/// A scope to make.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// Name of the unit.
    pub unit: &'a str,
    /// What it is, for people.
    pub description: &'a str,
    /// Where it belongs.
    pub slice: &'a Slice,
    /// What its processes may use.
    pub limits: &'a Limits,
}

/// Why a process has no scope.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// There is no systemd manager on this bus. Not a failure of the host: go on with the detached process.
    #[error("no systemd manager is on the bus")]
    NoSystemd,
    /// systemd refused.
    #[error("systemd did not make the unit {unit}: {source}")]
    Refused {
        /// Name of the unit.
        unit: String,
        /// What it said.
        source: zbus::Error,
    },
    /// systemd took the job and it did not come to a good end.
    #[error("systemd did not start the unit {unit}: its job ended as \"{result}\"; see systemctl status {unit}")]
    JobFailed {
        /// Name of the unit.
        unit: String,
        /// The job's result, as `failed` or `timeout`.
        result: String,
    },
    /// The name would be too long for systemd.
    #[error("the unit name {unit} has more than 255 characters")]
    NameTooLong {
        /// Name of the unit.
        unit: String,
    },
}

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Manager {
    // systemd is the first process or it is not there: it is never started by the bus.
    #[zbus(no_autostart)]
    fn start_transient_unit(
        &self,
        name: &str,
        mode: &str,
        properties: &[(&str, Variant<'_>)],
        auxiliary: &[(&str, &[(&str, Variant<'_>)])],
    ) -> zbus::Result<OwnedObjectPath>;

    #[zbus(no_autostart)]
    fn attach_processes_to_unit(&self, unit: &str, subcgroup: &str, pids: &[u32]) -> zbus::Result<()>;

    #[zbus(signal)]
    fn job_removed(&self, id: u32, job: OwnedObjectPath, unit: String, result: String) -> zbus::Result<()>;
}

/// The scope's name for a guest of this name: `lodge-qemu-NAME.scope`, NAME escaped as by systemd-escape(1).
pub fn scope_name(guest: &str) -> String {
    format!("lodge-qemu-{}.scope", escape(guest))
}

/// Puts the process `pid` into a new scope and waits until it is in there, under its limits. The unit goes away by itself
/// when its last process ends.
///
/// # Errors
/// [`ScopeError::NoSystemd`] is the one to go on with; the others say what systemd said.
pub async fn make_scope(bus: &Bus, scope: Scope<'_>, pid: u32) -> Result<(), ScopeError> {
    let Scope { unit, description, slice, limits } = scope;
    if unit.len() > UNIT_NAME_LIMIT {
        return Err(ScopeError::NameTooLong { unit: unit.to_owned() });
    }
    let refused = |source| refusal(unit, source);
    let manager = manager(bus).await.map_err(refused)?;
    // Followed from before the call, so that a job that ends at once is not missed. The manager sends this signal to
    // whoever asked for the job.
    let mut removed = manager.receive_job_removed().await.map_err(refused)?;
    let mut properties = vec![
        ("PIDs", Variant::from(vec![pid])),
        ("Slice", Variant::from(slice.unit())),
        ("Description", Variant::from(description)),
        ("CollectMode", Variant::from("inactive-or-failed")),
    ];
    properties.extend(properties_of(limits));
    let job = manager.start_transient_unit(unit, "fail", &properties, &[]).await.map_err(refused)?;
    while let Some(signal) = removed.next().await {
        let ended = signal.args().map_err(refused)?;
        if ended.job != job {
            continue;
        }
        return match ended.result.as_str() {
            "done" => Ok(()),
            result => Err(ScopeError::JobFailed { unit: unit.to_owned(), result: result.to_owned() }),
        };
    }
    Err(refused(zbus::Error::InputOutput(std::sync::Arc::new(std::io::ErrorKind::ConnectionAborted.into()))))
}

/// Puts one more process into a scope that was made before.
///
/// # Errors
/// As [`make_scope`].
pub async fn attach(bus: &Bus, unit: &str, pid: u32) -> Result<(), ScopeError> {
    let refused = |source| refusal(unit, source);
    manager(bus).await.map_err(refused)?.attach_processes_to_unit(unit, "", &[pid]).await.map_err(refused)
}

async fn manager(bus: &Bus) -> zbus::Result<ManagerProxy<'_>> {
    ManagerProxy::builder(bus).cache_properties(zbus::proxy::CacheProperties::No).build().await
}

fn refusal(unit: &str, source: zbus::Error) -> ScopeError {
    match no_such_service(&source) {
        true => ScopeError::NoSystemd,
        false => ScopeError::Refused { unit: unit.to_owned(), source },
    }
}

/// Limits as systemd calls them (systemd.resource-control(5), org.freedesktop.systemd1(5)).
fn properties_of(limits: &Limits) -> Vec<(&'static str, Variant<'static>)> {
    let amounts = [
        ("MemoryMax", limits.memory_max),
        ("MemoryHigh", limits.memory_high),
        ("MemorySwapMax", limits.swap_max),
        ("CPUWeight", limits.cpu_weight),
        ("CPUQuotaPerSecUSec", limits.cpu_quota),
        ("CPUQuotaPeriodUSec", limits.cpu_period),
        ("IOWeight", limits.io_weight),
    ];
    let of_devices = [
        ("IODeviceWeight", &limits.io_device_weights),
        ("IOReadBandwidthMax", &limits.io_read_bytes),
        ("IOWriteBandwidthMax", &limits.io_write_bytes),
        ("IOReadIOPSMax", &limits.io_read_operations),
        ("IOWriteIOPSMax", &limits.io_write_operations),
    ];
    let mut properties: Vec<(&str, Variant<'static>)> =
        amounts.into_iter().filter_map(|(name, amount)| Some((name, Variant::from(amount?)))).collect();
    properties.extend(of_devices.into_iter().filter(|(_, limits)| !limits.is_empty()).map(|(name, limits)| (name, pairs(limits))));
    if !limits.cpus.is_empty() {
        properties.push(("AllowedCPUs", Variant::from(bits(&limits.cpus))));
    }
    if let Some(devices) = &limits.devices {
        properties.push(("DevicePolicy", Variant::from("strict")));
        let allowed: Vec<(String, String)> = devices.iter().map(|rule| (node(rule), rule.access().to_owned())).collect();
        properties.push(("DeviceAllow", Variant::from(allowed)));
    }
    properties
}

fn pairs(limits: &[DeviceLimit]) -> Variant<'static> {
    Variant::from(limits.iter().map(|limit| (limit.path.to_string_lossy().into_owned(), limit.amount)).collect::<Vec<_>>())
}

/// A processor is a bit, the first one the lowest of the first byte.
fn bits(cpus: &BTreeSet<u32>) -> Vec<u8> {
    let mut bits = Vec::new();
    for cpu in cpus {
        let (byte, bit) = ((cpu / 8) as usize, cpu % 8);
        bits.resize(bits.len().max(byte + 1), 0);
        bits[byte] |= 1 << bit;
    }
    bits
}

/// A device by its numbers, so that what was looked at is what is allowed, whatever is at its path by then. Where all of a
/// major are meant, systemd takes its driver's name.
fn node(rule: &DeviceRule) -> String {
    let (directory, driver) = match rule.kind {
        DeviceKind::Character => ("char", "char"),
        DeviceKind::Block => ("block", "block"),
    };
    match rule.minor {
        Some(minor) => format!("/dev/{directory}/{}:{minor}", rule.major),
        None => format!("{driver}-{}", rule.major),
    }
}

/// Whether nobody on the bus has the name that was called.
pub(super) fn no_such_service(error: &zbus::Error) -> bool {
    let name = match error {
        zbus::Error::MethodError(name, ..) => name.as_str(),
        zbus::Error::FDO(inner) => match **inner {
            zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_) => {
                return true;
            }
            _ => return false,
        },
        _ => return false,
    };
    matches!(name, "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner")
}

/// The escaping of systemd.unit(5): what may not stand in a unit name becomes `\xNN`, a slash a dash.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            b'/' => escaped.push('-'),
            b'.' if position == 0 => escaped.push_str("\\x2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => escaped.push(char::from(byte)),
            other => escaped.push_str(&format!("\\x{other:02x}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
