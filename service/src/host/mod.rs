//! The host: the only folder with `unsafe`, process spawning and blocking system calls.
//!
//! What stands here knows nothing of domains, hypervisors or the bus API. It offers small pieces with the names of the
//! system's own manual pages: [`process`] starts and follows programs, [`program`] tells which of them are root's, [`sockets`] makes UNIX sockets, [`systemd`]
//! gives a process a scope unit of its own.

#![allow(unsafe_code, reason = "system calls without a safe wrapper; each block carries its SAFETY comment")]

pub mod process;
pub mod program;
pub mod sockets;
pub mod systemd;
pub mod terminal;
