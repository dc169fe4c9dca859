//! QEMU, with or without KVM.

pub mod capabilities;
pub mod complete;
pub mod qmp;
