//! After a start of the service: the definitions in the store, and the networks that ran on without us.

use std::collections::HashMap;
use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::network::Network;
use uuid::Uuid;

use super::live::{Live, Surroundings};
use super::status::{FORMAT, Made, Status};
use super::view::Definition;
use super::{Networks, Seed, apparatus};
use crate::error::{Error, ErrorKind, Result};
use crate::host::boot;

impl Networks {
    /// Makes a network of every definition in the store and of every network that runs, repairs the latter, and takes away
    /// what starts that were interrupted have left.
    ///
    /// # Errors
    /// The store cannot be listed at all.
    pub async fn recover(self: &Arc<Self>) -> Result<()> {
        let mut running = self.find_running().await?;
        for (name, xml) in self.store(|store| store.networks().load_all()).await? {
            match xml.map_err(Error::from).and_then(|xml| read(&name, &xml)) {
                Ok((uuid, definition)) => {
                    let live = running.remove(&uuid);
                    let autostart = self.store.network_autostart().is_set(&name);
                    self.spawn(Seed { name, uuid, definition: Some(definition), autostart, live, transient: None });
                }
                Err(error) => {
                    tracing::error!("network '{}' is left alone: {error}", name.escape_debug());
                    self.registry.leave_alone(&name);
                }
            }
        }
        for (uuid, live) in running {
            self.spawn(Seed { name: live.name.clone(), uuid, definition: None, autostart: false, live: Some(live), transient: None });
        }
        Ok(())
    }

    async fn find_running(&self) -> Result<HashMap<Uuid, Box<Live>>> {
        let boot = boot::id().map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot read {}: {error}", boot::ID)))?;
        let mut running = HashMap::new();
        for (uuid, status) in self.store(|store| store.network_status().load_all::<Status>()).await? {
            match status {
                Ok(status) if status.format == FORMAT && status.boot == boot && status.started => {
                    if let Some(live) = self.take_up(uuid, status).await {
                        running.insert(uuid, live);
                    }
                }
                Ok(status) if status.format == FORMAT => self.take_away(uuid, &status, status.boot == boot).await,
                // Interrupted before anything was written down: nothing was made.
                Err(error) if error.is_not_found() => self.forget(uuid),
                Ok(status) => tracing::error!("network '{}' was started by another version of the service; it is left alone", status.name),
                Err(error) => tracing::error!("a network runs that is not known any more: {error}"),
            }
        }
        self.sweep(&running);
        Ok(running)
    }

    /// Removes the files of networks that do not run. After a power failure they are all that is left.
    fn sweep(&self, running: &HashMap<Uuid, Box<Live>>) {
        let entries = std::fs::read_dir(self.host.directories()).into_iter().flatten().filter_map(Result::ok);
        for entry in entries {
            let uuid = entry.file_name().to_str().and_then(|name| Uuid::try_parse(name).ok());
            let left = uuid.is_some_and(|uuid| !running.contains_key(&uuid) && !self.store.network_status().path(uuid).exists());
            if left && let Err(error) = std::fs::remove_dir_all(entry.path()) {
                tracing::warn!("{} stays behind: {error}", entry.path().display());
            }
        }
    }

    /// A network that was found running.
    async fn take_up(&self, uuid: Uuid, status: Status) -> Option<Box<Live>> {
        let Status { name, live, made, ports, .. } = status;
        let planned = Network::parse(&live).map_err(Error::from).and_then(|(network, warnings)| {
            let warnings = warnings.iter().map(ToString::to_string).collect();
            let definition = Definition { xml: live.into(), ..Definition::of(&network, warnings) };
            Live::planned(&name, uuid, definition, &self.host)
        });
        match planned {
            Ok(mut live) => {
                live.made = made;
                live.ports = ports;
                live.repair(&self.surroundings()).await;
                Some(Box::new(live))
            }
            Err(error) => {
                tracing::error!("network '{name}' runs by a document that is not understood any more, and is stopped: {error}");
                let status = Status { format: FORMAT, name, boot: String::new(), live: String::new(), started: false, made, ports };
                self.take_away(uuid, &status, true).await;
                None
            }
        }
    }

    /// Takes away what is left of a network. After a reboot these are only files.
    async fn take_away(&self, uuid: Uuid, status: &Status, same_boot: bool) {
        let nothing = Made::default();
        let made = if same_boot { &status.made } else { &nothing };
        match apparatus::remove(&self.host, made, &self.host.directory(uuid)).await {
            Ok(()) => self.forget(uuid),
            // It is tried again by the next service.
            Err(error) => tracing::error!("what is left of network '{}' could not be removed: {error}", status.name),
        }
    }

    fn forget(&self, uuid: Uuid) {
        if let Err(error) = self.store.network_status().remove(uuid) {
            tracing::warn!("what is known of the last run of network {uuid} stays behind: {error}");
        }
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings { host: &self.host, status: self.store.network_status() }
    }
}

/// A definition of the store.
fn read(name: &str, xml: &str) -> Result<(Uuid, Definition)> {
    let (network, warnings) = Network::parse(xml)?;
    if network.name != name {
        return Err(Error::new(ErrorKind::InvalidXml, format!("its <name> is '{}', and not that of its file", network.name)));
    }
    let uuid = network.uuid.ok_or_else(|| Error::new(ErrorKind::InvalidXml, "it has no <uuid>"))?;
    let warnings = warnings.iter().map(ToString::to_string).collect();
    // The text as it stands in the file is the definition, however it was written.
    Ok((uuid, Definition { xml: xml.into(), ..Definition::of(&network, warnings) }))
}
