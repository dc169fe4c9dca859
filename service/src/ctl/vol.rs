//! `vol-…`: images, partitions and units of pools.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::options::{NoOptions, ResizeOptions, WipeOptions};
use lodge_dbus_interfaces::types::WipeAlgorithm;
use lodge_dbus_interfaces::{STORAGE_VOLUME_INTERFACE, paths};
use lodge_model::document::Document as _;
use zbus::OwnedObjectPath;

use super::complete::{pool_names, volume_names};
use super::failure::{Outcome, complain};
use super::inventory::Object;
use super::output::Output;
use super::service::{Service, property};
use super::size::Bytes;
use super::table::facts;
use super::uri::Bus;
use super::vol_make::VolumeAs;
use super::vol_transfer::Transfer;
use super::{input, json, progress, vol_list, vol_make, vol_transfer};

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
    pub pool: String,
}

/// A volume.
#[derive(Args)]
pub struct Target {
    /// The volume: its name with --pool, else its key or path
    #[arg(value_name = "VOLUME", add = ArgValueCompleter::new(volume_names))]
    pub volume: String,
    /// The pool that it is in
    #[arg(long, value_name = "POOL", add = ArgValueCompleter::new(pool_names))]
    pub pool: Option<String>,
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
            let made = vol_make::make(&service, &pool.pool, &input::read(&file)?, None, prealloc_metadata, output).await?;
            output.confirm(format_args!("Vol '{made}' created from {}", file.display()))
        }
        Command::VolCreateAs(volume) => {
            let xml = vol_make::document(&service, &volume).await?.to_xml();
            if volume.print_xml {
                return output.document(&xml);
            }
            let made = vol_make::make(&service, &volume.pool.pool, &xml, None, volume.prealloc_metadata, output).await?;
            output.confirm(format_args!("Vol '{made}' created"))
        }
        Command::VolCreateFrom { pool, file, volume, inputpool, prealloc_metadata } => {
            let source = find(&service, &volume, inputpool.as_deref()).await?;
            let made = vol_make::make(&service, &pool.pool, &input::read(&file)?, Some(source), prealloc_metadata, output).await?;
            output.confirm(format_args!("Vol '{made}' created from input vol '{volume}'"))
        }
        Command::VolClone { target, new_name, prealloc_metadata } => {
            vol_make::clone(&service, &target, new_name, prealloc_metadata, output).await
        }
        Command::VolList { pool, details, name, json } => vol_list::list(&service, &pool.pool, details, name, json, output).await,
        Command::VolUpload(transfer) => vol_transfer::upload(&service, &transfer, output).await,
        Command::VolDownload(transfer) => vol_transfer::download(&service, &transfer, output).await,
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
            let object = Object { path, properties };
            if json {
                return output.text(json::pretty(&object.json()));
            }
            let chain = volume.get_backing_chain(&NoOptions {}).await;
            let chain = chain.inspect_err(|error| complain("warning", &error.to_string())).unwrap_or_default();
            output.text(facts(&vol_list::info(&object, &chain, bytes, physical)))
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
pub async fn find(service: &Service, volume: &str, pool: Option<&str>) -> Outcome<OwnedObjectPath> {
    let Some(pool) = pool else { return Ok(service.manager.get_volume(volume).await?) };
    let pool = service.pool(pool).await?;
    match pool.get_volume(volume).await {
        Ok(path) => Ok(path),
        // With a pool, too, virsh takes a key or a path.
        Err(_) if volume.starts_with('/') => Ok(service.manager.get_volume(volume).await?),
        Err(error) => Err(error.into()),
    }
}

/// Follows a job with a bar, where nobody has waited for it.
pub async fn followed(service: &Service, job: OwnedObjectPath, no_wait: bool, what: &str) -> Outcome {
    if no_wait { progress::follow(service, job, what).await } else { Ok(()) }
}
