//! Definitions in, complete definitions out: each `NAME.xml` of `tests/fixtures/domain` for QEMU has the
//! expected text in `tests/fixtures/completed/NAME.xml`. `UPDATE_EXPECT=1` writes them anew.

mod errors;
mod golden;
mod mixes;

use std::collections::BTreeMap;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;

use super::{CompleteError, Platform, complete};

/// QEMU 10.0 as far as completion asks.
struct Qemu {
    machines: BTreeMap<&'static str, &'static str>,
    lacks: &'static [&'static str],
}

impl Qemu {
    fn new() -> Self {
        let machines = [("q35", "pc-q35-10.0"), ("pc", "pc-i440fx-10.0")];
        Self { machines: machines.into(), lacks: &[] }
    }
}

impl Platform for Qemu {
    fn emulator(&self) -> &str {
        "/usr/bin/qemu-system-x86_64"
    }
    fn machine(&self, name: &str) -> Option<&str> {
        self.machines.get(name).copied()
    }
    fn default_machine(&self) -> Option<&str> {
        self.machine("pc")
    }
    fn has_device(&self, name: &str) -> bool {
        !self.lacks.contains(&name)
    }
}

/// Numbers that look random and are the same in each run.
fn numbers() -> impl FnMut() -> u32 {
    let mut state = 0x9e37_79b9_u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    }
}

fn completed(text: &str) -> Result<Domain, CompleteError> {
    let (mut domain, _) = Domain::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    complete(&mut domain, &Qemu::new(), &mut numbers()).map(|()| domain)
}

/// A guest with these devices on a machine.
fn guest(machine: &str, devices: &str) -> String {
    format!(
        "<domain type='kvm'><name>guest</name><memory unit='MiB'>512</memory>\
         <os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"
    )
}
