//! Hypervisors: what runs the guests. One folder each, with the same file names.

pub mod qemu;
pub mod resources;
