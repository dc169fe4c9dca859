//! Limits of throughput, measured.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use lodge_service::networks::{Limits, Plug, Rate, Request, To};
use uuid::Uuid;

use crate::namespace::Namespace;
use crate::world::World;

/// KiB that are sent.
const AMOUNT: usize = 6144;

/// How long so much takes from one to another.
fn time(from: &Namespace, to: &Namespace, at: &str) -> Duration {
    let listener = to.enter(|| TcpListener::bind((at, 0)).unwrap());
    let there = listener.local_addr().unwrap();
    std::thread::scope(|scope| {
        let receiving = scope.spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
        });
        let since = from.enter(|| {
            // A first packet that is lost while the cable comes up is sent again after a second: that is not meant.
            let mut stream = TcpStream::connect(there).unwrap();
            let since = Instant::now();
            stream.write_all(&vec![0; AMOUNT << 10]).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            // The end of the other side: all is there.
            stream.read_to_end(&mut Vec::new()).unwrap();
            since
        });
        receiving.join().unwrap();
        since.elapsed()
    })
}

#[test]
fn guests_of_a_network_have_what_it_allows_them_together() {
    let world = World::new();
    let limited = |bandwidth: &str| {
        format!("<network><name>net</name><bridge name='virbr0' stp='off'/>{bandwidth}<ip address='10.77.0.1' prefix='24'/></network>")
    };
    let network = world.start(&limited("<bandwidth><inbound average='2048'/><outbound average='2048' burst='512'/></bandwidth>"));
    let guest = world.guest("virbr0");
    guest.ip("addr add 10.77.0.2/24 dev eth0");
    let (to_guest, from_guest) = (time(&world.host, &guest, "10.77.0.2"), time(&guest, &world.host, "10.77.0.1"));
    // 6 MiB at 2 MiB a second, those of the first second at once.
    assert!(to_guest > Duration::from_millis(1200), "{to_guest:?}");
    assert!(from_guest > Duration::from_millis(1200), "{from_guest:?}");
    world.ask(&network, Request::Destroy).unwrap();
    assert_eq!(world.remains(), Vec::<String>::new());

    world.start(&limited(""));
    let free = world.guest("virbr0");
    free.ip("addr add 10.77.0.2/24 dev eth0");
    let unlimited = time(&free, &world.host, "10.77.0.1");
    assert!(unlimited < Duration::from_millis(1000), "{unlimited:?}");
}

#[test]
fn the_limits_of_an_interface_go_with_it() {
    let world = World::new();
    world.host.ip("link add br0 type bridge");
    let (rate, owner) = (Rate { average: 1000, peak: Some(2000), burst: 500 }, Uuid::new_v4());
    let plug = Plug {
        owner,
        mac: [0x52, 0x54, 0, 0, 0, 1],
        to: To::Bridge("br0".into()),
        name: Some("web-0".into()),
        queues: 1,
        filter: None,
        vlans: Vec::new(),
        vnet_header: false,
        mtu: None,
        isolated: false,
        limits: Some(Limits { to_guests: Some(rate), from_guests: Some(rate) }),
    };
    let plugged = world.wait(world.networks().plug(&plug)).unwrap_or_else(|error| panic!("{error}"));
    assert!(world.remains().iter().any(|line| line.contains("netdev lodge_if_web_2d0")), "{:?}", world.remains());
    drop(plugged);
    world.wait(world.networks().unplug(owner));
    assert!(!world.remains().concat().contains("lodge_if_"));
}

#[test]
fn limits_are_of_the_guest_on_whichever_side_of_its_cable_the_interface_is() {
    let world = World::new();
    let slow = Some(Rate { average: 111, peak: None, burst: 128 });
    let plug = |to: To| Plug {
        owner: Uuid::new_v4(),
        mac: [0x52, 0x54, 0, 0, 0, 1],
        to,
        name: None,
        queues: 1,
        filter: None,
        vlans: Vec::new(),
        vnet_header: false,
        mtu: None,
        isolated: false,
        limits: Some(Limits { to_guests: None, from_guests: slow }),
    };
    let direct = To::Direct { dev: "up0".into(), mode: lodge_model::domain::devices::DirectMode::Bridge };
    for (to, hook) in [(direct, "hook egress"), (To::Nothing { is_there: false }, "hook ingress")] {
        let plug = plug(to);
        let plugged = world.wait(world.networks().plug(&plug)).unwrap_or_else(|error| panic!("{error}"));
        let nft = lodge_tests::binaries::installed("nft", "nftables");
        let table = format!("lodge_if_{}", plugged.interface);
        let told = world.host.run(nft.to_str().unwrap(), &["list", "table", "netdev", &table]);
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(told.contains("chain from_guests") && told.contains(hook) && told.contains("111"), "{told}");
        drop(plugged);
        world.wait(world.networks().unplug(plug.owner));
        assert!(!world.remains().concat().contains("lodge_if_"), "{:?}", world.remains());
    }
}
