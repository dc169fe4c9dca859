//! Devices in guests: claimed when a guest starts, taken from the host's drivers when the start is sure of everything else, and
//! given back when the guest is over.
//!
//! Invariants:
//! - What a guest is over with is given back by whoever looks at devices next, so nobody finds it still taken.
//! - A claim is made for a start that still goes on, or not at all: one that was called off leaves none.

use std::sync::{Arc, Weak};
use std::time::Duration;

use uuid::Uuid;

use super::claims::{Claim, Guest};
use super::view::DeviceView;
use super::wanted::{self, Given, Wanted, usb_place};
use super::{NodeDevices, admission, assign, functions};
use crate::error::{Error, ErrorKind, Result};
use crate::host::udev::Uevents;

/// How long udevd may take to look at a new special file.
const UDEV_TIME: Duration = Duration::from_secs(5);

impl NodeDevices {
    /// Finds the devices that a guest wants, checks that it can have them all, and keeps them for it. Nothing of the host is
    /// changed. Answers what each is, in the order of `wanted`.
    ///
    /// # Errors
    /// Those of [`wanted::find`] and [`admission::check`]; no device is kept then.
    pub async fn claim(self: &Arc<Self>, guest: Guest, wanted: Vec<Wanted>) -> Result<Vec<Given>> {
        self.claims().expect(guest.uuid);
        let asking = Arc::new(());
        let asked = Arc::downgrade(&asking);
        self.change(move |devices, ids| {
            still_asked(&asked)?;
            // What has just been plugged in may not be known yet.
            devices.note(devices.look(ids));
            devices.claim_now(&guest, &wanted)
        })
        .await
    }

    fn claim_now(&self, guest: &Guest, wanted: &[Wanted]) -> Result<Vec<Given>> {
        let found = wanted.iter().map(|wanted| wanted::find(self, wanted)).collect::<Result<Vec<_>>>()?;
        let given = found.iter().map(|chosen| chosen.as_ref().map_or(Given::Nothing, |chosen| given(&chosen.view))).collect();
        let chosen: Vec<_> = found.into_iter().flatten().collect();
        admission::check(self, guest, &chosen)?;
        self.claims().add(chosen.into_iter().map(|chosen| Claim::of(guest, chosen)).collect())?;
        Ok(given)
    }

    /// Takes what a guest has claimed from the host's drivers, where the service is to do that, and resets it: what it holds of
    /// an earlier guest is nobody's business.
    ///
    /// # Errors
    /// Those of [`NodeDevices::detach`] and [`NodeDevices::reset`]; [`NodeDevices::release`] gives back what was taken.
    pub async fn take(self: &Arc<Self>, guest: Uuid) -> Result<()> {
        if !self.claims().knows(guest) {
            return Ok(());
        }
        let asking = Arc::new(());
        let asked = Arc::downgrade(&asking);
        let news = Uevents::listen(&self.sysfs, &["vfio"]).ok().filter(|_| self.sysfs.is_this_host());
        let new_groups = self
            .change(move |devices, _| {
                still_asked(&asked)?;
                devices.take_now(guest)
            })
            .await?;
        // udevd gives a new special file its label, which must not be after ours.
        if let Some(news) = news {
            for _ in 0..new_groups {
                if tokio::time::timeout(UDEV_TIME, news.next()).await.is_err() {
                    tracing::warn!("udevd has not looked at a new file in /dev/vfio within {} s", UDEV_TIME.as_secs());
                }
            }
        }
        Ok(())
    }

    /// Tells how many groups have got a special file.
    fn take_now(&self, guest: Uuid) -> Result<usize> {
        let claimed = self.claimed(guest);
        let has_file = |view: &DeviceView| view.iommu_group.is_none_or(|group| self.sysfs.place(&format!("/dev/vfio/{group}")).exists());
        let mut new_groups: Vec<_> = claimed.iter().filter(|(_, view)| !has_file(view)).map(|(_, view)| view.iommu_group).collect();
        new_groups.dedup();
        for (claim, view) in &claimed {
            if let Some(function) = claim.function
                && let Some(before) = functions::now(view)?
            {
                self.claims().note(&claim.device, |claim| claim.before = Some(before))?;
                functions::hold(view, function)?;
            }
        }
        for (claim, view) in claimed.iter().filter(|(claim, _)| !claim.driver.is_empty()) {
            let device = assign::pci(view)?;
            if device.link("driver").as_deref() != Some(&claim.driver) {
                self.claims().note(&claim.device, |claim| claim.taken = true)?;
                assign::detach(view, device, &claim.driver)?;
            }
        }
        for (_, view) in claimed.iter().filter(|(_, view)| view.is("pci")) {
            assign::reset_if_possible(view, assign::pci(view)?)?;
        }
        Ok(new_groups.len())
    }

