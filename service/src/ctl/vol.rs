//! `vol-…`: images, partitions and units of pools.

use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::options::{NoOptions, ResizeOptions, TransferOptions, VolumeOptions, WipeOptions};
use lodge_dbus_interfaces::types::WipeAlgorithm;
use lodge_dbus_interfaces::{STORAGE_VOLUME_INTERFACE, paths};
use lodge_model::document::Document as _;
use lodge_model::domain::devices::TypeName;
use lodge_model::storage_volume::{StorageVolume, VolumeBackingStore, VolumeTarget};
use lodge_model::units::ByteSize;
use zbus::OwnedObjectPath;

use super::complete::{pool_names, volume_names};
use super::failure::{Failure, Outcome};
use super::inventory::{self, Object};
use super::output::{Output, unwritten, warn};
use super::service::{Service, property};
use super::size::{Bytes, human};
use super::table::{Table, facts, one_line};
use super::uri::Bus;
use super::{input, json, progress};

/// Commands of this group.
#[derive(Subcommand)]
#[allow(clippy::enum_variant_names, reason = "the commands are named so")]
pub enum Command {
    /// Make a volume
    #[command(after_help = "Example:\n  lodgectl vol-create images disk.xml")]
    VolCreate {
        #[command(flatten)]
        pool: Pool,
        /// The volume document; - is standard input
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
        /// Write an image's own tables from the start
        #[arg(long)]
        prealloc_metadata: bool,
    },
    /// The same, from arguments
    #[command(after_help = "\
Examples:
  lodgectl vol-create-as images disk.qcow2 20G --format qcow2
  lodgectl vol-create-as images sparse.img 1T --allocation 0
  lodgectl vol-create-as images top.qcow2 20G --format qcow2 --backing-vol base.qcow2 --backing-vol-format qcow2")]
    VolCreateAs(VolumeAs),
    /// Make a volume with the content of another one, from a document
    #[command(after_help = "Example:\n  lodgectl vol-create-from images copy.xml disk.qcow2 --inputpool images")]
    VolCreateFrom {
        #[command(flatten)]
        pool: Pool,
        /// The volume document; - is standard input
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
        /// The volume with the content: its name, key or path
        #[arg(value_name = "VOLUME")]
        volume: String,
        /// The pool of that volume
        #[arg(long, value_name = "POOL", add = ArgValueCompleter::new(pool_names))]
        inputpool: Option<String>,
        /// Write an image's own tables from the start
        #[arg(long)]
        prealloc_metadata: bool,
    },
    /// Make a volume with the content of another one, in the same pool and format
    #[command(after_help = "Example:\n  lodgectl vol-clone disk.qcow2 copy.qcow2 --pool images")]
    VolClone {
        #[command(flatten)]
        target: Target,
        /// The name of the new volume
        #[arg(value_name = "NEW-NAME")]
        new_name: String,
        /// Write an image's own tables from the start
        #[arg(long)]
        prealloc_metadata: bool,
    },
    /// List the volumes of a pool
    #[command(after_help = "Examples:\n  lodgectl vol-list images\n  lodgectl vol-list images --details")]
    VolList {
        #[command(flatten)]
        pool: Pool,
        /// With their types and sizes
        #[arg(long)]
        details: bool,
        /// Print names only, one on each line
        #[arg(long, conflicts_with_all = ["details", "json"])]
        name: bool,
        /// Print all properties as JSON, named as on the bus
        #[arg(long, conflicts_with = "details")]
        json: bool,
    },
    /// Print what there is to know about a volume
    #[command(after_help = "Example:\n  lodgectl vol-info disk.qcow2 --pool images")]
    VolInfo {
        #[command(flatten)]
        target: Target,
        /// Sizes in bytes
        #[arg(long)]
        bytes: bool,
        /// With the size of the file or device
        #[arg(long)]
        physical: bool,
        /// Print all properties as JSON, named as on the bus
        #[arg(long)]
        json: bool,
    },
    /// Print a volume's document
    #[command(after_help = "Example:\n  lodgectl vol-dumpxml disk.qcow2 --pool images")]
    VolDumpxml(Target),
    /// Print a volume's path
    #[command(after_help = "Example:\n  lodgectl vol-path disk.qcow2 --pool images")]
    VolPath(Target),
    /// Print a volume's key
    #[command(after_help = "Example:\n  lodgectl vol-key disk.qcow2 --pool images")]
    VolKey(Target),
    /// Print a volume's name
    #[command(after_help = "Example:\n  lodgectl vol-name /srv/images/disk.qcow2")]
    VolName(Target),
    /// Print the pool that a volume is in
    #[command(after_help = "Example:\n  lodgectl vol-pool /srv/images/disk.qcow2")]
    VolPool(Target),
    /// Give a volume another size
    #[command(
        after_help = "Examples:\n  lodgectl vol-resize disk.qcow2 40G --pool images\n  lodgectl vol-resize disk.qcow2 10G --delta --pool images"
    )]
    VolResize(Resize),
    /// Overwrite all of a volume
    #[command(after_help = "Example:\n  lodgectl vol-wipe disk.img --pool images --algorithm random")]
    VolWipe {
        #[command(flatten)]
        target: Target,
        /// Which passes of which bytes
        #[arg(long, value_enum, default_value_t)]
        algorithm: Algorithm,
    },
    /// Remove a volume
    #[command(after_help = "Example:\n  lodgectl vol-delete disk.qcow2 --pool images")]
    VolDelete(Target),
    /// Write a file into a volume
    #[command(
        after_help = "Examples:\n  lodgectl vol-upload disk.img image.raw --pool images\n  xzcat image.xz | lodgectl vol-upload disk.img - --pool images"
    )]
    VolUpload(Transfer),
    /// Write a volume into a file
    #[command(after_help = "Example:\n  lodgectl vol-download disk.img backup.img --pool images")]
    VolDownload(Transfer),
}

