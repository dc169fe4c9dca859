//! Names for the shell's completion.
//!
//! Invariant: completion never prints an error, never starts the service, and has nobody asked for a password; a shell in the
//! middle of a line has no use for any of it.

use std::ffi::OsStr;

use clap_complete::CompletionCandidate;
use lodge_dbus_interfaces::{
    BUS_NAME, DOMAIN_INTERFACE, NETWORK_INTERFACE, SECRET_INTERFACE, STORAGE_POOL_INTERFACE, STORAGE_VOLUME_INTERFACE,
};
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

use super::failure::Outcome;
use super::inventory;
use super::service::Service;
use super::uri::Bus;

/// The domains whose names begin with what is typed so far.
pub fn domain_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, DOMAIN_INTERFACE, "Name")
}

/// The networks whose names begin with what is typed so far.
pub fn network_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, NETWORK_INTERFACE, "Name")
}

/// The secrets whose UUIDs begin with what is typed so far.
pub fn secret_uuids(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, SECRET_INTERFACE, "Uuid")
}

/// The pools whose names begin with what is typed so far.
pub fn pool_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, STORAGE_POOL_INTERFACE, "Name")
}

/// The volumes of all pools, likewise.
pub fn volume_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, STORAGE_VOLUME_INTERFACE, "Name")
}

/// The objects of which a property begins with what is typed so far.
fn candidates(typed: &OsStr, interface: &str, property: &str) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else { return Vec::new() };
    let bus = std::env::var("LODGE_URI").ok().and_then(|uri| uri.parse().ok()).unwrap_or_default();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let mut names = runtime.block_on(values(bus, interface, property)).unwrap_or_default();
    names.retain(|name| name.starts_with(typed));
    names.sort();
    names.into_iter().map(CompletionCandidate::new).collect()
}

async fn values(bus: Bus, interface: &str, property: &str) -> Outcome<Vec<String>> {
    let service = Service::connect_quietly(bus).await?;
    let daemon = DBusProxy::new(&service.connection).await?;
    if !daemon.name_has_owner(BusName::from_static_str(BUS_NAME)?).await? {
        return Ok(Vec::new());
    }
    let objects = inventory::objects(&service, interface).await?;
    Ok(objects.iter().map(|object| object.text(property).to_owned()).collect())
}
