//! `<sysinfo>`: firmware tables and firmware configuration files that the guest sees.

use crate::element;
use crate::keywords;

keywords! {
    /// By what means the guest sees it.
    pub enum SysinfoType {
        /// SMBIOS tables.
        Smbios = "smbios",
        /// Firmware configuration files.
        FwCfg = "fwcfg",
    }
}

element! {
    /// What the guest sees.
    pub struct Sysinfo {
        /// By what means.
        required "type" kind: SysinfoType,
        /// SMBIOS block 0: `vendor`, `version`, `date`, `release`.
        child "bios" bios: Option<Entries>,
        /// SMBIOS block 1: `manufacturer`, `product`, `version`, `serial`, `uuid`, `sku`, `family`.
        child "system" system: Option<Entries>,
        /// SMBIOS blocks 2: `manufacturer`, `product`, `version`, `serial`, `asset`, `location`.
        children "baseBoard" base_boards: Vec<Entries>,
        /// SMBIOS block 3: `manufacturer`, `version`, `serial`, `asset`, `sku`.
        child "chassis" chassis: Option<Entries>,
        /// SMBIOS block 11.
        child "oemStrings" oem_strings: Option<OemStrings>,
        /// Firmware configuration files.
        children "entry" entries: Vec<FirmwareFile>,
    }
}

element! {
    /// A block of named texts.
    pub struct Entries {
        /// One by one.
        children "entry" entries: Vec<Entry>,
    }
}

element! {
    /// A named text.
    pub struct Entry {
        /// Its name.
        required "name" name: String,
        /// The text.
        text "" value: Option<String>,
    }
}

element! {
    /// Texts without names.
    pub struct OemStrings {
        /// One by one.
        leaves "entry" entries: Vec<String>,
    }
}

element! {
    /// A firmware configuration file.
    pub struct FirmwareFile {
        /// Its name, such as `opt/com.example/name`.
        required "name" name: String,
        /// File on the host that holds it.
        attr "file" file: Option<String>,
        /// What it holds, when no file does.
        text "" value: Option<String>,
    }
}
