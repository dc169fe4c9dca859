//! Capabilities: a guest's programs have none and get none, also when they run as root (capabilities(7)).
//!
//! The one that can be kept is for raw SCSI commands, if a disk asks for it; it is QEMU's alone.

use std::sync::Arc;

use async_trait::async_trait;
use lodge_model::domain::Domain;
use lodge_model::domain::devices::Device;
use lodge_model::xml::YesNo;
use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::host::credentials::{SYS_RAWIO, drop_bounding_set, drop_capabilities, no_new_privileges};
use crate::host::process::ChildStep;
use crate::hypervisors::confine::{Confine, Confined, Program, Stage, Subject};

/// The layer.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Whether new privileges are ruled out before the program is executed. Where a security module changes the process's
    /// label at that moment it may count as one; then the program's own sandbox rules them out.
    pub no_new_privs_before_exec: bool,
}

/// What is written down of a guest.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct CapabilitiesConfined {
    raw_io: bool,
    no_new_privs: bool,
}

#[async_trait]
impl Confine for Capabilities {
    fn name(&self) -> &'static str {
        "capabilities"
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        let no_new_privs = self.no_new_privs_before_exec;
        Ok(Some(Arc::new(CapabilitiesConfined { raw_io: asks_for_raw_io(&guest.domain), no_new_privs })))
    }

    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>> {
        let recalled: CapabilitiesConfined = serde_json::from_value(record).map_err(|error| {
            Error::new(ErrorKind::Internal, "what is written down of the guest's capabilities cannot be read").caused_by(error)
        })?;
        Ok(Arc::new(recalled))
    }
}

fn asks_for_raw_io(domain: &Domain) -> bool {
    domain.devices.list.iter().any(|device| match device {
        Device::Disk(disk) => disk.rawio == Some(YesNo(true)),
        Device::Hostdev(hostdev) => hostdev.rawio == Some(YesNo(true)),
        _ => false,
    })
}

#[async_trait]
impl Confined for CapabilitiesConfined {
    fn record(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn steps(&self, program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        let keep = match program {
            Program::Hypervisor if self.raw_io => SYS_RAWIO,
            _ => CapabilitySet::empty(),
        };
        let mut steps = vec![(Stage::Bounding, drop_bounding_set(keep)), (Stage::Privileges, drop_capabilities(keep))];
        if self.no_new_privs {
            steps.push((Stage::Privileges, no_new_privileges()));
        }
        Ok(steps)
    }
}
