//! A scope unit of its own for a process, made by the systemd manager on a bus.
//!
//! In a scope a guest is no longer part of the daemon's own unit: restarting or stopping the daemon leaves it alone,
//! and `systemctl status` shows it under its name. Interface: `org.freedesktop.systemd1(5)`, `StartTransientUnit`.
//! Where no systemd is on the bus the caller goes on: the process is detached in any case.

use futures_util::StreamExt;
use zbus::{OwnedObjectPath, Variant};

/// A connection to the bus that a manager may be on.
pub type Bus = zbus::Connection;

/// Length limit of a unit name (systemd.unit(5)).
const UNIT_NAME_LIMIT: usize = 255;

/// Which slice a scope belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// `app.slice` of a user's manager.
    App,
    /// `machine.slice` of the system's manager.
    Machine,
}

impl Slice {
    fn unit(self) -> &'static str {
        match self {
            Self::App => "app.slice",
            Self::Machine => "machine.slice",
        }
    }
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

    #[zbus(signal)]
    fn job_removed(&self, id: u32, job: OwnedObjectPath, unit: String, result: String) -> zbus::Result<()>;
}

/// The scope's name for a guest of this name: `lodge-qemu-NAME.scope`, NAME escaped as by systemd-escape(1).
pub fn scope_name(guest: &str) -> String {
    format!("lodge-qemu-{}.scope", escape(guest))
}

/// Puts the process `pid` into the new scope `unit` and waits until it is in there. The unit goes away by itself when
/// its last process ends.
///
/// # Errors
/// [`ScopeError::NoSystemd`] is the one to go on with; the others say what systemd said.
pub async fn move_to_scope(bus: &Bus, unit: &str, description: &str, pid: u32, slice: Slice) -> Result<(), ScopeError> {
    if unit.len() > UNIT_NAME_LIMIT {
        return Err(ScopeError::NameTooLong { unit: unit.to_owned() });
    }
    let refused = |source| match no_such_service(&source) {
        true => ScopeError::NoSystemd,
        false => ScopeError::Refused { unit: unit.to_owned(), source },
    };
    let manager = ManagerProxy::builder(bus).cache_properties(zbus::proxy::CacheProperties::No).build().await.map_err(refused)?;
    // Followed from before the call, so that a job that ends at once is not missed. The manager sends this signal to
    // whoever asked for the job.
    let mut removed = manager.receive_job_removed().await.map_err(refused)?;
    let properties = [
        ("PIDs", Variant::from(vec![pid])),
        ("Slice", Variant::from(slice.unit())),
        ("Description", Variant::from(description)),
        ("CollectMode", Variant::from("inactive-or-failed")),
    ];
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

fn no_such_service(error: &zbus::Error) -> bool {
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
