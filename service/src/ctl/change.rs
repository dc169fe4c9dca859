//! `setmem`, `setmaxmem`, `setvcpus`, `desc`, `metadata`: small changes without the whole document.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::options::{ChangeOptions, MetadataOptions, NoOptions};
use lodge_dbus_interfaces::proxies::DomainProxy;

use super::complete::domain_names;
use super::failure::Outcome;
use super::output::Output;
use super::service::{self, property};
use super::size::Size;
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Change how much memory a domain has
    #[command(after_help = "Examples:\n  lodgectl setmem demo 512M\n  lodgectl setmem demo 1GiB --config")]
    Setmem {
        #[command(flatten)]
        target: Target,
        /// Up to its limit: a number of KiB, or with a unit such as 512M or 2GiB
        #[arg(value_name = "SIZE")]
        size: Size,
        #[command(flatten)]
        scope: Scope,
    },
    /// Change the most memory a domain can have, from its next start
    #[command(after_help = "Example:\n  lodgectl setmaxmem demo 4GiB")]
    Setmaxmem {
        #[command(flatten)]
        target: Target,
        /// A number of KiB, or with a unit such as 512M or 2GiB
        #[arg(value_name = "SIZE")]
        size: Size,
        /// Accepted for scripts: the limit is only in the definition
        #[arg(long, hide = true)]
        config: bool,
    },
    /// Change how many processors a domain has
    #[command(after_help = "Examples:\n  lodgectl setvcpus demo 2\n  lodgectl setvcpus demo 8 --maximum")]
    Setvcpus {
        #[command(flatten)]
        target: Target,
        /// How many
        #[arg(value_name = "COUNT")]
        count: u32,
        /// Change the most it can have instead, from its next start
        #[arg(long, conflicts_with_all = ["live", "current"])]
        maximum: bool,
        #[command(flatten)]
        scope: Scope,
    },
    /// Print or change a domain's description or title
    #[command(after_help = "\
Examples:
  lodgectl desc demo
  lodgectl desc demo --title Web server of the office
  lodgectl desc demo ''                      removes it")]
    Desc {
        #[command(flatten)]
        target: Target,
        /// The title instead of the description
        #[arg(long)]
        title: bool,
        /// The new text; its words are joined by spaces
        #[arg(value_name = "NEW-TEXT")]
        text: Vec<String>,
        #[command(flatten)]
        scope: Scope,
    },
    /// Print or change what an application keeps in a domain's metadata
    #[command(after_help = "\
Examples:
  lodgectl metadata demo http://example.org/app
  lodgectl metadata demo http://example.org/app --key app --set '<note>nightly</note>'
  lodgectl metadata demo http://example.org/app --remove")]
    Metadata(Metadata),
}

/// A domain.
#[derive(Args)]
pub struct Target {
    /// The domain
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
    name: String,
}

/// What is changed.
#[derive(Args)]
pub struct Scope {
    /// Change the running guest only
    #[arg(long)]
    live: bool,
    /// Change the definition only
    #[arg(long)]
    config: bool,
    /// Change the running guest, or the definition while it is shut off; without any of these: all that exist
    #[arg(long, conflicts_with_all = ["live", "config"])]
    current: bool,
}

/// Arguments of `metadata`.
#[derive(Args)]
pub struct Metadata {
    #[command(flatten)]
    target: Target,
    /// The XML namespace of the application
    #[arg(value_name = "URI")]
    uri: String,
    /// Put this element there
    #[arg(long, value_name = "XML", requires = "key")]
    set: Option<String>,
    /// The prefix to write for the namespace
    #[arg(long, value_name = "PREFIX")]
    key: Option<String>,
    /// Remove what is there
    #[arg(long, conflicts_with_all = ["set", "key"])]
    remove: bool,
    #[command(flatten)]
    scope: Scope,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    match command {
        Command::Setmem { target, size, scope } => {
            let domain = service::domain(bus, &target.name).await?;
            Ok(domain.set_memory(size.0, &scope.options(&domain).await?).await?)
        }
        Command::Setmaxmem { target, size, config: _ } => {
            Ok(service::domain(bus, &target.name).await?.set_max_memory(size.0, &NoOptions {}).await?)
        }
        Command::Setvcpus { target, count, maximum: true, scope: _ } => {
            Ok(service::domain(bus, &target.name).await?.set_max_vcpus(count, &NoOptions {}).await?)
        }
        Command::Setvcpus { target, count, maximum: false, scope } => {
            let domain = service::domain(bus, &target.name).await?;
            Ok(domain.set_vcpus(count, &scope.options(&domain).await?).await?)
        }
        Command::Desc { target, title, text, scope } => describe(&target.name, title, &text, &scope, bus, output).await,
        Command::Metadata(metadata) => application_metadata(metadata, bus, output).await,
    }
}

impl Scope {
    async fn options(&self, domain: &DomainProxy<'_>) -> Outcome<ChangeOptions> {
        let Self { live, config, current } = *self;
        if !current {
            return Ok(ChangeOptions { live, config });
        }
        let runs = property::<u32>(domain.inner(), "Id").await? != 0;
        Ok(ChangeOptions { live: runs, config: !runs })
    }
}

async fn describe(name: &str, title: bool, text: &[String], scope: &Scope, bus: Bus, output: Output) -> Outcome {
    let domain = service::domain(bus, name).await?;
    let noun = if title { "title" } else { "description" };
    if text.is_empty() {
        if scope.live || scope.config {
            return Err(format!("--live and --config say where to write a new {noun}; give one, or see: lodgectl dumpxml").into());
        }
        let present: String = property(domain.inner(), if title { "Title" } else { "Description" }).await?;
        return if present.is_empty() { output.confirm(format_args!("No {noun} for domain: {name}")) } else { output.line(present) };
    }
    let text = text.join(" ");
    let options = scope.options(&domain).await?;
    if title {
        domain.set_title(&text, &options).await?;
    } else {
        domain.set_description(&text, &options).await?;
    }
    output.confirm(format_args!("Domain {noun} updated successfully"))
}

async fn application_metadata(metadata: Metadata, bus: Bus, output: Output) -> Outcome {
    let Metadata { target, uri, set, key, remove, scope } = metadata;
    let domain = service::domain(bus, &target.name).await?;
    if set.is_none() && !remove {
        return output.document(&domain.get_metadata(&uri, &MetadataOptions { inactive: scope.config }).await?);
    }
    let options = scope.options(&domain).await?;
    domain.set_metadata(&uri, &key.unwrap_or_default(), &set.unwrap_or_default(), &options).await?;
    output.confirm(if remove { "Metadata removed" } else { "Metadata modified" })
}
