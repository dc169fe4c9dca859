//! A whole system in a container: real systemd, system bus, polkit and device rules. Needs root; `make test` runs it by sudo.
//!
//! Each test has a container of its own, and does with it what it likes.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod confinement;
mod firewalld;
mod host;
mod node_devices;
mod package;
mod service;
