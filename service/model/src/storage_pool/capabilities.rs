//! What pools a host can have: the `<storagepoolCapabilities>` document (libvirt, formatstoragecaps and its schema, 11.3), which the
//! service reports.

use super::PoolType;
use crate::document::{Document, Problems};
use crate::domain::devices::TypeName;
use crate::domain_capabilities::SupportEnum;
use crate::element;
use crate::xml::YesNo;

element! {
    /// What pools a host can have.
    pub struct PoolCapabilities {
        /// One for each type.
        children "pool" pools: Vec<PoolTypeCapabilities>,
    }
}

element! {
    /// What pools of a type can have.
    pub struct PoolTypeCapabilities {
        /// The type.
        required "type" kind: PoolType,
        /// Whether they can be used.
        required "supported" supported: YesNo,
        /// Formats of their sources.
        child "poolOptions" sources: Option<FormatOptions>,
        /// Formats that new volumes can have.
        child "volOptions" volumes: Option<FormatOptions>,
    }
}

element! {
    /// Formats.
    pub struct FormatOptions {
        /// What holds when none is written.
        child "defaultFormat" default: Option<TypeName>,
        /// All of them.
        children "enum" enums: Vec<SupportEnum>,
    }
}

impl Document for PoolCapabilities {
    const ROOT: &'static str = "storagepoolCapabilities";

    fn check(&self, found: &mut Problems) {
        found.unique("pool/@type", "type", self.pools.iter().map(|pool| pool.kind));
    }
}
