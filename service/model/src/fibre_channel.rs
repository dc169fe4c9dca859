//! Fibre Channel: world wide names, and the adapter that a virtual one is on (NPIV). Storage pools and
//! node devices name it in the same ways, each in attributes of its own.

use crate::document::Problems;

/// The adapter that a virtual one is on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AdapterParent<'a> {
    /// Any that can have one.
    Any,
    /// By name.
    Named(&'a str),
    /// By its world wide names.
    WorldWide {
        /// World wide node name.
        wwnn: &'a str,
        /// World wide port name.
        wwpn: &'a str,
    },
    /// Any in this fabric.
    Fabric(&'a str),
}

/// How a document names that adapter: each way with its path, where it is told, and what stands there.
#[derive(Debug, Clone, Copy)]
pub struct ParentNames<'a> {
    /// Its name.
    pub name: (&'static str, Option<&'a str>),
    /// World wide node name.
    pub wwnn: (&'static str, Option<&'a str>),
    /// World wide port name.
    pub wwpn: (&'static str, Option<&'a str>),
    /// World wide name of its fabric.
    pub fabric_wwn: (&'static str, Option<&'a str>),
}

impl<'a> ParentNames<'a> {
    /// The adapter that is named. Tells what is missing, and what is said in several ways.
    pub fn view(self, found: &mut Problems) -> Option<AdapterParent<'a>> {
        let by_names = self.wwnn.1.is_some() || self.wwpn.1.is_some();
        let ways = [self.name.1.is_some(), by_names, self.fabric_wwn.1.is_some()];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            let reason = "what it is on is said in several ways; keep the name, or both world wide names, or that of the fabric";
            found.add(self.name.0, reason);
            return None;
        }
        if let Some(name) = self.name.1 {
            return Some(AdapterParent::Named(name));
        }
        let mut wide = |(path, name)| world_wide_name(found, path, name);
        if by_names {
            let (wwnn, wwpn) = (wide(self.wwnn), wide(self.wwpn));
            return Some(AdapterParent::WorldWide { wwnn: wwnn?, wwpn: wwpn? });
        }
        if self.fabric_wwn.1.is_some() {
            return wide(self.fabric_wwn).map(AdapterParent::Fabric);
        }
        Some(AdapterParent::Any)
    }
}

/// The name, if it is a world wide one: 16 hexadecimal digits, behind `0x` or not. Tells when it is not, or not there.
pub fn world_wide_name<'a>(found: &mut Problems, path: &str, name: Option<&'a str>) -> Option<&'a str> {
    let name = name.unwrap_or_default();
    let digits = name.strip_prefix("0x").unwrap_or(name);
    if digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Some(name);
    }
    let what = if name.is_empty() { "a world wide name is missing here".to_owned() } else { format!("'{name}' is no world wide name") };
    found.add(path, format!("{what}; write 16 hexadecimal digits, such as 20000025b5a0004f"));
    None
}
