//! `pool-…`: what holds volumes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::STORAGE_POOL_INTERFACE;
use lodge_dbus_interfaces::options::{BuildOptions, CreatePoolOptions, DefineOptions, InactiveOptions, NoOptions, PoolStartOptions};
use lodge_dbus_interfaces::types::Overwrite;
use lodge_model::document::Document as _;
use zbus::OwnedObjectPath;

use super::complete::pool_names;
use super::failure::Outcome;
use super::inventory::Object;
use super::output::{Output, warn};
use super::pool_as::{PoolAs, SourcesAs};
use super::pool_list::List;
use super::service::{Service, property, set_property};
use super::table::facts;
use super::uri::Bus;
use super::{input, json, pool_list, progress};

/// Commands of this group.
#[derive(Subcommand)]
#[allow(clippy::enum_variant_names, reason = "the commands are named so")]
pub enum Command {
    /// Store a pool for good, without starting it; or give a pool a new definition
    #[command(after_help = "Examples:\n  lodgectl pool-define images.xml\n  virsh pool-dumpxml images | lodgectl pool-define -")]
    PoolDefine {
        /// The pool document; - is standard input
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
    },
    /// The same, from arguments
    #[command(after_help = "\
Examples:
  lodgectl pool-define-as images dir --target /srv/images
  lodgectl pool-define-as data fs --source-dev /dev/sdb1 --target /srv/data
  lodgectl pool-define-as guests logical --source-dev /dev/sdc --source-name guests
  lodgectl pool-define-as nas netfs --source-host nas --source-path /srv/images --target /mnt/nas
  lodgectl pool-define-as san iscsi --source-host san --source-dev iqn.2026-11.org.example:disks \\
    --target /dev/disk/by-path --auth-type chap --auth-username lodge --secret-usage san
  lodgectl pool-define-as images dir --target /srv/images --print-xml")]
    PoolDefineAs(PoolAs),
    /// Start a pool that is stored nowhere and gone when it stops
    #[command(after_help = "Example:\n  lodgectl pool-create images.xml --build")]
    PoolCreate {
        /// The pool document; - is standard input
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
        #[command(flatten)]
        build: BuildFirst,
    },
    /// The same, from arguments
    #[command(after_help = "Example:\n  lodgectl pool-create-as images dir --target /srv/images --build")]
    PoolCreateAs {
        #[command(flatten)]
        pool: PoolAs,
        #[command(flatten)]
        build: BuildFirst,
    },
    /// Make what a pool needs before it can be started
    #[command(after_help = "\
Without --overwrite or --no-overwrite no device is formatted.

Examples:
  lodgectl pool-build images
  lodgectl pool-build data --no-overwrite     makes a file system if there is nothing on the device")]
    PoolBuild {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        overwrite: OverwriteFlags,
    },
    /// Make a pool's volumes reachable
    #[command(after_help = "Examples:\n  lodgectl pool-start images\n  lodgectl pool-start images --build")]
    PoolStart {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        build: BuildFirst,
    },
    /// Look through a pool again
    #[command(after_help = "Example:\n  lodgectl pool-refresh images")]
    PoolRefresh(Target),
    /// List pools: those that are started, or more
    #[command(
        after_help = "Examples:\n  lodgectl pool-list --all\n  lodgectl pool-list --details\n  lodgectl pool-list --json | jq '.[].Available'"
    )]
    PoolList(List),
    /// Print what there is to know about a pool
    #[command(after_help = "Example:\n  lodgectl pool-info images")]
    PoolInfo {
        #[command(flatten)]
        target: Target,
        /// Sizes in bytes
        #[arg(long)]
        bytes: bool,
        /// Print all properties as JSON, named as on the bus
        #[arg(long)]
        json: bool,
    },
    /// Print a pool's document
    #[command(after_help = "Example:\n  lodgectl pool-dumpxml images")]
    PoolDumpxml {
        #[command(flatten)]
        target: Target,
        /// The stored definition even while it is started
        #[arg(long)]
        inactive: bool,
    },
    /// Start a pool with the service from now on
    #[command(after_help = "Examples:\n  lodgectl pool-autostart images\n  lodgectl pool-autostart images --disable")]
    PoolAutostart {
        #[command(flatten)]
        target: Target,
        /// No longer
        #[arg(long)]
        disable: bool,
    },
    /// Stop a pool; its volumes stay
    #[command(after_help = "Example:\n  lodgectl pool-destroy images")]
    PoolDestroy(Target),
    /// Undo what building a pool did; what is in it may be lost
    #[command(after_help = "Example:\n  lodgectl pool-delete images")]
    PoolDelete(Target),
    /// Remove a pool's definition; what it is made of stays
    #[command(after_help = "Example:\n  lodgectl pool-undefine images")]
    PoolUndefine(Target),
    /// Print which pools there can be, as a document
    #[command(after_help = "Example:\n  lodgectl pool-capabilities")]
    PoolCapabilities,
    /// Look for what pools could be made of, where a document says
    #[command(after_help = "Example:\n  lodgectl find-storage-pool-sources netfs server.xml")]
    FindStoragePoolSources {
        /// The type of the pools: logical, netfs or iscsi
        #[arg(value_name = "TYPE")]
        kind: String,
        /// Where to look: a <source> with a <host>; - is standard input
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Look for what pools could be made of
    #[command(
        after_help = "Examples:\n  lodgectl find-storage-pool-sources-as netfs nas.example.org\n  lodgectl find-storage-pool-sources-as logical"
    )]
    FindStoragePoolSourcesAs(SourcesAs),
    /// Print a pool's UUID
    #[command(after_help = "Example:\n  lodgectl pool-uuid images")]
    PoolUuid(Target),
    /// Print a pool's name
    #[command(after_help = "Example:\n  lodgectl pool-name 70a1ec56-ae0c-4a5e-b4b8-4e0b2cb2fbd3")]
    PoolName(Target),
}

