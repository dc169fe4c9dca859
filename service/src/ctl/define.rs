//! `define`, `create`, `undefine`, `domrename`, `autostart`: how domains come, stay and go.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::options::{CreateOptions, DefineOptions, NoOptions, UndefineOptions};

use super::complete::domain_names;
use super::console;
use super::failure::Outcome;
use super::input;
use super::output::{Output, warn};
use super::service::{self, Service, property};
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Store a domain for good, without starting it; or give a domain a new definition
    #[command(after_help = "\
Examples:
  lodgectl define guest.xml
  lodgectl define --validate guest.xml      only if all of it is understood
  virsh dumpxml --inactive guest | lodgectl define -")]
    Define {
        /// The domain document; - is standard input
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
        /// Refuse a document that has anything that is not understood, instead of warning
        #[arg(long)]
        validate: bool,
    },
    /// Start a domain that is stored nowhere and vanishes when it stops
    #[command(after_help = "Examples:\n  lodgectl create guest.xml\n  lodgectl create guest.xml --console")]
    Create(Create),
    /// Remove a domain's definition; its disks stay
    #[command(after_help = "\
A running domain goes on until it stops.

Examples:
  lodgectl undefine demo
  lodgectl undefine demo --keep-nvram     to define it again with the same firmware settings")]
    Undefine(Undefine),
    /// Give a domain that is shut off another name
    #[command(after_help = "Example:\n  lodgectl domrename demo web")]
    Domrename {
        /// The domain
        #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
        name: String,
        /// Its new name
        #[arg(value_name = "NEW-NAME")]
        new_name: String,
    },
    /// Start a domain with the service from now on
    #[command(after_help = "Examples:\n  lodgectl autostart demo\n  lodgectl autostart demo --disable")]
    Autostart {
        /// The domain
        #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
        name: String,
        /// No longer
        #[arg(long)]
        disable: bool,
    },
}

/// Arguments of `create`.
#[derive(Args)]
pub struct Create {
    /// The domain document; - is standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Leave its processors stopped; `resume` lets them go
    #[arg(long)]
    paused: bool,
    /// Show its console
    #[arg(long)]
    console: bool,
}

/// Arguments of `undefine`.
#[derive(Args)]
pub struct Undefine {
    /// The domain
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
    name: String,
    /// Leave the file with its firmware variables
    #[arg(long)]
    keep_nvram: bool,
    /// Leave the state of its TPM
    #[arg(long)]
    keep_tpm: bool,
    /// Accepted for scripts: it is what happens
    #[arg(long, hide = true, conflicts_with = "keep_nvram")]
    nvram: bool,
    /// Accepted for scripts: it is what happens
    #[arg(long, hide = true, conflicts_with = "keep_tpm")]
    tpm: bool,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    match command {
        Command::Define { file, validate } => define(&file, validate, bus, output).await,
        Command::Create(create) => start_transient(create, bus, output).await,
        Command::Undefine(undefine) => {
            let Undefine { name, keep_nvram, keep_tpm, .. } = undefine;
            service::domain(bus, &name).await?.undefine(&UndefineOptions { keep_nvram, keep_tpm }).await?;
            output.confirm(format_args!("Domain '{name}' has been undefined"))
        }
        Command::Domrename { name, new_name } => {
            service::domain(bus, &name).await?.rename(&new_name, &NoOptions {}).await?;
            output.confirm("Domain successfully renamed")
        }
        Command::Autostart { name, disable } => {
            service::set_property(service::domain(bus, &name).await?.inner(), "Autostart", (!disable).into()).await?;
            output.confirm(format_args!("Domain '{name}' {} as autostarted", if disable { "unmarked" } else { "marked" }))
        }
    }
}

async fn define(file: &Path, validate: bool, bus: Bus, output: Output) -> Outcome {
    let xml = input::read(file)?;
    let service = Service::connect(bus).await?;
    if validate {
        let (_, warnings) = service.manager.validate_domain(&xml, &NoOptions {}).await?;
        warn(&warnings);
        if !warnings.is_empty() {
            return Err(format!("{} was not defined, because not all of it is understood", file.display()).into());
        }
    }
    let (path, warnings) = service.manager.define_domain(&xml, &DefineOptions::default()).await?;
    warn(&warnings);
    let name: String = property(service.domain_at(path).await?.inner(), "Name").await?;
    output.confirm(format_args!("Domain '{name}' defined from {}", file.display()))
}

async fn start_transient(create: Create, bus: Bus, output: Output) -> Outcome {
    let xml = input::read(&create.file)?;
    let service = Service::connect(bus).await?;
    let (path, warnings) = service.manager.create_domain(&xml, &CreateOptions { paused: create.paused }).await?;
    warn(&warnings);
    let domain = service.domain_at(path).await?;
    let name: String = property(domain.inner(), "Name").await?;
    output.confirm(format_args!("Domain '{name}' created from {}", create.file.display()))?;
    if create.console { console::show(&domain, &name, "", false).await } else { Ok(()) }
}
