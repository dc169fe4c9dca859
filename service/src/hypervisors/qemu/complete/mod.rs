//! Completes a definition: fills in what it leaves open, so that the guest sees the same hardware at every start.
//!
//! What is filled in, and with what, follows libvirt (formatdomain documentation, 11.3, and definitions that it
//! has stored), so that definitions go from one to the other unchanged. The exceptions are where libvirt's choice is
//! poor for the machine and is written down anyway, such as the network card of q35; each is explained where it is made.
//!
//! Invariants:
//! - Pure: the same definition, [`Platform`] and random numbers give the same result.
//! - What is written stays. A contradiction is an error that names both sides, never a repair.
//! - Complete stays complete: a second time changes nothing, nor does it change what libvirt has completed.
//! - After an error the definition is as it was.
//!
//! The order matters: devices first, then the controllers that they need, then places on those controllers, and PCI
//! last, because every other controller sits there.

mod ccid;
mod character;
mod controllers;
mod devices;
mod disk;
mod display;
mod drive;
mod general;
mod interface;
mod list;
mod machine;
mod pci;
mod platform;
mod usb;
mod virtio_serial;

use lodge_model::domain::Domain;
use lodge_model::domain::devices::Devices;

use machine::Machine;

pub use machine::architecture;

/// What a completion asks about the QEMU that the guest will run in.
pub trait Platform {
    /// Path of the program, for definitions that name none.
    fn emulator(&self) -> &str;
    /// The full name of a machine type or of an alias of it; `None` when there is no such machine.
    fn machine(&self, name: &str) -> Option<&str>;
    /// The machine type that is taken when none is named.
    fn default_machine(&self) -> Option<&str>;
    /// Whether `-device NAME` is known.
    fn has_device(&self, name: &str) -> bool;
}

/// Why a definition cannot be completed. The sentence names the device and says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompleteError {
    /// The definition contradicts itself or lacks something that nobody can guess.
    #[error("{0}")]
    Invalid(String),
    /// It asks for something that QEMU or its machine does not have.
    #[error("{0}")]
    Unsupported(String),
}

/// Most devices of a guest: more than a PC has places for, and few enough that looking for a free place among all
/// others takes no time.
const MAX_DEVICES: usize = 2048;

type Result<T, E = CompleteError> = std::result::Result<T, E>;

/// An [`CompleteError::Invalid`].
fn invalid<T>(sentence: impl Into<String>) -> Result<T> {
    Err(CompleteError::Invalid(sentence.into()))
}

/// An [`CompleteError::Unsupported`].
fn unsupported<T>(sentence: impl Into<String>) -> Result<T> {
    Err(CompleteError::Unsupported(sentence.into()))
}

/// Completes `domain` for `platform`, which must be a QEMU of its [`architecture`]. `random` gives uniform numbers
/// for identities and Ethernet addresses.
///
/// # Errors
/// [`CompleteError`] for a definition that could never be started as it stands; it is unchanged then.
pub fn complete(domain: &mut Domain, platform: &dyn Platform, random: &mut dyn FnMut() -> u32) -> Result<()> {
    let count = domain.devices.list.len();
    if count > MAX_DEVICES {
        return unsupported(format!("the domain has {count} devices, and no guest can have more than {MAX_DEVICES}; take some away"));
    }
    let mut draft = domain.clone();
    let machine = machine::complete(&mut draft, platform)?;
    general::complete(&mut draft, random)?;
    let devices = &mut draft.devices;
    disk::complete(devices, &machine)?;
    interface::complete(devices, &machine, random)?;
    character::complete(devices)?;
    display::complete(devices, &machine);
    devices::complete(devices, &machine);
    if draft.features.ps2.as_ref().is_none_or(|ps2| ps2.state.is_none_or(|state| state.0)) {
        devices::add_ps2(&mut draft.devices);
    }
    place(&mut draft.devices, &machine)?;
    *domain = draft;
    Ok(())
}

/// Gives every device its place, with the controllers that takes.
fn place(devices: &mut Devices, machine: &Machine<'_>) -> Result<()> {
    controllers::prepare(devices, machine)?;
    drive::place(devices, machine)?;
    virtio_serial::place(devices, machine)?;
    ccid::place(devices, machine)?;
    usb::place(devices)?;
    pci::place(devices, machine)
}

#[cfg(test)]
mod tests;
