//! An LVM volume group whose volumes are its logical volumes; the programs of lvm2 do the work and tell in JSON
//! (lvmreport(7)).
//!
//! A volume that is being filled has a tag that names the process, which is taken off when it is whole. One whose process has ended is
//! what a killed service left, and the next refresh removes it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use lodge_model::storage_pool::{Extent, PoolView, StoragePool};
use serde::Deserialize;

use super::blocks::{TakeBack, Undoing};
use super::dir::unfit;
use super::fs::refuse_signatures;
use super::{Backend, Contents, Host, NewSize, NewVolume, Overwrite, Volumes, blocking, blocks, check_space};
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::Purpose;
use crate::host::process::maker;
use crate::storage::image::{Place, Report};
use crate::storage::modules;
use crate::storage::passphrases::Passphrase;
use crate::storage::tool::Tool;
use crate::storage::volume::{Backing, Volume};

/// Tags of volumes that are being filled begin so; the rest names the process.
const UNFINISHED: &str = "lodge.new.";
/// What a snapshot or a sparse volume has room for at least, in bytes: LVM rounds up to what it needs itself.
const LEAST_CHANGES: u64 = 1 << 20;

/// A pool of the type `logical`.
pub struct Logical {
    target: PathBuf,
    group: String,
    devices: Vec<String>,
    host: Host,
    undoing: Arc<Undoing>,
}

#[derive(Deserialize)]
struct Said {
    report: Vec<Part>,
}

/// A part of a report; which of the two it has depends on what was asked.
#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    vg: Vec<Group>,
    #[serde(default)]
    lv: Vec<Segment>,
}

#[derive(Deserialize)]
struct Group {
    vg_size: String,
    vg_free: String,
}

/// A segment of a logical volume; those of one volume have its name in common.
#[derive(Debug, Deserialize)]
struct Segment {
    lv_name: String,
    lv_uuid: String,
    lv_attr: String,
    lv_size: String,
    lv_modules: String,
    origin: String,
    origin_size: String,
    devices: String,
    #[serde(default)]
    lv_tags: String,
    seg_size: String,
    vg_extent_size: String,
}

/// Numbers are plain bytes, because that is how they are asked for.
fn bytes(text: &str) -> u64 {
    text.trim().parse().unwrap_or_default()
}

impl Segment {
    /// Whether it holds other volumes, or is otherwise nothing that a guest could use.
    fn is_internal(&self) -> bool {
        self.lv_attr.starts_with(['t', 'T', 'd', 'D', 'e', 'i', 'I', 'l', 'p', 'v'])
    }

    /// Whether it has only what was changed since it was made, and all else is of another volume, or zero.
    fn is_snapshot(&self) -> bool {
        self.lv_attr.starts_with(['s', 'S'])
    }

    /// Size that a guest sees, in bytes.
    fn capacity(&self) -> u64 {
        bytes(if self.is_snapshot() { &self.origin_size } else { &self.lv_size })
    }

    /// The volume that a snapshot was made of; that of a sparse one is no volume (`[NAME_vorigin]`).
    fn origin(&self) -> Option<&str> {
        Some(self.origin.trim()).filter(|origin| !origin.is_empty() && !origin.starts_with('['))
    }

    /// The process that makes it, when it is not yet what it shall be.
    fn maker(&self) -> Option<&str> {
        self.lv_tags.split(',').find_map(|tag| tag.trim().strip_prefix(UNFINISHED))
    }

    /// The parts of devices: `/dev/sda(12),/dev/sdb(0)`.
    fn extents(&self) -> Vec<(String, Extent)> {
        let size = bytes(&self.seg_size);
        let part = |device: &str| {
            let (path, place) = device.strip_suffix(')')?.rsplit_once('(')?;
            let start = place.parse::<u64>().ok()?.checked_mul(bytes(&self.vg_extent_size))?;
            Some((path.to_owned(), Extent { start, end: start.checked_add(size)?, ..Default::default() }))
        };
        self.devices.split(',').filter_map(part).collect()
    }
}

impl Logical {
    /// The pool that a document describes.
    ///
    /// # Errors
    /// The document has problems.
    pub fn new(pool: &StoragePool, host: &Host) -> Result<Self> {
        match pool.view() {
            Ok(PoolView::Logical { group, devices }) => Ok(Self {
                target: Path::new("/dev").join(group),
                group: group.to_owned(),
                devices: devices.iter().map(|device| device.path.clone()).collect(),
                host: host.clone(),
                undoing: Arc::default(),
            }),
            other => Err(unfit(other)),
        }
    }

