//! What guests get and how they are confined, by the settings and by what the host has: made at the start and at each
//! reload, for guests that start from then on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::confinement::apparmor::{self, AppArmor};
use crate::confinement::cgroup::{self, Cgroup};
use crate::confinement::selinux::{self, Pairs, Selinux};
use crate::confinement::{self, Module};
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use crate::host::boot;
use crate::host::systemd::{Bus, Slice};
use crate::hypervisors::confine::Confine;
use crate::hypervisors::qemu::{Choices, Policy};
use crate::settings::{QemuConf, SecurityDriver, Settings};
use crate::store::Layout;

/// Where AppArmor's profiles of guests are.
const PROFILES: &str = "/etc/apparmor.d/lodge";

/// Makes policies for one instance.
pub enum Policies {
    /// Of a user's own.
    Session {
        /// The bus that the user's systemd may be on.
        bus: Bus,
    },
    /// Of the system.
    System {
        /// Where `qemu.conf` is.
        layout: Layout,
        /// The bus that systemd may be on.
        bus: Bus,
        /// What running guests have, whatever the settings were when they started.
        pairs: Pairs,
    },
}

impl Policies {
    /// The policy that the settings ask for now.
    ///
    /// # Errors
    /// `InvalidArgument` with the line of a setting that cannot be meant; `NotSupported` for what the host does not have.
    pub fn now(&self, settings: &Settings) -> Result<Policy> {
        match self {
            Self::Session { bus } => Ok(policy(settings, Arc::new(confinement::session(bus.clone())), Choices::default())),
            Self::System { layout, bus, pairs } => system(layout, settings, |conf| of_host(conf, bus, pairs)),
        }
    }
}

/// Layers that depend on what the host has.
#[derive(Default)]
pub struct OfHost {
    /// Security modules that this program knows.
    pub modules: Vec<Module>,
    /// Whether a process may rule out new privileges before it executes a guest's program: not where a module changes its
    /// label then.
    pub no_new_privs_before_exec: bool,
    /// Layers that come after all others.
    pub last: Vec<Arc<dyn Confine>>,
}

/// Reads `qemu.conf` and makes a policy of it; what has no effect is told in the log. `of_host` chooses what this host has
/// for it.
///
/// # Errors
/// As [`Policies::now`].
pub fn system(layout: &Layout, settings: &Settings, of_host: impl FnOnce(&QemuConf) -> Result<OfHost>) -> Result<Policy> {
    let (conf, told) = QemuConf::load(&layout.qemu_conf()).map_err(|error| Error::new(ErrorKind::InvalidArgument, error.to_string()))?;
    for one in told {
        tracing::warn!("{one}");
    }
    let boot = boot::id().map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot read {}", boot::ID)).caused_by(error))?;
    let OfHost { modules, no_new_privs_before_exec, last } = of_host(&conf)?;
    let facts = confinement::Facts { boot, private: layout.private(), no_new_privs_before_exec, modules, last };
    Ok(policy(settings, Arc::new(confinement::system(&conf.confinement, facts)), conf.choices))
}

fn policy(settings: &Settings, confine: Arc<dyn Confine>, choices: Choices) -> Policy {
    let start_timeout = Duration::from_secs(settings.start_timeout_seconds);
    Policy { emulator: settings.qemu.emulator.clone(), start_timeout, confine, choices }
}

/// What this host has for the settings: security modules that are active, and control groups.
fn of_host(conf: &QemuConf, bus: &Bus, pairs: &Pairs) -> Result<OfHost> {
    let by_default = conf.confinement.default_confined;
    let active = Active::find()?;
    let policy = match wanted(&conf.security_driver, selinux::MODEL, active.selinux.is_some())? {
        true => active.selinux.as_ref().map(selinux::Policy::read).transpose()?,
        false => None,
    };
    // Where both are active, the one that is told first to confine guests does, unless both are asked for by name.
    let instead = matches!(conf.security_driver, SecurityDriver::Auto) && policy.is_some();
    let options = match wanted(&conf.security_driver, apparmor::MODEL, active.apparmor.is_some())? && !instead {
        true => active.apparmor.map(|parser| apparmor::Options { directory: PROFILES.into(), parser, by_default }),
        false => None,
    };
    let transition = policy.as_ref().is_none_or(|policy| policy.transition_without_privileges);
    let confines = (policy.is_some(), options.is_some());
    tracing::info!("guests are confined by {}", in_words(confines));
    let modules = vec![
        Module { layer: Arc::new(Selinux::new(policy, by_default, pairs.clone())), confines: confines.0 },
        Module { layer: Arc::new(AppArmor::new(options)), confines: confines.1 },
    ];
    Ok(OfHost { modules, no_new_privs_before_exec: transition, last: vec![Arc::new(control_groups(conf, bus))] })
}

fn in_words((selinux, apparmor): (bool, bool)) -> &'static str {
    match (selinux, apparmor) {
        (true, true) => "SELinux and AppArmor",
        (true, false) => "SELinux",
        (false, true) => "AppArmor",
        (false, false) => "no security module",
    }
}

fn control_groups(conf: &QemuConf, bus: &Bus) -> Cgroup {
    let devices = conf.confinement.devices.clone();
    let controllers = conf.cgroup_controllers.clone();
    Cgroup::new(cgroup::Options { bus: Some(bus.clone()), slice: Slice::Machine, devices: Some(devices), controllers })
}

/// Security modules that are active on this host.
struct Active {
    selinux: Option<host::selinux::Selinux>,
    /// The program that loads profiles.
    apparmor: Option<PathBuf>,
}

impl Active {
    fn find() -> Result<Self> {
        let failed = |error| Error::new(ErrorKind::HostFailed, "cannot tell which security modules are active").caused_by(error);
        let selinux = host::selinux::Selinux::find().map_err(failed)?;
        let apparmor = if host::apparmor::is_enabled().map_err(failed)? { Some(parser()?) } else { None };
        Ok(Self { selinux, apparmor })
    }
}

/// A host that has AppArmor and not its parser could not confine guests, and is not to run them unconfined.
fn parser() -> Result<PathBuf> {
    host::apparmor::parser().ok_or_else(|| {
        let sentence =
            "AppArmor is active and apparmor_parser is not there, which loads the guests' profiles; install the package apparmor";
        Error::new(ErrorKind::NotSupported, sentence)
    })
}

/// Whether a module is to confine guests.
fn wanted(driver: &SecurityDriver, model: &str, active: bool) -> Result<bool> {
    match driver {
        SecurityDriver::Auto => Ok(active),
        SecurityDriver::None => Ok(false),
        SecurityDriver::These(models) if models.iter().all(|other| other != model) => Ok(false),
        SecurityDriver::These(_) if active => Ok(true),
        SecurityDriver::These(_) => {
            let sentence = format!(
                "qemu.conf asks for security_driver = \"{model}\", which is not active on this host; activate it, or write \"auto\""
            );
            Err(Error::new(ErrorKind::NotSupported, sentence))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_asked_for_must_be_active() {
        let these = |models: &[&str]| SecurityDriver::These(models.iter().map(|model| (*model).to_owned()).collect());
        for (driver, active, expected) in [
            (SecurityDriver::Auto, true, Some(true)),
            (SecurityDriver::Auto, false, Some(false)),
            (SecurityDriver::None, true, Some(false)),
            (these(&["apparmor"]), true, Some(false)),
            (these(&["apparmor", "selinux"]), true, Some(true)),
            (these(&["selinux"]), false, None),
        ] {
            assert_eq!(wanted(&driver, "selinux", active).ok(), expected, "{driver:?} {active}");
        }
    }
}
