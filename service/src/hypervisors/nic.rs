//! Interfaces of the host that a guest gets as files.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

/// Interfaces that a guest gets, by the place of its own among the domain's, from 0.
pub type Nics = BTreeMap<usize, Nic>;

/// The cable of a guest's interface: it leads somewhere as long as the guest has these files open.
#[derive(Debug)]
pub struct Nic {
    /// A file for each queue of the tap; one at least.
    pub queues: Vec<OwnedFd>,
    /// Where the kernel itself moves the frames, its file for each queue; else none.
    pub vhost: Vec<OwnedFd>,
}