/// A pool.
#[derive(Args)]
pub struct Pool {
    /// The pool, by name or UUID
    #[arg(value_name = "POOL", add = ArgValueCompleter::new(pool_names))]
    pool: String,
}

/// A volume.
#[derive(Args)]
pub struct Target {
    /// The volume: its name with --pool, else its key or path
    #[arg(value_name = "VOLUME", add = ArgValueCompleter::new(volume_names))]
    volume: String,
    /// The pool that it is in
    #[arg(long, value_name = "POOL", add = ArgValueCompleter::new(pool_names))]
    pool: Option<String>,
}

/// Arguments of `vol-create-as`.
#[derive(Args)]
pub struct VolumeAs {
    #[command(flatten)]
    pool: Pool,
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// The size that a guest sees, such as 20G; a plain number is bytes
    #[arg(value_name = "SIZE")]
    capacity: Bytes,
    /// What is allocated from the start; all of it when it is left out
    #[arg(long, value_name = "SIZE")]
    allocation: Option<Bytes>,
    /// raw, qcow2, …
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// The volume that it is laid over: its name in the same pool, its key or its path
    #[arg(long, value_name = "VOLUME")]
    backing_vol: Option<String>,
    /// The format of that volume
    #[arg(long, value_name = "FORMAT", requires = "backing_vol")]
    backing_vol_format: Option<String>,
    /// Write an image's own tables from the start
    #[arg(long)]
    prealloc_metadata: bool,
    /// Print the document, and do nothing
    #[arg(long)]
    print_xml: bool,
}

/// Arguments of `vol-resize`.
#[derive(Args)]
pub struct Resize {
    #[command(flatten)]
    target: Target,
    /// The new size, such as 40G; a plain number is bytes
    #[arg(value_name = "SIZE")]
    capacity: Bytes,
    /// Allocate what is added
    #[arg(long)]
    allocate: bool,
    /// The size is added to that it has; with --shrink it is taken away
    #[arg(long)]
    delta: bool,
    /// It may become smaller, and lose what is at its end
    #[arg(long)]
    shrink: bool,
}

