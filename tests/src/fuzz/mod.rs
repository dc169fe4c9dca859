//! What every parser of outside text must do with any bytes: read them or say why not, and never panic, hang or take
//! memory without bound. What could be read must come back when it is written.
//!
//! The table is used by three: the programs of `tests/fuzz`, one a target, for cargo-fuzz; `tests/fuzz.rs`, which runs the
//! corpus and some thousand changes to it in every `cargo test`; and `make fuzz`, which runs those programs for long.
//!
//! Invariant: a target is a function of its bytes. A failure is a panic, which tells what was found.

mod documents;
mod files;
mod mutation;
mod names;
mod native;
mod networks;
mod options;
mod seeds;
mod sockets;
mod values;

pub use mutation::Mutator;
pub use native::numbers;
pub use seeds::{Seed, Seeds};

/// A parser and its laws.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name, also of its program and of its corpus.
    pub name: &'static str,
    /// Tries it.
    pub run: fn(&[u8]),
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("xml", |data| with_text(data, documents::xml)),
    target("documents", |data| with_text(data, documents::any)),
    target("domain", |data| with_text(data, documents::domain)),
    target("metadata", |data| with_text(data, documents::metadata)),
    target("qemu_argv", |data| with_text(data, native::qemu_argv)),
    target("xen_xm", |data| with_text(data, native::xen_xm)),
    target("xen_xl", |data| with_text(data, native::xen_xl)),
    target("xen_sxpr", |data| with_text(data, native::xen_sxpr)),
    target("values", |data| with_text(data, values::all)),
    target("names", |data| with_text(data, names::all)),
    target("qmp", sockets::qmp),
    target("qemu_probe", sockets::qemu_probe),
    target("agent", sockets::agent),
    target("qemu_log", files::qemu_log),
    target("settings", |data| with_text(data, files::settings)),
    target("status", files::status),
    target("firmware", |data| with_text(data, files::firmware)),
    target("options", options::all),
    target("networks", |data| with_text(data, networks::all)),
    target("images", files::images),
];

/// Tries one target.
///
/// # Panics
/// There is none of that name, or it fails.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("there is no target {name}"));
    (target.run)(data);
}

/// Texts of the bus and of files are UTF-8 before they reach a parser.
fn with_text(data: &[u8], run: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(data) {
        run(text);
    }
}
