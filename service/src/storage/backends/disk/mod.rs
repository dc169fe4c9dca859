//! A disk whose volumes are its partitions: sfdisk(8) changes the table, partx(8) tells the kernel of that one partition, so that
//! others of the disk may be in use meanwhile. udevd is kept out for so long, and then waited for.
//!
//! A partition that shall hold something is at first only told to the kernel (addpart(8)). It gets into the table when it is filled, so
//! a service that is killed meanwhile leaves no half of one: what the kernel knows and the table does not is forgotten at a refresh.
//!
//! A volume is called as the kernel calls its device, such as `sdb1`. What is on a partition when it is made is wiped by sfdisk
//! as far as it is a known signature.

mod kernel;
mod table;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lodge_model::storage_pool::{DiskFormat, Extent, PoolView, StoragePool};
use lodge_model::storage_volume::VolumeFormat;

use kernel::Tell;
pub use table::FORMATS;
use table::{ALIGNMENT, Said, Table, number, partition_type};

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

/// Partition tables that can be used; the first is the one that holds when none is said.
pub const TABLES: &[DiskFormat] = &[DiskFormat::Dos, DiskFormat::Gpt, DiskFormat::Sun, DiskFormat::Dvh];

/// A pool of the type `disk`.
pub struct Disk {
    target: PathBuf,
    device: String,
    /// What stands between the device's name and the number of a partition.
    separator: &'static str,
    format: DiskFormat,
    host: Host,
    undoing: Arc<Undoing>,
    pending: Pending,
}

/// Partitions that are being filled, by number: their first sector, and how many they have. Only the kernel knows of them.
type Pending = Arc<Mutex<BTreeMap<u32, (u64, u64)>>>;

/// A partition that is being filled while this lives.
struct Provisional {
    number: u32,
    pending: Pending,
}

impl Provisional {
    fn new(number: u32, place: (u64, u64), pending: &Pending) -> Self {
        pending.lock().unwrap_or_else(PoisonError::into_inner).insert(number, place);
        Self { number, pending: pending.clone() }
    }
}

