//! Shared parts of the tests.

pub mod binaries;
pub mod bus;
pub mod fuzz;
pub mod report;
pub mod shapes;
