//! Sockets between guest and host that need no network.

use super::address::Address;
use super::disk::VirtioModel;
use super::parts::{Acpi, Alias, VirtioDriver};
use super::problem::Problem;
use crate::element;
use crate::xml::YesNo;

element! {
    /// A vsock device: `<vsock>`.
    pub struct Vsock {
        /// virtio revision.
        attr "model" model: Option<VirtioModel>,
        /// The guest's address.
        child "cid" cid: Option<Cid>,
        /// How the hypervisor treats it.
        child "driver" driver: Option<VirtioDriver>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// The address of a guest.
    pub struct Cid {
        /// Whether it is chosen at start.
        attr "auto" auto: Option<YesNo>,
        /// The address, from 3; below are the host's own (vsock(7)).
        attr "address" address: Option<u32>,
    }
}

/// The address of a guest, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VsockCid {
    /// Chosen at start.
    Auto,
    /// Fixed.
    Fixed(u32),
}

impl Vsock {
    /// The guest's address; chosen at start when left out.
    ///
    /// # Errors
    /// The address is one of the host's own.
    pub fn cid_view(&self) -> Result<VsockCid, Problem> {
        let Some(cid) = &self.cid else { return Ok(VsockCid::Auto) };
        match (cid.auto, cid.address) {
            (Some(YesNo(true)), _) | (_, None) => Ok(VsockCid::Auto),
            (_, Some(address @ 3..=0xffff_fffe)) => Ok(VsockCid::Fixed(address)),
            (_, Some(address)) => {
                Err(Problem(format!("<vsock> needs a <cid address='…'/> from 3 to 4294967294, or auto='yes'; {address} is reserved")))
            }
        }
    }
}
