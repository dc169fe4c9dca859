//! `domiflist`, `domifaddr`: a domain's network interfaces and their addresses.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::options::{AddressOptions, Dictionary, XmlOptions};
use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_model::domain::devices::{Interface, InterfaceSource};

use super::complete::domain_names;
use super::failure::Outcome;
use super::output::Output;
use super::service;
use super::table::Table;
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// List a domain's network interfaces
    #[command(after_help = "Examples:\n  lodgectl domiflist demo\n  lodgectl domiflist demo --inactive")]
    Domiflist {
        /// The domain
        #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
        name: String,
        /// Those of the stored definition even while it runs
        #[arg(long)]
        inactive: bool,
    },
    /// Print the addresses of a running domain's network interfaces
    #[command(after_help = "Examples:\n  lodgectl domifaddr demo\n  lodgectl domifaddr demo --source agent")]
    Domifaddr(Addresses),
}

/// Arguments of `domifaddr`.
#[derive(Args)]
pub struct Addresses {
    /// The domain
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
    name: String,
    /// Only those of the interface of this name: on the host, of the agent in the guest
    #[arg(value_name = "INTERFACE")]
    interface: Option<String>,
    /// Where they are known from: what its networks have lent, whom the host has seen, or what the agent in the guest tells
    #[arg(long, value_name = "SOURCE", value_parser = ["lease", "arp", "agent"], default_value = "lease")]
    source: String,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    match command {
        Command::Domiflist { name, inactive } => {
            let xml = service::domain(bus, &name).await?.get_xml(&XmlOptions { inactive, secure: false }).await?;
            let (domain, _) = Domain::parse(&xml).map_err(|error| error.to_string())?;
            let mut table = Table::new(["Interface", "Type", "Source", "Model", "MAC"]);
            domain.devices.interfaces().for_each(|interface| table.row(row(interface)));
            output.text(table.render(output.quiet))
        }
        Command::Domifaddr(Addresses { name, interface, source }) => {
            let found = service::domain(bus, &name).await?.get_interface_addresses(&AddressOptions { source }).await?;
            let mut table = Table::new(["Name", "MAC address", "Protocol", "Address"]);
            for one in found.iter().filter(|one| interface.as_ref().is_none_or(|name| text(one, "name") == *name)) {
                let addresses: Vec<String> = one.get("addresses").and_then(|value| value.clone().try_into().ok()).unwrap_or_default();
                let prefixes: Vec<u32> = one.get("prefixes").and_then(|value| value.clone().try_into().ok()).unwrap_or_default();
                for (place, address) in addresses.into_iter().enumerate() {
                    let protocol = if address.contains(':') { "ipv6" } else { "ipv4" };
                    let prefix = prefixes.get(place).filter(|prefix| **prefix > 0).map(|prefix| format!("/{prefix}")).unwrap_or_default();
                    table.row(vec![or_dash(&text(one, "name")), or_dash(&text(one, "mac")), protocol.to_owned(), address + &prefix]);
                }
            }
            output.text(table.render(output.quiet))
        }
    }
}

fn text(dictionary: &Dictionary, key: &str) -> String {
    let text: Option<&str> = dictionary.get(key).and_then(|value| (&**value).try_into().ok());
    text.unwrap_or_default().to_owned()
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

fn row(interface: &Interface) -> Vec<String> {
    let name = interface.target.as_ref().and_then(|target| target.dev.as_deref()).unwrap_or_default();
    let source = match interface.source_view() {
        Ok(InterfaceSource::Network { network, .. }) => network,
        Ok(InterfaceSource::Bridge { bridge }) => bridge,
        Ok(InterfaceSource::Direct { dev, .. }) => dev,
        _ => "",
    };
    let mac = interface.mac_address().map(|mac| mac.to_string()).unwrap_or_default();
    vec![or_dash(name), interface.kind.to_string(), or_dash(source), or_dash(interface.model_name()), or_dash(&mac)]
}
