//! A disk whose volumes are its partitions: sfdisk(8) changes the table, partx(8) tells the kernel of that one partition, so that
//! others of the disk may be in use meanwhile. udevd is kept out for so long, and then waited for.
//!
//! A volume is called as the kernel calls its device, such as `sdb1`. What is on a partition when it is made is wiped by sfdisk
//! as far as it is a known signature.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use lodge_model::storage_pool::{DiskFormat, Extent, PoolView, StoragePool};
use lodge_model::storage_volume::VolumeFormat;
use serde::Deserialize;

use super::blocks::{TakeBack, Undoing};
use super::dir::unfit;
use super::fs::refuse_signatures;
use super::{Backend, Contents, Host, NewSize, NewVolume, Overwrite, Volumes, blocking, blocks, check_space};
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::Purpose;
use crate::storage::image::{Place, Report};
use crate::storage::passphrases::Passphrase;
use crate::storage::tool::Tool;
use crate::storage::volume::Volume;

/// Partitions begin at multiples of this many bytes (sfdisk(8): the default of all of util-linux).
const ALIGNMENT: u64 = 1 << 20;
/// What a GUID partition table takes at the end, in sectors (UEFI 2.10, 5.3).
const BACKUP_TABLE: u64 = 33;

/// A pool of the type `disk`.
pub struct Disk {
    target: PathBuf,
    device: String,
    /// What stands between the device's name and the number of a partition.
    separator: &'static str,
    format: DiskFormat,
    host: Host,
    undoing: Arc<Undoing>,
}

/// A partition table as `sfdisk --json` tells it; places and sizes in sectors.
#[derive(Debug, Deserialize)]
struct Table {
    label: String,
    firstlba: Option<u64>,
    lastlba: Option<u64>,
    #[serde(default = "usual_sector")]
    sectorsize: u64,
    #[serde(default)]
    partitions: Vec<Partition>,
}

#[derive(Debug, Clone, Deserialize)]
struct Partition {
    node: String,
    start: u64,
    size: u64,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Said {
    partitiontable: Table,
}

fn usual_sector() -> u64 {
    512
}

impl Disk {
    /// The pool that a document describes.
    ///
    /// # Errors
    /// The document has problems.
    pub fn new(pool: &StoragePool, host: &Host) -> Result<Self> {
        match pool.view() {
            Ok(PoolView::Disk { device, format, path }) => {
                let ends_in_digit = device.path.ends_with(|c: char| c.is_ascii_digit());
                let separated = device.part_separator.map_or(ends_in_digit, |said| said.0);
                Ok(Self {
                    target: path.into(),
                    device: device.path.clone(),
                    separator: if separated { "p" } else { "" },
                    format,
                    host: host.clone(),
                    undoing: Arc::default(),
                })
            }
            other => Err(unfit(other)),
        }
    }

    async fn table(&self) -> Result<Table> {
        let said: Said = Tool::new("sfdisk").args(["--json", &self.device]).json().await?;
        Ok(said.partitiontable)
    }

    /// Runs sfdisk with a script for one change of the table, of which the kernel is not told.
    async fn change(&self, arguments: &[&str], script: String) -> Result<()> {
        let quiet = ["--quiet", "--no-reread", "--no-tell-kernel", "--wipe-partitions", "always"];
        Tool::new("sfdisk").args(quiet).args(arguments).input(script).done().await.map(drop)
    }

    async fn partx(&self, verb: &str, number: u32) -> Result<()> {
        Tool::new("partx").args([verb, "--nr", &number.to_string(), &self.device]).done().await.map(drop)
    }

    fn number(&self, node: &str) -> Option<u32> {
        // The table tells nodes by the device's real name.
        node.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    fn number_of(&self, volume: &Volume) -> Result<u32> {
        self.number(&volume.name)
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("volume '{}' of a disk has no number", volume.name)))
    }

    /// The label of a partition table as sfdisk has it.
    fn label(&self) -> Result<&'static str> {
        Ok(match self.format {
            DiskFormat::Dos => "dos",
            DiskFormat::Gpt => "gpt",
            DiskFormat::Sun => "sun",
            DiskFormat::Dvh => "sgi",
            other => {
                let message = format!("a partition table of the format '{other}' cannot be used here; use gpt, dos, sun or dvh");
                return Err(Error::new(ErrorKind::NotSupported, message));
            }
        })
    }

    /// The name that the kernel has for a partition with this number.
    fn name(&self, number: u32) -> String {
        let real = Path::new(&self.device).canonicalize().unwrap_or_else(|_| PathBuf::from(&self.device));
        let disk = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        format!("{disk}{}{number}", self.separator)
    }
}

