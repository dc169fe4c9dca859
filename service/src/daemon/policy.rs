//! What the system instance's administrator decides for guests: `qemu.conf`, read at the start and at each reload.

use std::sync::Arc;

use crate::confinement;
use crate::error::{Error, ErrorKind, Result};
use crate::host::boot;
use crate::hypervisors::confine::Confine;
use crate::hypervisors::qemu::Policy;
use crate::settings::QemuConf;
use crate::store::Layout;

/// Layers that depend on what the host has.
#[derive(Default)]
pub struct OfHost {
    /// Security modules that confine guests.
    pub modules: Vec<Arc<dyn Confine>>,
    /// Whether a process may rule out new privileges before it executes a guest's program: not where a module changes its
    /// label then.
    pub no_new_privs_before_exec: bool,
    /// Layers that come after all others.
    pub last: Vec<Arc<dyn Confine>>,
}

/// Reads the settings and makes of them what guests get that start from now on; what has no effect is told in the log.
/// `of_host` chooses what this host has for it.
///
/// # Errors
/// `InvalidArgument` with the line of a setting that cannot be meant; the policy before stays in force.
pub fn system(layout: &Layout, of_host: impl FnOnce(&QemuConf) -> Result<OfHost>) -> Result<Policy> {
    let (settings, told) =
        QemuConf::load(&layout.qemu_conf()).map_err(|error| Error::new(ErrorKind::InvalidArgument, error.to_string()))?;
    for one in told {
        tracing::warn!("{one}");
    }
    let boot = boot::id().map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot read {}", boot::ID)).caused_by(error))?;
    let OfHost { modules, no_new_privs_before_exec, last } = of_host(&settings)?;
    let facts = confinement::Facts { boot, private: layout.private(), no_new_privs_before_exec, modules, last };
    Ok(Policy { confine: Arc::new(confinement::system(&settings.confinement, facts)), choices: settings.choices })
}
