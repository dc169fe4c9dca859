//! `hypervisors` and `version`: what there is to run guests with.

use clap::{Args, Subcommand};
use lodge_dbus_interfaces::HYPERVISOR_INTERFACE;
use lodge_dbus_interfaces::options::NoOptions;
use lodge_dbus_interfaces::proxies::HypervisorProxy;

use super::failure::Outcome;
use super::inventory::{self, Object};
use super::json;
use super::output::Output;
use super::service::{Service, property};
use super::table::{Table, facts};
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Print what can run guests here, or the machine types that it knows
    #[command(after_help = "\
Examples:
  lodgectl hypervisors
  lodgectl hypervisors --machines --arch x86_64")]
    Hypervisors(Hypervisors),
    /// Print the versions of this program and of the service
    #[command(after_help = "Example:\n  lodgectl version")]
    Version,
}

/// Arguments of `hypervisors`.
#[derive(Args)]
pub struct Hypervisors {
    /// The machine types of each
    #[arg(long)]
    machines: bool,
    /// Only of this architecture
    #[arg(long, requires = "machines")]
    arch: Option<String>,
    /// Print all properties as JSON, named as on the bus
    #[arg(long, conflicts_with = "machines")]
    json: bool,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    match command {
        Command::Version => {
            let manager = &service.manager;
            output.text(facts(&[
                ("lodgectl", env!("CARGO_PKG_VERSION").to_owned()),
                ("Service", property(manager.inner(), "Version").await?),
                ("Instance", property(manager.inner(), "InstanceKind").await?),
            ]))
        }
        Command::Hypervisors(options) => {
            let mut hypervisors = inventory::objects(&service, HYPERVISOR_INTERFACE).await?;
            hypervisors.sort_by_cached_key(|hypervisor| hypervisor.text("Name").to_owned());
            if options.json {
                return output.text(json::pretty(&hypervisors.iter().map(Object::json).collect()));
            }
            if options.machines {
                return machines(&service, &hypervisors, options.arch.as_deref(), output).await;
            }
            output.text(hypervisors.iter().map(|hypervisor| facts(&info(hypervisor))).collect::<Vec<_>>().join("\n"))
        }
    }
}

fn info(hypervisor: &Object) -> Vec<(&'static str, String)> {
    let available = if hypervisor.flag("Available") { "yes".to_owned() } else { format!("no: {}", hypervisor.text("Reason")) };
    let mut facts = vec![
        ("Name", hypervisor.text("Name").to_owned()),
        ("Version", hypervisor.text("Version").to_owned()),
        ("Available", available),
        ("Accelerators", hypervisor.texts("Accelerators").join(", ")),
        ("Architectures", hypervisor.texts("Architectures").join(", ")),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

async fn machines(service: &Service, hypervisors: &[Object], arch: Option<&str>, output: Output) -> Outcome {
    let mut table = Table::new(["Hypervisor", "Arch", "Machine", "Facts"]);
    for hypervisor in hypervisors.iter().filter(|hypervisor| hypervisor.flag("Available")) {
        let proxy = HypervisorProxy::builder(&service.connection).path(hypervisor.path.clone()).build().await?;
        let architectures = arch.map_or_else(|| hypervisor.texts("Architectures"), |arch| vec![arch.to_owned()]);
        for arch in architectures {
            for machine in proxy.get_machines(&arch, &NoOptions {}).await? {
                let mut facts = json::object(machine.iter().map(|(name, value)| (name, &**value)));
                let name = facts.remove("name").unwrap_or_default();
                let facts: Vec<String> = facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
                table.row(vec![
                    hypervisor.text("Name").to_owned(),
                    arch.clone(),
                    name.as_str().unwrap_or_default().to_owned(),
                    facts.join(" "),
                ]);
            }
        }
    }
    output.text(table.render(output.quiet))
}