    /// Gives back what a guest had, and answers when that is done. What cannot be given back is logged: nobody can do more.
    pub async fn release(self: &Arc<Self>, guest: Uuid) {
        if !self.claims().knows(guest) {
            return;
        }
        self.over().push(guest);
        if let Err(error) = self.refresh().await {
            tracing::error!("devices of a guest that is over are not given back: {error}");
        }
    }

    /// Gives back what guests had that are over; `runs` tells of each whether it may still be there.
    pub async fn release_others(self: &Arc<Self>, runs: impl Fn(Uuid) -> bool) {
        let guests = self.claims().guests();
        for guest in guests.into_iter().filter(|guest| !runs(*guest)) {
            self.release(guest).await;
        }
    }

    /// Gives back what guests are over with. Called by whoever looks at devices, before anything else.
    pub(super) fn give_back(&self) {
        let over = std::mem::take(&mut *self.over());
        for guest in over {
            for (claim, view) in self.claimed(guest) {
                if let Err(error) = give_back(&claim, &view) {
                    tracing::error!("what domain '{}' had stays as it is: {error}", claim.guest.name);
                }
            }
            self.claims().remove(guest);
        }
    }

    /// The claims of a guest on devices that are there.
    fn claimed(&self, guest: Uuid) -> Vec<(Claim, Arc<DeviceView>)> {
        let claims = self.claims().of(guest);
        claims.into_iter().filter_map(|claim| Some((self.view(&claim.device).ok()?, claim))).map(|(view, claim)| (claim, view)).collect()
    }

    /// The guest that has a device.
    pub(super) fn holder(&self, view: &DeviceView) -> Option<Guest> {
        self.claims().holder(view).cloned()
    }

    /// Refuses a device that a guest has, or of which it has a part.
    pub(super) fn free(&self, view: &DeviceView) -> Result<()> {
        if let Some(holder) = self.holder(view) {
            let message = format!("{} is in use by domain '{}'; stop that first", view.subject(), holder.name);
            return Err(Error::new(ErrorKind::InUse, message));
        }
        let mut parts = self.views().into_iter().filter(|part| is_part(part, view));
        let used = parts.find_map(|part| Some((self.holder(&part)?, part)));
        used.map_or(Ok(()), |(holder, part)| {
            let message =
                format!("{} has {}, which is in use by domain '{}'; stop that first", view.subject(), part.subject(), holder.name);
            Err(Error::new(ErrorKind::InUse, message))
        })
    }
}

/// Whether a device goes when the driver of another does: it is on that, or a virtual function of it.
fn is_part(part: &DeviceView, whole: &DeviceView) -> bool {
    let (Some(part), Some(whole)) = (part.device(), whole.device()) else { return false };
    let is_below = part.path().strip_prefix(whole.path()).is_some_and(|rest| rest.starts_with('/'));
    is_below || part.linked("physfn").is_some_and(|card| card.path() == whole.path())
}

fn given(view: &DeviceView) -> Given {
    match usb_place(view).filter(|_| view.is("usb_device")) {
        Some((bus, number)) => Given::Usb(bus, number),
        None => Given::AsNamed,
    }
}

fn give_back(claim: &Claim, view: &DeviceView) -> Result<()> {
    if view.is("usb_device") {
        // A QEMU that was killed has not given the interfaces back to their drivers.
        return assign::find_usb_drivers(view);
    }
    if !view.is("pci") {
        return Ok(());
    }
    let device = assign::pci(view)?;
    // Everything is tried, whatever fails.
    let released = claim.before.map_or(Ok(()), |before| functions::hold(view, before));
    let reset = assign::reset_if_possible(view, device);
    let reattached = if claim.taken { assign::reattach(view, device) } else { Ok(()) };
    released.and(reset).and(reattached)
}

/// A start that was called off is not waited for by anybody, and its devices would be kept for ever.
fn still_asked(asked: &Weak<()>) -> Result<()> {
    match asked.strong_count() {
        0 => Err(Error::new(ErrorKind::Cancelled, "the start was called off")),
        _ => Ok(()),
    }
}
