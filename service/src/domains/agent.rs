//! The way to the agent of a running guest, for those who only look: a question changes nothing and need not wait in a mailbox.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::{GuestInterface, Machine};

/// The agent of a running guest. A view that somebody still holds keeps no machine.
#[derive(Clone, Default)]
pub struct Agent(Option<Weak<dyn Machine>>);

impl Agent {
    /// That of a machine.
    pub(super) fn of(machine: &Arc<dyn Machine>) -> Self {
        Self(Some(Arc::downgrade(machine)))
    }

    /// The guest's network interfaces.
    ///
    /// # Errors
    /// `InvalidState` when the machine is gone; `NotSupported`, `GuestUnresponsive` and `HypervisorFailed` as the agent is.
    pub async fn interfaces(&self) -> Result<Vec<GuestInterface>> {
        let machine = self.0.as_ref().and_then(Weak::upgrade);
        let machine = machine.ok_or_else(|| Error::new(ErrorKind::InvalidState, "the guest is over, and so is its agent"))?;
        machine.guest_interfaces().await
    }
}

impl PartialEq for Agent {
    /// The agent of one run is the same as long as the run lasts.
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => std::ptr::addr_eq(one.as_ptr(), other.as_ptr()),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Agent" } else { "no Agent" })
    }
}
