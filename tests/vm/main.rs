//! Whole systems with kernels of their own, in virtual machines: AppArmor and SELinux for real. Needs root; `make test-system`
//! runs it by sudo.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod apparmor;
mod confinement;
mod host;
mod host_devices;
mod node_devices;
mod selinux;
mod storage;
mod vlans;
