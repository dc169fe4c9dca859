//! Networks beside firewalld: their bridges are in zones that let guests have what their network lets them have.

use lodge_tests::hosts::{Container, Host, Ran};

use super::service::installed;

fn network(name: &str, forward: &str, number: u8) -> String {
    format!(
        "<network><name>{name}</name>{forward}<bridge name='{name}0' stp='off'/>
        <ip address='10.77.{number}.1' prefix='24'><dhcp><range start='10.77.{number}.2' end='10.77.{number}.9'/></dhcp></ip></network>"
    )
}

fn define(host: &Container, name: &str, xml: &str) {
    let path = format!("/tmp/{name}.xml");
    host.write(&path, xml);
    host.run(&["lodgectl", "net-define", &path]).success();
}

/// A computer with a cable to the host: a network namespace.
fn computer(host: &Container, name: &str, address: &str, gateway: &str, connect: &str) {
    let script = format!(
        "ip netns add {name}; ip link add {name}-0 type veth peer name eth0 netns {name}; ip link set {name}-0 up; {connect}
         ip -n {name} link set lo up; ip -n {name} link set eth0 up; ip -n {name} address add {address}/24 dev eth0
         ip -n {name} route add default via {gateway}"
    );
    host.run(&["sh", "-e", "-c", &script]).success();
}

/// Connects from a computer to a port.
fn connect(host: &Container, from: &str, to: &str, port: u16) -> Ran {
    host.run(&["ip", "netns", "exec", from, "timeout", "10", "bash", "-c", &format!("exec 3<>/dev/tcp/{to}/{port}")])
}

fn zone(host: &Container, interface: &str) -> String {
    host.run(&["firewall-cmd", &format!("--get-zone-of-interface={interface}")]).stdout.trim().to_owned()
}

/// Somebody who listens on a port, of a computer or of the host.
fn serve(host: &Container, unit: &str, netns: Option<&str>, port: u16) {
    let program = format!("import socketserver; socketserver.TCPServer(('', {port}), socketserver.BaseRequestHandler).serve_forever()");
    let enter: &[&str] = netns.as_ref().map_or(&[], |_| &["ip", "netns", "exec"]);
    let argv = [&["systemd-run", "--quiet", "--unit", unit][..], enter, netns.as_slice(), &["python3", "-c", &program]].concat();
    host.run(&argv).success();
    let enter = netns.map_or_else(String::new, |name| format!("ip netns exec {name} "));
    let wait = format!("until {enter}ss -Hltn sport = :{port} | grep -q LISTEN; do :; done");
    host.run(&["timeout", "60", "bash", "-c", &wait]).success();
}

#[test]
fn bridges_are_in_zones_that_let_guests_have_what_their_network_says() {
    let host = installed();
    host.run(&["systemctl", "start", "firewalld"]).success();
    assert_eq!(host.run(&["firewall-cmd", "--state"]).success(), "running");
    define(&host, "nat", &network("nat", "<forward mode='nat'/>", 1));
    define(&host, "routed", &network("routed", "<forward mode='route'/>", 2));
    for name in ["nat", "routed"] {
        let started = host.run(&["lodgectl", "net-start", name]);
        assert!(started.status == 0 && started.stderr.is_empty(), "{started:?}");
    }
    assert_eq!([zone(&host, "nat0"), zone(&host, "routed0")], ["lodge", "lodge-routed"]);
    computer(&host, "guest", "10.77.1.2", "10.77.1.1", "ip link set guest-0 master nat0");
    computer(&host, "known", "10.77.2.2", "10.77.2.1", "ip link set known-0 master routed0");
    computer(&host, "outside", "192.0.2.2", "192.0.2.1", "ip address add 192.0.2.1/24 dev outside-0");
    serve(&host, "host-server", None, 8080);
    serve(&host, "outside-server", Some("outside"), 80);
    serve(&host, "known-server", Some("known"), 80);
    for (from, to, port, reaches) in [
        // Names and the world, but nothing else of the host.
        ("guest", "10.77.1.1", 53, true),
        ("guest", "192.0.2.2", 80, true),
        ("guest", "10.77.1.1", 8080, false),
        ("known", "10.77.2.1", 53, true),
        ("known", "192.0.2.2", 80, true),
        ("known", "10.77.2.1", 8080, false),
        // Only routed guests are reached.
        ("outside", "10.77.2.2", 80, true),
        ("outside", "10.77.1.2", 22, false),
    ] {
        let connected = connect(&host, from, to, port);
        assert_eq!(connected.status == 0, reaches, "{from} to {to}:{port}: {connected:?}");
    }
    // What firewalld forgets it is told again.
    host.run(&["systemctl", "restart", "firewalld"]).success();
    host.run(&["timeout", "60", "bash", "-c", "until [ \"$(firewall-cmd --get-zone-of-interface=nat0)\" = lodge ]; do :; done"]).success();
    assert_eq!(connect(&host, "guest", "192.0.2.2", 80).status, 0);
    for name in ["nat", "routed"] {
        host.run(&["lodgectl", "net-destroy", name]).success();
    }
    assert_eq!(host.run(&["firewall-cmd", "--zone=lodge", "--list-interfaces"]).success(), "");
    assert_eq!(host.run(&["firewall-cmd", "--zone=lodge-routed", "--list-interfaces"]).success(), "");
}

#[test]
fn a_zone_that_is_asked_for_has_to_be_there_before_anything_is_made() {
    let host = installed();
    define(&host, "lab", &network("lab", "", 1).replace("stp=", "zone='secret' stp="));
    let refused = host.run(&["lodgectl", "net-start", "lab"]).failure();
    assert!(refused.contains("systemctl start firewalld"), "{refused}");
    host.run(&["systemctl", "start", "firewalld"]).success();
    let refused = host.run(&["lodgectl", "net-start", "lab"]).failure();
    assert!(refused.contains("firewalld has no zone 'secret' for network 'lab'"), "{refused}");
    host.run(&["ip", "link", "show", "lab0"]).failure();
    host.run(&["lodgectl", "net-update", "lab", "modify", "bridge", "<bridge zone='trusted' stp='off'/>", "--config"]).success();
    host.run(&["lodgectl", "net-start", "lab"]).success();
    assert_eq!(zone(&host, "lab0"), "trusted");
    host.run(&["lodgectl", "net-update", "lab", "modify", "bridge", "<bridge zone='home' stp='off'/>"]).success();
    assert_eq!(zone(&host, "lab0"), "home");
    let refused = host.run(&["lodgectl", "net-update", "lab", "modify", "bridge", "<bridge zone='secret' stp='off'/>"]).failure();
    assert!(refused.contains("no zone 'secret'") && zone(&host, "lab0") == "home", "{refused}");
}