impl Drop for Provisional {
    fn drop(&mut self) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
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
                    pending: Arc::default(),
                })
            }
            other => Err(unfit(other)),
        }
    }

    async fn table(&self) -> Result<Table> {
        let said: Said = Tool::new("sfdisk").args(["--json", &self.device]).json().await?;
        Ok(said.partitiontable)
    }

    /// The table, with the partitions that are being filled.
    async fn planned(&self) -> Result<Table> {
        let table = self.table().await?;
        Ok(table.with(&self.pending.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Runs sfdisk with a script for one change of the table, and tells the kernel of that partition. sfdisk reads the table and writes
    /// it, so nobody else may do that meanwhile.
    async fn change(&self, arguments: &[&str], script: String, number: u32) -> Result<()> {
        let lock = blocks::lock(&self.device).await?;
        self.sfdisk(arguments, script).await?;
        // It may be there already, when somebody else has read the table.
        let told = self.partx("--update", number).await;
        drop(lock);
        blocks::settle().await;
        told
    }

    /// Runs sfdisk without telling the kernel.
    async fn sfdisk(&self, arguments: &[&str], script: String) -> Result<()> {
        let quiet = ["--quiet", "--no-reread", "--no-tell-kernel"];
        Tool::new("sfdisk").args(quiet).args(arguments).input(script).done().await.map(drop)
    }

    async fn partx(&self, verb: &str, number: u32) -> Result<()> {
        Tool::new("partx").args([verb, "--nr", &number.to_string(), &self.device]).done().await.map(drop)
    }

    fn number_of(&self, volume: &Volume) -> Result<u32> {
        number(&volume.name).ok_or_else(|| Error::new(ErrorKind::Internal, format!("volume '{}' of a disk has no number", volume.name)))
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

    /// Reads the table and makes the kernel know what it says, where it does not. What the kernel refuses is in use, and is said in the
    /// log.
    async fn agreed(&self) -> Result<Table> {
        let pending = || self.pending.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect::<Vec<u32>>();
        // Before and after: one may have begun or ended meanwhile.
        let before = pending();
        let (table, device) = (self.table().await?, PathBuf::from(&self.device));
        let known = blocking(move || Ok(kernel::known(&device))).await?;
        let being_made = [before, pending()].concat();
        for tell in kernel::disagreement(&table, &known, &being_made, |node| Path::new(node).exists()) {
            let told = match tell {
                Tell::Add(number) => self.partx("--add", number).await,
                Tell::Update(number) => self.partx("--update", number).await,
                Tell::Forget(number) => self.partx("--delete", number).await,
            };
            match told {
                Ok(()) => tracing::info!("the kernel did not know the partitions of {} as they are: {tell:?}", self.device),
                Err(error) => tracing::warn!("the kernel does not know the partitions of {} as they are ({tell:?}): {error}", self.device),
            }
        }
        Ok(table)
    }

    /// Makes a partition that holds something. `script` is its line for sfdisk; it begins at sector `start` and has `size` of them.
    async fn create_filled(
        &self,
        number: u32,
        table: &Table,
        place: (u64, u64),
        script: String,
        new: NewVolume,
        report: Report<'_>,
    ) -> Result<()> {
        let provisional = Provisional::new(number, place, &self.pending);
        let (digits, in_sectors) = (number.to_string(), |sectors: u64| (sectors * (table.sectorsize / kernel::SECTOR)).to_string());
        let forget = || Tool::new("partx").args(["--delete", "--nr", &digits, &self.device]);
        let lock = blocks::lock(&self.device).await?;
        Tool::new("addpart").args([&self.device, &digits, &in_sectors(place.0), &in_sectors(place.1)]).done().await?;
        let take_back = TakeBack::new(&self.undoing, format!("partition {number} of {}", self.device), vec![forget()]);
        let node = format!("/dev/{}", self.name(number));
        Tool::new("wipefs").args(["--all", "--quiet", "--", &node]).done().await?;
        drop(lock);
        blocks::settle().await;
        blocks::fill(&node, place.1.saturating_mul(table.sectorsize), new, report).await?;
        self.change(&["--wipe-partitions", "never", "--append", &self.device], script, number).await?;
        take_back.keep();
        drop(provisional);
        let made = self.table().await?;
        match made.partition(number).map(|partition| (partition.start, partition.size)) {
            Some(found) if found == place => Ok(()),
            other => {
                let message = format!("sfdisk put partition {number} of {} elsewhere than it was asked to: {other:?}", self.device);
                Err(Error::new(ErrorKind::HostFailed, message))
            }
        }
    }

    /// The name that the kernel has for a partition with this number.
    fn name(&self, number: u32) -> String {
        let real = Path::new(&self.device).canonicalize().unwrap_or_else(|_| PathBuf::from(&self.device));
        let disk = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        format!("{disk}{}{number}", self.separator)
    }
}

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
        let table = self.agreed().await.map_err(|error| {
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
        Ok(())
    }

    async fn refresh(&self, _: &Volumes) -> Result<Contents> {
        self.undoing.settle().await;
        let table = self.agreed().await?;
        let planned = table.clone().with(&self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let (device, target, host) = (self.device.clone(), self.target.clone(), self.host.clone());
        blocking(move || {
            let disk = blocks::size(&device)?;
            let sector = table.sectorsize;
            let mut contents = Contents { capacity: disk, ..Contents::default() };
            contents.available = planned.gaps(disk / sector).iter().map(|(from, to)| (to - from) * sector).sum();
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
        let table = self.planned().await?;
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
        let number = (1..).find(|number| table.partition(*number).is_none()).unwrap_or(1);
        let name = self.name(number);
        if new.document.name != name {
            let message =
                format!("a partition has the name that the kernel gives it: the next one of {} is '{name}'; ask for that", self.device);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let kind = partition_type(new.document.format(), &table.label);
        // The number, which sfdisk takes from the end of what looks like a device.
        let script = format!("{}-part{number} : start={start}, size={size}, type={kind}\n", self.device);
        if new.passphrase.is_some() || new.source.is_some() {
            blocks::require_findable(&new, &self.target.join(&name).to_string_lossy(), &self.host.secrets)?;
            return self.create_filled(number, &table, (start, size), script, new, report).await;
        }
        self.change(&["--wipe-partitions", "always", "--append", &self.device], script, number).await
    }

    async fn resize(&self, volume: &Volume, to: NewSize) -> Result<()> {
        let table = self.planned().await?;
        let number = self.number_of(volume)?;
        let size = to.capacity.div_ceil(table.sectorsize);
        let Some(partition) = table.partition(number) else {
            return Err(Error::new(ErrorKind::NotFound, format!("{} has no partition {number} any more", self.device)));
        };
        let end = partition.start.saturating_add(partition.size);
        let (device, sector) = (self.device.clone(), table.sectorsize);
        let disk = blocking(move || blocks::size(&device)).await? / sector;
        let align = ALIGNMENT / sector;
        let gap = table.gaps(disk).into_iter().find(|(from, _)| *from == end.next_multiple_of(align)).map_or(end, |(_, to)| to);
        check_space(&format!("volume '{}'", volume.name), size.saturating_mul(sector), (gap - partition.start) * sector)?;
        self.change(&[&self.device, "--partno", &number.to_string()], format!(",{size}\n"), number).await
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
        let deleted = self.sfdisk(&["--delete", &self.device, &number.to_string()], String::new()).await;
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
