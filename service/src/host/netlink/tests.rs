//! Links, addresses and routes in a network namespace of the test's own. Needs root.

use std::net::IpAddr;

use nix::sched::{CloneFlags, unshare};

use super::super::tap;
use super::*;

/// Runs a test in a network namespace of its own: this thread's, and that of the threads it starts.
fn alone(test: impl Future<Output = ()>) {
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace of its own needs root");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test);
}

fn bridge(name: &str) -> Bridge {
    Bridge { name: name.into(), mac: [0x52, 0x54, 0, 1, 2, 3], stp: true, delay: 0, mtu: Some(1400) }
}

#[test]
fn a_bridge_is_made_as_it_is_asked_for_and_removed() {
    alone(async {
        let netlink = Netlink::open().unwrap();
        assert_eq!(netlink.link("br0").await.unwrap(), None);
        let index = netlink.add_bridge(&bridge("br0")).await.unwrap();
        assert!(netlink.add_bridge(&bridge("br0")).await.unwrap_err().is_there_already());
        let found = netlink.link("br0").await.unwrap().unwrap();
        let (mac, kind) = (vec![0x52, 0x54, 0, 1, 2, 3], "bridge".to_owned());
        let name = "br0".to_owned();
        // Whether it could filter is the kernel's matter.
        assert_eq!(Link { filters_vlans: None, ..found }, Link { index, name, mac, mtu: 1400, kind, ..Link::default() });
        netlink.switch(index, true).await.unwrap();
        assert!(netlink.link("br0").await.unwrap().unwrap().up);
        netlink.remove_link(index).await.unwrap();
        assert_eq!(netlink.link("br0").await.unwrap(), None);
    });
}

#[test]
fn addresses_of_both_families_can_be_used_at_once_and_routes_lead_through_them() {
    alone(async {
        let netlink = Netlink::open().unwrap();
        let index = netlink.add_bridge(&bridge("br0")).await.unwrap();
        netlink.switch(index, true).await.unwrap();
        let (four, six): (IpAddr, IpAddr) = ("192.168.122.1".parse().unwrap(), "fd00:1::1".parse().unwrap());
        netlink.add_address(index, four, 24).await.unwrap();
        netlink.add_address(index, six, 64).await.unwrap();
        assert!(netlink.add_address(index, four, 24).await.unwrap_err().is_there_already());
        let addresses = netlink.addresses(index).await.unwrap();
        assert!(addresses.contains(&(four, 24)) && addresses.contains(&(six, 64)), "{addresses:?}");
        // Of an address that is still being asked for nobody can bind.
        std::net::UdpSocket::bind((six, 53)).unwrap();

        let network: IpAddr = "10.9.0.0".parse().unwrap();
        let new = NewRoute { network, prefix: 16, gateway: "192.168.122.7".parse().unwrap(), interface: index, metric: 5 };
        netlink.add_route(&new).await.unwrap();
        let routes = netlink.routes().await.unwrap();
        let way = |network: IpAddr| routes.iter().find(|route| route.network == network).cloned();
        let expected = Route { network, prefix: 16, gateway: Some(new.gateway), interface: Some(index), advertised: false };
        assert_eq!(way(network), Some(expected));
        assert_eq!(way("192.168.122.0".parse().unwrap()).unwrap().gateway, None);
        assert_eq!(way("fd00:1::".parse().unwrap()).unwrap().prefix, 64);
        netlink.remove_address(index, four).await.unwrap();
        assert!(!netlink.addresses(index).await.unwrap().contains(&(four, 24)));
    });
}

#[test]
fn a_tap_is_a_port_of_a_bridge_until_its_files_are_closed() {
    alone(async {
        let netlink = Netlink::open().unwrap();
        let bridge = netlink.add_bridge(&bridge("br0")).await.unwrap();
        let made = tap::make(&tap::Tap { name: "vnet%d", queues: 2, vnet_header: true }).unwrap();
        assert_eq!((made.name.as_str(), made.queues.len()), ("vnet0", 2));
        assert!(tap::make(&tap::Tap { name: "vnet0", queues: 1, vnet_header: false }).is_err());
        let index = netlink.link("vnet0").await.unwrap().unwrap().index;
        netlink.set_mac(index, [0xfe, 0x54, 0, 1, 2, 3]).await.unwrap();
        netlink.set_mtu(index, 1400).await.unwrap();
        netlink.connect(index, bridge).await.unwrap();
        netlink.set_port(index, PortFlags { isolated: true, fixed_addresses: true }).await.unwrap();
        let port = netlink.link("vnet0").await.unwrap().unwrap();
        assert_eq!((port.controller, port.mtu, port.mac[0]), (Some(bridge), 1400, 0xfe));
        drop(made);
        assert_eq!(netlink.link("vnet0").await.unwrap(), None);
    });
}

#[test]
fn a_port_is_in_the_virtual_networks_that_are_said_or_the_kernel_knows_none() {
    alone(async {
        let netlink = Netlink::open().unwrap();
        let bridge = netlink.add_bridge(&bridge("br0")).await.unwrap();
        let made = tap::make(&tap::Tap { name: "vnet%d", queues: 1, vnet_header: false }).unwrap();
        let port = netlink.link("vnet0").await.unwrap().unwrap().index;
        netlink.connect(port, bridge).await.unwrap();
        let link = netlink.link("br0").await.unwrap().unwrap();
        let Some(off) = link.filters_vlans else {
            // The test in the virtual machine (tests/vm) has such a kernel.
            assert!(netlink.filter_vlans(&link).await.is_err());
            return;
        };
        assert!(!off);
        netlink.filter_vlans(&link).await.unwrap();
        assert_eq!(netlink.link("br0").await.unwrap().unwrap().filters_vlans, Some(true));
        let access = VlanMember { id: 42, native: true, untagged: true };
        let tagged = VlanMember { id: 43, native: false, untagged: false };
        netlink.set_vlans(port, VlanPort::Port, &[access, tagged]).await.unwrap();
        assert_eq!(netlink.vlans(port).await.unwrap(), [42, 43]);
        netlink.set_vlans(port, VlanPort::Port, &[tagged]).await.unwrap();
        assert_eq!(netlink.vlans(port).await.unwrap(), [43]);
        netlink.set_vlans(bridge, VlanPort::Bridge, &[access]).await.unwrap();
        assert_eq!(netlink.vlans(bridge).await.unwrap(), [42]);
        drop(made);
    });
}
