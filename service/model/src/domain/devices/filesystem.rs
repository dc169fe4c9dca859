//! Directories of the host that the guest mounts.

use super::address::Address;
use super::disk::VirtioModel;
use super::parts::{Acpi, Alias, Boot, ByteSize};
use super::problem::{Problem, needed};
use crate::domain::resources::IdMap;
use crate::units::{KIB, to_bytes};
use crate::xml::OnOff;
use crate::{element, keywords};

keywords! {
    /// What a file system comes from.
    pub enum FilesystemType {
        /// A directory of the host.
        Mount = "mount",
        /// An image file.
        File = "file",
        /// A block device.
        Block = "block",
        /// A directory of the guest itself, of a container.
        Bind = "bind",
        /// A template, of OpenVZ.
        Template = "template",
        /// Memory.
        Ram = "ram",
        /// A volume of a storage pool.
        Volume = "volume",
    }
}

keywords! {
    /// How a directory is given to the guest.
    pub enum FilesystemDriverType {
        /// 9p.
        Path = "path",
        /// 9p by file handles.
        Handle = "handle",
        /// virtio-fs.
        Virtiofs = "virtiofs",
        /// Media transfer protocol over USB.
        Mtp = "mtp",
        /// A loop device.
        Loop = "loop",
        /// A network block device.
        Nbd = "nbd",
        /// Ploop.
        Ploop = "ploop",
    }
}

keywords! {
    /// Whose rights files of the guest have on the host, of 9p.
    pub enum AccessMode {
        /// Those of the user in the guest.
        Passthrough = "passthrough",
        /// Those of the hypervisor; the guest's are kept beside.
        Mapped = "mapped",
        /// Like passthrough, and failures are not told.
        Squash = "squash",
    }
}

keywords! {
    /// What happens when a directory spans several devices, of 9p.
    pub enum Multidevs {
        /// The hypervisor's choice.
        Default = "default",
        /// File numbers are changed so that they stay unique.
        Remap = "remap",
        /// Other devices cannot be reached.
        Forbid = "forbid",
        /// It is logged.
        Warn = "warn",
    }
}

keywords! {
    /// When changes reach the host's disk.
    pub enum WritePolicy {
        /// At once.
        Immediate = "immediate",
    }
}

keywords! {
    /// How the guest keeps what it read, of virtio-fs.
    pub enum FilesystemCacheMode {
        /// Not.
        None = "none",
        /// As long as it likes.
        Always = "always",
    }
}

keywords! {
    /// How the virtio-fs server confines itself.
    pub enum SandboxMode {
        /// In a mount namespace.
        Namespace = "namespace",
        /// With chroot.
        Chroot = "chroot",
    }
}

