//! The host: the only folder with `unsafe`, process spawning and blocking system calls.
//!
//! What stands here knows nothing of domains, hypervisors or the bus API. It offers small pieces with the names of the
//! system's own manual pages: [`process`] starts and follows programs, [`cgroup`] limits them, [`sockets`] makes UNIX sockets, [`systemd`]
//! gives a process a scope unit of its own.

#![allow(unsafe_code, reason = "system calls without a safe wrapper; each block carries its SAFETY comment")]

pub mod apparmor;
pub mod attributes;
pub mod cgroup;
pub mod process;
pub mod sockets;
pub mod systemd;
pub mod terminal;
