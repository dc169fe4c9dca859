//! What is printed of pools: lists, and facts of one.

use clap::Args;
use lodge_dbus_interfaces::STORAGE_POOL_INTERFACE;

use super::failure::Outcome;
use super::inventory::{self, Object};
use super::json;
use super::output::Output;
use super::service::Service;
use super::size::human;
use super::table::{Table, one_line};

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

/// What `pool-list` prints.
pub async fn list(service: &Service, list: &List, output: Output) -> Outcome {
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

/// What `pool-info` prints.
pub fn info(pool: &Object, bytes: bool) -> Vec<(&'static str, String)> {
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
