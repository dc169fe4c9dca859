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
use super::inventory::{self, Object};
use super::output::{Output, warn};
use super::pool_as::PoolAs;
use super::service::{Service, property, set_property};
use super::size::human;
use super::table::{Table, facts, one_line};
use super::uri::Bus;
use super::{input, json, progress};

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

/// Arguments of `pool-list`.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "they are switches of a command line")]
pub struct List {
    /// Those that are stopped, too
    #[arg(long)]
    all: bool,
    /// Only those that are stopped
    #[arg(long, conflicts_with = "all")]
    inactive: bool,
    /// Only those that start with the service
    #[arg(long)]
    autostart: bool,
    /// Only those that are gone when they stop
    #[arg(long)]
    transient: bool,
    /// Only those of this type
    #[arg(long, value_name = "TYPE")]
    r#type: Option<String>,
    /// With their sizes
    #[arg(long)]
    details: bool,
    /// Print names only, one on each line
    #[arg(long, group = "format")]
    name: bool,
    /// Print UUIDs only, one on each line
    #[arg(long, group = "format")]
    uuid: bool,
    /// Print all properties as JSON, named as on the bus
    #[arg(long, group = "format")]
    json: bool,
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
        Command::PoolList(list) => self::list(&service, &list, output).await,
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
            return output.text(if json { json::pretty(&pool.json()) } else { facts(&info(&pool, bytes)) });
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
            Self::PoolDefine { .. } | Self::PoolDefineAs(_) | Self::PoolCreate { .. } | Self::PoolCreateAs { .. } | Self::PoolList(_) => {
                None
            }
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

async fn list(service: &Service, list: &List, output: Output) -> Outcome {
    let mut pools = inventory::objects(service, STORAGE_POOL_INTERFACE).await?;
    pools.retain(|pool| list.wants(pool));
    pools.sort_by_cached_key(|pool| pool.text("Name").to_owned());
    if list.json {
        return output.text(json::pretty(&pools.iter().map(Object::json).collect()));
    }
    if list.name || list.uuid {
        let property = if list.name { "Name" } else { "Uuid" };
        return output.text(pools.iter().map(|pool| format!("{}\n", one_line(pool.text(property)))).collect::<String>());
    }
    let mut headings = vec!["Name", "State", "Autostart"];
    if list.details {
        headings.extend(["Persistent", "Capacity", "Allocation", "Available"]);
    }
    let mut table = Table::new(headings);
    for pool in &pools {
        let mut cells = vec![pool.text("Name").to_owned(), state(pool, list.details).to_owned(), yes(pool.flag("Autostart"))];
        if list.details {
            cells.push(yes(pool.flag("Persistent")));
            let sizes =
                ["Capacity", "Allocation", "Available"].map(|size| if pool.flag("Active") { human(pool.size(size)) } else { "-".into() });
            cells.extend(sizes);
        }
        table.row(cells);
    }
    output.text(table.render(output.quiet))
}

impl List {
    fn wants(&self, pool: &Object) -> bool {
        let active = pool.flag("Active");
        (self.all || active != self.inactive)
            && (!self.autostart || pool.flag("Autostart"))
            && (!self.transient || !pool.flag("Persistent"))
            && self.r#type.as_ref().is_none_or(|kind| pool.text("Type") == kind)
    }
}

/// As virsh has it: `active` in a list, `running` where there is more.
fn state(pool: &Object, details: bool) -> &'static str {
    match (pool.flag("Active"), details) {
        (true, true) => "running",
        (true, false) => "active",
        (false, _) => "inactive",
    }
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

fn info(pool: &Object, bytes: bool) -> Vec<(&'static str, String)> {
    let size = |name| if bytes { pool.size(name).to_string() } else { human(pool.size(name)) };
    let mut facts = vec![
        ("Name", pool.text("Name").to_owned()),
        ("UUID", pool.text("Uuid").to_owned()),
        ("Type", pool.text("Type").to_owned()),
        ("Path", pool.text("Path").to_owned()),
        ("State", state(pool, true).to_owned()),
        ("Persistent", yes(pool.flag("Persistent"))),
        ("Autostart", yes(pool.flag("Autostart"))),
    ];
    if pool.flag("Active") {
        facts.extend([("Capacity", size("Capacity")), ("Allocation", size("Allocation")), ("Available", size("Available"))]);
    }
    facts.push(("Warnings", pool.texts("Warnings").join("\n")));
    facts.retain(|(_, value)| !value.is_empty());
    facts
}
