//! Networks made up, of every shape.

use core::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::addresses::{IpFamily, Netmask, Prefix};
use crate::domain::devices::{
    BandwidthLimit, HostdevDriver, InterfaceDriverName, NativeMode, PciAddress, TransportProtocol, VirtualPortParameters, VlanTag,
};
use crate::testing::strategies::{any_of, few, is_read_as_written, maybe, on_off, text, uuid, yes_no};
use crate::xml::Hex;

fn ip() -> impl Strategy<Value = Option<IpAddr>> {
    // Some in networks that others are in, so that checks get past the first one.
    let near = (0_u8..4).prop_map(|last| IpAddr::from([192, 168, 1, last]));
    maybe(prop_oneof![any::<IpAddr>(), near])
}

fn netmask() -> impl Strategy<Value = Option<Netmask>> {
    maybe(any::<Ipv4Addr>().prop_map(Netmask))
}

fn prefix() -> impl Strategy<Value = Option<Prefix>> {
    maybe((0..=128_u8).prop_map(Prefix))
}

fn family() -> impl Strategy<Value = Option<IpFamily>> {
    maybe(any_of(IpFamily::ALL))
}

fn mac() -> impl Strategy<Value = Option<MacAddress>> {
    maybe(any::<[u8; 6]>().prop_map(MacAddress))
}

prop_compose! {
    fn pci_address()(numbers in maybe((any::<u32>(), 0..300_u32, 0..40_u32, 0..10_u32)), connections in maybe(any::<u32>())) -> ForwardAddress {
        let pci = numbers.map(|(domain, bus, slot, function)| PciAddress {
            domain: Some(Hex(domain)), bus: Some(Hex(bus)), slot: Some(Hex(slot)), function: Some(Hex(function)), ..Default::default()
        });
        ForwardAddress { pci: pci.unwrap_or_default(), connections }
    }
}

