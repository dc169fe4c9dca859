//! Tests of the scripts: those of the fixtures, single questions, and whether sh and the real QEMU take one.

mod back;
mod golden;
mod real;
mod sentences;

use std::path::Path;
use std::sync::Arc;

use lodge_model::domain::Domain;
use lodge_model::native::Written;

use super::{Chances, assumed, write};
use crate::error::Result;
use crate::hypervisors::Places;
use crate::hypervisors::qemu::command::tests as planner;
use crate::hypervisors::qemu::input::Host;

/// A host that has everything, with the QEMU of the recorded version.
fn recorded(version: &str) -> Host {
    let planner::Host { mut capabilities, firmware, programs, facts, .. } = planner::Host::recorded(version);
    capabilities.kvm.usable = true;
    Host { capabilities: Arc::new(capabilities), firmware, programs, devices: facts }
}

/// A host on which nothing is installed.
fn bare(domain: &Domain) -> Host {
    let capabilities = Arc::new(assumed::capabilities(domain));
    Host { capabilities, firmware: Vec::new(), programs: Default::default(), devices: Default::default() }
}

fn places(root: &Path, domain: &Domain) -> Places {
    Places {
        sockets: root.join("by-hand").join(&domain.name),
        nvram: root.join("nvram").join(format!("{}.qcow2", domain.name)),
        tpm: root.join("tpm").join(&domain.name),
    }
}

/// The script, the same in every run.
fn script(domain: &Domain, host: &Host, root: &Path) -> Result<Written> {
    let mut state = 0x9e37_79b9_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    };
    write(domain, &places(root, domain), host, &mut Chances { random: &mut random, now: 1_700_000_000, vsock_cid: 3 })
}