/// A pool.
#[derive(Args)]
pub struct Target {
    /// The pool, by name or UUID
    #[arg(value_name = "POOL", add = ArgValueCompleter::new(pool_names))]
    pool: String,
}

/// Whether a device is formatted.
#[derive(Args, Clone, Copy)]
pub struct OverwriteFlags {
    /// Format the device whatever is on it
    #[arg(long, conflicts_with = "no_overwrite")]
    overwrite: bool,
    /// Format the device if there is nothing on it
    #[arg(long)]
    no_overwrite: bool,
}

/// Whether a pool is built before it is started.
#[derive(Args, Clone, Copy)]
pub struct BuildFirst {
    /// Build it first
    #[arg(long)]
    build: bool,
    #[command(flatten)]
    overwrite: OverwriteFlags,
}

/// Types that can be written on a command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// A directory
    Dir,
    /// A file system of a device
    Fs,
    /// A file system of a server
    Netfs,
    /// A disk
    Disk,
    /// A volume group
    Logical,
    /// An iSCSI target
    Iscsi,
}

impl OverwriteFlags {
    const fn word(self) -> Overwrite {
        match (self.overwrite, self.no_overwrite) {
            (true, _) => Overwrite::Everything,
            (_, true) => Overwrite::IfEmpty,
            _ => Overwrite::Nothing,
        }
    }

    const fn is_said(self) -> bool {
        self.overwrite || self.no_overwrite
    }
}

impl BuildFirst {
    const fn is_said(self) -> bool {
        self.build || self.overwrite.is_said()
    }
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    match command {
        Command::PoolDefine { file } => {
            let name = define(&service, &input::read(&file)?).await?;
            output.confirm(format_args!("Pool '{name}' defined from {}", file.display()))
        }
        Command::PoolDefineAs(pool) => match pool.print_xml {
            true => output.document(&pool.document().to_xml()),
            false => {
                let name = define(&service, &pool.document().to_xml()).await?;
                output.confirm(format_args!("Pool '{name}' defined"))
            }
        },
        Command::PoolCreate { file, build } => {
            let name = create(&service, &input::read(&file)?, build).await?;
            output.confirm(format_args!("Pool '{name}' created from {}", file.display()))
        }
        Command::PoolCreateAs { pool, build } => match pool.print_xml {
            true => output.document(&pool.document().to_xml()),
            false => {
                let name = create(&service, &pool.document().to_xml(), build).await?;
                output.confirm(format_args!("Pool '{name}' created"))
            }
        },
        Command::PoolCapabilities => output.document(&service.manager.get_pool_capabilities(&NoOptions {}).await?),
        Command::FindStoragePoolSources { kind, file } => {
            let place = file.map_or_else(|| Ok(String::new()), |file| input::read(&file))?;
            output.document(&service.manager.find_pool_sources(&kind, &place, &NoOptions {}).await?)
        }
        Command::FindStoragePoolSourcesAs(place) => {
            output.document(&service.manager.find_pool_sources(&place.kind, &place.document().to_xml(), &NoOptions {}).await?)
        }
        Command::PoolList(list) => pool_list::list(&service, &list, output).await,
        command => one(command, &service, output).await,
    }
}

