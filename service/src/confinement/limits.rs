//! What a guest's programs may use up: processes, open files, core dumps, locked memory.

use std::sync::Arc;

use async_trait::async_trait;
use lodge_model::domain::Domain;
use lodge_model::domain::devices::{Device, HostdevSource, InterfaceType};
use lodge_model::units::GIB;
use serde_json::{Value, json};

use crate::error::Result;
use crate::host::limits::{Limit, Resource, limit};
use crate::host::process::ChildStep;
use crate::hypervisors::confine::{Confine, Confined, Program, Stage, Subject};

/// Memory that a device of the host may need to lock beside the guest's.
const BESIDE_THE_GUEST: u64 = GIB;

/// The layer: what is configured. `None` leaves a limit as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Processes and threads of the user that guests run as, all guests together.
    pub processes: Option<u64>,
    /// Open files of each program.
    pub files: Option<u64>,
    /// Bytes of a core dump; `None` as many as the service itself may have.
    pub core: Option<u64>,
}

struct LimitsConfined {
    limits: Limits,
    locked: Option<Limit>,
}

#[async_trait]
impl Confine for Limits {
    fn name(&self) -> &'static str {
        "limits"
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        Ok(Some(Arc::new(LimitsConfined { limits: *self, locked: locked_memory(&guest.domain) })))
    }

    fn recall(&self, _record: Value) -> Result<Arc<dyn Confined>> {
        // Limits are of processes, and end with them.
        Ok(Arc::new(LimitsConfined { limits: *self, locked: None }))
    }
}

/// How much memory QEMU must be able to lock; `None` when it need not.
fn locked_memory(domain: &Domain) -> Option<Limit> {
    let hard_limit = domain.memory_tune.as_ref().and_then(|tune| tune.hard_limit.as_ref()).map(|limit| limit.bytes);
    let of_host = |device: &Device| match device {
        Device::Hostdev(hostdev) => {
            matches!(hostdev.source_view(), Ok(HostdevSource::Pci { .. } | HostdevSource::Mdev { .. }))
        }
        Device::Interface(interface) => interface.kind == InterfaceType::Hostdev,
        _ => false,
    };
    let locked = domain.memory_backing.as_ref().is_some_and(|backing| backing.locked);
    match (locked, domain.devices.list.iter().any(of_host)) {
        (false, false) => None,
        // Besides the guest's memory, QEMU's own is locked, and nobody can tell how much that is.
        (true, _) => Some(hard_limit.map_or(Limit::Unlimited, Limit::To)),
        (false, true) => Some(Limit::To(hard_limit.unwrap_or(domain.memory_bytes().saturating_add(BESIDE_THE_GUEST)))),
    }
}

#[async_trait]
impl Confined for LimitsConfined {
    fn record(&self) -> Value {
        json!({})
    }

    fn steps(&self, program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        let Limits { processes, files, core } = self.limits;
        let core = core.map_or(Limit::AsMuchAsAllowed, Limit::To);
        let locked = self.locked.filter(|_| program == Program::Hypervisor);
        let steps = [
            processes.map(|most| limit("limit its processes", Resource::Nproc, Limit::To(most))),
            files.map(|most| limit("limit its open files", Resource::Nofile, Limit::To(most))),
            Some(limit("limit its core dumps", Resource::Core, core)),
            locked.map(|most| limit("let it lock memory", Resource::Memlock, most)),
        ];
        Ok(steps.into_iter().flatten().map(|step| (Stage::Limits, step)).collect())
    }
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    #[test]
    fn memory_is_locked_only_where_it_is_needed() {
        let device =
            "<devices><hostdev type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev></devices>";
        let locked = "<memoryBacking><locked/></memoryBacking>";
        let tune = "<memtune><hard_limit unit='GiB'>3</hard_limit></memtune>";
        let table = [
            (String::new(), None),
            (tune.to_owned(), None),
            (locked.to_owned(), Some(Limit::Unlimited)),
            (format!("{tune}{locked}"), Some(Limit::To(3 * GIB))),
            (device.to_owned(), Some(Limit::To(2 * GIB))),
            (device.replace("hostdev type='pci'", "interface type='hostdev'").replace("/hostdev", "/interface"), Some(Limit::To(2 * GIB))),
            (format!("{tune}{device}"), Some(Limit::To(3 * GIB))),
        ];
        for (part, expected) in table {
            let xml = format!("<domain type='kvm'><name>a</name><memory unit='GiB'>1</memory><os><type>hvm</type></os>{part}</domain>");
            assert_eq!(locked_memory(&Domain::parse(&xml).unwrap().0), expected, "{part}");
        }
    }
}
