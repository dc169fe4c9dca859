//! `list`: the domains.

use clap::{Args, Subcommand};
use lodge_dbus_interfaces::DOMAIN_INTERFACE;
use lodge_dbus_interfaces::types::State;

use super::failure::Outcome;
use super::inventory::{self, Object, words};
use super::json;
use super::output::Output;
use super::service::Service;
use super::table::{Table, one_line};
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// List domains: those that run, or more
    #[command(after_help = "\
Examples:
  lodgectl list
  lodgectl list --all --title
  lodgectl list --all --json | jq -r '.[] | select(.Autostart) | .Name'
  for name in $(lodgectl list --name); do lodgectl shutdown \"$name\"; done")]
    List(List),
}

/// Arguments of `list`.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "they are switches of a command line")]
pub struct List {
    /// Those that are shut off, too
    #[arg(long)]
    all: bool,
    /// Only those that are shut off
    #[arg(long, conflicts_with = "all")]
    inactive: bool,
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = super::wait::parse_state, conflicts_with_all = ["all", "inactive"])]
    state: Option<State>,
    /// Only those that start with the service
    #[arg(long, conflicts_with = "no_autostart")]
    autostart: bool,
    /// Only those that do not start with the service
    #[arg(long)]
    no_autostart: bool,
    /// Only those that have a stored definition
    #[arg(long, conflicts_with = "transient")]
    persistent: bool,
    /// Only those that vanish when they stop
    #[arg(long)]
    transient: bool,
    /// Print names only, one on each line
    #[arg(long, group = "format")]
    name: bool,
    /// Print UUIDs only, one on each line
    #[arg(long, group = "format")]
    uuid: bool,
    /// With their titles
    #[arg(long, conflicts_with = "format")]
    title: bool,
    /// Print all properties as JSON, named as on the bus
    #[arg(long, group = "format")]
    json: bool,
}

/// Runs a command of this group.
pub async fn run(Command::List(list): Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    let mut domains = inventory::objects(&service, DOMAIN_INTERFACE).await?;
    domains.retain(|domain| list.wants(domain));
    // As virsh: those that run by id, then the others by name.
    domains.sort_by_cached_key(|domain| (domain.id().is_none(), domain.id(), domain.text("Name").to_owned()));
    if list.json {
        return output.text(json::pretty(&domains.iter().map(Object::json).collect()));
    }
    if list.name || list.uuid {
        let property = if list.name { "Name" } else { "Uuid" };
        return output.text(domains.iter().map(|domain| format!("{}\n", one_line(domain.text(property)))).collect::<String>());
    }
    output.text(table(&domains, list.title).render(output.quiet))
}

impl List {
    fn wants(&self, domain: &Object) -> bool {
        let active = domain.id().is_some();
        let in_state = match &self.state {
            Some(state) => *state == domain.state(),
            None => self.all || active != self.inactive,
        };
        in_state
            && (!self.autostart || domain.flag("Autostart"))
            && (!self.no_autostart || !domain.flag("Autostart"))
            && (!self.persistent || domain.flag("Persistent"))
            && (!self.transient || !domain.flag("Persistent"))
    }
}

fn table(domains: &[Object], title: bool) -> Table {
    let mut headings = vec!["Id", "Name", "State"];
    if title {
        headings.push("Title");
    }
    let mut table = Table::new(headings);
    for domain in domains {
        let id = domain.id().map_or_else(|| "-".to_owned(), |id| id.to_string());
        let mut cells = vec![id, domain.text("Name").to_owned(), words(domain.state().as_str())];
        if title {
            cells.push(domain.text("Title").to_owned());
        }
        table.row(cells);
    }
    table
}
