//! `capabilities` and `domcapabilities`: what the host is, which guests it runs, and what these can have.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lodge_dbus_interfaces::options::{DomainCapabilitiesOptions, NoOptions};
use lodge_dbus_interfaces::proxies::HypervisorProxy;
use lodge_model::capabilities::{Capabilities, GuestArch};
use lodge_model::document::Document as _;

use super::failure::{Failure, Outcome};
use super::output::Output;
use super::service::Service;
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Print what the host is and which guests it can run, as a document
    #[command(after_help = "Example:\n  lodgectl capabilities")]
    Capabilities,
    /// Print what one kind of domain can have, as a document
    #[command(after_help = "\
What is left out is as in a domain that does not say it; without --virttype, the fastest that there is.

Examples:
  lodgectl domcapabilities
  lodgectl domcapabilities --machine q35
  lodgectl domcapabilities --virttype qemu --arch i686")]
    Domcapabilities(Domcapabilities),
}

/// Arguments of `domcapabilities`.
#[derive(Args)]
pub struct Domcapabilities {
    /// The guest's architecture, such as x86_64
    #[arg(long)]
    arch: Option<String>,
    /// The machine type, such as q35 or pc-q35-10.0
    #[arg(long)]
    machine: Option<String>,
    /// The domain type, such as kvm or qemu
    #[arg(long, value_name = "TYPE")]
    virttype: Option<String>,
    /// The program that runs the guests, instead of --arch
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::ExecutablePath)]
    emulatorbin: Option<PathBuf>,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    let document = match command {
        Command::Capabilities => service.manager.get_capabilities(&NoOptions {}).await?,
        Command::Domcapabilities(wanted) => wanted.ask(&service).await?,
    };
    output.document(&document)
}

impl Domcapabilities {
    /// Asks the hypervisors in turn, until one can run such domains.
    async fn ask(self, service: &Service) -> Outcome<String> {
        let arch = match &self.emulatorbin {
            Some(program) => Some(arch_of(service, program, self.arch.as_deref()).await?),
            None => self.arch,
        };
        let options = DomainCapabilitiesOptions {
            arch: arch.unwrap_or_default(),
            machine: self.machine.unwrap_or_default(),
            domain_type: self.virttype.unwrap_or_default(),
        };
        let mut refusal = None;
        for path in service.manager.hypervisors().await? {
            let hypervisor = HypervisorProxy::builder(&service.connection).path(path).build().await?;
            match hypervisor.get_domain_capabilities(&options).await {
                Ok(document) => return Ok(document),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.map_or_else(|| "this service has no hypervisor".into(), Failure::from))
    }
}

/// The architecture that a program runs guests of. The service chooses a program by architecture; one that it would not
/// choose is refused.
async fn arch_of(service: &Service, program: &Path, arch: Option<&str>) -> Outcome<String> {
    let (capabilities, _) = Capabilities::parse(&service.manager.get_capabilities(&NoOptions {}).await?)
        .map_err(|error| format!("the capabilities of the host cannot be read: {error}"))?;
    let arches: Vec<&GuestArch> = capabilities.guests.iter().filter_map(|guest| guest.arch.as_ref()).collect();
    let runs = |one: &&&GuestArch| {
        one.emulator.as_deref().is_some_and(|emulator| program == Path::new(emulator)) && arch.is_none_or(|arch| arch == one.name)
    };
    if let Some(found) = arches.iter().find(runs) {
        return Ok(found.name.clone());
    }
    let known: Vec<String> = arches.iter().filter_map(|one| Some(format!("{} ({})", one.emulator.as_ref()?, one.name))).collect();
    let guests = arch.map_or_else(|| "guests".to_owned(), |arch| format!("guests of the architecture {arch}"));
    Err(format!("{} does not run {guests} here; the programs that do: {}", program.display(), known.join(", ")).into())
}
