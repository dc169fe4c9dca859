//! `<pstore>`: keeps the guest's last words over a crash.

use lodge_model::domain::devices::Pstore;

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::refusal::Refusal;

/// Refuses it: its file would have to be made with the right size, which this version does not do.
///
/// # Errors
/// Always.
pub fn add(_: &mut Draft<'_>, pstore: &Pstore) -> Result<(), Refusal> {
    let backend = pstore.backend;
    Err(Refusal::unsupported(format!("<pstore backend='{backend}'> cannot be in this version: take it out")))
}
