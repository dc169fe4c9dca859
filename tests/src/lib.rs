//! Shared parts of the tests.

pub mod binaries;
pub mod bus;
pub mod fuzz;
pub mod hosts;
pub mod polkit;
pub mod report;
pub mod shapes;
pub mod staging;
pub mod sysfs_tree;
pub mod system;
