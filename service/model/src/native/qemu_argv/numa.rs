//! `-numa`: cells of memory and processors, and how far they are from each other.
//!
//! One cell with all memory is no topology: what its memory is made of is all that it says. Command lines have it where
//! memory is shared with virtiofsd.

use super::ReadError;
use super::back_ends::Kind;
use super::conversion::Conversion;
use super::memory;
use super::options::{Opt, bad};
use super::outcome::Outcome;
use super::props::Props;
use super::tree::{Build, element};
use crate::units::{KIB, MIB};
use crate::xml::Element;

/// What options say of cells together.
#[derive(Debug, Default)]
pub struct Facts {
    cells: Vec<Cell>,
    distances: Vec<[u32; 3]>,
}

#[derive(Debug)]
struct Cell {
    /// Number of the option.
    option: usize,
    id: u32,
    cpus: Vec<String>,
    /// Bytes, or the object that has them.
    memory: Option<u64>,
    object: Option<String>,
}

/// Converts options of cells.
///
/// # Errors
/// A number or a size is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    if option.name != "numa" {
        return Ok(None);
    }
    let props = to.props(option, "type")?;
    let number = |key: &str| match props.take(key) {
        None => Ok(None),
        Some(text) => text.parse::<u32>().map(Some).map_err(|_| bad(option, "a number", text)),
    };
    match props.take("type") {
        Some("node") => {
            let id = number("nodeid")?.unwrap_or(u32::try_from(to.facts.numa.cells.len()).unwrap_or(u32::MAX));
            let cpus = props.take_list("cpus").into_iter().map(str::to_owned).collect();
            let memory = match props.take("mem") {
                Some(text) => Some(memory::size(text, MIB).ok_or_else(|| bad(option, "a size such as 512M or 4G", text))?),
                None => None,
            };
            let object = props.take("memdev").map(str::to_owned);
            if let Some((key, value)) = props.left().first() {
                return Ok(Some(Outcome::Kept(format!("no element says {key}={value}"))));
            }
            to.facts.numa.cells.push(Cell { option: to.option(), id, cpus, memory, object });
            Ok(Some(Outcome::Done))
        }
        Some("dist") => match (number("src")?, number("dst")?, number("val")?) {
            (Some(from), Some(to_), Some(value)) if props.left().is_empty() => {
                to.facts.numa.distances.push([from, to_, value]);
                Ok(Some(Outcome::Done))
            }
            _ => Ok(Some(Outcome::Kept("it does not say from which cell to which, and how far".to_owned()))),
        },
        _ => Ok(Some(Outcome::Kept("no element says this".to_owned()))),
    }
}

/// Writes the cells.
pub fn finish(to: &mut Conversion<'_>) {
    let Facts { cells, distances } = std::mem::take(&mut to.facts.numa);
    if let ([cell], true) = (cells.as_slice(), distances.is_empty()) {
        if let Some(id) = &cell.object
            && !memory::back_end(to, id)
        {
            to.keep(cell.option, &format!("the memory '{id}' is of a kind that no element says"));
        }
        return;
    }
    let written: Option<Vec<Element>> = cells.iter().map(|cell| written(to, cell, &distances)).collect();
    match written {
        Some(written) if !written.is_empty() => {
            for id in cells.iter().filter_map(|cell| cell.object.as_deref()) {
                memory::back_end(to, id);
            }
            // Each cell has its own.
            to.memory_backing.retain(|element| element.name != "access");
            to.cpu = Some(to.cpu.take().unwrap_or_else(|| element("cpu")).child(element("numa").children(written)));
        }
        _ => cells.iter().for_each(|cell| to.keep(cell.option, "its memory is of a kind that no element says")),
    }
}

fn written(to: &Conversion<'_>, cell: &Cell, distances: &[[u32; 3]]) -> Option<Element> {
    let object = cell.object.as_deref().map(|id| to.back_end(Kind::Object, id).map(|back_end| &back_end.props));
    let (memory, access) = match object {
        Some(object) => {
            let object: &Props = object?;
            memory::backing(to, cell.object.as_deref()?)?;
            (memory::size(object.get("size")?, 1)?, object.get("share").and_then(super::props::is_on))
        }
        None => (cell.memory?, None),
    };
    let cpus = (!cell.cpus.is_empty()).then(|| cell.cpus.join(","));
    let siblings = distances.iter().filter(|[from, ..]| *from == cell.id);
    let siblings: Vec<Element> = siblings.map(|[_, to, value]| element("sibling").with("id", to).with("value", value)).collect();
    let distances = (!siblings.is_empty()).then(|| element("distances").children(siblings));
    let element = element("cell").with("id", cell.id).maybe("cpus", cpus).with("memory", memory.div_ceil(KIB)).with("unit", "KiB");
    Some(element.maybe("memAccess", access.map(|on| if on { "shared" } else { "private" })).children(distances))
}
