//! Control groups: the devices that a guest's processes may open, and what they may use of memory, processors and disks.
//!
//! With systemd on the bus a guest has a scope unit of its own, and systemd sets the limits. Without it, a group of ours
//! limits devices; limits of amounts are refused then, since nothing would enforce them. Threads are bound to processors
//! by the driver in any case.
//!
//! Invariants:
//! - A guest with a list of devices does not run where nothing enforces the list.
//! - All programs of a guest are in one group, which each enters before it executes.

mod devices;
mod limits;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use devices::DEFAULT_DEVICES;

use crate::error::{Error, ErrorKind, Result};
use crate::host::cgroup::Limits;
use crate::host::cgroup::directory::{Group, Hierarchy};
use crate::host::process::Process;
use crate::host::systemd::{self, Bus, Scope, ScopeError, Slice, scope_name};
use crate::hypervisors::confine::{Confine, Confined, Subject};

/// How the guests of an instance are put into groups.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bus that a systemd manager may be on.
    pub bus: Option<Bus>,
    /// Where scopes belong whose definitions name no partition.
    pub slice: Slice,
    /// Device nodes that every guest may open, beside its own. `None` limits no devices: without privileges nobody can.
    pub devices: Option<Vec<PathBuf>>,
}

/// The layer.
pub struct Cgroup {
    options: Options,
}

impl Cgroup {
    /// The layer of an instance.
    pub fn new(options: Options) -> Self {
        Self { options }
    }
}

/// What is written down of a guest's group.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// Name of the scope, and of the directory where there is no systemd.
    unit: String,
}

#[async_trait]
impl Confine for Cgroup {
    fn name(&self) -> &'static str {
        "cgroup"
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        let mut limits = limits::of(&guest.domain);
        if let Some(nodes) = &self.options.devices {
            limits.devices = Some(devices::of(nodes, &guest.resources)?);
        }
        let partition = guest.domain.resource.as_ref().and_then(|resource| resource.partition.clone());
        Ok(Some(Arc::new(CgroupConfined {
            unit: scope_name(&guest.domain.name),
            description: format!("Virtual machine {}", guest.domain.name),
            slice: partition.map_or_else(|| self.options.slice.clone(), Slice::Path),
            bus: self.options.bus.clone(),
            limits,
            place: Mutex::default(),
        })))
    }

    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>> {
        let Record { unit } = serde_json::from_value(record).map_err(|error| {
            Error::new(ErrorKind::Internal, "what is written down of a guest's control group cannot be used").caused_by(error)
        })?;
        Ok(Arc::new(CgroupConfined {
            unit,
            description: String::new(),
            slice: self.options.slice.clone(),
            bus: self.options.bus.clone(),
            limits: Limits::default(),
            place: Mutex::default(),
        }))
    }
}

/// Where a guest's processes are.
#[derive(Debug, Clone)]
enum Place {
    /// In a scope of systemd.
    Scope,
    /// In a group of our own.
    Directory(Group),
    /// Where the service is.
    Nowhere,
}

struct CgroupConfined {
    unit: String,
    description: String,
    slice: Slice,
    bus: Option<Bus>,
    limits: Limits,
    /// `None` until the first process was admitted.
    place: Mutex<Option<Place>>,
}

#[async_trait]
impl Confined for CgroupConfined {
    fn record(&self) -> Value {
        Value::Object([("unit".to_owned(), Value::from(self.unit.clone()))].into_iter().collect())
    }

    async fn admit(&self, process: &Process) -> Result<()> {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let place = match place {
            Some(place) => self.join(place, process).await?,
            None => self.make(process).await?,
        };
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        Ok(())
    }

    async fn release(&self) -> Result<()> {
        // Scopes go by themselves.
        let removed = Hierarchy::find().and_then(|found| found.map_or(Ok(()), |hierarchy| hierarchy.remove(&self.unit)));
        removed.map_err(|error| Error::new(ErrorKind::HostFailed, format!("the control group {} stays behind", self.unit)).caused_by(error))
    }
}

impl CgroupConfined {
    /// Makes the group with its first process.
    async fn make(&self, process: &Process) -> Result<Place> {
        let pid = pid(process)?;
        if let Some(bus) = &self.bus {
            let scope = Scope { unit: &self.unit, description: &self.description, slice: &self.slice, limits: &self.limits };
            match systemd::make_scope(bus, scope, pid).await {
                Ok(()) => return Ok(Place::Scope),
                Err(ScopeError::NoSystemd) => {}
                Err(error) if self.limits == Limits::default() => {
                    tracing::warn!("the guest has no unit of its own: {error}");
                    return Ok(Place::Nowhere);
                }
                Err(error) => return Err(Error::new(ErrorKind::HostFailed, error.to_string())),
            }
        }
        self.without_systemd(process)
    }

    fn without_systemd(&self, process: &Process) -> Result<Place> {
        if self.limits.has_amounts() {
            return Err(Error::new(
                ErrorKind::NotSupported,
                "limits on memory, processor time or disks (<memtune>, <cputune>, <blkiotune>) are enforced by systemd, which is not on the \
                 bus: take them out, or run the service under systemd",
            ));
        }
        let Some(devices) = &self.limits.devices else { return Ok(Place::Nowhere) };
        let failed = |error| Error::new(ErrorKind::HostFailed, format!("cannot limit the devices of {}", self.unit)).caused_by(error);
        let Some(hierarchy) = Hierarchy::find().map_err(failed)? else {
            return Err(Error::new(
                ErrorKind::HostFailed,
                "nothing here can limit the devices of a guest: there is no systemd on the bus and no cgroup is mounted; mount one, or take \
                 'devices' out of cgroup_controllers in qemu.conf",
            ));
        };
        let group = hierarchy.make(&self.unit, devices).map_err(failed)?;
        group.admit(process.pid()).map_err(failed)?;
        Ok(Place::Directory(group))
    }

    /// Puts one more process where the first one is.
    async fn join(&self, place: Place, process: &Process) -> Result<Place> {
        match (&place, &self.bus) {
            (Place::Scope, Some(bus)) => systemd::attach(bus, &self.unit, pid(process)?)
                .await
                .map_err(|error| Error::new(ErrorKind::HostFailed, error.to_string()))?,
            (Place::Directory(group), _) => group.admit(process.pid()).map_err(|error| {
                Error::new(ErrorKind::HostFailed, format!("cannot limit the devices of {}", self.unit)).caused_by(error)
            })?,
            _ => {}
        }
        Ok(place)
    }
}

fn pid(process: &Process) -> Result<u32> {
    u32::try_from(process.pid()).map_err(|error| Error::new(ErrorKind::Internal, "a process has a negative number").caused_by(error))
}

#[cfg(test)]
mod tests;