    async fn report(&self, program: &str, fields: &str) -> Result<Part> {
        let how = ["--reportformat", "json", "--units", "b", "--nosuffix", "-o", fields, "--", &self.group];
        let said: Said = lvm(program).args(how).json().await?;
        let nothing = || Error::new(ErrorKind::HostFailed, format!("{program} tells nothing of volume group '{}'", self.group));
        said.report.into_iter().next().ok_or_else(nothing)
    }

    async fn segments(&self) -> Result<Vec<Segment>> {
        let fields = "lv_name,lv_uuid,lv_attr,lv_size,lv_tags,lv_modules,origin,origin_size,devices,seg_size,vg_extent_size";
        self.report("lvs", fields).await.map(|report| report.lv)
    }

    async fn group(&self) -> Result<Group> {
        let report = self.report("vgs", "vg_size,vg_free").await.map_err(|error| {
            let message = format!("cannot use volume group '{}'; build the pool to make it", self.group);
            Error::new(error.kind(), message).caused_by(error)
        })?;
        let nothing = || Error::new(ErrorKind::NotFound, format!("there is no volume group '{}'", self.group));
        report.vg.into_iter().next().ok_or_else(nothing)
    }

    /// Removes what killed services left half-made.
    async fn sweep(&self, segments: &[Segment]) {
        let left = segments.iter().filter(|segment| segment.maker().is_some_and(maker::has_ended));
        let names: std::collections::BTreeSet<_> = left.map(|segment| self.full_name(&segment.lv_name)).collect();
        for name in names {
            match self.lvremove(&name).done().await {
                Ok(_) => tracing::info!("logical volume '{name}' was left by work that was interrupted, and is removed"),
                Err(error) => tracing::warn!("logical volume '{name}' was left by work that was interrupted, and stays: {error}"),
            }
        }
    }

    fn lvremove(&self, full_name: &str) -> Tool {
        lvm("lvremove").args(["--force", "--quiet", "--", full_name])
    }

    fn full_name(&self, volume: &str) -> String {
        format!("{}/{volume}", self.group)
    }

    fn path(&self, volume: &str) -> String {
        self.target.join(volume).to_string_lossy().into_owned()
    }
}

/// A program of LVM. It has no use for descriptors that it does not know, and complains about them.
fn lvm(program: &str) -> Tool {
    Tool::new(program)
}

/// Names that LVM gives to its own volumes (lvm(8), VALID NAMES).
fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '_' | '.' | '-');
    let reserved = ["snapshot", "pvmove"].iter().any(|word| name.starts_with(word))
        || ["_cdata", "_cmeta", "_corig", "_mimage", "_mlog", "_pmspare", "_rimage", "_rmeta", "_tdata", "_tmeta", "_vorigin", "_vdata"]
            .iter()
            .any(|word| name.contains(word));
    if !reserved && !name.starts_with('-') && name.chars().all(allowed) {
        return Ok(());
    }
    let message =
        format!("'{name}' cannot be a logical volume; use letters, digits and + _ . -, with no - in front, and none of LVM's own names");
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

#[async_trait]
impl Backend for Logical {
    fn target(&self) -> &Path {
        &self.target
    }

    async fn is_active(&self) -> Result<bool> {
        Ok(self.group().await.is_ok())
    }

    async fn build(&self, overwrite: Overwrite) -> Result<()> {
        if self.devices.is_empty() {
            let message =
                format!("it is not said what volume group '{}' is made of; write <device path='/dev/…'/> into <source>", self.group);
            return Err(Error::new(ErrorKind::InvalidXml, message));
        }
        for device in &self.devices {
            blocks::require(device).await?;
            if overwrite == Overwrite::Everything {
                lvm("wipefs").args(["--all", "--quiet", "--", device]).done().await?;
            } else {
                refuse_signatures(device).await?;
            }
        }
        let mut made = Vec::new();
        for device in &self.devices {
            lvm("pvcreate").args(["--yes", "--", device]).done().await?;
            made.push(lvm("pvremove").args(["--yes", "--", device]));
        }
        let take_back = TakeBack::new(&self.undoing, format!("volume group '{}'", self.group), made);
        lvm("vgcreate").args(["--", &self.group]).args(&self.devices).done().await?;
        take_back.keep();
        Ok(())
    }

