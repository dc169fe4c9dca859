//! What guests of a network may reach: rules of the packet filter, and who else has a say.

pub mod firewalld;
pub mod nftables;
pub mod others;
