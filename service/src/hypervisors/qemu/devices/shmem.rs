//! `<shmem>`: memory that guests share with each other.

use lodge_model::domain::devices::Shmem;

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::refusal::Refusal;

/// Refuses it: who may share memory with whom is not settled in this version.
///
/// # Errors
/// Always.
pub fn add(_: &mut Draft<'_>, shmem: &Shmem) -> Result<(), Refusal> {
    let name = &shmem.name;
    Err(Refusal::unsupported(format!("<shmem name='{name}'> is memory shared between guests, which this version cannot do: take it out")))
}
