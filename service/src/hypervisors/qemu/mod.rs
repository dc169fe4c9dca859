//! QEMU, with or without KVM.

pub mod alias;
pub mod block;
pub mod buses;
pub mod capabilities;
pub mod chardev;
pub mod command;
pub mod complete;
pub mod devices;
pub mod firmware;
pub mod input;
pub mod live;
pub mod plan;
pub mod props;
pub mod qmp;
pub mod refusal;
pub mod validate;