/// Arguments of `vol-upload` and `vol-download`.
#[derive(Args)]
pub struct Transfer {
    #[command(flatten)]
    target: Target,
    /// The file; - is standard input or output
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// The first byte of the volume
    #[arg(long, value_name = "SIZE")]
    offset: Option<Bytes>,
    /// How many bytes
    #[arg(long, value_name = "SIZE")]
    length: Option<Bytes>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Algorithm {
    #[default]
    Zero,
    Nnsa,
    Dod,
    Bsi,
    Gutmann,
    Schneier,
    Pfitzner7,
    Pfitzner33,
    Random,
    Trim,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    match command {
        Command::VolCreate { pool, file, prealloc_metadata } => {
            let made = make(&service, &pool.pool, &input::read(&file)?, None, prealloc_metadata, output).await?;
            output.confirm(format_args!("Vol '{made}' created from {}", file.display()))
        }
        Command::VolCreateAs(volume) => {
            let xml = document(&service, &volume).await?.to_xml();
            if volume.print_xml {
                return output.document(&xml);
            }
            let made = make(&service, &volume.pool.pool, &xml, None, volume.prealloc_metadata, output).await?;
            output.confirm(format_args!("Vol '{made}' created"))
        }
        Command::VolCreateFrom { pool, file, volume, inputpool, prealloc_metadata } => {
            let source = find(&service, &volume, inputpool.as_deref()).await?;
            let made = make(&service, &pool.pool, &input::read(&file)?, Some(source), prealloc_metadata, output).await?;
            output.confirm(format_args!("Vol '{made}' created from input vol '{volume}'"))
        }
        Command::VolClone { target, new_name, prealloc_metadata } => clone(&service, &target, new_name, prealloc_metadata, output).await,
        Command::VolList { pool, details, name, json } => list(&service, &pool.pool, details, name, json, output).await,
        Command::VolUpload(transfer) => upload(&service, &transfer, output).await,
        Command::VolDownload(transfer) => download(&service, &transfer, output).await,
        command => one(command, &service, output).await,
    }
}

/// Commands that are about one volume.
async fn one(command: Command, service: &Service, output: Output) -> Outcome {
    let Some(target) = command.target() else { return Ok(()) };
    let (name, path) = (target.volume.clone(), find(service, &target.volume, target.pool.as_deref()).await?);
    let volume = service.volume_at(path.clone()).await?;
    match command {
        Command::VolInfo { bytes, physical, json, .. } => {
            let properties = service.read(&path, "org.freedesktop.DBus.Properties", "GetAll", &STORAGE_VOLUME_INTERFACE).await?;
            let volume = Object { path, properties };
            output.text(if json { json::pretty(&volume.json()) } else { facts(&info(&volume, bytes, physical)) })
        }
        Command::VolDumpxml(_) => output.document(&volume.get_xml(&NoOptions {}).await?),
        Command::VolPath(_) => output.line(property::<String>(volume.inner(), "Path").await?),
        Command::VolKey(_) => output.line(property::<String>(volume.inner(), "Key").await?),
        Command::VolName(_) => output.line(property::<String>(volume.inner(), "Name").await?),
        Command::VolPool(_) => output.line(paths::volume_name(path.as_str()).map(|(pool, _)| pool).unwrap_or_default()),
        Command::VolResize(resize) => {
            let before: u64 = property(volume.inner(), "Capacity").await?;
            let capacity = match (resize.delta, resize.shrink) {
                (false, _) => resize.capacity.0,
                (true, false) => before.saturating_add(resize.capacity.0),
                (true, true) => before.saturating_sub(resize.capacity.0),
            };
            let no_wait = progress::is_shown(output);
            let job = volume.resize(capacity, &ResizeOptions { shrink: resize.shrink, allocate: resize.allocate, no_wait }).await?;
            followed(service, job, no_wait, "resizing").await?;
            output.confirm(format_args!("Size of volume '{name}' successfully changed to {capacity}"))
        }
        Command::VolWipe { algorithm, .. } => {
            let word = algorithm.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            let no_wait = progress::is_shown(output);
            let job = volume.wipe(&WipeOptions { algorithm: WipeAlgorithm::from(word.as_str()), no_wait }).await?;
            followed(service, job, no_wait, "wiping").await?;
            output.confirm(format_args!("Vol '{name}' wiped"))
        }
        Command::VolDelete(_) => {
            volume.delete(&NoOptions {}).await?;
            output.confirm(format_args!("Vol '{name}' deleted"))
        }
        _ => Ok(()),
    }
}

impl Command {
    const fn target(&self) -> Option<&Target> {
        match self {
            Self::VolInfo { target, .. } | Self::VolWipe { target, .. } | Self::VolClone { target, .. } => Some(target),
            Self::VolDumpxml(target)
            | Self::VolPath(target)
            | Self::VolKey(target)
            | Self::VolName(target)
            | Self::VolPool(target)
            | Self::VolDelete(target) => Some(target),
            Self::VolResize(resize) => Some(&resize.target),
            Self::VolUpload(transfer) | Self::VolDownload(transfer) => Some(&transfer.target),
            Self::VolCreate { .. } | Self::VolCreateAs(_) | Self::VolCreateFrom { .. } | Self::VolList { .. } => None,
        }
    }
}

/// Where a volume is: by name in a pool, else by key or path.
async fn find(service: &Service, volume: &str, pool: Option<&str>) -> Outcome<OwnedObjectPath> {
    let Some(pool) = pool else { return Ok(service.manager.get_volume(volume).await?) };
    let pool = service.pool(pool).await?;
    match pool.get_volume(volume).await {
        Ok(path) => Ok(path),
        // With a pool, too, virsh takes a key or a path.
        Err(_) if volume.starts_with('/') => Ok(service.manager.get_volume(volume).await?),
        Err(error) => Err(error.into()),
    }
}

async fn followed(service: &Service, job: OwnedObjectPath, no_wait: bool, what: &str) -> Outcome {
    if no_wait { progress::follow(service, job, what).await } else { Ok(()) }
}

/// Makes a volume, and answers with its name.
async fn make(
    service: &Service,
    pool: &str,
    xml: &str,
    source: Option<OwnedObjectPath>,
    preallocate_metadata: bool,
    output: Output,
) -> Outcome<String> {
    let pool = service.pool(pool).await?;
    let no_wait = progress::is_shown(output);
    let options = VolumeOptions { preallocate_metadata, no_wait };
    let (path, job, warnings) = match &source {
        Some(source) => pool.clone_volume(xml, source, &options).await?,
        None => pool.create_volume(xml, &options).await?,
    };
    warn(&warnings);
    followed(service, job, no_wait, "making the volume").await?;
    Ok(paths::volume_name(path.as_str()).map(|(_, name)| name).unwrap_or_default())
}

async fn clone(service: &Service, target: &Target, new_name: String, preallocate_metadata: bool, output: Output) -> Outcome {
    let source = find(service, &target.volume, target.pool.as_deref()).await?;
    let volume = service.volume_at(source.clone()).await?;
    let format: String = property(volume.inner(), "Format").await?;
    let (pool, _) = paths::volume_name(source.as_str()).ok_or("the service told a path that is no volume's")?;
    let document = StorageVolume {
        name: new_name,
        allocation: size(0),
        target: Some(VolumeTarget { format: type_name(Some(format)), ..Default::default() }),
        ..Default::default()
    };
    let made = make(service, &pool, &document.to_xml(), Some(source), preallocate_metadata, output).await?;
    output.confirm(format_args!("Vol '{made}' cloned from '{}'", target.volume))
}

async fn document(service: &Service, volume: &VolumeAs) -> Outcome<StorageVolume> {
    let backing_store = match &volume.backing_vol {
        None => None,
        Some(backing) => {
            let pool = if backing.starts_with('/') { None } else { Some(volume.pool.pool.as_str()) };
            let backing = service.volume_at(find(service, backing, pool).await?).await?;
            let format = match &volume.backing_vol_format {
                Some(format) => format.clone(),
                None => property::<String>(backing.inner(), "Format").await?,
            };
            let path: String = property(backing.inner(), "Path").await?;
            Some(VolumeBackingStore { path: Some(path), format: type_name(Some(format)), ..Default::default() })
        }
    };
    Ok(StorageVolume {
        name: volume.name.clone(),
        capacity: size(volume.capacity.0),
        allocation: volume.allocation.and_then(|Bytes(bytes)| size(bytes)),
        target: volume.format.clone().map(|format| VolumeTarget { format: type_name(Some(format)), ..Default::default() }),
        backing_store,
        ..Default::default()
    })
}

fn size(bytes: u64) -> Option<ByteSize> {
    Some(ByteSize { bytes, ..Default::default() })
}

fn type_name(kind: Option<String>) -> Option<TypeName> {
    Some(TypeName { kind, ..Default::default() })
}

async fn upload(service: &Service, transfer: &Transfer, output: Output) -> Outcome {
    let path = find(service, &transfer.target.volume, transfer.target.pool.as_deref()).await?;
    let volume = service.volume_at(path).await?;
    let unreadable = |error| Failure::from(format!("cannot read {}: {error}", transfer.file.display()));
    let (source, whole) = if is_stream(&transfer.file) {
        (std::io::stdin().as_fd().try_clone_to_owned().map_err(unreadable)?, 0)
    } else {
        let file = std::fs::File::open(&transfer.file).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        (file.into(), length)
    };
    let no_wait = progress::is_shown(output);
    let options = TransferOptions {
        offset: transfer.offset.map_or(0, |Bytes(bytes)| bytes),
        length: transfer.length.map_or(whole, |Bytes(bytes)| bytes),
        no_wait,
    };
    let job = volume.upload(source.as_fd().into(), &options).await?;
    followed(service, job, no_wait, "uploading").await
}

async fn download(service: &Service, transfer: &Transfer, output: Output) -> Outcome {
    let path = find(service, &transfer.target.volume, transfer.target.pool.as_deref()).await?;
    let volume = service.volume_at(path).await?;
    let target = if is_stream(&transfer.file) {
        std::io::stdout().as_fd().try_clone_to_owned().map_err(unwritten)?
    } else {
        let file = std::fs::File::create(&transfer.file);
        file.map_err(|error| format!("cannot write {}: {error}", transfer.file.display()))?.into()
    };
    let no_wait = progress::is_shown(output);
    let options = TransferOptions {
        offset: transfer.offset.map_or(0, |Bytes(bytes)| bytes),
        length: transfer.length.map_or(0, |Bytes(bytes)| bytes),
        no_wait,
    };
    let job = volume.download(target.as_fd().into(), &options).await?;
    followed(service, job, no_wait, "downloading").await
}

fn is_stream(file: &Path) -> bool {
    file.as_os_str() == "-"
}

async fn list(service: &Service, pool: &str, details: bool, name: bool, json: bool, output: Output) -> Outcome {
    let pool = service.pool(pool).await?;
    let parent = format!("{}/volume/", pool.inner().path());
    let mut volumes = inventory::objects(service, STORAGE_VOLUME_INTERFACE).await?;
    volumes.retain(|volume| volume.path.as_str().starts_with(&parent));
    volumes.sort_by_cached_key(|volume| volume.text("Name").to_owned());
    if json {
        return output.text(json::pretty(&volumes.iter().map(Object::json).collect()));
    }
    if name {
        return output.text(volumes.iter().map(|volume| format!("{}\n", one_line(volume.text("Name")))).collect::<String>());
    }
    let mut headings = vec!["Name", "Path"];
    if details {
        headings.extend(["Type", "Capacity", "Allocation"]);
    }
    let mut table = Table::new(headings);
    for volume in &volumes {
        let mut cells = vec![volume.text("Name").to_owned(), volume.text("Path").to_owned()];
        if details {
            cells.extend([volume.text("Type").to_owned(), human(volume.size("Capacity")), human(volume.size("Allocation"))]);
        }
        table.row(cells);
    }
    output.text(table.render(output.quiet))
}

fn info(volume: &Object, bytes: bool, physical: bool) -> Vec<(&'static str, String)> {
    let size = |name| if bytes { format!("{} bytes", volume.size(name)) } else { human(volume.size(name)) };
    let mut facts = vec![
        ("Name", volume.text("Name").to_owned()),
        ("Type", volume.text("Type").to_owned()),
        ("Format", volume.text("Format").to_owned()),
        ("Capacity", size("Capacity")),
        ("Allocation", size("Allocation")),
    ];
    if physical {
        facts.push(("Physical", size("Physical")));
    }
    facts.push(("Backing path", volume.text("BackingPath").to_owned()));
    if volume.flag("Encrypted") {
        facts.push(("Encrypted", "yes".to_owned()));
    }
    facts.retain(|(_, value)| !value.is_empty());
    facts
}
