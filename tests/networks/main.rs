//! Virtual networks for real: bridges, rules and dnsmasq in network namespaces of the tests' own, with guests and an outside
//! world in others. Nothing of the machine is touched.
//!
//! These tests need root; `make test` asks sudo for it (scripts/run-test).

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod changes;
mod client;
mod commands;
mod filters;
mod guest;
mod kills;
mod limits;
mod listings;
mod lives;
mod namespace;
mod reach;
mod session;
mod vlans;
mod world;
