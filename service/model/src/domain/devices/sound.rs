//! Sound cards of the guest.

use super::address::Address;
use super::graphics::AudioReference;
use super::parts::{Acpi, Alias, TypeName, VirtioDriver};
use crate::element;
use crate::xml::YesNo;

element! {
    /// A sound card: `<sound>`.
    pub struct Sound {
        /// `ich9`, `ich6`, `ac97`, `usb`, `virtio`, …; open, as hypervisors add cards.
        attr "model" model: Option<String>,
        /// Whether a USB card has more than two channels.
        attr "multichannel" multichannel: Option<YesNo>,
        /// Streams of a virtio card.
        attr "streams" streams: Option<u32>,
        /// Parts of the card: `duplex`, `micro` or `output`; open, as hypervisors add parts.
        children "codec" codecs: Vec<TypeName>,
        /// The host's sound that it uses.
        child "audio" audio: Option<AudioReference>,
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
