//! The layers of an instance, from what is configured and what the host has.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::Stack;
use super::capabilities::Capabilities;
use super::cgroup::{self, Cgroup};
use super::dac::{self, Dac};
use super::limits::Limits;
use super::namespaces::Namespaces;
use super::required::Required;
use super::seccomp::Seccomp;
use crate::error::Result;
use crate::host::systemd::{Bus, Slice};
use crate::hypervisors::confine::{Confine, Confined, Subject};

/// What is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Who guests run as, and their files.
    pub dac: dac::Options,
    /// Whether capabilities are taken.
    pub capabilities: bool,
    /// Whether guests have their own view of files.
    pub namespaces: bool,
    /// Whether system calls are forbidden.
    pub seccomp: bool,
    /// What guests may use up.
    pub limits: Limits,
    /// Devices that every guest has.
    pub devices: Vec<PathBuf>,
    /// Whether the security module confines a guest that does not ask for it.
    pub default_confined: bool,
    /// Whether a guest that no security module confines is refused.
    pub require_confined: bool,
}

/// What the host has.
pub struct Facts {
    /// The boot of the host.
    pub boot: String,
    /// Directories that hold something of every guest, or of the service alone.
    pub private: Vec<PathBuf>,
    /// Whether a process may rule out new privileges before it executes a guest's program.
    pub no_new_privs_before_exec: bool,
    /// Security modules that this program knows.
    pub modules: Vec<Module>,
    /// Layers that come after all others.
    pub last: Vec<Arc<dyn Confine>>,
}

/// A security module.
#[derive(Clone)]
pub struct Module {
    /// Its layer. One that is switched off takes back what it did before.
    pub layer: Arc<dyn Confine>,
    /// Whether it confines guests here.
    pub confines: bool,
}

/// The layers of a user's own instance: guests run as that user, in scopes of their own with the limits of their
/// definitions.
pub fn session(bus: Bus) -> Stack {
    Stack::new(vec![Arc::new(Cgroup::new(cgroup::Options { bus: Some(bus), slice: Slice::App, devices: None, controllers: None }))])
}

/// The layers of the system instance.
pub fn system(options: &Options, facts: Facts) -> Stack {
    let Facts { boot, private, no_new_privs_before_exec, modules, last } = facts;
    let models = modules.iter().filter(|module| module.confines).map(|module| module.layer.name()).collect();
    let required = Required { models, by_default: options.default_confined };
    let mut layers: Vec<Arc<dyn Confine>> = vec![if_on(options.require_confined, required), Arc::new(Dac::new(options.dac.clone(), boot))];
    layers.extend(modules.into_iter().map(|module| module.layer));
    layers.extend([
        if_on(options.namespaces, Namespaces { devices: options.devices.clone(), private }),
        Arc::new(options.limits),
        if_on(options.capabilities, Capabilities { no_new_privs_before_exec }),
        if_on(options.seccomp, Seccomp),
    ]);
    layers.extend(last);
    Stack::new(layers)
}

fn if_on(on: bool, layer: impl Confine + 'static) -> Arc<dyn Confine> {
    match on {
        true => Arc::new(layer),
        false => Arc::new(Off(layer)),
    }
}

/// A layer that is switched off: it does nothing, and takes back what it did before.
struct Off<L>(L);

#[async_trait]
impl<L: Confine> Confine for Off<L> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn plan(&self, _guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        Ok(None)
    }

    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>> {
        self.0.recall(record)
    }
}