    async fn start(&self) -> Result<()> {
        self.group().await?;
        for segment in self.segments().await? {
            for target in segment.lv_modules.split(',').filter(|target| !target.is_empty()) {
                modules::load(&format!("dm-{target}")).await;
            }
        }
        lvm("vgchange").args(["--quiet", "--activate", "y", "--", &self.group]).done().await.map(drop)
    }

    async fn refresh(&self, _: &Volumes) -> Result<Contents> {
        self.undoing.settle().await;
        let segments = self.segments().await?;
        self.sweep(&segments).await;
        let group = self.group().await?;
        let (capacity, available) = (bytes(&group.vg_size), bytes(&group.vg_free));
        let mut found: BTreeMap<String, Volume> = BTreeMap::new();
        for segment in segments.iter().filter(|segment| !segment.is_internal() && segment.maker().is_none()) {
            let path = self.path(&segment.lv_name);
            let volume = found.entry(segment.lv_name.clone()).or_insert_with(|| Volume {
                key: segment.lv_uuid.clone(),
                backing: segment.origin().map(|origin| Backing { path: self.path(origin), format: None }),
                allocation: 0,
                ..blocks::volume(&segment.lv_name, &path, segment.capacity(), &self.host.secrets)
            });
            volume.allocation = volume.allocation.saturating_add(bytes(&segment.seg_size));
            volume.extents.extend(segment.extents());
        }
        let volumes = found.into_iter().map(|(name, volume)| (name, Arc::new(volume))).collect();
        Ok(Contents { capacity, allocation: capacity.saturating_sub(available), available, volumes })
    }

    async fn stop(&self) -> Result<()> {
        lvm("vgchange").args(["--quiet", "--activate", "n", "--", &self.group]).done().await.map(drop)
    }

    async fn delete(&self) -> Result<()> {
        lvm("vgremove").args(["--force", "--", &self.group]).done().await?;
        for device in &self.devices {
            lvm("pvremove").args(["--yes", "--", device]).done().await?;
        }
        Ok(())
    }

    async fn create(&self, new: NewVolume, report: Report<'_>) -> Result<()> {
        blocks::require_raw(&new.document, &[])?;
        let name = new.document.name.clone();
        check_name(&name)?;
        blocks::require_findable(&new, &self.path(&name), &self.host.secrets)?;
        let size = blocks::needed(&new).await?;
        let mut arguments: Vec<String> = ["--yes", "--quiet", "--name", &name].map(str::to_owned).into();
        let asked = new.document.allocation.as_ref().map_or(size, |allocation| allocation.bytes).max(LEAST_CHANGES);
        match new.document.backing_path() {
            Some(origin) => {
                let Some(origin) = Path::new(origin).strip_prefix(&self.target).ok().and_then(Path::to_str) else {
                    let message = format!("volume '{name}' can be a snapshot of a volume of its own group only, and {origin} is none");
                    return Err(Error::new(ErrorKind::InvalidArgument, message));
                };
                check_name(origin)?;
                modules::load("dm-snapshot").await;
                arguments.extend(["--snapshot", "--size", &format!("{asked}b"), "--", &self.full_name(origin)].map(str::to_owned));
            }
            None if asked < size && new.passphrase.is_none() && new.source.is_none() => {
                for module in ["dm-snapshot", "dm-zero"] {
                    modules::load(module).await;
                }
                let sizes = ["--type", "snapshot", "--size", &format!("{asked}b"), "--virtualsize", &format!("{size}b"), "--", &self.group];
                arguments.extend(sizes.map(str::to_owned));
            }
            None => {
                check_space(&format!("volume '{name}'"), size, new.available)?;
                let empty = ["--wipesignatures", "y", "--zero", "y", "--size", &format!("{size}b"), "--", &self.group];
                arguments.extend(empty.map(str::to_owned));
            }
        }
        let filled = new.passphrase.is_some() || new.source.is_some();
        let tag = blocking(|| maker::this().map_err(|error| super::failed("tell which process this is", error))).await?;
        let tag = format!("{UNFINISHED}{tag}");
        let tagged = filled.then_some(["--addtag", &tag]);
        lvm("lvcreate").args(tagged.into_iter().flatten()).args(arguments).done().await?;
        let full = self.full_name(&name);
        let take_back = TakeBack::new(&self.undoing, format!("logical volume '{full}'"), vec![self.lvremove(&full)]);
        if filled {
            let path = self.path(&name);
            let device = path.clone();
            let size = blocking(move || blocks::size(&device)).await?;
            blocks::fill(&path, size, new, report).await?;
            lvm("lvchange").args(["--quiet", "--deltag", &tag, "--", &full]).done().await?;
        }
        take_back.keep();
        Ok(())
    }