impl Table {
    /// What no partition has, in sectors: first and behind the last, from the first to the last, each aligned.
    fn gaps(&self, disk: u64) -> Vec<(u64, u64)> {
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
    fn is_extended(&self) -> bool {
        matches!(self.kind.as_str(), "5" | "f" | "85")
    }
}

/// The type of a partition as sfdisk has it, for a volume's format.
fn partition_type(format: Option<VolumeFormat>, label: &str) -> &'static str {
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
const FORMATS: &[VolumeFormat] = &[
    VolumeFormat::None,
    VolumeFormat::Linux,
    VolumeFormat::Fat16,
    VolumeFormat::Fat32,
    VolumeFormat::LinuxSwap,
    VolumeFormat::LinuxLvm,
    VolumeFormat::LinuxRaid,
    VolumeFormat::Extended,
];

#[async_trait]
impl Backend for Disk {
    fn target(&self) -> &Path {
        &self.target
    }

    async fn is_active(&self) -> Result<bool> {
        Ok(self.table().await.is_ok())
    }

    async fn build(&self, overwrite: Overwrite) -> Result<()> {
        let label = if self.format == DiskFormat::Lvm2 { "" } else { self.label()? };
        blocks::require(&self.device).await?;
        if overwrite != Overwrite::Everything {
            refuse_signatures(&self.device).await?;
        }
        let _lock = blocks::lock(&self.device).await?;
        if self.format == DiskFormat::Lvm2 {
            return Tool::new("pvcreate").args(["--yes", "--force", "--", &self.device]).done().await.map(drop);
        }
        let script = format!("label: {label}\n");
        Tool::new("sfdisk").args(["--quiet", "--wipe", "always", &self.device]).input(script).done().await.map(drop)
    }

    async fn start(&self) -> Result<()> {
        blocks::require(&self.device).await?;
        let table = self.table().await.map_err(|error| {
            let next = "; build the pool to make a partition table";
            Error::new(error.kind(), format!("there is no partition table on {}{next}", self.device)).caused_by(error)
        })?;
        if let Ok(label) = self.label()
            && label != table.label
            && self.format != DiskFormat::Dos
        {
            let message = format!("{} has a partition table of the format '{}', and the pool asks for '{label}'", self.device, table.label);
            return Err(Error::new(ErrorKind::InvalidState, message));
        }
        for partition in &table.partitions {
            if let Some(number) = self.number(&partition.node)
                && !Path::new(&partition.node).exists()
                && let Err(error) = self.partx("--add", number).await
            {
                tracing::warn!("the kernel does not know of {}: {error}", partition.node);
            }
        }
        Ok(())
    }

    async fn refresh(&self, _: &Volumes) -> Result<Contents> {
        self.undoing.settle().await;
        let table = self.table().await?;
        let (device, target, host) = (self.device.clone(), self.target.clone(), self.host.clone());
        blocking(move || {
            let disk = blocks::size(&device)?;
            let sector = table.sectorsize;
            let mut contents = Contents { capacity: disk, ..Contents::default() };
            contents.available = table.gaps(disk / sector).iter().map(|(from, to)| (to - from) * sector).sum();
            for partition in &table.partitions {
                let Some(name) = Path::new(&partition.node).file_name().and_then(|name| name.to_str()) else { continue };
                let path = blocks::path_in(&target, &partition.node);
                let size = partition.size.saturating_mul(sector);
                let start = partition.start.saturating_mul(sector);
                let extent = Extent { start, end: start.saturating_add(size), ..Default::default() };
                let mut volume = blocks::volume(name, &path, size, &host.secrets);
                if partition.is_extended() {
                    volume.format = VolumeFormat::Extended;
                } else {
                    contents.allocation = contents.allocation.saturating_add(size);
                }
                volume.extents = vec![(device.clone(), extent)];
                contents.volumes.insert(name.to_owned(), volume.into());
            }
            Ok(contents)
        })
        .await
    }

    async fn stop(&self) -> Result<()> {
        Ok(())
    }

    async fn delete(&self) -> Result<()> {
        if !self.table().await.is_ok_and(|table| table.partitions.is_empty()) {
            let message = format!("there are partitions on {}; delete the volumes first", self.device);
            return Err(Error::new(ErrorKind::InUse, message));
        }
        Tool::new("wipefs").args(["--all", "--quiet", "--", &self.device]).done().await.map(drop)
    }

