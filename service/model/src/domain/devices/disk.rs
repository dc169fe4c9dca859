//! Disks: hard disks, CD-ROM and floppy drives.
//!
//! What holds the data stands in [`storage_source`](super::storage_source); here is the drive that
//! the guest sees and how the hypervisor treats it.

use super::address::Address;
use super::iotune::{IoTune, ThrottleFilters};
use super::parts::{Acpi, Alias, BackendDomain, Boot};
use super::problem::Problem;
use super::storage_source::{BackingStore, DiskSource, DiskSourceElement, DiskType, MetadataCache, SourceAuth};
use crate::encryption::Encryption;
use crate::xml::{OnOff, YesNo};
use crate::{element, keywords};

keywords! {
    /// What the guest sees a disk as.
    pub enum DiskDevice {
        /// A hard disk.
        Disk = "disk",
        /// A CD-ROM drive; always read-only.
        Cdrom = "cdrom",
        /// A floppy drive.
        Floppy = "floppy",
        /// A hard disk whose SCSI commands reach the host's device.
        Lun = "lun",
    }
}

keywords! {
    /// The bus a disk is on. The first is the fallback of [`Disk::bus`].
    pub enum DiskBus {
        /// Parallel ATA.
        Ide = "ide",
        /// Floppy controller.
        Fdc = "fdc",
        /// SCSI.
        Scsi = "scsi",
        /// virtio-blk.
        Virtio = "virtio",
        /// Xen's paravirtual bus.
        Xen = "xen",
        /// USB mass storage.
        Usb = "usb",
        /// User-mode Linux.
        Uml = "uml",
        /// Serial ATA.
        Sata = "sata",
        /// SD card.
        Sd = "sd",
        /// NVM Express.
        Nvme = "nvme",
    }
}

keywords! {
    /// How a snapshot of the guest treats a disk.
    pub enum DiskSnapshot {
        /// It is left out.
        No = "no",
        /// The snapshot is kept inside the image.
        Internal = "internal",
        /// A new image is laid over this one.
        External = "external",
        /// It is left out; someone else takes care of it.
        Manual = "manual",
    }
}

keywords! {
    /// How the host caches a disk.
    pub enum DiskCache {
        /// The hypervisor's choice.
        Default = "default",
        /// Not in the host's page cache.
        None = "none",
        /// Written back later, flushed when the guest asks.
        Writeback = "writeback",
        /// Written through to the storage.
        Writethrough = "writethrough",
        /// Like none, and each write is flushed.
        Directsync = "directsync",
        /// The guest's flushes are ignored.
        Unsafe = "unsafe",
    }
}

keywords! {
    /// What happens when the host cannot read or write a disk.
    pub enum ErrorPolicy {
        /// The guest is paused.
        Stop = "stop",
        /// The guest is told.
        Report = "report",
        /// Nobody is told.
        Ignore = "ignore",
        /// The guest is paused when the storage is full, else told.
        Enospace = "enospace",
    }
}

keywords! {
    /// How the hypervisor submits input and output.
    pub enum DiskIo {
        /// A pool of threads.
        Threads = "threads",
        /// Linux native asynchronous input and output.
        Native = "native",
        /// io_uring.
        IoUring = "io_uring",
    }
}

keywords! {
    /// What becomes of blocks that the guest discards.
    pub enum Discard {
        /// They are freed on the host.
        Unmap = "unmap",
        /// Nothing.
        Ignore = "ignore",
    }
}

keywords! {
    /// What becomes of zeroes that the guest writes.
    pub enum DetectZeroes {
        /// They are written.
        Off = "off",
        /// They are written efficiently.
        On = "on",
        /// Their blocks are freed.
        Unmap = "unmap",
    }
}

keywords! {
    /// Which virtio revision a device speaks.
    pub enum VirtioModel {
        /// The one that its place asks for.
        Virtio = "virtio",
        /// Both 0.9 and 1.0.
        Transitional = "virtio-transitional",
        /// 1.0 only.
        NonTransitional = "virtio-non-transitional",
    }
}

keywords! {
    /// Whether SCSI commands are filtered by the kernel.
    pub enum Sgio {
        /// They are.
        Filtered = "filtered",
        /// They are not.
        Unfiltered = "unfiltered",
    }
}

keywords! {
    /// The tray of a drive.
    pub enum Tray {
        /// Closed.
        Closed = "closed",
        /// Open: the guest sees no medium.
        Open = "open",
    }
}

keywords! {
    /// How a BIOS translates a disk's geometry.
    pub enum GeometryTranslation {
        /// As it finds best.
        Auto = "auto",
        /// Not.
        None = "none",
        /// With logical block addresses.
        Lba = "lba",
    }
}

