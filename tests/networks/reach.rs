//! Who reaches whom, mode by mode.

use std::io::ErrorKind;

use lodge_service::networks::Request;

use crate::client::{dhcp, reach, resolve};
use crate::namespace::Namespace;
use crate::world::{HOST, HOST6, SERVER, SERVER6, World};

/// A network of a mode, with what its guests need; no spanning tree, so that its ports are open at once.
fn network(forward: &str) -> String {
    format!(
        "<network><name>net</name>{forward}<bridge name='virbr0' stp='off'/><domain name='lab.test'/>
        <dns><host ip='192.168.122.9'><hostname>nine</hostname></host></dns>
        <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.100' end='192.168.122.120'/></dhcp></ip>
        <ip family='ipv6' address='fd00:122::1' prefix='64'/></network>"
    )
}

/// Gives a guest an address of IPv6 and the way out.
fn with_ipv6(guest: &Namespace) -> &'static str {
    guest.ip("addr add fd00:122::77/64 dev eth0 nodad");
    guest.ip("-6 route replace default via fd00:122::1");
    "fd00:122::77"
}

/// Lets the outside know the way to guests, so that only the rules keep it from them.
fn tell_the_way(world: &World) {
    world.outside.ip(&format!("route add 192.168.122.0/24 via {HOST}"));
    world.outside.ip(&format!("-6 route add fd00:122::/64 via {HOST6}"));
}

#[test]
fn nat_gives_addresses_and_names_and_hides_guests() {
    let world = World::new();
    let network = world.start(&network("<forward mode='nat'><nat ipv6='yes'/></forward>"));
    tell_the_way(&world);
    let guest = world.guest("virbr0");
    let obtained = dhcp(&guest, "web");
    assert!(obtained.said.contains("dns=192.168.122.1\n") && obtained.said.contains("domain=lab.test\n"), "{}", obtained.said);

    let leases = world.wait(world.networks().leases(network.uuid())).unwrap();
    assert_eq!((leases.len(), leases[0].address, leases[0].name.as_deref()), (1, obtained.address, Some("web")));
    let server = "192.168.122.1".parse().unwrap();
    assert_eq!(resolve(&guest, server, "web.lab.test"), Some(obtained.address));
    assert_eq!(resolve(&guest, server, "nine.lab.test"), Some("192.168.122.9".parse().unwrap()));

    assert_eq!(reach(&guest, &world.outside, SERVER), Ok(HOST.parse().unwrap()), "the host's address is what others see");
    assert_eq!(reach(&world.outside, &guest, &obtained.address.to_string()), Err(ErrorKind::ConnectionRefused));
    let v6 = with_ipv6(&guest);
    assert_eq!(reach(&guest, &world.outside, SERVER6), Ok(HOST6.parse().unwrap()));
    assert_eq!(reach(&world.outside, &guest, v6), Err(ErrorKind::ConnectionRefused));
    assert_eq!(reach(&guest, &world.host, "192.168.122.1"), Ok(obtained.address));
}

#[test]
fn guests_of_a_network_reach_each_other() {
    let world = World::new();
    world.start(&network("<forward mode='nat'/>"));
    let (one, other) = (world.guest("virbr0"), world.guest("virbr0"));
    let (address, there) = (dhcp(&one, "one").address, dhcp(&other, "other").address);
    assert_ne!(address, there);
    assert_eq!(reach(&one, &other, &there.to_string()), Ok(address));
}

#[test]
fn isolated_guests_reach_each_other_and_the_host_only() {
    let world = World::new();
    world.start(&network(""));
    tell_the_way(&world);
    let (guest, other) = (world.guest("virbr0"), world.guest("virbr0"));
    let (obtained, there) = (dhcp(&guest, "web"), dhcp(&other, "db").address);
    assert!(!obtained.said.contains("\nrouter="), "there is no way out: {}", obtained.said);
    assert_eq!(reach(&guest, &other, &there.to_string()), Ok(obtained.address));
    assert_eq!(reach(&guest, &world.host, "192.168.122.1"), Ok(obtained.address));
    // Also not if the host forwards for others, and the guest insists.
    guest.ip("route add default via 192.168.122.1");
    world.host.enter(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap());
    world.host.enter(|| std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap());
    assert_eq!(reach(&guest, &world.outside, SERVER), Err(ErrorKind::ConnectionRefused));
    assert_eq!(reach(&world.outside, &guest, &obtained.address.to_string()), Err(ErrorKind::ConnectionRefused));
    let v6 = with_ipv6(&guest);
    assert_eq!(reach(&guest, &world.outside, SERVER6), Err(ErrorKind::ConnectionRefused));
    assert_eq!(reach(&world.outside, &guest, v6), Err(ErrorKind::ConnectionRefused));
}

