//! Firmware in flash memory: of `-drive if=pflash`, `-pflash`, and of nodes that the machine names.
//!
//! The first image is the code, the second the variables. Both are elements or both stay options: QEMU does not take one of
//! each kind.

use super::ReadError;
use super::back_ends::Kind;
use super::block;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::Outcome;
use super::props::{Props, spelled};
use super::tree::{Build, element, yes_no};
use crate::xml::Element;

/// What options say of flash memory together.
#[derive(Debug, Default)]
pub struct Facts {
    drives: Vec<Drive>,
}

#[derive(Debug)]
struct Drive {
    /// Number of the option.
    option: usize,
    unit: Option<usize>,
    file: Option<String>,
    read_only: bool,
    format: Option<String>,
    /// What no element says.
    left: Vec<String>,
}

/// Converts options of flash memory.
///
/// # Errors
/// None; the signature is that of the other families.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    if option.name != "pflash" {
        return Ok(None);
    }
    let file = Some(option.value.clone());
    let drive = Drive { option: to.option(), unit: None, file, read_only: false, format: None, left: Vec::new() };
    to.facts.flash.drives.push(drive);
    Ok(Some(Outcome::Done))
}

/// Notes an image of `-drive`.
pub fn drive(to: &mut Conversion<'_>, props: &Props) {
    let file = props.take_any(&["file", "file.filename"]).map(str::to_owned);
    let read_only = props.take_on("readonly").or(props.take_on("read-only")) == Some(true);
    let format = props.take("format").map(str::to_owned);
    let unit = props.take_number("unit").or(props.take_number("index")).and_then(|unit| usize::try_from(unit).ok());
    // Locks are QEMU's own, and what UTM turns them off for is no matter here.
    props.ignore(&["id", "if", "file.locking"]);
    to.facts.flash.drives.push(Drive { option: to.option(), unit, file, read_only, format, left: spelled(&props.left()) });
}

/// Writes the images.
pub fn finish(to: &mut Conversion<'_>) {
    let drives = std::mem::take(&mut to.facts.flash.drives);
    let Some(parts) = parts(&drives) else {
        for drive in &drives {
            let reason = match drive.left.as_slice() {
                [] => "it belongs to other flash memory that stays".to_owned(),
                left => format!("no element says {}", left.join(",")),
            };
            to.keep(drive.option, &reason);
        }
        return;
    };
    let [code, variables] = parts;
    if let Some(code) = code {
        // Code that cannot be written and has no variables beside it keeps none.
        let stateless = (code.read_only && variables.is_none()).then_some("yes");
        let loader = loader(code.read_only, code.format.clone(), code.file.as_deref().unwrap_or_default());
        to.os.add(loader.maybe("stateless", stateless));
    }
    if let Some(variables) = variables {
        to.os.add(nvram(variables.format.clone(), variables.file.as_deref().unwrap_or_default()));
    }
}

/// Code and variables, if that is what the images are.
fn parts(drives: &[Drive]) -> Option<[Option<&Drive>; 2]> {
    let mut parts = [None, None];
    for drive in drives {
        let unit = drive.unit.unwrap_or_else(|| usize::from(parts[0].is_some()));
        let place = parts.get_mut(unit).filter(|place| place.is_none())?;
        if drive.file.is_none() || !drive.left.is_empty() {
            return None;
        }
        *place = Some(drive);
    }
    (parts[1].is_none() || parts[0].is_some()).then_some(parts)
}

fn loader(read_only: bool, format: Option<String>, file: &str) -> Element {
    let loader = element("loader").with("readonly", yes_no(read_only)).with("type", "pflash");
    loader.maybe("format", format.filter(|format| format != "raw")).content(file)
}

fn nvram(format: Option<String>, file: &str) -> Element {
    element("nvram").maybe("format", format.filter(|format| format != "raw")).content(file)
}

/// Firmware in a node; whether an element says it.
pub fn node(to: &mut Conversion<'_>, name: &str, node: &str) -> bool {
    let Some((image, nodes)) = block::of_node(to, node) else { return false };
    let Some(("file", source)) = image.source else { return false };
    let Some(file) = source.attribute("file") else { return false };
    let format = image.driver.iter().find(|(name, _)| *name == "type").map(|(_, format)| format.clone());
    nodes.iter().for_each(|node| to.used(Kind::Block, node));
    to.os.add(if name == "loader" { loader(image.read_only, format, file) } else { nvram(format, file) });
    true
}
