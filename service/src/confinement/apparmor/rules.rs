//! The rules for what one run of a guest uses, in the language of apparmor.d(5).
//!
//! Paths are quoted, and what means something in a pattern is escaped, so that a path means itself only.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::confine::Subject;
use crate::hypervisors::resources::{Access, LabelClass};

/// Characters of patterns, of variables and of quoting (apparmor.d(5), globbing).
const SPECIAL: &[u8] = b"\\\"*?[]{}^@,";

/// Where the special files of USB devices are.
const USB: &str = "/dev/bus/usb";
/// What libusb reads to find a device whose file the guest may open (libusb-1.0, with libudev).
const TO_FIND_USB: &str = "\
/dev/bus/usb/ r,
/dev/bus/usb/*/ r,
/sys/bus/ r,
/sys/bus/usb/devices/ r,
/sys/class/ r,
/sys/devices/**/usb[0-9]*/** r,
/run/udev/data/+usb:* r,
/run/udev/data/c189:* r,
";

/// The rules of a guest, a line each.
///
/// # Errors
/// `NotSupported` for a path that no rule can name.
pub fn of(guest: &Subject) -> Result<String> {
    let mut rules = BTreeMap::new();
    for program in &guest.programs {
        add(&mut rules, program, "", "rmix");
    }
    add(&mut rules, &guest.log, "", "rw");
    add(&mut rules, &guest.runtime, "/", "r");
    add(&mut rules, &guest.runtime, "/**", "rwk");
    for resource in &guest.resources {
        let access = match resource.access {
            Access::Read => "rk",
            Access::ReadWrite => "rwk",
        };
        // What is a directory, or will be one, or holds what is named by the guest only.
        if matches!(resource.class, LabelClass::Directory | LabelClass::Tpm) || resource.path.is_dir() {
            add(&mut rules, &resource.path, "/", "r");
            add(&mut rules, &resource.path, "/**", if resource.access == Access::Read { "rk" } else { "rwkl" });
        } else {
            add(&mut rules, &resource.path, "", access);
        }
    }
    let mut text = String::from("# Written anew at every start of the guest.\n");
    for ((path, below), access) in rules {
        let pattern = pattern(&path)?;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\"{pattern}{below}\" {access},");
    }
    if guest.resources.iter().any(|resource| resource.path.starts_with(USB)) {
        text.push_str(TO_FIND_USB);
    }
    Ok(text)
}

type Rules = BTreeMap<(PathBuf, &'static str), &'static str>;

/// The kernel judges the path that links lead to; the one that is written is allowed too, since it may come later.
fn add(rules: &mut Rules, path: &Path, below: &'static str, access: &'static str) {
    let real = path.canonicalize().unwrap_or_else(|_| real_parent(path));
    for path in [path.to_owned(), real] {
        let known = rules.entry((path, below)).or_insert(access);
        // Of two uses the one that allows more.
        if access.len() > known.len() {
            *known = access;
        }
    }
}

/// The path of a file that is not there yet, with the links before it followed.
fn real_parent(path: &Path) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

/// A path as a pattern that fits nothing else.
fn pattern(path: &Path) -> Result<String> {
    let bytes = path.as_os_str().as_bytes();
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control));
    let Some(text) = text else {
        let message = format!("{} has characters that no AppArmor profile can name; give the file another name", path.display());
        return Err(Error::new(ErrorKind::NotSupported, message));
    };
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if u8::try_from(character).is_ok_and(|byte| SPECIAL.contains(&byte)) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    Ok(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_itself_only() {
        for (path, expected) in [
            ("/var/lib/lodge/a.img", "/var/lib/lodge/a.img"),
            ("/a [1]*{x,y}?.img", "/a \\[1\\]\\*\\{x\\,y\\}\\?.img"),
            ("/@{HOME}/\"b\"\\^", "/\\@\\{HOME\\}/\\\"b\\\"\\\\\\^"),
            ("/ä/#1", "/ä/#1"),
        ] {
            assert_eq!(pattern(Path::new(path)).unwrap(), expected);
        }
        for path in ["/a\nb", "/\u{7f}"] {
            assert_eq!(pattern(Path::new(path)).unwrap_err().kind(), ErrorKind::NotSupported);
        }
    }
}
