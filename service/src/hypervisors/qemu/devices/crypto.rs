//! `<crypto>`: a processor for ciphers.

use lodge_model::domain::devices::{Crypto, CryptoBackendModel};

use super::virtio;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};

/// Adds a processor for ciphers.
///
/// # Errors
/// No place.
pub fn add(draft: &mut Draft<'_>, crypto: &Crypto) -> Result<(), Refusal> {
    let name = alias::of(crypto.alias.as_ref());
    let backend = crypto.backend.as_ref();
    let kind = match backend.map(|backend| backend.model).unwrap_or_default() {
        CryptoBackendModel::Builtin => "cryptodev-backend-builtin",
        CryptoBackendModel::Lkcf => "cryptodev-backend-lkcf",
    };
    let id = format!("obj{name}");
    draft.object(Props::object(kind, &id).opt("queues", backend.and_then(|backend| backend.queues)));
    let place = buses::pci(draft, name, crypto.address.as_ref())?;
    let front_end = Props::device("virtio-crypto-pci").with("cryptodev", id).with("id", name);
    draft.device("<crypto>", front_end.and(virtio::driver(crypto.driver.as_ref())).and(place))
}
