//! Domains and devices of the host: a `<hostdev>` gets the device that it means when it starts, nobody else gets that one meanwhile,
//! and the host has it back when the guest is over.

use std::time::Duration;

use lodge_model::domain::Domain;
use lodge_model::domain::devices::{
    HostAddress, Hostdev, HostdevSource, HostdevSourceElement, Interface, InterfaceType, Number, StartupPolicy, Vlan, VlanTag,
};
use lodge_model::xml::YesNo;
use uuid::Uuid;

use super::engine::Engine;
use super::interfaces;
use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::{Launch, Take};
use crate::node_devices::{Function, Given, Guest, Wanted};

/// How long a guest that is over is still shown while its devices go back to the host. The kernel may wait for a device.
const GIVE_BACK_TIME: Duration = Duration::from_secs(10);

impl Engine {
    /// Keeps the devices of the host for a guest that its definition names, and writes into that which these are.
    pub(super) async fn claim_devices(&self, launch: &mut Launch) -> Result<()> {
        let wanted = wanted(&launch.domain)?;
        if wanted.is_empty() {
            return Ok(());
        }
        let guest = Guest { uuid: launch.uuid, name: launch.domain.name.clone() };
        let (places, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        let given = self.devices.claim(guest, wanted).await?;
        for (place, given) in places.into_iter().zip(given) {
            let hostdev = place.and_then(|place| launch.domain.devices.hostdevs_mut().nth(place));
            if let Some(source) = hostdev.and_then(|hostdev| hostdev.source.as_mut()) {
                note(source, given);
            }
        }
        Ok(())
    }

    /// What a driver calls when it is sure of everything else.
    pub(super) fn take_devices(&self, guest: Uuid) -> Take {
        let devices = self.devices.clone();
        std::sync::Arc::new(move || {
            let devices = devices.clone();
            Box::pin(async move { devices.take(guest).await })
        })
    }

    /// Gives the devices of a guest that is over back to the host.
    pub(super) async fn give_devices_back(&self, guest: Uuid) {
        let devices = self.devices.clone();
        // Goes on when nobody waits any more.
        let releasing = tokio::spawn(async move { devices.release(guest).await });
        if tokio::time::timeout(GIVE_BACK_TIME, releasing).await.is_err() {
            tracing::warn!("devices of the guest with the UUID {guest} do not come back from the kernel");
        }
    }

    /// Gives back what guests had that ended while no service looked.
    pub async fn give_lost_devices_back(&self) {
        self.devices.release_others(|guest| self.store.status().path(guest).exists()).await;
    }
}

/// The devices that a domain names; those of a `<hostdev>` by its place among them, from 0. Of other kinds the driver says what
/// becomes of them.
fn wanted(domain: &Domain) -> Result<Vec<(Option<usize>, Wanted)>> {
    let mut all = Vec::new();
    for interface in domain.devices.interfaces().filter(|interface| interface.kind == InterfaceType::Hostdev) {
        all.push((None, card(interface)?));
    }
    for (place, hostdev) in domain.devices.hostdevs().enumerate() {
        let source = hostdev.source_view().map_err(|problem| Error::new(ErrorKind::InvalidXml, problem.to_string()))?;
        let wanted = match source {
            HostdevSource::Pci { address } => Wanted::Pci {
                address: address.to_string(),
                managed: hostdev.managed == Some(YesNo(true)),
                driver: hostdev.driver.as_ref().and_then(|driver| driver.model.clone()).unwrap_or_default(),
                function: None,
            },
            HostdevSource::Mdev { uuid } => Wanted::Mdev(uuid),
            HostdevSource::Usb { ids, place, port } => {
                Wanted::Usb { ids, place, port: port.map(|(bus, port)| (bus, port.to_owned())), optional: is_optional(hostdev) }
            }
            // Several guests may use one that is shared, and its initiators keep order among themselves.
            HostdevSource::Scsi { adapter, bus, target, unit } if !hostdev.shareable => {
                let host = adapter.strip_prefix("scsi_host").unwrap_or(adapter);
                Wanted::Scsi(format!("{host}:{bus}:{target}:{unit}"))
            }
            _ => continue,
        };
        all.push((Some(place), wanted));
    }
    Ok(all)
}

/// A network card of the host that is the guest's.
fn card(interface: &Interface) -> Result<Wanted> {
    interfaces::refuse_unguarded(interface)?;
    if interface.filter.is_some() || interface.bandwidth.is_some() {
        let reason = "an <interface type='hostdev'> has <filterref> or <bandwidth>, and the host does not see what the guest sends by a card \
                      of its own; take that out, or use an interface of another type";
        return Err(Error::new(ErrorKind::NotSupported, reason));
    }
    let address = interface.pci_of_host().map_err(|problem| Error::new(ErrorKind::InvalidXml, problem.to_string()))?;
    let vlan = match interface.vlan.as_deref() {
        None => 0,
        Some(Vlan { trunk, tags, .. }) => match tags[..] {
            [VlanTag { id: id @ 1..=4094, native_mode: None, .. }] if *trunk != Some(YesNo(true)) => id,
            _ => {
                let reason = "an <interface type='hostdev'> has a <vlan> that is not one <tag id='…'/> from 1 to 4094, and a virtual function is \
                              held to no more than that; correct it";
                return Err(Error::new(ErrorKind::NotSupported, reason));
            }
        },
    };
    Ok(Wanted::Pci {
        address: address.to_string(),
        managed: interface.managed == Some(YesNo(true)),
        driver: interface.driver.as_ref().and_then(|driver| driver.model.clone()).unwrap_or_default(),
        function: Some(Function { mac: interface.mac_address().map(|mac| mac.0).unwrap_or_default(), vlan }),
    })
}

/// Whether a guest that boots can do without (libvirt, formatdomain, `startupPolicy`): `requisite` is about guests that arrive.
fn is_optional(hostdev: &Hostdev) -> bool {
    hostdev.source.as_ref().and_then(|source| source.startup_policy) == Some(StartupPolicy::Optional)
}

fn note(source: &mut HostdevSourceElement, given: Given) {
    source.missing = None;
    match given {
        Given::AsNamed => {}
        Given::Nothing => source.missing = Some(YesNo(true)),
        Given::Usb(bus, device) => {
            let address = source.address.get_or_insert_with(HostAddress::default);
            address.bus = Some(Number::decimal(bus));
            address.device = Some(Number::decimal(device));
        }
    }
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    fn of(devices: &str) -> Result<Vec<(Option<usize>, Wanted)>> {
        let xml = format!("<domain type='kvm'><name>a</name><os><type>hvm</type></os><devices>{devices}</devices></domain>");
        wanted(&Domain::parse(&xml).unwrap().0)
    }

    fn card_with(parts: &str) -> String {
        let address = "<address type='pci' domain='0' bus='6' slot='16' function='0'/>";
        format!("<interface type='hostdev' managed='yes'><source>{address}</source><mac address='02:00:00:00:00:01'/>{parts}</interface>")
    }

    #[test]
    fn a_card_is_held_to_its_address_and_one_tag() {
        for (parts, vlan) in [("", 0), ("<vlan><tag id='42'/></vlan>", 42)] {
            let function = Some(Function { mac: [2, 0, 0, 0, 0, 1], vlan });
            let expected = Wanted::Pci { address: "0000:06:10.0".into(), managed: true, driver: String::new(), function };
            assert_eq!(of(&card_with(parts)).unwrap(), [(None, expected)], "{parts}");
        }
        for parts in [
            "<vlan><tag id='42'/><tag id='43'/></vlan>",
            "<vlan trunk='yes'><tag id='42'/></vlan>",
            "<vlan><tag id='0'/></vlan>",
            "<vlan/>",
            "<filterref filter='clean-traffic'/>",
        ] {
            assert_eq!(of(&card_with(parts)).unwrap_err().kind(), ErrorKind::NotSupported, "{parts}");
        }
    }

    #[test]
    fn a_device_of_the_host_is_named_by_its_place_among_them() {
        let unit = |parts: &str| {
            let source = "<source><adapter name='scsi_host2'/><address bus='0' target='1' unit='3'/></source>";
            format!("<hostdev type='scsi'>{source}{parts}</hostdev>")
        };
        // One that is shared is nobody's in particular.
        let devices = [unit("<shareable/>"), unit("")].concat();
        assert_eq!(of(&devices).unwrap(), [(Some(1), Wanted::Scsi("2:0:1:3".into()))]);
        let refused = of("<hostdev type='pci'><source/></hostdev>").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidXml);
    }
}
