//! Devices of the host: what there is, in libvirt's names and documents, kept up to date; PCI devices and mediated ones made
//! ready for guests; and which guest has which.
//!
//! What is known is a snapshot of sysfs ([`scan`]), looked at again when the kernel or udevd has news ([`NodeDevices::follow`]) and
//! when this service has changed something. One file for each kind of device says what a document of it has.
//!
//! Invariants:
//! - Nothing is stored but who has what ([`claims`]): the host is the truth.
//! - A device that a guest has, or of which it has a part, is not moved, reset or removed, and no other guest gets it.
//! - A device that the host itself needs ([`needed`]) is not taken from it, unless that is said expressly.
//! - What a call has changed is published when it returns.

mod admission;
mod assign;
mod claims;
mod computer;
mod drm;
mod functions;
mod guests;
mod ids;
mod mdev;
mod mediated;
mod needed;
mod net;
mod pci;
mod pci_config;
mod scan;
mod scsi;
mod scsi_generic;
mod scsi_host;
mod scsi_target;
mod storage;
mod usb;
mod usb_device;
mod vdpa;
mod view;
mod wanted;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lodge_model::document::Document as _;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

pub use claims::Guest;
pub use functions::Function;
pub use mediated::Draft;
pub use view::DeviceView;
pub use wanted::{Given, Wanted};

use crate::authorization::{Action, Details, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Change, Event, Publisher};
use crate::host::sysfs::Sysfs;
use crate::host::udev::Uevents;
use crate::store::Store;
use claims::Claims;
use ids::Ids;

/// News come in bursts; a burst is over when there were none for so long.
const QUIET: Duration = Duration::from_millis(100);
/// A burst that goes on is looked into after so long.
const BURST: Duration = Duration::from_secs(1);

/// What to do about a device that the host needs.
const WITH_FORCE: &str = "to do it all the same, say so with the option force";

/// What is to become of a device, beyond what is usual.
#[derive(Debug, Clone, Default)]
pub struct Detaching {
    /// The driver that it gets; empty for `vfio-pci`.
    pub driver: String,
    /// Even if the host needs it.
    pub force: bool,
}

/// The devices of the host.
pub struct NodeDevices {
    sysfs: Sysfs,
    publisher: Publisher,
    known: Mutex<BTreeMap<String, Arc<DeviceView>>>,
    /// Who has what. Changed by whoever holds `looking`.
    claims: Mutex<Claims>,
    /// Guests whose devices are to be given back.
    over: Mutex<Vec<Uuid>>,
    /// Taken by whoever looks at or changes devices, in a thread that may block; holds the names that were looked up.
    looking: Mutex<Ids>,
}

impl NodeDevices {
    /// The devices as they are now, and who has which as an earlier service wrote it down.
    ///
    /// # Errors
    /// `Internal` when the thread crashed.
    pub async fn load(sysfs: Sysfs, store: Arc<Store>, publisher: Publisher) -> Result<Arc<Self>> {
        let (known, over, looking) = (Mutex::default(), Mutex::default(), Mutex::default());
        let claims = Mutex::new(Claims::load(store));
        let devices = Arc::new(Self { sysfs, publisher, known, claims, over, looking });
        let found = devices.clone().blocking(|devices| devices.look(&mut devices.looking())).await?;
        *devices.known() = found;
        Ok(devices)
    }

