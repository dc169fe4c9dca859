//! Persistent stores: the guest's kernel keeps its last messages there.

use super::address::Address;
use super::parts::{Acpi, Alias, KibSize};
use crate::{element, keywords};

keywords! {
    /// What the guest sees.
    pub enum PstoreBackend {
        /// The error record table of ACPI.
        AcpiErst = "acpi-erst",
    }
}

element! {
    /// A persistent store: `<pstore>`.
    pub struct Pstore {
        /// What the guest sees.
        required "backend" backend: PstoreBackend,
        /// Absolute path of the file; chosen by the service when left out.
        leaf "path" path: Option<String>,
        /// Its size; KiB when the unit is left out.
        child "size" size: Option<KibSize>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}
