//! Guests of users, on bridges that the administrator lets users have.

use lodge_service::error::ErrorKind;
use lodge_service::events::Publisher;
use lodge_service::networks::{Networks, Plug, To};
use lodge_tests::binaries;
use nix::sched::{CloneFlags, unshare};
use uuid::Uuid;

use crate::world::{World, store};

/// Lays a directory of the test's over `/etc`, for this thread and those that it starts.
fn with_own_etc(upper: &std::path::Path) {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let (changes, work) = (upper.join("changes"), upper.join("work"));
    for directory in [&changes, &work] {
        std::fs::create_dir(directory).unwrap();
    }
    let options = format!("lowerdir=/etc,upperdir={},workdir={}", changes.display(), work.display());
    let mount = binaries::installed("mount", "mount");
    for arguments in [&["--make-rprivate", "/"][..], &["-t", "overlay", "overlay", "-o", &options, "/etc"]] {
        let done = binaries::command(&mount).args(arguments).status().unwrap();
        assert!(done.success(), "mount {arguments:?}");
    }
}

#[test]
fn a_users_guest_is_on_a_bridge_that_the_administrator_allows_and_on_no_other() {
    let directory = tempfile::tempdir().unwrap();
    with_own_etc(directory.path());
    std::fs::create_dir_all("/etc/qemu").unwrap();
    std::fs::write("/etc/qemu/bridge.conf", "allow br0\n").unwrap();
    let world = World::new();
    for bridge in ["br0", "br1"] {
        world.host.ip(&format!("link add {bridge} type bridge"));
    }
    let root = directory.path().join("session");
    let networks = world.wait(async { Networks::new(store(&root).await, Publisher::new().0, true).unwrap() });
    let plug = |to: To| Plug {
        owner: Uuid::new_v4(),
        mac: [0x52, 0x54, 0, 0, 0, 1],
        to,
        name: None,
        queues: 1,
        filter: None,
        vlans: Vec::new(),
        vnet_header: true,
        mtu: None,
        isolated: false,
        limits: None,
    };
    let plugged = world.wait(networks.plug(&plug(To::Bridge("br0".into())))).unwrap_or_else(|error| panic!("{error}"));
    let link = world.host.ip(&format!("-o link show {}", plugged.interface));
    assert!(link.contains("master br0") && plugged.queues.len() == 1, "{link}");
    drop(plugged);
    assert!(!world.host.ip("-o link").contains("master br0"));

    let error = world.wait(networks.plug(&plug(To::Bridge("br1".into())))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAuthorized);
    assert!(error.to_string().contains("'allow br1' in /etc/qemu/bridge.conf"), "{error}");
    let network = To::Network { name: "default".into(), port_group: None };
    assert_eq!(world.wait(networks.plug(&plug(network))).unwrap_err().kind(), ErrorKind::NotSupported);
}