    /// All of them, in order of names.
    pub fn views(&self) -> Vec<Arc<DeviceView>> {
        self.known().values().cloned().collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn view(&self, name: &str) -> Result<Arc<DeviceView>> {
        let found = self.known().get(name).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no device '{}'", name.escape_debug())))
    }

    /// The device with a name, or a path in sysfs.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn find(&self, text: &str) -> Result<Arc<DeviceView>> {
        let found = self.known().values().find(|view| view.is_named(text)).cloned();
        found.ok_or_else(|| {
            let message = format!("there is no device '{}'; lodgectl nodedev-list has the names of all", text.escape_debug());
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// The document of a device as it is at this moment. Some of what it tells changes without news, such as the state of a link.
    ///
    /// # Errors
    /// `NotFound`, also when it has just gone.
    pub async fn xml(self: &Arc<Self>, name: &str) -> Result<String> {
        let view = self.view(name)?;
        self.blocking(move |devices| {
            let mut ids = devices.looking();
            let now = scan::again(&devices.sysfs, &view.found, &mut ids);
            ids.close();
            let gone = || Error::new(ErrorKind::NotFound, format!("{} is no longer there", view.subject()));
            Ok(now.ok_or_else(gone)?.to_xml())
        })
        .await?
    }

    /// Keeps what is known up to date for as long as the runtime lives, if the host gives news of devices.
    pub fn follow(self: &Arc<Self>) {
        match Uevents::listen(&self.sysfs, scan::SUBSYSTEMS) {
            Ok(news) => drop(tokio::spawn(self.clone().keep_up(news))),
            Err(error) => tracing::warn!("devices that come and go will not be noticed: cannot listen for news of them: {error}"),
        }
    }

    async fn keep_up(self: Arc<Self>, news: Uevents) {
        while let Ok(()) = news.next().await {
            let end = Instant::now() + BURST;
            while let Ok(Ok(())) = timeout_at(end.min(Instant::now() + QUIET), news.next()).await {}
            if let Err(error) = self.refresh().await {
                tracing::warn!("devices are not up to date: {error}");
            }
        }
    }

    /// Looks at all devices again and publishes what changed.
    ///
    /// # Errors
    /// `Internal` when the thread crashed.
    pub async fn refresh(self: &Arc<Self>) -> Result<()> {
        self.change(|_, _| Ok(())).await
    }

    /// Takes a PCI device from the host's driver and gives it to one that hands it to guests.
    ///
    /// # Errors
    /// `NotFound`; `NotSupported` for what is no PCI device or without that driver; `InUse` when the host needs it; `HostFailed`,
    /// and then the device has its former driver.
    pub async fn detach(self: &Arc<Self>, grant: Grant, name: &str, options: Detaching) -> Result<()> {
        grant.covers(Action::DeviceManage)?;
        let view = self.view(name)?;
        let driver = assign::guest_driver(&options.driver)?;
        self.change(move |devices, _| {
            let device = assign::pci(&view)?;
            devices.free(&view)?;
            devices.spare(&view, options.force, WITH_FORCE)?;
            assign::detach(&view, device, &driver)
        })
        .await
    }

    /// Gives a PCI device back to the host's driver.
    ///
    /// # Errors
    /// `NotFound`; `NotSupported` for what is no PCI device; `InUse` while a guest has it; `HostFailed`.
    pub async fn reattach(self: &Arc<Self>, grant: Grant, name: &str) -> Result<()> {
        grant.covers(Action::DeviceManage)?;
        let view = self.view(name)?;
        self.change(move |devices, _| {
            let device = assign::pci(&view)?;
            devices.free(&view)?;
            assign::reattach(&view, device)
        })
        .await
    }

    /// Resets a PCI device.
    ///
    /// # Errors
    /// `NotFound`; `NotSupported` for what cannot be reset; `InUse` when the host needs it or a guest has it; `HostFailed`.
    pub async fn reset(self: &Arc<Self>, grant: Grant, name: &str, force: bool) -> Result<()> {
        grant.covers(Action::DeviceManage)?;
        let view = self.view(name)?;
        self.change(move |devices, _| {
            let device = assign::pci(&view)?;
            devices.free(&view)?;
            devices.spare(&view, force, WITH_FORCE)?;
            assign::reset(&view, device)
        })
        .await
    }

    /// What an authorizer is told when a verb is about a device to be made.
    pub fn details(&self, verb: &'static str, draft: &Draft) -> Details {
        draft.parent().map_or_else(|| Details::of_verb(verb), |parent| Details::about(verb, Subject::Device(parent.to_owned())))
    }

    /// Makes a mediated device.
    ///
    /// # Errors
    /// `NotFound` when there is no such parent; `NotSupported` when it makes no such devices; `AlreadyExists`; `HostFailed`, and then
    /// there is no new device.
    pub async fn create(self: &Arc<Self>, grant: Grant, draft: Draft) -> Result<Arc<DeviceView>> {
        grant.covers(Action::DeviceManage)?;
        let parent = self.view(draft.parent().unwrap_or_default())?;
        let path = self.change(move |_, _| mediated::create(&parent, &draft)).await?;
        self.find(&format!("/sys/{path}"))
    }

    /// Removes a mediated device.
    ///
    /// # Errors
    /// `NotFound`; `NotSupported` for what was not made; `InUse` while a guest has it; `HostFailed`.
    pub async fn destroy(self: &Arc<Self>, grant: Grant, name: &str) -> Result<()> {
        grant.covers(Action::DeviceManage)?;
        let view = self.view(name)?;
        self.change(move |devices, _| {
            devices.free(&view)?;
            mediated::destroy(&view)
        })
        .await
    }

    /// Refuses what would take from the host what it needs, and says what to do in that case.
    fn spare(&self, view: &DeviceView, force: bool, otherwise: &str) -> Result<()> {
        match needed::why(&self.sysfs, view) {
            Some(why) if !force => {
                Err(Error::new(ErrorKind::InUse, format!("{} is needed by the host: {why}; {otherwise}", view.subject())))
            }
            _ => Ok(()),
        }
    }

    /// Does something to devices, one caller at a time, looks at them again, and answers when clients have been told what changed.
    async fn change<T: Send + 'static>(self: &Arc<Self>, work: impl FnOnce(&Self, &mut Ids) -> Result<T> + Send + 'static) -> Result<T> {
        let done = self
            .blocking(move |devices| {
                let mut ids = devices.looking();
                devices.give_back();
                let done = work(devices, &mut ids);
                devices.note(devices.look(&mut ids));
                done
            })
            .await?;
        self.publisher.caught_up().await;
        done
    }

    async fn blocking<T: Send + 'static>(self: &Arc<Self>, work: impl FnOnce(&Self) -> T + Send + 'static) -> Result<T> {
        let devices = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&devices)).await;
        done.map_err(|error| Error::new(ErrorKind::Internal, "the work on a device crashed").caused_by(error))
    }

    fn look(&self, ids: &mut Ids) -> BTreeMap<String, Arc<DeviceView>> {
        let found = scan::all(&self.sysfs, ids);
        ids.close();
        let view = |(name, found): (String, _)| {
            let mut view = DeviceView::of(&name, found);
            view.used_by = self.holder(&view).map(|guest| guest.name).unwrap_or_default();
            (name, Arc::new(view))
        };
        found.into_iter().map(view).collect()
    }

    /// Makes changes visible: what is gone first, then what came, what it is on before what is on it.
    fn note(&self, mut new: BTreeMap<String, Arc<DeviceView>>) {
        let mut known = self.known();
        for (name, view) in &mut new {
            // What is as it was stays the same snapshot.
            if let Some(old) = known.get(name).filter(|old| old.looks_like(view)) {
                *view = old.clone();
            }
        }
        let old = std::mem::replace(&mut *known, new.clone());
        drop(known);
        let gone = old.iter().filter(|(name, _)| !new.contains_key(*name)).map(|(_, view)| (Some(view.clone()), None));
        let mut there: Vec<_> = new.values().filter(|view| old.get(&view.name).is_none_or(|old| !Arc::ptr_eq(old, view))).collect();
        there.sort_by_key(|view| view.path.matches('/').count());
        let there = there.into_iter().map(|view| (old.get(&view.name).cloned(), Some(view.clone())));
        for change in gone.chain(there).filter_map(|(old, new)| Change::between(old, new)) {
            self.publisher.publish_blocking(Event::Device(change));
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Arc<DeviceView>>> {
        // Held for map operations only.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        // Held for one operation on them.
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn over(&self) -> MutexGuard<'_, Vec<Uuid>> {
        // Held for list operations only.
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looking(&self) -> MutexGuard<'_, Ids> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