element! {
    /// A disk: `<disk>`.
    pub struct Disk {
        /// What holds the data; a file when left out.
        attr "type" kind: Option<DiskType>,
        /// What the guest sees; a hard disk when left out.
        attr "device" device: Option<DiskDevice>,
        /// virtio revision, of a virtio disk.
        attr "model" model: Option<VirtioModel>,
        /// Whether the hypervisor keeps the capability for raw SCSI commands, of a lun.
        attr "rawio" rawio: Option<YesNo>,
        /// Whether SCSI commands are filtered, of a lun.
        attr "sgio" sgio: Option<Sgio>,
        /// How snapshots treat it.
        attr "snapshot" snapshot: Option<DiskSnapshot>,
        /// How the hypervisor treats it.
        child "driver" driver: Option<DiskDriver>,
        /// Credentials, where older documents have them; the place is the source now.
        child "auth" auth: Option<Box<SourceAuth>>,
        /// What holds the data. An empty drive has none.
        child "source" source: Option<DiskSourceElement>,
        /// What the image is laid over.
        child "backingStore" backing_store: Option<Box<BackingStore>>,
        /// The copy that a running job makes; reported, never configured.
        child "mirror" mirror: Option<Box<Mirror>>,
        /// The Xen domain that serves it.
        child "backenddomain" backend_domain: Option<BackendDomain>,
        /// Name and bus in the guest.
        child "target" target: Option<DiskTarget>,
        /// Limits of its throughput.
        child "iotune" iotune: Option<Box<IoTune>>,
        /// Throttle groups it passes through.
        child "throttlefilters" throttle_filters: Option<Box<ThrottleFilters>>,
        /// Whether the guest cannot write.
        flag "readonly" readonly: bool,
        /// Whether several guests may use it at once.
        flag "shareable" shareable: bool,
        /// Whether writes are thrown away when the guest stops.
        child "transient" transient: Option<Transient>,
        /// Serial number that the guest sees.
        leaf "serial" serial: Option<String>,
        /// World-wide name that the guest sees: 16 hexadecimal digits.
        leaf "wwn" wwn: Option<String>,
        /// Vendor that the guest sees, up to 8 characters.
        leaf "vendor" vendor: Option<String>,
        /// Product that the guest sees, up to 16 characters.
        leaf "product" product: Option<String>,
        /// Encryption, where older documents have it; the place is the source now.
        child "encryption" encryption: Option<Box<Encryption>>,
        /// Geometry that the guest sees.
        child "geometry" geometry: Option<Box<Geometry>>,
        /// Block sizes that the guest sees.
        child "blockio" block_io: Option<Box<BlockIo>>,
        /// Place in the boot order.
        child "boot" boot: Option<Boot>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// How the hypervisor treats a disk.
    pub struct DiskDriver {
        /// Driver: `qemu`, or Xen's `tap`, `tap2`, `phy`, `file`; open, as hypervisors are.
        attr "name" name: Option<String>,
        /// Image format: `raw`, `qcow2`, …, or Xen's `aio`; open, as block layers are.
        attr "type" kind: Option<String>,
        /// Caching on the host.
        attr "cache" cache: Option<DiskCache>,
        /// What a write error does.
        attr "error_policy" error_policy: Option<ErrorPolicy>,
        /// What a read error does; as for writes when left out.
        attr "rerror_policy" rerror_policy: Option<ErrorPolicy>,
        /// How input and output are submitted.
        attr "io" io: Option<DiskIo>,
        /// Whether input and output are handled outside the guest's processor.
        attr "ioeventfd" ioeventfd: Option<OnOff>,
        /// Whether interrupts are saved with an index.
        attr "event_idx" event_idx: Option<OnOff>,
        /// Whether what is read from a backing image is copied into this one.
        attr "copy_on_read" copy_on_read: Option<OnOff>,
        /// What becomes of discarded blocks.
        attr "discard" discard: Option<Discard>,
        /// Whether discarded clusters keep their place in the image.
        attr "discard_no_unref" discard_no_unref: Option<OnOff>,
        /// What becomes of written zeroes.
        attr "detect_zeroes" detect_zeroes: Option<DetectZeroes>,
        /// The I/O thread that serves it, from 1.
        attr "iothread" iothread: Option<u32>,
        /// Queues of a virtio disk, from 1.
        attr "queues" queues: Option<u32>,
        /// Entries of each queue of a virtio disk.
        attr "queue_size" queue_size: Option<u32>,
        /// Whether its memory accesses go through the guest's IOMMU.
        attr "iommu" iommu: Option<OnOff>,
        /// Address translation services.
        attr "ats" ats: Option<OnOff>,
        /// Packed rings.
        attr "packed" packed: Option<OnOff>,
        /// A page of its own for each queue's notifications.
        attr "page_per_vq" page_per_vq: Option<OnOff>,
        /// Cache for the metadata of a qcow2 image.
        child "metadata_cache" metadata_cache: Option<Box<MetadataCache>>,
        /// Several I/O threads that serve it.
        child "iothreads" iothreads: Option<Box<IothreadMap>>,
    }
}

element! {
    /// The I/O threads of a device.
    pub struct IothreadMap {
        /// One thread each.
        children "iothread" iothreads: Vec<MappedIothread>,
    }
}

element! {
    /// An I/O thread and the queues that it serves.
    pub struct MappedIothread {
        /// The thread, from 1.
        required "id" id: u32,
        /// Its queues; a share of all of them when empty.
        children "queue" queues: Vec<MappedQueue>,
    }
}

element! {
    /// A queue that a thread serves.
    pub struct MappedQueue {
        /// The queue, from 0.
        required "id" id: u32,
    }
}

element! {
    /// Name and bus of a disk in the guest.
    pub struct DiskTarget {
        /// Logical name such as `vda`; it orders the disks, the guest may choose others.
        attr "dev" dev: Option<String>,
        /// The bus.
        attr "bus" bus: Option<DiskBus>,
        /// The tray of a drive.
        attr "tray" tray: Option<Tray>,
        /// Whether a USB or SCSI disk says that it can be removed.
        attr "removable" removable: Option<OnOff>,
        /// Rotations per minute that the guest sees; 1 means solid state.
        attr "rotation_rate" rotation_rate: Option<u16>,
    }
}

element! {
    /// Writes are thrown away when the guest stops.
    pub struct Transient {
        /// Whether the image below may be shared with other guests.
        attr "shareBacking" share_backing: Option<YesNo>,
    }
}

element! {
    /// The copy that a running job makes.
    pub struct Mirror {
        /// What holds the copy.
        attr "type" kind: Option<DiskType>,
        /// Path of the copy, in older documents.
        attr "file" file: Option<String>,
        /// Format of the copy, in older documents.
        attr "format" old_format: Option<String>,
        /// Kind of job: `copy` or `active-commit`; open, as jobs are.
        attr "job" job: Option<String>,
        /// `yes` when both are equal, `abort` or `pivot` while the job ends.
        attr "ready" ready: Option<String>,
        /// Format of the copy.
        child "format" format: Option<super::storage_source::SourceFormat>,
        /// What holds the copy.
        child "source" source: Option<DiskSourceElement>,
        /// What the copy is laid over.
        child "backingStore" backing_store: Option<Box<BackingStore>>,
    }
}

element! {
    /// Geometry that the guest sees.
    pub struct Geometry {
        /// Cylinders.
        attr "cyls" cylinders: Option<u32>,
        /// Heads.
        attr "heads" heads: Option<u32>,
        /// Sectors of a track.
        attr "secs" sectors: Option<u32>,
        /// Translation by the BIOS.
        attr "trans" translation: Option<GeometryTranslation>,
    }
}

element! {
    /// Block sizes that the guest sees, in bytes.
    pub struct BlockIo {
        /// Smallest unit of transfer.
        attr "logical_block_size" logical_block_size: Option<u32>,
        /// Unit that the device writes in one piece.
        attr "physical_block_size" physical_block_size: Option<u32>,
        /// Unit that can be discarded.
        attr "discard_granularity" discard_granularity: Option<u32>,
    }
}

impl Disk {
    /// What the guest sees.
    pub fn device(&self) -> DiskDevice {
        self.device.unwrap_or_default()
    }

    /// Its logical name, or nothing.
    pub fn target_dev(&self) -> &str {
        self.target.as_ref().and_then(|target| target.dev.as_deref()).unwrap_or_default()
    }

    /// The bus: as written, else the one that the logical name stands for.
    pub fn bus(&self) -> DiskBus {
        let written = self.target.as_ref().and_then(|target| target.bus);
        written.unwrap_or_else(|| match self.device() {
            DiskDevice::Floppy => DiskBus::Fdc,
            _ => DiskBus::of_name(self.target_dev()),
        })
    }

    /// Whether the guest cannot write: as written, and always for CD-ROM drives.
    pub fn is_read_only(&self) -> bool {
        self.readonly || self.device() == DiskDevice::Cdrom
    }

    /// What holds the data.
    ///
    /// # Errors
    /// Something that the disk's type asks for is missing. Only drives for removable media may be empty.
    pub fn source_view(&self) -> Result<DiskSource<'_>, Problem> {
        let source = DiskSource::of(self.kind.unwrap_or_default(), self.source.as_ref(), "disk")?;
        if source == DiskSource::Empty && matches!(self.device(), DiskDevice::Disk | DiskDevice::Lun) {
            return Err(DiskSource::missing(self.kind.unwrap_or_default(), "disk"));
        }
        Ok(source)
    }
}

impl DiskBus {
    /// The bus that a logical name such as `vda` stands for.
    pub fn of_name(name: &str) -> Self {
        const PREFIXES: [(&str, DiskBus); 7] = [
            ("xvd", DiskBus::Xen),
            ("ubd", DiskBus::Uml),
            ("nvme", DiskBus::Nvme),
            ("hd", DiskBus::Ide),
            ("sd", DiskBus::Scsi),
            ("vd", DiskBus::Virtio),
            ("fd", DiskBus::Fdc),
        ];
        PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or(Self::default(), |(_, bus)| *bus)
    }
}
