//! `<smartcard>`: card readers.

use lodge_model::domain::devices::{Address, Smartcard, SmartcardSource};

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, chardev};

/// Adds a card reader.
///
/// # Errors
/// A back end that cannot be.
pub fn add(draft: &mut Draft<'_>, smartcard: &Smartcard) -> Result<(), Refusal> {
    let name = alias::of(smartcard.alias.as_ref());
    let front_end = match smartcard.source_view()? {
        SmartcardSource::Host => Props::device("ccid-card-emulated").with("backend", "nss-emulated"),
        SmartcardSource::Certificates { certificates: [first, second, third], database } => Props::device("ccid-card-emulated")
            .with("backend", "certificates")
            .with("cert1", first)
            .with("cert2", second)
            .with("cert3", third)
            .with("db", database),
        SmartcardSource::Passthrough(source) => {
            let backend = chardev::add(draft, name, "smartcard", &source, smartcard.log.as_ref())?;
            Props::device("ccid-card-passthru").with("chardev", backend.id)
        }
    };
    let controller = match &smartcard.address {
        Some(Address::Ccid(address)) => address.controller.unwrap_or(0),
        _ => 0,
    };
    draft.device("<smartcard>", front_end.with("id", name).with("bus", format!("ccid{controller}.0")))
}
