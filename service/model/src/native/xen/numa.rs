//! The guest's NUMA cells: `vnuma = [ [ "pnode=0", "size=512", "vcpus=0-1", "vdistances=10,20" ], … ]` of xl (xl.cfg(5)).
//!
//! Invariant: a cell is written with all four of its parts, since xl takes no cell with fewer.

use super::Dialect;
use super::fields::Fields;
use super::input::Input;
use super::output::Output;
use super::value::{Field, Item, Value};
use crate::domain::Domain;
use crate::domain::cpuset::CpuSet;
use crate::domain::numa::{Distance, Distances, NumaCell, NumaMemoryNode, NumaMode, NumaTopology};
use crate::native::ReadError;
use crate::units::MIB;

/// The distance of a cell to itself, and to others where nothing is said (ACPI, system locality information table).
const DISTANCES: (u32, u32) = (10, 20);

/// Most cells; more than any host has nodes.
const MAX_CELLS: usize = 256;

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let Some(item) = input.take("vnuma") else { return Ok(()) };
    let position = item.position;
    let items = item.into_list();
    if items.len() > MAX_CELLS {
        return Err(ReadError { position, reason: format!("expected at most {MAX_CELLS} cells in 'vnuma', found {}", items.len()) });
    }
    let (count, mut cells) = (items.len(), Vec::new());
    for (id, item) in (0..).zip(items) {
        let mut parts = parts(item)?;
        cells.push(cell(id, count, &mut parts)?);
        if let Some(nodes) = parts.word::<CpuSet>("pnode")? {
            let node = NumaMemoryNode { cell: id, mode: NumaMode::Strict, nodes, rest: Default::default() };
            domain.numa_tune.get_or_insert_default().nodes.push(node);
        }
        parts.finish(input);
    }
    domain.cpu.get_or_insert_default().numa = Some(NumaTopology { cells, ..NumaTopology::default() });
    Ok(())
}

/// The parts of a cell, each of which is a string of its own, so that its value may have commas.
fn parts(item: Item) -> Result<Fields, ReadError> {
    let position = item.position;
    let mut fields = Vec::new();
    for part in item.into_list() {
        let text = part.text("vnuma")?;
        let (key, value) = text.split_once('=').unwrap_or(("", &text));
        fields.push(Field::at(part.position, key.trim(), value.trim()));
    }
    Fields::of(Item { value: Value::Record(fields), position }, "vnuma cell")
}

fn cell(id: u32, cells: usize, parts: &mut Fields) -> Result<NumaCell, ReadError> {
    let expected = "a number of MiB";
    let size: Option<u64> = parts.number("size", expected)?;
    let memory = size.ok_or_else(|| parts.error("expected the part 'size' of a vnuma cell, found none"))?;
    let mut distances = Vec::new();
    if let Some(text) = parts.take("vdistances") {
        for (id, word) in (0..).zip(text.split(',')) {
            let value = word.trim().parse().map_err(|_| parts.unexpected("vdistances", &text, "a list of numbers such as 10,20"))?;
            distances.push(Distance { id, value, rest: Default::default() });
        }
        if distances.len() != cells {
            return Err(parts.unexpected("vdistances", &text, &format!("one number for each of the {cells} cells")));
        }
    }
    Ok(NumaCell {
        id: Some(id),
        cpus: parts.word("vcpus")?,
        memory: memory.checked_mul(MIB).ok_or_else(|| parts.unexpected("size", &memory.to_string(), expected))?,
        distances: (!distances.is_empty()).then(|| Distances { siblings: distances, ..Distances::default() }),
        ..NumaCell::default()
    })
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let cells: Vec<(u32, &NumaCell)> = (0..).zip(domain.numa_cells().take(MAX_CELLS)).collect();
    if output.dialect != Dialect::Xl || cells.is_empty() {
        return;
    }
    let record = |(at, cell): &(u32, &NumaCell)| {
        let id = cell.id.unwrap_or(*at);
        let node = domain.numa_tune.iter().flat_map(|tune| &tune.nodes).find(|node| node.cell == id);
        // A cell that may be anywhere is on the node of its number, as far as xl can say it.
        let node = node.map_or_else(|| id.to_string(), |node| node.nodes.to_string());
        let distance = |(other, _): &(u32, &NumaCell)| {
            let said = cell.distances.iter().flat_map(|distances| &distances.siblings).find(|sibling| sibling.id == *other);
            said.map_or(if *other == id { DISTANCES.0 } else { DISTANCES.1 }, |sibling| sibling.value).to_string()
        };
        let mut parts = vec![format!("pnode={node}"), format!("size={}", cell.memory.div_ceil(MIB))];
        parts.extend(cell.cpus.as_ref().map(|cpus| format!("vcpus={cpus}")));
        parts.push(format!("vdistances={}", cells.iter().map(distance).collect::<Vec<_>>().join(",")));
        Value::List(parts.into_iter().map(|part| Item::from(Value::Text(part))).collect())
    };
    let list = cells.iter().map(|cell| Item::from(record(cell))).collect();
    output.settings.push(("vnuma", Value::List(list)));
}
