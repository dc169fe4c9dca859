//! The driver of a system instance in a directory of its own, with the confinement that its settings ask for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_service::daemon::policy;
use lodge_service::hypervisors::qemu::{Options, Policy, QemuDriver};
use lodge_service::hypervisors::secrets::nobody;
use lodge_service::hypervisors::{Driver, Launch, MachineEvent, Remember};
use lodge_service::settings::Settings;
use lodge_service::store::{Layout, Store};
use serde_json::Value;
use tokio::sync::mpsc;

/// Whom guests run as: a number that nobody has.
pub const GUEST: u32 = 54_321;

/// A system instance without a bus.
pub struct SystemInstance {
    /// Its files.
    pub store: Store,
    /// Its driver.
    pub driver: QemuDriver,
    /// The records that were written down.
    pub records: Arc<Mutex<Vec<Value>>>,
}

impl SystemInstance {
    /// An instance below `root`, its `qemu.conf` saying who guests run as, and `settings`.
    ///
    /// # Panics
    /// Something is wrong with the settings or the directory.
    pub fn new(root: &Path, settings: &str) -> Self {
        let layout = Layout::under(root).searchable();
        let store = Store::open(layout).expect("the directories can be made");
        std::fs::write(store.layout().qemu_conf(), format!("user = \"+{GUEST}\"\ngroup = \"+{GUEST}\"\n{settings}")).expect("settings");
        let policy = Self::policy(store.layout());
        let driver = QemuDriver::new(Options { cache: store.layout().capabilities(), session: false, policy });
        Self { store, driver, records: Arc::default() }
    }

    /// What the settings ask for.
    ///
    /// # Panics
    /// Something is wrong with them.
    pub fn policy(layout: &Layout) -> Policy {
        let of_host = |_: &_| Ok(policy::OfHost { no_new_privs_before_exec: true, ..policy::OfHost::default() });
        policy::system(layout, &Settings { start_timeout_seconds: 120, ..Settings::default() }, of_host).expect("the settings are in order")
    }

    /// A definition, completed.
    ///
    /// # Panics
    /// It cannot be.
    pub async fn define(&self, xml: &str) -> Domain {
        let (mut domain, _) = Domain::parse(xml).expect("a document");
        self.driver.complete(&mut domain).await.expect("a definition");
        domain
    }

    /// All for one run of a guest.
    ///
    /// # Panics
    /// Its directory cannot be made.
    pub fn launch(&self, domain: &Domain) -> (Launch, mpsc::Receiver<MachineEvent>) {
        let records = self.records.clone();
        self.launch_with(
            domain,
            Arc::new(move |record| {
                records.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
                Ok(())
            }),
        )
    }

    /// The same, with another way of writing records down.
    ///
    /// # Panics
    /// Its directory cannot be made.
    pub fn launch_with(&self, domain: &Domain, remember: Remember) -> (Launch, mpsc::Receiver<MachineEvent>) {
        let (events, receiver) = mpsc::channel(64);
        let uuid = domain.uuid.expect("a completed definition has one");
        let layout = self.store.layout();
        let launch = Launch {
            domain: domain.clone(),
            uuid,
            id: 1,
            paused: false,
            nics: Arc::default(),
            take: Arc::new(|| Box::pin(std::future::ready(Ok(())))),
            runtime: self.store.status().prepare(uuid).expect("a directory"),
            log: layout.domain_log(&domain.name).expect("a name"),
            nvram: layout.nvram().join(format!("{uuid}.qcow2")),
            tpm: layout.tpm().join(uuid.to_string()),
            events,
            remember,
            reveal: nobody(),
        };
        (launch, receiver)
    }

    /// The file with the firmware variables of a guest.
    ///
    /// # Panics
    /// It has no UUID.
    pub fn nvram(&self, domain: &Domain) -> PathBuf {
        self.launch(domain).0.nvram
    }
}