/// Commands that are about one pool.
async fn one(command: Command, service: &Service, output: Output) -> Outcome {
    let Some(Target { pool: name }) = command.target() else { return Ok(()) };
    let (name, pool) = (name.clone(), service.pool(name).await?);
    let done = match command {
        Command::PoolBuild { overwrite, .. } => {
            let no_wait = progress::is_shown(output);
            let job = pool.build(&BuildOptions { overwrite: overwrite.word(), no_wait }).await?;
            if no_wait {
                progress::follow(service, job, "building").await?;
            }
            "built"
        }
        Command::PoolStart { build, .. } => {
            let no_wait = progress::is_shown(output);
            let options = PoolStartOptions { build: build.is_said(), overwrite: build.overwrite.word(), no_wait };
            let job = pool.start(&options).await?;
            if no_wait {
                progress::follow(service, job, "starting").await?;
            }
            "started"
        }
        Command::PoolRefresh(_) => {
            pool.refresh(&NoOptions {}).await?;
            "refreshed"
        }
        Command::PoolDestroy(_) => {
            pool.stop(&NoOptions {}).await?;
            "destroyed"
        }
        Command::PoolDelete(_) => {
            pool.delete(&NoOptions {}).await?;
            "deleted"
        }
        Command::PoolUndefine(_) => {
            pool.undefine(&NoOptions {}).await?;
            "has been undefined"
        }
        Command::PoolAutostart { disable, .. } => {
            set_property(pool.inner(), "Autostart", (!disable).into()).await?;
            if disable { "unmarked as autostarted" } else { "marked as autostarted" }
        }
        Command::PoolUuid(_) => return output.line(property::<String>(pool.inner(), "Uuid").await?),
        Command::PoolName(_) => return output.line(property::<String>(pool.inner(), "Name").await?),
        Command::PoolDumpxml { inactive, .. } => return output.document(&pool.get_xml(&InactiveOptions { inactive }).await?),
        Command::PoolInfo { bytes, json, .. } => {
            let path = OwnedObjectPath::from(pool.inner().path().to_owned());
            let properties = service.read(&path, "org.freedesktop.DBus.Properties", "GetAll", &STORAGE_POOL_INTERFACE).await?;
            let pool = Object { path, properties };
            return output.text(if json { json::pretty(&pool.json()) } else { facts(&pool_list::info(&pool, bytes)) });
        }
        _ => return Ok(()),
    };
    output.confirm(format_args!("Pool '{name}' {done}"))
}

impl Command {
    const fn target(&self) -> Option<&Target> {
        match self {
            Self::PoolBuild { target, .. }
            | Self::PoolStart { target, .. }
            | Self::PoolInfo { target, .. }
            | Self::PoolDumpxml { target, .. }
            | Self::PoolAutostart { target, .. }
            | Self::PoolRefresh(target)
            | Self::PoolDestroy(target)
            | Self::PoolDelete(target)
            | Self::PoolUndefine(target)
            | Self::PoolUuid(target)
            | Self::PoolName(target) => Some(target),
            Self::PoolCapabilities
            | Self::FindStoragePoolSources { .. }
            | Self::FindStoragePoolSourcesAs(_)
            | Self::PoolDefine { .. }
            | Self::PoolDefineAs(_)
            | Self::PoolCreate { .. }
            | Self::PoolCreateAs { .. }
            | Self::PoolList(_) => None,
        }
    }
}

async fn define(service: &Service, xml: &str) -> Outcome<String> {
    let (path, warnings) = service.manager.define_pool(xml, &DefineOptions::default()).await?;
    warn(&warnings);
    property(service.pool_at(path).await?.inner(), "Name").await
}

async fn create(service: &Service, xml: &str, build: BuildFirst) -> Outcome<String> {
    let options = CreatePoolOptions { build: build.is_said(), overwrite: build.overwrite.word() };
    let (path, warnings) = service.manager.create_pool(xml, &options).await?;
    warn(&warnings);
    property(service.pool_at(path).await?.inner(), "Name").await
}
