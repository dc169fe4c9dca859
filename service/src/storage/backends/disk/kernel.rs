//! What the kernel knows of a disk's partitions, which need not be what stands in the table: it is told of each change by itself, and
//! a service may be killed in between. The table counts.

use std::collections::BTreeMap;
use std::path::Path;

use super::table::Table;
use crate::host::sysfs::Sysfs;

/// Bytes of the kernel's sectors, whatever the disk's own are (sysfs-block).
pub const SECTOR: u64 = 512;

/// Where partitions are, by number: first byte and length in bytes.
pub type Places = BTreeMap<u32, (u64, u64)>;

/// What the kernel is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// There is another partition.
    Add(u32),
    /// It has another size.
    Update(u32),
    /// It is none.
    Forget(u32),
}

/// The partitions that the kernel knows of a disk. Blocks.
pub fn known(device: &Path) -> Places {
    let sysfs = Sysfs::of_this_host();
    let real = device.canonicalize().unwrap_or_else(|_| device.to_owned());
    let name = real.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(disk) = sysfs.linked("class/block", name) else { return Places::new() };
    let place = |entry: &String| {
        let partition = sysfs.device(&format!("{}/{entry}", disk.path()))?;
        let bytes = |attribute| Some(partition.number::<u64>(attribute)?.saturating_mul(SECTOR));
        Some((partition.number("partition")?, (bytes("start")?, bytes("size")?)))
    };
    disk.names(".").iter().filter_map(place).collect()
}

/// What makes the kernel agree with the table, but for partitions that are just being made.
///
/// Of an extended partition the kernel shows the first kilobyte only, a device in the place of a partition may be another
/// program's, such as kpartx's, and what the kernel finds inside of a partition, such as BSD's slices, stands in no table that sfdisk
/// tells: none of these is touched.
pub fn disagreement(table: &Table, known: &Places, being_made: &[u32], exists: impl Fn(&str) -> bool) -> Vec<Tell> {
    let mut told = Vec::new();
    let mut numbers = Vec::new();
    let mut taken = Vec::new();
    for partition in &table.partitions {
        let Some(number) = partition.number() else { continue };
        numbers.push(number);
        let (start, size) = (partition.start.saturating_mul(table.sectorsize), partition.size.saturating_mul(table.sectorsize));
        taken.extend(Some((start, start.saturating_add(size))).filter(|_| !partition.is_extended()));
        match known.get(&number) {
            None if !exists(&partition.node) => told.push(Tell::Add(number)),
            Some(&place) if place != (start, size) && !partition.is_extended() && !being_made.contains(&number) => {
                told.push(Tell::Update(number));
            }
            _ => {}
        }
    }
    let is_free = |(start, size): (u64, u64)| !taken.iter().any(|(from, to)| start < *to && start.saturating_add(size) > *from);
    let strange = known.iter().filter(|(number, place)| !numbers.contains(number) && !being_made.contains(number) && is_free(**place));
    told.extend(strange.map(|(number, _)| Tell::Forget(*number)));
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_told_what_it_does_not_know() {
        let said = r#"{"label": "gpt", "partitions": [
            {"node": "/dev/sdb1", "start": 2048, "size": 2048, "type": "L"}, {"node": "/dev/sdb2", "start": 4096, "size": 2048, "type": "L"},
            {"node": "/dev/sdb3", "start": 8192, "size": 2048, "type": "5"}, {"node": "/dev/sdb5", "start": 9000, "size": 2048, "type": "L"}]}"#;
        let table: Table = serde_json::from_str(said).unwrap();
        const MIB: u64 = 1 << 20;
        let known = Places::from([
            (1, (MIB, MIB)),
            (2, (2 * MIB, 2 * MIB)),
            (3, (4 * MIB, 1024)),
            (6, (2 * MIB, 1024)),
            (7, (9 * MIB, MIB)),
            (8, (10 * MIB, MIB)),
        ]);
        let told = disagreement(&table, &known, &[8], |_| false);
        assert_eq!(told, [Tell::Update(2), Tell::Add(5), Tell::Forget(7)]);
        assert_eq!(disagreement(&table, &known, &[2, 7, 8], |node| node == "/dev/sdb5"), []);
    }
}
