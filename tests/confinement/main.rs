//! Confinement for real: programs in QEMU's place and QEMU itself under the layers of the system instance, each layer by
//! itself and all together.
//!
//! These tests change owners, mounts and users, so they need root; `make test` asks sudo for it (scripts/run-test).

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod host;
mod matrix;
mod ownership;
mod privileges;
mod qemu;
