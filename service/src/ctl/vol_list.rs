//! What is printed of volumes: lists, and facts of one.

use lodge_dbus_interfaces::STORAGE_VOLUME_INTERFACE;
use lodge_dbus_interfaces::options::Dictionary;

use super::failure::Outcome;
use super::inventory::{self, Object};
use super::json;
use super::output::Output;
use super::service::Service;
use super::size::human;
use super::table::{Table, one_line};

/// What `vol-list` prints.
pub async fn list(service: &Service, pool: &str, details: bool, name: bool, json: bool, output: Output) -> Outcome {
    let pool = service.pool(pool).await?;
    let parent = format!("{}/volume/", pool.inner().path());
    let mut volumes = inventory::objects(service, STORAGE_VOLUME_INTERFACE).await?;
    volumes.retain(|volume| volume.path.as_str().starts_with(&parent));
    volumes.sort_by_cached_key(|volume| volume.text("Name").to_owned());
    if json {
        return output.text(json::pretty(&volumes.iter().map(Object::json).collect()));
    }
    if name {
        return output.text(volumes.iter().map(|volume| format!("{}\n", one_line(volume.text("Name")))).collect::<String>());
    }
    let mut headings = vec!["Name", "Path"];
    if details {
        headings.extend(["Type", "Capacity", "Allocation"]);
    }
    let mut table = Table::new(headings);
    for volume in &volumes {
        let mut cells = vec![volume.text("Name").to_owned(), volume.text("Path").to_owned()];
        if details {
            cells.extend([volume.text("Type").to_owned(), human(volume.size("Capacity")), human(volume.size("Allocation"))]);
        }
        table.row(cells);
    }
    output.text(table.render(output.quiet))
}

/// What `vol-info` prints. `chain` is what the volume is laid over, the nearest first.
pub fn info(volume: &Object, chain: &[Dictionary], bytes: bool, physical: bool) -> Vec<(&'static str, String)> {
    let size = |name| if bytes { format!("{} bytes", volume.size(name)) } else { human(volume.size(name)) };
    let mut facts = vec![
        ("Name", volume.text("Name").to_owned()),
        ("Type", volume.text("Type").to_owned()),
        ("Format", volume.text("Format").to_owned()),
        ("Capacity", size("Capacity")),
        ("Allocation", size("Allocation")),
    ];
    if physical {
        facts.push(("Physical", size("Physical")));
    }
    facts.push(("Backing path", chain.iter().map(level).collect::<Vec<_>>().join("\n")));
    if volume.flag("Encrypted") {
        facts.push(("Encrypted", "yes".to_owned()));
    }
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

/// A level of a chain: its path, format and pool, as far as they are known.
fn level(level: &Dictionary) -> String {
    let word = |key: &str| level.get(key).and_then(|value| <&str>::try_from(&**value).ok());
    let more: Vec<_> =
        [word("format").map(str::to_owned), word("pool").map(|pool| format!("in pool {pool}"))].into_iter().flatten().collect();
    let path = one_line(word("path").unwrap_or_default());
    if more.is_empty() { path } else { format!("{path} ({})", more.join(", ")) }
}
