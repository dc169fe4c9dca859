//! A partition table as sfdisk(8) tells it: where there is room, and how things are called in it. Pure.

use std::collections::BTreeMap;

use lodge_model::storage_volume::VolumeFormat;
use serde::Deserialize;

/// Partitions begin at multiples of this many bytes (sfdisk(8): the default of all of util-linux).
pub const ALIGNMENT: u64 = 1 << 20;
/// What a GUID partition table takes at the end, in sectors (UEFI 2.10, 5.3).
const BACKUP_TABLE: u64 = 33;

/// A partition table as `sfdisk --json` tells it; places and sizes in sectors.
#[derive(Debug, Clone, Deserialize)]
pub struct Table {
    /// The word for its kind.
    pub label: String,
    firstlba: Option<u64>,
    lastlba: Option<u64>,
    #[serde(default = "usual_sector")]
    /// In bytes.
    pub sectorsize: u64,
    #[serde(default)]
    /// In the order of their numbers.
    pub partitions: Vec<Partition>,
}

/// One partition.
#[derive(Debug, Clone, Deserialize)]
pub struct Partition {
    /// Path of its device.
    pub node: String,
    /// Its first sector.
    pub start: u64,
    /// In sectors.
    pub size: u64,
    #[serde(rename = "type")]
    kind: String,
}

/// What `sfdisk --json` says.
#[derive(Deserialize)]
pub struct Said {
    /// The table.
    pub partitiontable: Table,
}

fn usual_sector() -> u64 {
    512
}

impl Table {
    /// The partition with a number.
    pub fn partition(&self, number: u32) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.number() == Some(number))
    }

    /// The same with partitions that are not in it yet, by number: their first sector, and how many they have.
    pub fn with(mut self, pending: &BTreeMap<u32, (u64, u64)>) -> Self {
        let partition = |(number, (start, size)): (&u32, &(u64, u64))| Partition {
            node: format!("p{number}"),
            start: *start,
            size: *size,
            kind: String::new(),
        };
        self.partitions.extend(pending.iter().map(partition));
        self
    }

    /// What no partition has, in sectors: first and behind the last, from the first to the last, each aligned.
    pub fn gaps(&self, disk: u64) -> Vec<(u64, u64)> {
        let align = (ALIGNMENT / self.sectorsize).max(1);
        let first = self.firstlba.unwrap_or(align).next_multiple_of(align);
        let end = match self.lastlba {
            Some(last) => last.saturating_add(1),
            None if self.label == "gpt" => disk.saturating_sub(BACKUP_TABLE),
            None => disk,
        };
        let mut taken: Vec<_> = self.partitions.iter().filter(|partition| !partition.is_extended()).collect();
        taken.sort_by_key(|partition| partition.start);
        let mut gaps = Vec::new();
        let mut from = first;
        for partition in taken {
            if partition.start > from {
                gaps.push((from, partition.start));
            }
            from = from.max(partition.start.saturating_add(partition.size).next_multiple_of(align));
        }
        if end > from {
            gaps.push((from, end));
        }
        gaps
    }
}

impl Partition {
    /// Its number, which its device ends in.
    pub fn number(&self) -> Option<u32> {
        number(&self.node)
    }

    /// Whether it holds other partitions.
    pub fn is_extended(&self) -> bool {
        matches!(self.kind.as_str(), "5" | "f" | "85")
    }
}

/// The number of a partition, by the name or path of its device.
pub fn number(node: &str) -> Option<u32> {
    node.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The type of a partition as sfdisk has it, for a volume's format.
pub fn partition_type(format: Option<VolumeFormat>, label: &str) -> &'static str {
    match format {
        Some(VolumeFormat::Fat16 | VolumeFormat::Fat32 | VolumeFormat::Vfat | VolumeFormat::Fat) if label == "gpt" => {
            "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
        }
        Some(VolumeFormat::Fat16) => "6",
        Some(VolumeFormat::Fat32 | VolumeFormat::Vfat | VolumeFormat::Fat) => "c",
        Some(VolumeFormat::LinuxSwap) => "S",
        Some(VolumeFormat::LinuxLvm) => "V",
        Some(VolumeFormat::LinuxRaid) => "R",
        Some(VolumeFormat::Extended) => "E",
        _ => "L",
    }
}

/// Formats that a partition can be said to have.
pub const FORMATS: &[VolumeFormat] = &[
    VolumeFormat::None,
    VolumeFormat::Linux,
    VolumeFormat::Fat16,
    VolumeFormat::Fat32,
    VolumeFormat::LinuxSwap,
    VolumeFormat::LinuxLvm,
    VolumeFormat::LinuxRaid,
    VolumeFormat::Extended,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn table(partitions: &[(u64, u64, &str)]) -> Table {
        let partition = |(start, size, kind): &(u64, u64, &str)| Partition {
            node: "/dev/sdb1".into(),
            start: *start,
            size: *size,
            kind: (*kind).to_owned(),
        };
        Table {
            label: "dos".into(),
            firstlba: None,
            lastlba: None,
            sectorsize: 512,
            partitions: partitions.iter().map(partition).collect(),
        }
    }

    #[test]
    fn gaps_are_what_no_partition_has() {
        for (partitions, expected) in [
            (vec![], vec![(2048, 100_000)]),
            (vec![(2048, 10_000, "83")], vec![(12_288, 100_000)]),
            (vec![(50_000, 50_000, "83"), (2048, 2048, "83")], vec![(4096, 50_000)]),
            (vec![(2048, 97_952, "83")], vec![]),
            // What is in an extended one is counted by the logical ones.
            (vec![(2048, 97_952, "5"), (4096, 10_000, "83")], vec![(2048, 4096), (14_336, 100_000)]),
        ] {
            assert_eq!(table(&partitions).gaps(100_000), expected, "{partitions:?}");
        }
        let gpt = Table { label: "gpt".into(), firstlba: Some(34), lastlba: Some(99_966), ..table(&[]) };
        assert_eq!(gpt.gaps(100_000), [(2048, 99_967)]);
    }
}