    async fn create(&self, new: NewVolume, report: Report<'_>) -> Result<()> {
        blocks::require_raw(&new.document, FORMATS)?;
        let table = self.table().await?;
        let (device, sector) = (self.device.clone(), table.sectorsize);
        let disk = blocking(move || blocks::size(&device)).await? / sector;
        let size = blocks::needed(&new).await?.div_ceil(sector);
        check_space(&format!("volume '{}'", new.document.name), size.saturating_mul(sector), new.available)?;
        let Some((start, _)) = table.gaps(disk).into_iter().find(|(from, to)| to - from >= size) else {
            let message = format!(
                "volume '{}' needs {} bytes in one piece, and no gap of {} has them",
                new.document.name,
                size * sector,
                self.device
            );
            return Err(Error::new(ErrorKind::NoSpace, message));
        };
        let numbers: Vec<_> = table.partitions.iter().filter_map(|partition| self.number(&partition.node)).collect();
        let name = self.name((1..).find(|number| !numbers.contains(number)).unwrap_or(1));
        if new.document.name != name {
            let message =
                format!("a partition has the name that the kernel gives it: the next one of {} is '{name}'; ask for that", self.device);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let kind = partition_type(new.document.format(), &table.label);
        let lock = blocks::lock(&self.device).await?;
        self.change(&["--append", &self.device], format!("start={start}, size={size}, type={kind}\n")).await?;
        let made = self.table().await?.partitions.into_iter().find(|partition| partition.start == start);
        let Some((number, made)) = made.and_then(|made| Some((self.number(&made.node)?, made))) else {
            return Err(Error::new(ErrorKind::HostFailed, format!("sfdisk made no partition at sector {start} of {}", self.device)));
        };
        // From here on there is something to take back.
        let digits = number.to_string();
        let take_back = TakeBack::new(
            &self.undoing,
            format!("partition {number} of {}", self.device),
            vec![
                Tool::new("partx").args(["--delete", "--nr", &digits, &self.device]),
                Tool::new("sfdisk").args(["--quiet", "--no-reread", "--no-tell-kernel", "--delete", &self.device, &digits]),
            ],
        );
        // It may be there already, when somebody else has read the table.
        self.partx("--update", number).await?;
        drop(lock);
        blocks::settle().await;
        blocks::fill(&made.node, made.size.saturating_mul(sector), new, report).await?;
        take_back.keep();
        Ok(())
    }

    async fn resize(&self, volume: &Volume, to: NewSize) -> Result<()> {
        let table = self.table().await?;
        let number = self.number_of(volume)?;
        let size = to.capacity.div_ceil(table.sectorsize);
        let Some(partition) = table.partitions.iter().find(|partition| self.number(&partition.node) == Some(number)) else {
            return Err(Error::new(ErrorKind::NotFound, format!("{} has no partition {number} any more", self.device)));
        };
        let end = partition.start.saturating_add(partition.size);
        let (device, sector) = (self.device.clone(), table.sectorsize);
        let disk = blocking(move || blocks::size(&device)).await? / sector;
        let align = ALIGNMENT / sector;
        let gap = table.gaps(disk).into_iter().find(|(from, _)| *from == end.next_multiple_of(align)).map_or(end, |(_, to)| to);
        check_space(&format!("volume '{}'", volume.name), size.saturating_mul(sector), (gap - partition.start) * sector)?;
        let lock = blocks::lock(&self.device).await?;
        let resize = ["--partno".to_owned(), number.to_string()];
        let quiet = ["--quiet", "--no-reread", "--no-tell-kernel"];
        let tool = Tool::new("sfdisk").args(quiet).args([&self.device]).args(resize).input(format!(",{size}\n"));
        tool.done().await?;
        self.partx("--update", number).await?;
        drop(lock);
        blocks::settle().await;
        Ok(())
    }

    async fn remove(&self, volume: &Volume) -> Result<()> {
        let number = self.number_of(volume)?;
        let lock = blocks::lock(&self.device).await?;
        if Path::new(&volume.path).exists() {
            // The kernel refuses, too, and partx does not say why.
            let path = volume.path.clone();
            blocking(move || blocks::refuse_held(&path)).await?;
            self.partx("--delete", number).await?;
        }
        let deleted = self.change(&["--delete", &self.device, &number.to_string()], String::new()).await;
        if deleted.is_err()
            && let Err(error) = self.partx("--add", number).await
        {
            tracing::warn!("the kernel does not know of partition {number} of {} any more: {error}", self.device);
        }
        drop(lock);
        blocks::settle().await;
        deleted
    }

    fn open(&self, volume: &Volume, purpose: Purpose) -> Result<File> {
        blocks::open(&volume.path, purpose)
    }

    fn place(&self, volume: &Volume) -> Result<Place> {
        drop(blocks::open(&volume.path, Purpose::Read)?);
        Ok(Place::Device(volume.path.clone()))
    }

    async fn renew(&self, volume: &Volume, passphrase: Option<Passphrase>) -> Result<()> {
        blocks::renew(volume, passphrase).await
    }
}

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
