//! QEMU, with or without KVM.

pub mod qmp;