element! {
    /// A file system: `<filesystem>`.
    pub struct Filesystem {
        /// What it comes from; a directory when left out.
        attr "type" kind: Option<FilesystemType>,
        /// virtio revision.
        attr "model" model: Option<VirtioModel>,
        /// Whose rights files have.
        attr "accessmode" access_mode: Option<AccessMode>,
        /// What happens when the directory spans several devices.
        attr "multidevs" multidevs: Option<Multidevs>,
        /// Permissions of new files in octal, of a mapped directory.
        attr "fmode" file_mode: Option<String>,
        /// Permissions of new directories in octal, of a mapped directory.
        attr "dmode" directory_mode: Option<String>,
        /// How it is given to the guest.
        child "driver" driver: Option<FilesystemDriver>,
        /// The virtio-fs server.
        child "binary" binary: Option<Box<FilesystemBinary>>,
        /// What it comes from.
        child "source" source: Option<FilesystemSourceElement>,
        /// Where the guest finds it.
        child "target" target: Option<FilesystemTarget>,
        /// Users and groups of the guest on the host.
        child "idmap" idmap: Option<Box<IdMap>>,
        /// Whether the guest cannot write.
        flag "readonly" readonly: bool,
        /// Most space that can be used; bytes when the unit is left out.
        child "space_hard_limit" space_hard_limit: Option<ByteSize>,
        /// Space whose use is warned of; bytes when the unit is left out.
        child "space_soft_limit" space_soft_limit: Option<ByteSize>,
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
    /// How a file system is given to the guest.
    pub struct FilesystemDriver {
        /// How; 9p when left out.
        attr "type" kind: Option<FilesystemDriverType>,
        /// Name of the driver, in older documents.
        attr "name" name: Option<String>,
        /// Format of an image file; open, as block layers are.
        attr "format" format: Option<String>,
        /// When changes reach the host's disk.
        attr "wrpolicy" write_policy: Option<WritePolicy>,
        /// Entries of the queue, of virtio-fs.
        attr "queue" queue: Option<u32>,
        /// Whether its memory accesses go through the guest's IOMMU.
        attr "iommu" iommu: Option<OnOff>,
        /// Address translation services.
        attr "ats" ats: Option<OnOff>,
        /// Packed rings.
        attr "packed" packed: Option<OnOff>,
        /// A page of its own for each queue's notifications.
        attr "page_per_vq" page_per_vq: Option<OnOff>,
    }
}

element! {
    /// The virtio-fs server.
    pub struct FilesystemBinary {
        /// Absolute path of the program; looked up when left out.
        attr "path" path: Option<String>,
        /// Extended attributes.
        attr "xattr" xattr: Option<OnOff>,
        /// How the guest keeps what it read.
        child "cache" cache: Option<FilesystemCache>,
        /// How it confines itself.
        child "sandbox" sandbox: Option<Sandbox>,
        /// Locks that reach the host.
        child "lock" lock: Option<FilesystemLock>,
        /// Its threads.
        child "thread_pool" thread_pool: Option<ThreadPool>,
        /// Files it holds open.
        child "openfiles" open_files: Option<OpenFiles>,
    }
}

element! {
    /// How the guest keeps what it read.
    pub struct FilesystemCache {
        /// How.
        attr "mode" mode: Option<FilesystemCacheMode>,
    }
}

element! {
    /// How the server confines itself.
    pub struct Sandbox {
        /// How.
        attr "mode" mode: Option<SandboxMode>,
    }
}

element! {
    /// Locks that reach the host.
    pub struct FilesystemLock {
        /// Those of fcntl(2).
        attr "posix" posix: Option<OnOff>,
        /// Those of flock(2).
        attr "flock" flock: Option<OnOff>,
    }
}

element! {
    /// Threads of the server.
    pub struct ThreadPool {
        /// How many; 0 is none beside the main one.
        attr "size" size: Option<u32>,
    }
}

element! {
    /// Files that the server holds open.
    pub struct OpenFiles {
        /// At most.
        attr "max" max: Option<u32>,
    }
}

element! {
    /// The source of a file system as it is written; which parts count depends on its type.
    pub struct FilesystemSourceElement {
        /// Absolute path of an image file.
        attr "file" file: Option<String>,
        /// Absolute path of a block device.
        attr "dev" dev: Option<String>,
        /// Absolute path of a directory.
        attr "dir" dir: Option<String>,
        /// Absolute path of the socket of a virtio-fs server that someone else runs.
        attr "socket" socket: Option<String>,
        /// Name of a template.
        attr "name" name: Option<String>,
        /// Amount of memory, in the units below.
        attr "usage" usage: Option<u64>,
        /// Unit of the amount; KiB when left out.
        attr "units" units: Option<String>,
        /// Storage pool of a volume.
        attr "pool" pool: Option<String>,
        /// Volume of the pool.
        attr "volume" volume: Option<String>,
    }
}

element! {
    /// Where the guest finds a file system.
    pub struct FilesystemTarget {
        /// Its tag, or the directory in a container.
        required "dir" dir: String,
    }
}

/// What a file system comes from, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesystemSource<'a> {
    /// A directory of the host.
    Mount {
        /// Absolute path.
        dir: &'a str,
    },
    /// The socket of a virtio-fs server that someone else runs.
    Socket {
        /// Absolute path.
        path: &'a str,
    },
    /// An image file.
    File {
        /// Absolute path.
        path: &'a str,
    },
    /// A block device.
    Block {
        /// Absolute path.
        path: &'a str,
    },
    /// A directory of the guest itself.
    Bind {
        /// Absolute path.
        dir: &'a str,
    },
    /// A template.
    Template {
        /// Its name.
        name: &'a str,
    },
    /// Memory.
    Ram {
        /// Most bytes.
        bytes: u64,
    },
    /// A volume of a storage pool.
    Volume {
        /// The pool.
        pool: &'a str,
        /// The volume.
        volume: &'a str,
    },
}

impl Filesystem {
    /// How it is given to the guest; 9p when left out.
    pub fn driver_type(&self) -> FilesystemDriverType {
        self.driver.as_ref().and_then(|driver| driver.kind).unwrap_or_default()
    }

    /// What it comes from.
    ///
    /// # Errors
    /// Part of what the type asks for is missing.
    pub fn source_view(&self) -> Result<FilesystemSource<'_>, Problem> {
        let kind = self.kind.unwrap_or_default();
        let source = self.source.as_ref();
        let text = |pick: fn(&FilesystemSourceElement) -> Option<&String>, need| {
            let value = source.and_then(pick).map(String::as_str).filter(|text| !text.is_empty());
            needed(value, &format!("<filesystem> of type '{kind}'"), need)
        };
        Ok(match kind {
            FilesystemType::Mount => match text(|source| source.dir.as_ref(), "<source dir='…'/>") {
                Ok(dir) => FilesystemSource::Mount { dir },
                Err(problem) => FilesystemSource::Socket { path: source.and_then(|source| source.socket.as_deref()).ok_or(problem)? },
            },
            FilesystemType::File => FilesystemSource::File { path: text(|source| source.file.as_ref(), "<source file='…'/>")? },
            FilesystemType::Block => FilesystemSource::Block { path: text(|source| source.dev.as_ref(), "<source dev='…'/>")? },
            FilesystemType::Bind => FilesystemSource::Bind { dir: text(|source| source.dir.as_ref(), "<source dir='…'/>")? },
            FilesystemType::Template => FilesystemSource::Template { name: text(|source| source.name.as_ref(), "<source name='…'/>")? },
            FilesystemType::Ram => {
                let usage = source.and_then(|source| source.usage);
                let usage = needed(usage, "<filesystem> of type 'ram'", "<source usage='…' units='KiB'/>")?;
                let units = source.and_then(|source| source.units.as_deref());
                let bytes = to_bytes(&usage.to_string(), units, KIB);
                FilesystemSource::Ram { bytes: bytes.map_err(|reason| Problem(format!("<filesystem> of type 'ram': {reason}")))? }
            }
            FilesystemType::Volume => FilesystemSource::Volume {
                pool: text(|source| source.pool.as_ref(), "<source pool='…' volume='…'/>")?,
                volume: text(|source| source.volume.as_ref(), "<source pool='…' volume='…'/>")?,
            },
        })
    }
}
