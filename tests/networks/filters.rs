//! Guests that pretend to be somebody else, and filters against that. The guest is a program at the tap's file.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;

use lodge_model::domain::devices::{FilterParameter, FilterReference, MacAddress};
use lodge_service::networks::{Filter, Plug, Plugged, To};
use uuid::Uuid;

use crate::world::World;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0, 0, 1];
const OTHER: [u8; 6] = [0x52, 0x54, 0, 0, 0, 2];
const BROADCAST: [u8; 6] = [0xff; 6];
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// What a guest sends.
#[derive(Debug, Clone, Copy)]
enum Sent {
    /// A question for an address, from one.
    Arp { mac: [u8; 6], from: [u8; 4] },
    /// A datagram of UDP.
    Udp { from: [u8; 4], ports: (u16, u16) },
    /// Something of another protocol.
    Other(u16),
}

fn frame(source: [u8; 6], sent: Sent, mark: u8) -> Vec<u8> {
    let (kind, body) = match sent {
        Sent::Arp { mac, from } => {
            let head = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac, &from, &[0; 6], &[10, 0, 0, mark]].concat();
            (ARP, head)
        }
        Sent::Udp { from, ports } => {
            let mut ip = [&[0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0][..], &from, &[255; 4]].concat();
            let sum = checksum(&ip).to_be_bytes();
            ip[10..12].copy_from_slice(&sum);
            let udp = [&ports.0.to_be_bytes()[..], &ports.1.to_be_bytes(), &[0, 9, 0, 0, mark]].concat();
            (IPV4, [ip, udp].concat())
        }
        Sent::Other(kind) => (kind, vec![mark; 46]),
    };
    [&BROADCAST[..], &source, &kind.to_be_bytes(), &body].concat()
}

/// The checksum of a header (RFC 791), without which a bridge may not pass it on.
fn checksum(header: &[u8]) -> u16 {
    let sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap()
}

/// A guest with a filter, and another on the same bridge that hears what passes.
struct Wire {
    guest: std::fs::File,
    listener: std::fs::File,
    mark: u8,
    _names: [String; 2],
}

fn plug(world: &World, mac: [u8; 6], filter: Option<Filter>) -> Plugged {
    let plug = Plug {
        owner: Uuid::new_v4(),
        mac,
        to: To::Bridge("br0".into()),
        name: None,
        queues: 1,
        filter,
        vlans: Vec::new(),
        vnet_header: false,
        mtu: None,
        isolated: false,
        limits: None,
    };
    world.wait(world.networks().plug(&plug)).unwrap_or_else(|error| panic!("{error}"))
}

impl Wire {
    fn new(world: &World, filter: &str, addresses: &[&str]) -> Self {
        let parameter = |value: &&str| FilterParameter { name: "IP".into(), value: (*value).into(), ..FilterParameter::default() };
        let parameters = addresses.iter().map(parameter).collect();
        let reference = FilterReference { filter: filter.into(), parameters, ..FilterReference::default() };
        let filter = Filter::of(&reference, MacAddress(MAC)).unwrap();
        let [guest, listener] = [(MAC, Some(filter)), (OTHER, None)].map(|(mac, filter)| plug(world, mac, filter));
        let names = [guest.interface.clone(), listener.interface.clone()];
        let file = |mut plugged: Plugged| std::fs::File::from(plugged.queues.remove(0));
        Self { guest: file(guest), listener: file(listener), mark: 0, _names: names }
    }

    /// Whether something passes. Behind it goes what always passes, so that nobody has to wait for nothing.
    fn passes(&mut self, source: [u8; 6], sent: Sent) -> bool {
        self.mark += 1;
        let frame = frame(source, sent, self.mark);
        self.guest.write_all(&frame).unwrap();
        let end = self::frame(MAC, Sent::Arp { mac: MAC, from: [0; 4] }, 255);
        self.guest.write_all(&end).unwrap();
        let mut passed = false;
        let mut buffer = [0; 2048];
        loop {
            let length = self.listener.read(&mut buffer).unwrap();
            // The bridge's own frames come, too.
            if buffer[..length].starts_with(&end) {
                return passed;
            }
            passed |= buffer[..length].starts_with(&frame);
        }
    }
}

fn world() -> World {
    let world = World::new();
    world.host.ip("link add br0 type bridge");
    world.host.ip("link set br0 up");
    world
}

const OWN: [u8; 4] = [10, 0, 0, 5];
const STRANGE: [u8; 4] = [10, 0, 0, 6];

fn udp(from: [u8; 4]) -> Sent {
    Sent::Udp { from, ports: (1000, 2000) }
}

#[test]
fn a_clean_guest_speaks_as_itself_only() {
    let world = world();
    let own = Ipv4Addr::from(OWN).to_string();
    let mut wire = Wire::new(&world, "clean-traffic", &[&own]);
    for (source, sent, passes) in [
        (MAC, udp(OWN), true),
        (MAC, Sent::Arp { mac: MAC, from: OWN }, true),
        (MAC, Sent::Udp { from: [0; 4], ports: (68, 67) }, true),
        (OTHER, udp(OWN), false),
        (MAC, udp(STRANGE), false),
        (MAC, Sent::Udp { from: [0; 4], ports: (68, 68) }, false),
        (MAC, Sent::Arp { mac: OTHER, from: OWN }, false),
        (MAC, Sent::Arp { mac: MAC, from: STRANGE }, false),
        (MAC, Sent::Other(IPV6), false),
        (MAC, Sent::Other(0x88cc), false),
        (MAC, Sent::Other(0x8035), true),
    ] {
        assert_eq!(wire.passes(source, sent), passes, "{source:?} {sent:?}");
    }
}

#[test]
fn a_guest_keeps_to_the_first_address_that_it_uses() {
    let world = world();
    let mut wire = Wire::new(&world, "no-ip-spoofing", &[]);
    assert!(wire.passes(MAC, udp(OWN)));
    assert!(!wire.passes(MAC, udp(STRANGE)));
    assert!(wire.passes(MAC, udp(OWN)));
    // It says nothing of other things.
    assert!(wire.passes(OTHER, Sent::Other(0x88b5)) && wire.passes(MAC, Sent::Arp { mac: OTHER, from: STRANGE }));
}

#[test]
fn a_filter_goes_with_its_interface() {
    let world = world();
    let wire = Wire::new(&world, "no-mac-spoofing", &[]);
    assert!(world.remains().concat().contains("lodge_filter_vnet0"));
    drop(wire);
    world.wait(world.networks().unplug(Uuid::new_v4()));
    assert!(!world.remains().concat().contains("lodge_filter_"));
}
