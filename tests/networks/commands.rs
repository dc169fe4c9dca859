//! `lodgectl net-...` as a person types it, to the built `lodged` of the system on a bus of its own, all in a network namespace.

use lodge_tests::binaries;
use lodge_tests::bus::PrivateBus;
use lodge_tests::polkit::{Answer, Authority};

use crate::client::dhcp;
use crate::namespace::{Namespace, leave};

/// A service in this thread's namespace, and who lets everybody do everything with it.
pub struct System {
    pub bus: PrivateBus,
    _authority: Authority,
    _runtime: tokio::runtime::Runtime,
}

impl System {
    pub fn new() -> Self {
        let bus = PrivateBus::with_system_lodged(&[]);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let authority = runtime.block_on(Authority::on(bus.address(), |_| Answer::Yes));
        Self { bus, _authority: authority, _runtime: runtime }
    }

    /// What the program prints when it does well.
    pub fn net(&self, arguments: &[&str]) -> String {
        let mut command = self.bus.command(binaries::built("lodgectl"));
        let output = command.arg("--system").args(arguments).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stdout}{stderr}");
        stdout
    }

    /// What it complains about when it does not.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.bus.command(binaries::built("lodgectl")).arg("--system").args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn the_verbs_of_virsh_lead_a_network_through_its_life() {
    leave();
    let host = Namespace::own();
    host.ip("link set lo up");
    let system = System::new();
    assert_eq!(system.net(&["net-list", "--all", "--name"]), "default\n", "it is offered");
    assert!(system.net(&["net-dumpxml", "default"]).contains("192.168.122.254"));
    assert_eq!(system.net(&["net-start", "default"]), "Network default started\n");
    assert!(system.net(&["net-list"]).contains(" default   active   no          yes"), "{}", system.net(&["net-list"]));

    let guest = Namespace::new();
    host.ip("link set virbr0 type bridge stp_state 0");
    host.ip("link set virbr0 type bridge forward_delay 0");
    host.cable("port0", &guest, "eth0");
    guest.ip("link set eth0 address 52:54:00:00:00:07");
    host.ip("link set port0 master virbr0");
    let update = ["net-update", "default", "add", "ip-dhcp-host", "<host mac='52:54:00:00:00:07' name='web' ip='192.168.122.77'/>"];
    assert!(system.net(&update).starts_with("Updated network default"));
    assert_eq!(dhcp(&guest, "web").address.to_string(), "192.168.122.77");
    let leases = system.net(&["net-dhcp-leases", "default"]);
    assert!(leases.contains("52:54:00:00:00:07") && leases.contains("192.168.122.77") && leases.contains("web"), "{leases}");
    assert_eq!(system.net(&["net-dhcp-leases", "default", "--mac", "52:54:00:00:00:08"]).lines().count(), 2, "headings only");

    let lab = system.bus.directory().join("lab.xml");
    std::fs::write(&lab, "<network><name>lab</name><bridge stp='off'/><ip address='10.44.0.1' prefix='24'/></network>").unwrap();
    let lab = lab.to_str().unwrap();
    assert_eq!(system.net(&["net-define", lab]), format!("Network lab defined from {lab}\n"));
    assert_eq!(system.net(&["net-autostart", "lab"]), "Network lab marked as autostarted\n");
    let uuid = system.net(&["net-uuid", "lab"]);
    assert_eq!(system.net(&["net-name", uuid.trim()]), "lab\n");
    let info = system.net(&["net-info", "lab"]);
    for line in ["Active:", "Autostart:        yes", "Mode:             isolated", "Addresses:        10.44.0.1/24"] {
        assert!(info.contains(line), "{line}\n{info}");
    }
    // Of a network with the same addresses as one that runs.
    let twin = system.bus.directory().join("twin.xml");
    std::fs::write(&twin, "<network><name>twin</name><ip address='192.168.122.1' prefix='24'/></network>").unwrap();
    let refused = system.refused(&["net-create", twin.to_str().unwrap()]);
    assert!(refused.contains("192.168.122.0/24 by virbr0"), "{refused}");
    assert_eq!(system.net(&["net-list", "--all", "--name"]), "default\nlab\n");
    assert_eq!(system.net(&["net-undefine", "lab"]), "Network lab has been undefined\n");

    assert_eq!(system.net(&["net-destroy", "default"]), "Network default destroyed\n");
    assert!(!host.ip("-o link").contains("virbr"));
    assert_eq!(system.net(&["net-undefine", "default"]), "Network default has been undefined\n");
    assert_eq!(system.net(&["net-list", "--all", "--name"]), "");
    assert!(system.refused(&["net-info", "default"]).contains("there is no network with the name or UUID 'default'"));
}

#[test]
fn a_definition_is_changed_in_the_persons_editor() {
    leave();
    let host = Namespace::own();
    host.ip("link set lo up");
    let system = System::new();
    system.net(&["net-start", "default"]);
    // An editor that takes its program from the environment, as people have them in wrappers.
    let editor = |script: &str| format!("sed -i {script}");
    let edit = |script: &str| {
        let mut command = system.bus.command(binaries::built("lodgectl"));
        command.args(["--system", "net-edit", "default"]).env("EDITOR", editor(script)).env_remove("VISUAL");
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let (done, said) = edit("s/192.168.122.254/192.168.122.99/");
    assert!(done && said.contains("default"), "{said}");
    assert!(system.net(&["net-dumpxml", "default", "--inactive"]).contains("192.168.122.99"));
    assert!(system.net(&["net-dumpxml", "default"]).contains("192.168.122.254"), "what runs goes on as it is");
    assert!(system.net(&["net-info", "default"]).contains("Pending changes:  yes"));
    // What is no network is refused, and what was written is not lost.
    let (done, said) = edit("s/192.168.122.99/10.0.0.1/");
    assert!(!done && said.contains("what you wrote is kept in "), "{said}");
    let kept = said.split("what you wrote is kept in ").nth(1).unwrap().lines().next().unwrap();
    assert!(std::fs::read_to_string(kept).unwrap().contains("10.0.0.1"));
    std::fs::remove_file(kept).unwrap();
    assert!(system.net(&["net-dumpxml", "default", "--inactive"]).contains("192.168.122.99"));
    system.net(&["net-destroy", "default"]);
}
