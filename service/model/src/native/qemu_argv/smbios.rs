//! What the firmware tells the guest: tables of SMBIOS, and files of its configuration.

use super::ReadError;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::{Outcome, all_or_kept};
use super::props::Props;
use super::tree::{Build, element};

/// What options say of the tables together.
#[derive(Debug, Default)]
pub struct Facts {
    tables: Vec<(&'static str, Vec<(String, String)>)>,
    oem_strings: Vec<String>,
}

/// Converts options of what the firmware tells.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "smbios" => smbios(to, &to.props(option, "")?),
        "fw_cfg" => firmware_file(to, &to.props(option, "name")?),
        _ => return Ok(None),
    }))
}

/// Fields of `-smbios` in QEMU's and in libvirt's words.
const SMBIOS: &[(&str, &str, &[&str])] = &[
    ("0", "bios", &["vendor", "version", "date", "release"]),
    ("1", "system", &["manufacturer", "product", "version", "serial", "uuid", "sku", "family"]),
    ("2", "baseBoard", &["manufacturer", "product", "version", "serial", "asset", "location"]),
    ("3", "chassis", &["manufacturer", "version", "serial", "asset", "sku"]),
];

fn smbios(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let Some(kind) = props.take("type") else { return Outcome::Kept("no element says this".to_owned()) };
    if kind == "11" {
        let strings = props.take_all("value").into_iter().map(str::to_owned).collect::<Vec<_>>();
        let outcome = all_or_kept(props);
        if matches!(outcome, Outcome::Done) {
            to.facts.smbios.oem_strings.extend(strings);
        }
        return outcome;
    }
    let Some((_, block, fields)) = SMBIOS.iter().find(|(number, ..)| *number == kind) else {
        return Outcome::Kept(format!("no element says tables of type {kind}"));
    };
    let entries: Vec<_> = fields.iter().filter_map(|field| Some(((*field).to_owned(), props.take(field)?.to_owned()))).collect();
    let outcome = if entries.is_empty() { Outcome::Kept("no element says an empty table".to_owned()) } else { all_or_kept(props) };
    if matches!(outcome, Outcome::Done) {
        // It is the guest's own, wherever it is said.
        to.general.extend(entries.iter().filter(|(name, _)| name == "uuid").map(|(_, uuid)| element("uuid").content(uuid)));
        to.facts.smbios.tables.push((block, entries));
    }
    outcome
}

/// A file of the firmware's configuration.
fn firmware_file(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let entry = element("entry").maybe("name", props.take("name")).maybe("file", props.take("file"));
    let entry = match props.take("string") {
        Some(text) => entry.content(text),
        None => entry,
    };
    if !props.left().is_empty() {
        return all_or_kept(props);
    }
    to.general.push(element("sysinfo").with("type", "fwcfg").child(entry));
    Outcome::Done
}

/// Writes the tables.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.facts.smbios);
    if facts.tables.is_empty() && facts.oem_strings.is_empty() {
        return;
    }
    let entry = |(name, value): &(String, String)| element("entry").with("name", name).content(value);
    let mut sysinfo = element("sysinfo").with("type", "smbios");
    for (block, entries) in &facts.tables {
        sysinfo = sysinfo.child(element(block).children(entries.iter().map(entry)));
    }
    if !facts.oem_strings.is_empty() {
        sysinfo = sysinfo.child(element("oemStrings").children(facts.oem_strings.iter().map(|text| element("entry").content(text))));
    }
    to.general.push(sysinfo);
    to.os.add(element("smbios").with("mode", "sysinfo"));
}
