//! QEMU, with or without KVM.

pub mod capabilities;
pub mod qmp;
