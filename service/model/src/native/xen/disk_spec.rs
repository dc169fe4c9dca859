//! A disk as the configurations write it, in all notations there were:
//!
//! - of xm and early xl: `tap:aio:/images/web.img,xvda,w`, `,hdc:cdrom,r`, `phy:vg/web,hda1,w!`;
//! - of xl, positions and names: `/images/web.qcow2,qcow2,xvda`,
//!   `format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/images/install.iso`;
//! - of xend, named parts: `(uname phy:vg/web) (dev hda1:disk) (mode w)`.

use std::collections::HashSet;

use super::fields::Fields;
use super::input::Input;
use super::value::{Item, Value};
use crate::native::ReadError;
use crate::xml::Position;

/// Formats of images that xl knows.
pub(super) const FORMATS: [&str; 6] = ["raw", "qcow", "qcow2", "vhd", "qed", "vmdk"];

/// Words of xl that say something by themselves, and what they say something of.
const WORDS: [(&str, &str); 3] = [("cdrom", "devtype"), ("discard", "discard"), ("no-discard", "discard")];

/// Words of xl that change nothing that a domain could say.
const UNSAID: [&str; 4] = ["direct-io-safe", "colo", "trusted", "untrusted"];

/// Words for access: the guest may read, read and write, or write though others do too. Nothing means
/// that it may write.
const ACCESS: [(&str, Access); 8] = [
    ("r", Access::Read),
    ("ro", Access::Read),
    ("w", Access::Write),
    ("rw", Access::Write),
    ("", Access::Write),
    ("w!", Access::Share),
    ("rw!", Access::Share),
    ("!", Access::Share),
];

/// What the guest may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    Share,
}

/// A disk.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) position: Position,
    /// What stands before the path, such as `tap` and `aio`.
    pub(super) prefixes: Vec<String>,
    /// The path, empty for a drive without a medium.
    pub(super) target: String,
    pub(super) format: Option<String>,
    pub(super) vdev: String,
    pub(super) access: Option<Access>,
    pub(super) cdrom: bool,
    pub(super) backend: Option<String>,
    pub(super) backend_type: Option<String>,
    pub(super) script: Option<String>,
    pub(super) discard: Option<bool>,
}

impl Spec {
    fn new(position: Position) -> Self {
        Self {
            position,
            prefixes: Vec::new(),
            target: String::new(),
            format: None,
            vdev: String::new(),
            access: None,
            cdrom: false,
            backend: None,
            backend_type: None,
            script: None,
            discard: None,
        }
    }

    /// Reads a disk in any notation.
    ///
    /// # Errors
    /// It is in none, or has no name in the guest.
    pub(super) fn read(item: Item, input: &mut Input) -> Result<Self, ReadError> {
        let spec = match &item.value {
            Value::Record(_) => Self::of_parts(item, input)?,
            _ => {
                let text = item.text("disk")?;
                match old_parts(&text) {
                    Some(parts) => Self::of_old(&item, parts)?,
                    None => Self::of_new(&item, &text, input)?,
                }
            }
        };
        if spec.vdev.is_empty() {
            let reason = "expected a disk with its name in the guest, such as 'file:/images/web.img,xvda,w', found none".to_owned();
            return Err(ReadError { position: spec.position, reason });
        }
        Ok(spec)
    }

    fn of_parts(item: Item, input: &mut Input) -> Result<Self, ReadError> {
        let mut parts = Fields::of(item, "disk")?;
        let mut spec = Self::new(parts.position);
        spec.set_source(&parts.take("uname").unwrap_or_default());
        spec.set_vdev(&parts.take("dev").unwrap_or_default());
        if let Some(mode) = parts.take("mode") {
            spec.access = Some(access(&mode).ok_or_else(|| parts.unexpected("mode", &mode, "'r', 'w' or 'w!'"))?);
        }
        spec.backend = parts.take("backend").filter(|backend| backend != "0");
        parts.finish(input);
        Ok(spec)
    }

    fn of_old(item: &Item, [source, vdev, mode, backend]: [&str; 4]) -> Result<Self, ReadError> {
        let mut spec = Self::new(item.position);
        spec.set_source(source.trim());
        spec.set_vdev(vdev.trim());
        let known = access(mode.trim());
        spec.access =
            Some(known.ok_or_else(|| item.error(format!("expected 'r', 'w' or 'w!' as the access of a disk, found '{}'", mode.trim())))?);
        spec.backend = Some(backend.trim().to_owned()).filter(|backend| !backend.is_empty());
        Ok(spec)
    }

