//! What we read and write, held against libvirt's own schemas.
//!
//! Two directions. What a schema knows must be understood: a walk through its grammar makes a small document for every element,
//! attribute and word, and the model must read it without a warning ([`coverage`]). What we write must be valid: the fixtures and
//! the documents of the walk, as the model writes them, are validated by xmllint ([`fixtures`], [`coverage`]), and so are those
//! that the service itself makes up ([`produced`]).
//!
//! Where we differ on purpose stands in tables, each line with its reason; a line that is no longer true fails.
//! The schemas are fetched by `scripts/libvirt-schemas`.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod coverage;
mod fixtures;
mod grammar;
mod produced;
mod sample;
mod walk;
mod xmllint;

use std::path::{Path, PathBuf};

/// The file of a schema.
///
/// # Panics
/// The schemas were not fetched.
fn schema(name: &str) -> PathBuf {
    let directory = std::env::var_os("LODGE_SCHEMAS").map_or_else(|| root().join("build/libvirt-schemas"), PathBuf::from);
    assert!(directory.join("version").is_file(), "the schemas are not in {}; run: scripts/libvirt-schemas", directory.display());
    directory.join(name)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
