//! Vital product data of a PCI device (PCI Local Bus 2.2, appendix I; libvirt, formatnode).

use crate::document::Problems;
use crate::{element, keywords};

keywords! {
    /// Who may write fields.
    pub enum VpdAccess {
        /// The vendor alone.
        ReadOnly = "readonly",
        /// The owner too.
        ReadWrite = "readwrite",
    }
}

element! {
    /// Fields that are written by the same.
    pub struct VpdFields {
        /// Who may write them.
        required "access" access: VpdAccess,
        /// Level of engineering changes.
        leaf "change_level" change_level: Option<String>,
        /// What tells the manufacturer.
        leaf "manufacture_id" manufacture_id: Option<String>,
        /// Part number.
        leaf "part_number" part_number: Option<String>,
        /// Serial number.
        leaf "serial_number" serial_number: Option<String>,
        /// What tells the owner's things apart.
        leaf "asset_tag" asset_tag: Option<String>,
        /// The vendor's own.
        children "vendor_field" vendor_fields: Vec<VpdField>,
        /// The system's own.
        children "system_field" system_fields: Vec<VpdField>,
    }
}

element! {
    /// A field with an index.
    pub struct VpdField {
        /// Index: a digit or capital letter; of the system's own not A.
        required "index" index: String,
        /// What it says.
        text "" value: Option<String>,
    }
}

impl VpdFields {
    /// Tells what no such data have.
    pub(super) fn check(&self, found: &mut Problems) {
        let indices =
            [("vendor_field", &self.vendor_fields, '0'..='9', 'A'..='Z'), ("system_field", &self.system_fields, '0'..='9', 'B'..='Z')];
        for (name, fields, digits, letters) in indices {
            found.each(name, fields, |found, field| {
                let mut index = field.index.chars();
                let one = index.next().filter(|index| digits.contains(index) || letters.contains(index));
                if one.is_none() || index.next().is_some() {
                    let reason =
                        format!("'{}' is no index; write a digit, or a letter from {} to {}", field.index, letters.start(), letters.end());
                    found.add("@index", reason);
                }
            });
        }
    }
}
