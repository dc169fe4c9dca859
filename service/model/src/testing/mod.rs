//! What the tests of every format share.

pub mod damage;
pub mod fixtures;
pub mod problems;
pub mod strategies;
