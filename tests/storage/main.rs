//! Pools and volumes on real parts: directories, file systems and disks on loop devices, qemu-img, sfdisk, lvm. Needs root.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod chains;
mod clients;
mod devices;
mod dir;
mod disk;
mod encryption;
mod faults;
mod fs;
mod guests;
mod images;
mod kills;
mod listings;
mod logical;
mod pools;
mod service;