    async fn resize(&self, volume: &Volume, to: NewSize) -> Result<()> {
        if self.segments().await?.iter().any(|segment| segment.lv_name == volume.name && segment.is_snapshot()) {
            let message = format!(
                "volume '{}' is a snapshot, or sparse: it has the size that it was made with; clone it to a larger one",
                volume.name
            );
            return Err(Error::new(ErrorKind::NotSupported, message));
        }
        let grows_by = to.capacity.saturating_sub(volume.capacity);
        check_space(&format!("volume '{}'", volume.name), grows_by, to.available)?;
        let size = format!("{}b", to.capacity);
        lvm("lvresize").args(["--force", "--quiet", "--size", &size, "--", &self.full_name(&volume.name)]).done().await.map(drop)
    }

    async fn remove(&self, volume: &Volume) -> Result<()> {
        // lvremove would remove them with it.
        let is_of_it = |segment: &&Segment| segment.is_snapshot() && segment.origin() == Some(&volume.name);
        if let Some(snapshot) = self.segments().await?.iter().find(is_of_it) {
            let message = format!("volume '{}' is a snapshot of it, and would be lost; delete that first", snapshot.lv_name);
            return Err(Error::new(ErrorKind::InUse, message));
        }
        self.lvremove(&self.full_name(&volume.name)).done().await.map(drop)
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

    #[test]
    fn what_lvs_says_is_read() {
        let text = r#"{"report": [{"lv": [
            {"lv_name":"a", "lv_uuid":"u", "lv_attr":"-wi-a-----", "lv_size":"8388608", "lv_modules":"", "origin":"", "origin_size":"",
             "devices":"/dev/sda(1),/dev/sdb(0)", "seg_size":"4194304", "vg_extent_size":"4194304"},
            {"lv_name":"s", "lv_uuid":"v", "lv_attr":"swi-a-s---", "lv_size":"4194304", "lv_modules":"snapshot", "origin":"a",
             "origin_size":"8388608", "devices":"/dev/sda(3)", "seg_size":"4194304", "vg_extent_size":"4194304"},
            {"lv_name":"thin", "lv_uuid":"w", "lv_attr":"swi-a-s---", "lv_size":"4194304", "lv_modules":"snapshot,zero",
             "origin":"[thin_vorigin]", "origin_size":"67108864", "devices":"/dev/sda(4)", "seg_size":"4194304", "vg_extent_size":"4194304"}
            ]}]}"#;
        let said: Said = serde_json::from_str(text).unwrap();
        let [segment, snapshot, sparse] = &said.report[0].lv[..] else { panic!("three segments") };
        assert_eq!((segment.is_internal(), segment.is_snapshot(), segment.capacity(), segment.origin()), (false, false, 8 << 20, None));
        assert_eq!((snapshot.is_internal(), snapshot.is_snapshot(), snapshot.capacity()), (false, true, 8 << 20));
        assert_eq!((snapshot.origin(), sparse.origin(), sparse.capacity()), (Some("a"), None, 64 << 20));
        let extents = segment.extents();
        assert_eq!(extents[0], ("/dev/sda".to_owned(), Extent { start: 4 << 20, end: 8 << 20, ..Default::default() }));
        assert_eq!(extents[1].0, "/dev/sdb");
        for (attributes, internal) in [("twi-a-----", true), ("ewi-------", true), ("Vwi-a-----", false), ("swi-a-s---", false)] {
            assert_eq!(Segment { lv_attr: attributes.into(), ..serde_json::from_str(r#"{"lv_name":"","lv_uuid":"","lv_attr":"","lv_size":"","lv_modules":"","origin":"","origin_size":"","devices":"","seg_size":"","vg_extent_size":""}"#).unwrap() }.is_internal(), internal, "{attributes}");
        }
    }

    #[test]
    fn names_are_those_that_lvm_takes() {
        for name in ["disk", "a.b-c_d+e"] {
            check_name(name).unwrap();
        }
        for name in ["-a", "a b", "snapshot1", "x_tmeta", "a/b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