prop_compose! {
    fn nat()(
        ipv6 in yes_no(), address in maybe((maybe(any::<Ipv4Addr>()), maybe(any::<Ipv4Addr>()))),
        port in maybe((maybe(any::<u16>()), maybe(any::<u16>()))),
    ) -> Nat {
        Nat {
            ipv6,
            address: address.map(|(start, end)| NatAddresses { start, end, ..Default::default() }),
            port: port.map(|(start, end)| NatPorts { start, end, ..Default::default() }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn forward()(
        mode in maybe(any_of(ForwardMode::ALL)), dev in maybe(text()), managed in yes_no(),
        driver in maybe((maybe(any_of(InterfaceDriverName::ALL)), maybe(text()))), nat in maybe(nat()), function in maybe(text()),
        interfaces in few((text(), maybe(any::<u32>()))), addresses in few(pci_address()),
    ) -> Forward {
        let interface = |(dev, connections)| ForwardInterface { dev, connections, ..Default::default() };
        Forward {
            mode, dev, managed, nat, addresses,
            driver: driver.map(|(name, model)| HostdevDriver { name, model, ..Default::default() }),
            physical_function: function.map(|dev| PhysicalFunction { dev, ..Default::default() }),
            interfaces: interfaces.into_iter().map(interface).collect(),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn bridge()(
        name in maybe(text()), zone in maybe(text()), stp in on_off(), delay in maybe(any::<u32>()),
        mac_table_manager in maybe(any_of(MacTableManager::ALL)),
    ) -> Bridge {
        Bridge { name, zone, stp, delay, mac_table_manager, ..Default::default() }
    }
}

fn lease() -> impl Strategy<Value = Option<Lease>> {
    maybe((any::<u64>(), maybe(any_of(LeaseUnit::ALL))).prop_map(|(expiry, unit)| Lease { expiry, unit, ..Default::default() }))
}

prop_compose! {
    fn dhcp_host()(mac in mac(), id in maybe(text()), name in maybe(text()), ip in ip(), lease in lease()) -> DhcpHost {
        DhcpHost { mac, id, name, ip, lease, ..Default::default() }
    }
}

prop_compose! {
    fn dhcp()(
        ranges in few((ip(), ip(), lease())), hosts in few(dhcp_host()), bootp in maybe((text(), maybe(text()))),
    ) -> Dhcp {
        let range = |(start, end, lease)| DhcpRange { start, end, lease, ..Default::default() };
        Dhcp {
            ranges: ranges.into_iter().map(range).collect(), hosts,
            bootp: bootp.map(|(file, server)| Bootp { file, server, ..Default::default() }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn network_ip()(
        family in family(), address in ip(), netmask in netmask(), prefix in prefix(), local_ptr in yes_no(),
        tftp in maybe(text()), dhcp in maybe(dhcp()),
    ) -> NetworkIp {
        let tftp = tftp.map(|root| Tftp { root, ..Default::default() });
        NetworkIp { family, address, netmask, prefix, local_ptr, tftp, dhcp, ..Default::default() }
    }
}

prop_compose! {
    fn route()(
        family in family(), address in ip(), netmask in netmask(), prefix in prefix(), gateway in ip(), metric in maybe(any::<u32>()),
    ) -> Route {
        Route { family, address, netmask, prefix, gateway, metric, ..Default::default() }
    }
}

prop_compose! {
    fn service()(
        service in text(), protocol in any_of(TransportProtocol::ALL), domain in maybe(text()), target in maybe(text()),
        numbers in (maybe(any::<u16>()), maybe(any::<u16>()), maybe(any::<u16>())),
    ) -> DnsService {
        let (port, priority, weight) = numbers;
        DnsService { service, protocol, domain, target, port, priority, weight, ..Default::default() }
    }
}

prop_compose! {
    fn dns()(
        enable in yes_no(), forward_plain_names in yes_no(), forwarders in few((maybe(text()), ip())), texts in few((text(), text())),
        services in few(service()), hosts in few((ip(), few(text()))),
    ) -> Dns {
        let forwarder = |(domain, address)| DnsForwarder { domain, address, ..Default::default() };
        let record = |(name, value)| DnsText { name, value, ..Default::default() };
        let host = |(ip, names)| DnsHost { ip, names, ..Default::default() };
        Dns {
            enable, forward_plain_names, services,
            forwarders: forwarders.into_iter().map(forwarder).collect(),
            texts: texts.into_iter().map(record).collect(),
            hosts: hosts.into_iter().map(host).collect(),
            ..Default::default()
        }
    }
}

fn vlan() -> impl Strategy<Value = Option<Vlan>> {
    let tag =
        (any::<u16>(), maybe(any_of(NativeMode::ALL))).prop_map(|(id, native_mode)| VlanTag { id, native_mode, ..Default::default() });
    maybe((yes_no(), few(tag)).prop_map(|(trunk, tags)| Vlan { trunk, tags, ..Default::default() }))
}

fn limit() -> impl Strategy<Value = Option<BandwidthLimit>> {
    let rate = || maybe(any::<u64>());
    maybe((rate(), rate(), rate(), rate()).prop_map(|(average, peak, floor, burst)| BandwidthLimit {
        average,
        peak,
        floor,
        burst,
        ..Default::default()
    }))
}

fn bandwidth() -> impl Strategy<Value = Option<Bandwidth>> {
    let limits = (maybe(any::<u32>()), limit(), limit());
    maybe(limits.prop_map(|(class_id, inbound, outbound)| Bandwidth { class_id, inbound, outbound, ..Default::default() }))
}

fn virtual_port() -> impl Strategy<Value = Option<VirtualPort>> {
    let parameters = (maybe(text()), maybe(text()), maybe(text())).prop_map(|(manager_id, interface_id, profile_id)| {
        VirtualPortParameters { manager_id, interface_id, profile_id, ..Default::default() }
    });
    maybe((maybe(text()), maybe(parameters)).prop_map(|(kind, parameters)| VirtualPort { kind, parameters, ..Default::default() }))
}

prop_compose! {
    fn port_group()(
        name in text(), default in yes_no(), trust_guest_rx_filters in yes_no(), virtual_port in virtual_port(), bandwidth in bandwidth(),
        vlan in vlan(),
    ) -> PortGroup {
        PortGroup { name, default, trust_guest_rx_filters, virtual_port, bandwidth, vlan, ..Default::default() }
    }
}

prop_compose! {
    fn general()(
        connections in maybe(any::<u32>()), ipv6 in yes_no(), trust_guest_rx_filters in yes_no(), name in text(), uuid in uuid(),
        title in maybe(text()), description in maybe(text()), metadata in maybe("(<a:b xmlns:a='urn:a'>[a-z ]{0,5}</a:b>)?"),
    ) -> Network {
        Network {
            connections, ipv6, trust_guest_rx_filters, name, uuid, title, description, metadata: metadata.map(RawXml), ..Default::default()
        }
    }
}

prop_compose! {
    fn made_up()(
        general in general().boxed(), forward in maybe(forward().boxed()), bridge in maybe(bridge()), mtu in maybe(any::<u32>()),
        mac in maybe(mac()), domain in maybe((text(), yes_no(), yes_no())), dns in maybe(dns().boxed()),
        ports in (vlan(), bandwidth(), maybe(yes_no()), virtual_port(), few(port_group())).boxed(),
        ips in few(network_ip().boxed()), routes in few(route()), options in maybe(few(text())),
    ) -> Network {
        let (vlan, bandwidth, isolated, virtual_port, port_groups) = ports;
        let option = |value| DnsmasqOption { value, ..Default::default() };
        Network {
            forward, bridge, dns, vlan, bandwidth, ips, routes, virtual_port, port_groups,
            mtu: mtu.map(|size| Mtu { size, ..Default::default() }),
            mac: mac.map(|address| BridgeMac { address, ..Default::default() }),
            domain: domain.map(|(name, local_only, register)| DnsDomain { name, local_only, register, ..Default::default() }),
            port: isolated.map(|isolated| BridgePort { isolated, ..Default::default() }),
            dnsmasq_options: options
                .map(|options| DnsmasqOptions { options: options.into_iter().map(option).collect(), ..Default::default() }),
            ..general
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(network in made_up()) {
        is_read_as_written(&network)?;
    }

    #[test]
    fn views_tell_nothing_that_the_check_does_not(network in made_up()) {
        let told = network.validate().err().unwrap_or_default();
        let of_the_view = network.view().err().unwrap_or_default();
        prop_assert!(of_the_view.iter().all(|problem| told.contains(problem)), "{:?} in {:?}", of_the_view, told);
    }
}
