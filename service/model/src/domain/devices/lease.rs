//! Leases: locks that a lock manager holds for the guest.

use crate::element;

element! {
    /// A lease: `<lease>`.
    pub struct Lease {
        /// Name of the lock space.
        leaf "lockspace" lockspace: Option<String>,
        /// Name of the lock.
        leaf "key" key: Option<String>,
        /// Where the lock is kept.
        child "target" target: Option<LeaseTarget>,
    }
}

element! {
    /// Where a lock is kept.
    pub struct LeaseTarget {
        /// Absolute path of the file.
        required "path" path: String,
        /// Place in the file, in bytes.
        attr "offset" offset: Option<u64>,
    }
}