    /// The notation of xl: parts with names, words, and the rest by position.
    fn of_new(item: &Item, text: &str, input: &mut Input) -> Result<Self, ReadError> {
        let mut spec = Self::new(item.position);
        let mut positions = 0;
        let mut seen = HashSet::new();
        let mut rest = Some(text);
        while let Some(text) = rest.map(str::trim_start) {
            if let Some(target) = text.strip_prefix("target=") {
                // It is what stands there, whatever it looks like.
                spec.target = target.to_owned();
                break;
            }
            let (part, more) = text.split_once(',').map_or((text, None), |(part, more)| (part, Some(more)));
            rest = more;
            let part = part.trim_end();
            let (key, value) = match part.split_once('=') {
                Some((key, value)) if key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) => (key, value),
                _ if WORDS.iter().any(|(word, _)| *word == part) => (part, ""),
                _ if UNSAID.contains(&part) => (part, ""),
                _ => {
                    let key = ["target", "format", "vdev", "access"].get(positions).copied();
                    positions += 1;
                    let many = || item.error(format!("expected at most four parts of a disk without a name, found '{part}' as the fifth"));
                    (key.ok_or_else(many)?, part)
                }
            };
            let named = WORDS.iter().find(|(word, _)| *word == key).map(|(_, names)| *names);
            if (!value.is_empty() || named.is_some()) && !seen.insert(named.unwrap_or(key)) {
                return Err(item.error(format!("expected '{}' of a disk once, found it twice; remove one", named.unwrap_or(key))));
            }
            spec.set(item, key, value, input)?;
        }
        Ok(spec)
    }

    fn set(&mut self, item: &Item, key: &str, value: &str, input: &mut Input) -> Result<(), ReadError> {
        let some = Some(value.to_owned()).filter(|value| !value.is_empty());
        match key {
            "target" => self.set_source(value),
            "access" if value.is_empty() => {}
            "format" if value.is_empty() || FORMATS.contains(&value) => self.format = some,
            "format" => return Err(item.error(format!("expected one of {} as the format of a disk, found '{value}'", FORMATS.join(", ")))),
            "vdev" => self.set_vdev(value),
            "access" => {
                let known = access(value);
                self.access =
                    Some(known.ok_or_else(|| item.error(format!("expected 'ro' or 'rw' as the access of a disk, found '{value}'")))?);
            }
            "devtype" if value == "cdrom" => self.cdrom = true,
            "devtype" if matches!(value, "disk" | "") => {}
            "backend" => self.backend = some,
            "backendtype" if matches!(value, "phy" | "tap" | "qdisk" | "") => self.backend_type = some,
            "backendtype" if value == "standalone" => {
                input.warn(item.position, "the backendtype 'standalone' of a disk has no word in a domain and is left out".into());
            }
            "backendtype" => {
                return Err(item.error(format!("expected 'phy', 'tap' or 'qdisk' as the backendtype of a disk, found '{value}'")));
            }
            "script" => self.script = some,
            "cdrom" => self.cdrom = true,
            "discard" => self.discard = Some(true),
            "no-discard" => self.discard = Some(false),
            "specification" if matches!(value, "xen" | "") => {}
            _ => {
                let part = if value.is_empty() { key.to_owned() } else { format!("{key}={value}") };
                input.warn(item.position, format!("'{part}' of a disk has no element in the domain and is left out"));
            }
        }
        Ok(())
    }

    /// The name in the guest, with `ioemu:` before it or `:cdrom` behind it in old files.
    fn set_vdev(&mut self, vdev: &str) {
        let vdev = vdev.strip_prefix("ioemu:").unwrap_or(vdev);
        let (name, cdrom) = vdev.strip_suffix(":cdrom").map_or((vdev, false), |name| (name, true));
        let name = name.strip_suffix(":disk").unwrap_or(name);
        self.cdrom |= cdrom;
        self.vdev = name.strip_prefix("/dev/").unwrap_or(name).to_owned();
    }

    /// The path, with the prefixes of old notations before it. One of them is followed by another
    /// where it names a program that knows several formats.
    fn set_source(&mut self, source: &str) {
        let mut rest = source;
        while let Some((word, more)) = prefix(rest) {
            self.prefixes.push(word.to_owned());
            rest = more;
            if !matches!(word, "tap" | "tap2" | "tapdisk" | "ioemu") {
                break;
            }
        }
        self.prefixes.retain(|prefix| prefix != "ioemu");
        self.target = rest.to_owned();
    }
}

fn access(word: &str) -> Option<Access> {
    ACCESS.iter().find(|(known, _)| *known == word).map(|(_, access)| *access)
}

/// A word and a colon at the start, and what is behind them.
pub(super) fn prefix(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(':')?;
    let is_word = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    is_word.then_some((word, rest))
}

/// Source, name in the guest, access and backend, if a text is in the old notation. A path may have
/// commas there: the parts are counted from the end.
fn old_parts(text: &str) -> Option<[&str; 4]> {
    let is_access = |part: &str| !part.trim().is_empty() && access(part.trim()).is_some();
    let by_prefix = prefix(text.trim_start()).is_some();
    let mut parts = text.rsplitn(3, ',');
    let (mode, vdev, source) = (parts.next()?, parts.next()?, parts.next());
    let Some(source) = source else {
        return (by_prefix && !mode.contains('=')).then_some([vdev, mode, "", ""]);
    };
    if let Some((source, name)) = source.rsplit_once(',')
        && by_prefix
        && is_access(vdev)
        && !is_access(mode)
        && !mode.contains('=')
    {
        return Some([source, name, vdev, mode]);
    }
    let bare = !source.contains(['=', ',']) && !vdev.contains('=') && !FORMATS.contains(&vdev.trim()) && !vdev.trim().is_empty();
    (is_access(mode) && !vdev.contains('=') && (by_prefix || bare)).then_some([source, vdev, mode, ""])
}
