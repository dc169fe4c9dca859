//! Object paths: where objects live and how names become path elements.
//!
//! Names are escaped as systemd does it (`bus_label_escape`; sd_bus_path_encode(3)): letters and digits stand for
//! themselves, every other byte, and a digit at the beginning, is `_` and two lower-case hexadecimal digits; an empty name is
//! `_`. Invariant: `unescape(&escape(name))` is `name`, and no two names share a path.

use zbus::{ObjectPath, OwnedObjectPath};

/// The parent of all domains, without a slash at its end.
pub const DOMAINS: &str = "/org/lodge/Lodge1/domain";
/// The parent of all hypervisors.
pub const HYPERVISORS: &str = "/org/lodge/Lodge1/hypervisor";
/// The parent of all jobs.
pub const JOBS: &str = "/org/lodge/Lodge1/job";
/// The parent of all networks.
pub const NETWORKS: &str = "/org/lodge/Lodge1/network";
/// The parent of all secrets.
pub const SECRETS: &str = "/org/lodge/Lodge1/secret";

/// The parent of all pools.
pub const POOLS: &str = "/org/lodge/Lodge1/pool";

/// The path of the domain with this name.
#[must_use]
pub fn domain(name: &str) -> OwnedObjectPath {
    child(DOMAINS, &escape(name))
}

/// The path of the hypervisor with this name.
#[must_use]
pub fn hypervisor(name: &str) -> OwnedObjectPath {
    child(HYPERVISORS, &escape(name))
}

/// The path of the job with this number.
#[must_use]
pub fn job(number: u32) -> OwnedObjectPath {
    child(JOBS, &number.to_string())
}

/// The path of the network with this name.
#[must_use]
pub fn network(name: &str) -> OwnedObjectPath {
    child(NETWORKS, &escape(name))
}

/// The path of the pool with this name.
#[must_use]
pub fn pool(name: &str) -> OwnedObjectPath {
    child(POOLS, &escape(name))
}

/// The path of a pool's volume.
#[must_use]
pub fn volume(pool: &str, name: &str) -> OwnedObjectPath {
    child(&format!("{POOLS}/{}/volume", escape(pool)), &escape(name))
}

/// The name of the pool at this path; `None` where no pool can be.
#[must_use]
pub fn pool_name(path: &str) -> Option<String> {
    unescape(path.strip_prefix(POOLS)?.strip_prefix('/')?)
}

/// The names of pool and volume at this path; `None` where no volume can be.
#[must_use]
pub fn volume_name(path: &str) -> Option<(String, String)> {
    let (pool, volume) = path.strip_prefix(POOLS)?.strip_prefix('/')?.split_once("/volume/")?;
    Some((unescape(pool)?, unescape(volume)?))
}

/// The path of the secret with this UUID, in the usual form with hyphens.
#[must_use]
pub fn secret(uuid: &str) -> OwnedObjectPath {
    child(SECRETS, &escape(uuid))
}

/// The name of the domain at this path; `None` where no domain can be.
#[must_use]
pub fn domain_name(path: &str) -> Option<String> {
    unescape(path.strip_prefix(DOMAINS)?.strip_prefix('/')?)
}

/// A name as one element of an object path.
#[must_use]
pub fn escape(name: &str) -> String {
    use std::fmt::Write as _;

    if name.is_empty() {
        return "_".to_owned();
    }
    let mut label = String::with_capacity(name.len());
    for (position, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphabetic() || (position > 0 && byte.is_ascii_digit());
        if plain {
            label.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(label, "_{byte:02x}");
        }
    }
    label
}

/// The name that [`escape`] made this of; `None` for what it never makes.
#[must_use]
pub fn unescape(label: &str) -> Option<String> {
    if label == "_" {
        return Some(String::new());
    }
    let mut name = Vec::with_capacity(label.len());
    let mut rest = label.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'_' {
            let (digits, after) = rest.split_at_checked(2)?;
            name.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            name.push(byte);
        }
    }
    let name = String::from_utf8(name).ok()?;
    // One label per name: upper-case digits, needless escapes and stray characters are not ours.
    (!name.is_empty() && escape(&name) == label).then_some(name)
}

/// `parent/label`, both known to be well-formed.
fn child(parent: &str, label: &str) -> OwnedObjectPath {
    ObjectPath::from_string_unchecked(format!("{parent}/{label}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_as_systemd_does() {
        for (name, label) in [
            ("", "_"),
            ("demo", "demo"),
            ("Windows 11", "Windows_2011"),
            ("11", "_311"),
            ("a-b.c_d", "a_2db_2ec_5fd"),
            ("_", "_5f"),
            ("für", "f_c3_bcr"),
            ("機", "_e6_a9_9f"),
        ] {
            assert_eq!(escape(name), label, "{name:?}");
            assert_eq!(unescape(label).as_deref(), Some(name), "{label:?}");
        }
    }

    #[test]
    fn refuse_what_escape_never_makes() {
        for label in ["", "1a", "_6d", "_2D", "_2", "_zz", "a/b", "a-b", "__", "_+1", "_ff", "a_"] {
            assert_eq!(unescape(label), None, "{label:?}");
        }
    }

    #[test]
    fn every_character_comes_back_in_a_valid_path() {
        let characters = (0..=0x2ff).chain([0x20ac, 0xfffd, 0x1_f600]).filter_map(char::from_u32);
        for character in characters {
            for name in [format!("{character}"), format!("a{character}{character}9")] {
                assert_eq!(unescape(&escape(&name)).as_ref(), Some(&name), "{name:?}");
                let path = domain(&name);
                ObjectPath::try_from(path.as_str()).unwrap();
                assert_eq!(domain_name(path.as_str()), Some(name));
            }
        }
    }

    #[test]
    fn only_domains_have_domain_names() {
        assert_eq!(domain_name("/org/lodge/Lodge1/job/1"), None);
        assert_eq!(domain_name("/org/lodge/Lodge1/domain"), None);
        assert_eq!(domain_name("/org/lodge/Lodge1/domain/a/snapshot/b"), None);
        assert_eq!(job(7).as_str(), "/org/lodge/Lodge1/job/7");
        assert_eq!(hypervisor("qemu").as_str(), "/org/lodge/Lodge1/hypervisor/qemu");
    }
}