#[test]
fn routed_and_open_guests_are_seen_with_their_own_addresses() {
    for mode in ["route", "open"] {
        let world = World::new();
        world.start(&network(&format!("<forward mode='{mode}'/>")));
        tell_the_way(&world);
        let guest = world.guest("virbr0");
        let address = dhcp(&guest, "web").address;
        assert_eq!(reach(&guest, &world.outside, SERVER), Ok(address), "{mode}");
        assert_eq!(reach(&world.outside, &guest, &address.to_string()), Ok(SERVER.parse().unwrap()), "{mode}");
        let v6 = with_ipv6(&guest);
        assert_eq!(reach(&guest, &world.outside, SERVER6), Ok(v6.parse().unwrap()), "{mode}");
        // Who takes another address gets no further where there are rules.
        guest.ip("addr add 10.9.9.9/32 dev eth0");
        world.host.ip("route add 10.9.9.9/32 dev virbr0");
        world.outside.ip(&format!("route add 10.9.9.9/32 via {HOST}"));
        guest.ip("route replace default via 192.168.122.1 src 10.9.9.9");
        let expected = if mode == "open" { Ok("10.9.9.9".parse().unwrap()) } else { Err(ErrorKind::ConnectionRefused) };
        assert_eq!(reach(&guest, &world.outside, SERVER), expected, "{mode}");
    }
}

#[test]
fn a_guest_makes_its_own_address_of_ipv6() {
    let world = World::new();
    world.start(&network("<forward mode='route'/>"));
    let guest = Namespace::new();
    let ip = lodge_tests::binaries::installed("ip", "iproute2");
    // Told by the kernel as soon as the router's advertisement has come; until then the program waits.
    let monitor = guest.enter(|| {
        lodge_tests::binaries::command(ip).args(["-6", "monitor", "address"]).stdout(std::process::Stdio::piped()).spawn().unwrap()
    });
    let mut monitor = Ended(monitor);
    world.host.cable("auto0", &guest, "eth0");
    world.host.ip("link set auto0 master virbr0");
    let told = std::io::BufRead::lines(std::io::BufReader::new(monitor.0.stdout.take().unwrap()));
    let mut addresses = told.map_while(Result::ok).filter(|line| line.contains("fd00:122:"));
    assert!(addresses.next().is_some());
}

/// A program that is ended with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn networks_keep_from_each_other_what_is_not_asked_for() {
    let world = World::new();
    world.start(&network("<forward mode='nat'/>"));
    let second = network("<forward mode='route'/>").replace("net</", "second</").replace("virbr0", "virbr1");
    world.start(&second.replace("192.168.122.", "192.168.123.").replace("fd00:122:", "fd00:123:"));
    let (hidden, routed) = (world.guest("virbr0"), world.guest("virbr1"));
    let (hidden_at, routed_at) = (dhcp(&hidden, "hidden").address, dhcp(&routed, "routed").address);
    assert_eq!(reach(&routed, &hidden, &hidden_at.to_string()), Err(ErrorKind::ConnectionRefused));
    assert_eq!(reach(&hidden, &routed, &routed_at.to_string()), Ok("192.168.123.1".parse().unwrap()));
    // Each can go without the other.
    world.ask(&world.network("net"), Request::Destroy).unwrap();
    world.outside.ip(&format!("route add 192.168.123.0/24 via {HOST}"));
    assert_eq!(reach(&routed, &world.outside, SERVER), Ok(routed_at));
}
