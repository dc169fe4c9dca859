//! Memory that a guest shares with other guests or with programs of the host.

use super::address::Address;
use super::parts::{Acpi, Alias, ByteSize};
use crate::xml::OnOff;
use crate::{element, keywords};

keywords! {
    /// What the guest sees.
    pub enum ShmemModelType {
        /// The old device of QEMU before 2.6.
        Ivshmem = "ivshmem",
        /// Memory only.
        IvshmemPlain = "ivshmem-plain",
        /// Memory and interrupts, from a server.
        IvshmemDoorbell = "ivshmem-doorbell",
    }
}

keywords! {
    /// What a migration does with shared memory.
    pub enum ShmemRole {
        /// It is copied.
        Master = "master",
        /// The guest cannot migrate.
        Peer = "peer",
    }
}

element! {
    /// Shared memory: `<shmem>`.
    pub struct Shmem {
        /// Name by which it is found on the host.
        required "name" name: String,
        /// What a migration does with it.
        attr "role" role: Option<ShmemRole>,
        /// What the guest sees.
        child "model" model: Option<ShmemModel>,
        /// Its size, a power of two; bytes when the unit is left out.
        child "size" size: Option<ByteSize>,
        /// The server.
        child "server" server: Option<ShmemServer>,
        /// Interrupts.
        child "msi" msi: Option<ShmemMsi>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// What the guest sees.
    pub struct ShmemModel {
        /// The device.
        required "type" kind: ShmemModelType,
    }
}

element! {
    /// The server of shared memory.
    pub struct ShmemServer {
        /// Absolute path of its socket; chosen by the service when left out.
        attr "path" path: Option<String>,
    }
}

element! {
    /// Interrupts of shared memory.
    pub struct ShmemMsi {
        /// Whether they are handled outside the guest's processor.
        attr "ioeventfd" ioeventfd: Option<OnOff>,
        /// How many.
        attr "vectors" vectors: Option<u32>,
    }
}
