//! `dumpxml`, `domstate`, `dominfo`, `domuuid`, `domname`, `domid`: what a domain is and does.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::DOMAIN_INTERFACE;
use lodge_dbus_interfaces::options::XmlOptions;

use super::complete::domain_names;
use super::failure::Outcome;
use super::inventory::{Object, words};
use super::json;
use super::output::Output;
use super::service::{self, Service, property};
use super::size::kibibytes;
use super::table::facts;
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Print a domain's document: of the running guest, else its definition
    #[command(after_help = "\
Examples:
  lodgectl dumpxml demo
  lodgectl dumpxml demo --inactive --security-info > demo.xml     all that `define` needs")]
    Dumpxml {
        #[command(flatten)]
        target: Target,
        /// The stored definition even while it runs
        #[arg(long)]
        inactive: bool,
        /// With passwords
        #[arg(long)]
        security_info: bool,
    },
    /// Print a domain's state
    #[command(after_help = "Examples:\n  lodgectl domstate demo\n  lodgectl domstate demo --reason")]
    Domstate {
        #[command(flatten)]
        target: Target,
        /// And how it got into it
        #[arg(long)]
        reason: bool,
    },
    /// Print what there is to know about a domain
    #[command(after_help = "Examples:\n  lodgectl dominfo demo\n  lodgectl dominfo demo --json | jq .Memory")]
    Dominfo {
        #[command(flatten)]
        target: Target,
        /// Print all properties as JSON, named as on the bus
        #[arg(long)]
        json: bool,
    },
    /// Print a domain's UUID
    #[command(after_help = "Example:\n  lodgectl domuuid demo")]
    Domuuid(Target),
    /// Print a domain's name
    #[command(after_help = "Example:\n  lodgectl domname 3")]
    Domname(Target),
    /// Print a domain's id; - while it is shut off
    #[command(after_help = "Example:\n  lodgectl domid demo")]
    Domid(Target),
}

/// A domain.
#[derive(Args)]
pub struct Target {
    /// The domain
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
    name: String,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    match command {
        Command::Dumpxml { target, inactive, security_info } => {
            let domain = service::domain(bus, &target.name).await?;
            output.document(&domain.get_xml(&XmlOptions { inactive, secure: security_info }).await?)
        }
        Command::Domstate { target, reason } => {
            let domain = properties(bus, &target.name).await?;
            let state = if reason { state_and_reason(&domain) } else { words(domain.text("State")) };
            output.line(state)
        }
        Command::Dominfo { target, json } => {
            let domain = properties(bus, &target.name).await?;
            output.text(if json { json::pretty(&domain.json()) } else { facts(&info(&domain)) })
        }
        Command::Domuuid(target) => output.line(property::<String>(service::domain(bus, &target.name).await?.inner(), "Uuid").await?),
        Command::Domname(target) => output.line(property::<String>(service::domain(bus, &target.name).await?.inner(), "Name").await?),
        Command::Domid(target) => {
            let id: u32 = property(service::domain(bus, &target.name).await?.inner(), "Id").await?;
            output.line(if id == 0 { "-".to_owned() } else { id.to_string() })
        }
    }
}

/// All properties at one moment, so that they belong together.
async fn properties(bus: Bus, name: &str) -> Outcome<Object> {
    let service = Service::connect(bus).await?;
    let path = service.manager.get_domain(name).await?;
    let properties = service.read(&path, "org.freedesktop.DBus.Properties", "GetAll", &DOMAIN_INTERFACE).await?;
    Ok(Object { path, properties })
}

fn state_and_reason(domain: &Object) -> String {
    format!("{} ({})", words(domain.text("State")), words(domain.text("StateReason")))
}

fn info(domain: &Object) -> Vec<(&'static str, String)> {
    let yes = |flag| if flag { "yes" } else { "no" }.to_owned();
    let mut facts = vec![
        ("Id", domain.id().map_or_else(|| "-".to_owned(), |id| id.to_string())),
        ("Name", domain.text("Name").to_owned()),
        ("UUID", domain.text("Uuid").to_owned()),
        ("Title", domain.text("Title").to_owned()),
        ("Hypervisor", domain.text("Hypervisor").to_owned()),
        ("Type", domain.text("Type").to_owned()),
        ("Architecture", domain.text("Arch").to_owned()),
        ("Machine", domain.text("Machine").to_owned()),
        ("State", state_and_reason(domain)),
        ("CPU(s)", domain.number("Vcpus").to_string()),
        ("Max CPU(s)", domain.number("MaxVcpus").to_string()),
        ("Max memory", format!("{} KiB", kibibytes(domain.size("MaxMemory")))),
        ("Used memory", format!("{} KiB", kibibytes(domain.size("Memory")))),
        ("Persistent", yes(domain.flag("Persistent"))),
        ("Autostart", if domain.flag("Autostart") { "enable" } else { "disable" }.to_owned()),
        ("Pending changes", yes(domain.flag("PendingChanges"))),
        ("Security labels", domain.texts("SecurityLabels").join("\n")),
        ("Graphics", domain.texts("Graphics").join("\n")),
        ("Warnings", domain.texts("Warnings").join("\n")),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    facts
}
