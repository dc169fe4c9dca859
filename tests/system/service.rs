//! The installed service on a real system bus, with the real polkit and systemd: who gets in, who does not, and what outlives
//! what.

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Instant;

use futures_util::StreamExt;
use lodge_dbus_interfaces::BUS_NAME;
use lodge_tests::hosts::{Container, Host, LIMIT, Ran};
use lodge_tests::staging;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};

/// A rule that lets one user use one virtual machine: the example of docs/security.md.
const ONE_MACHINE: &str = include_str!("../../docs/examples/one-machine.rules");

/// A container with the service installed, not running.
pub fn installed() -> Container {
    let host = Container::boot();
    let staged = tempfile::tempdir().unwrap();
    staging::install("/usr", staged.path().to_str().unwrap());
    host.install_staged(staged.path());
    people(&host);
    host
}

/// Alice and Mallory may nothing, Oscar is in the group.
pub fn people(host: &Container) {
    host.add_user("alice", &[]);
    host.add_user("mallory", &[]);
    host.add_user("oscar", &["lodge"]);
}

fn xml(name: &str) -> String {
    format!("<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory><os><type arch='x86_64'>hvm</type></os></domain>")
}

/// Has root define a domain.
pub fn define(host: &Container, name: &str) {
    host.write(&format!("/tmp/{name}.xml"), &xml(name));
    host.run(&["lodgectl", "--system", "define", &format!("/tmp/{name}.xml")]).success();
}

pub fn busctl_define(host: &Container, user: &str, name: &str) -> Ran {
    let call = ["busctl", "call", BUS_NAME, "/org/lodge/Lodge1", "org.lodge.Lodge1.Manager", "DefineDomain", "sa{sv}", &xml(name), "0"];
    host.run_as(user, &call)
}

pub fn lodgectl(host: &Container, user: &str, arguments: &[&str]) -> Ran {
    host.run_as(user, &[&["lodgectl", "--system"], arguments].concat())
}

/// Changes of the service's name on the container's bus.
async fn owners(host: &Container) -> (zbus::Connection, NameOwnerChangedStream) {
    let connection = zbus::connection::Builder::address(&*host.bus_address()).build().await.unwrap();
    let bus = DBusProxy::new(&connection).await.unwrap();
    let owners = bus.receive_name_owner_changed_with_args(&[(0, BUS_NAME)]).await.unwrap();
    (connection, owners)
}

#[tokio::test]
async fn a_call_starts_it_and_idleness_ends_it() {
    let host = installed();
    host.write("/etc/lodge/lodged.toml", "idle_timeout_seconds = 1\n");
    let (_bus, mut owners) = owners(&host).await;
    let state =
        |host: &Container| host.run(&["systemctl", "show", "--property=ActiveState,Result,ExecMainStatus,NRestarts", "lodged"]).success();
    assert!(state(&host).contains("ActiveState=inactive"));
    // Introspection is for everybody; it is enough to start the service.
    let told = host.run_as("mallory", &["busctl", "introspect", "--xml-interface", BUS_NAME, "/org/lodge/Lodge1"]).success();
    assert!(told.contains("org.lodge.Lodge1.Manager"), "{told}");
    let gone = async { while owners.next().await.is_some_and(|change| change.args().unwrap().new_owner().is_some()) {} };
    tokio::time::timeout(LIMIT, gone).await.expect("the service stays");
    // It ends by itself, and well.
    let until = Instant::now() + LIMIT;
    let mut ended = state(&host);
    while ended.contains("ActiveState=active") || ended.contains("ActiveState=deactivating") {
        assert!(Instant::now() < until, "it gives up its name and stays: {ended}");
        ended = state(&host);
    }
    assert_eq!(ended, "Result=success\nNRestarts=0\nExecMainStatus=0\nActiveState=inactive");
}

#[test]
fn strangers_are_refused_and_nothing_happens() {
    let host = installed();
    define(&host, "web");
    let refusal = busctl_define(&host, "mallory", "mine").failure();
    assert!(refusal.contains("org.lodge.Lodge1.domain.define needs an authentication"), "{refusal}");
    for arguments in [&["list", "--all"][..], &["start", "web"], &["dumpxml", "web"], &["domstate", "web"], &["version"]] {
        let refusal = lodgectl(&host, "mallory", arguments).failure();
        assert!(refusal.contains("needs an authentication"), "{arguments:?}: {refusal}");
    }
    assert_eq!(host.run(&["ls", "/etc/lodge/domains"]).success(), "web.xml");
    assert!(host.run(&["lodgectl", "list", "--all"]).success().contains("shut off"));
    // Files are closed to others, too.
    host.run_as("mallory", &["ls", "/etc/lodge"]).failure();
    host.run_as("mallory", &["ls", "/var/lib/lodge"]).failure();
    // The service itself is root's alone.
    let refusal = host.run_as("mallory", &["lodged", "--system"]).failure();
    assert!(refusal.contains("the system instance runs as root"), "{refusal}");
}

#[test]
fn a_rule_gives_one_machine_to_one_user() {
    let host = installed();
    for name in ["web", "db"] {
        define(&host, name);
    }
    host.write("/etc/polkit-1/rules.d/20-alice-web.rules", ONE_MACHINE);
    host.run(&["systemctl", "restart", "polkit"]).success();
    lodgectl(&host, "alice", &["start", "web"]).success();
    let listed = lodgectl(&host, "alice", &["list", "--all", "--name"]).success();
    assert_eq!(listed.trim(), "web");
    lodgectl(&host, "alice", &["destroy", "web"]).success();
    for arguments in [&["start", "db"][..], &["domstate", "db"], &["domstate", "none"], &["domrename", "web", "db2"], &["undefine", "web"]]
    {
        let refusal = lodgectl(&host, "alice", arguments).failure();
        assert!(refusal.contains("needs an authentication"), "{arguments:?}: {refusal}");
    }
    lodgectl(&host, "mallory", &["domstate", "web"]).failure();
}

#[test]
fn the_group_uses_all_machines_and_defines_none() {
    let host = installed();
    define(&host, "web");
    assert_eq!(lodgectl(&host, "oscar", &["start", "web"]).success(), "Domain 'web' started");
    assert!(lodgectl(&host, "oscar", &["list"]).success().contains("running"));
    lodgectl(&host, "oscar", &["dumpxml", "web"]).success();
    lodgectl(&host, "oscar", &["dumpxml", "--security-info", "web"]).failure();
    let refusal = busctl_define(&host, "oscar", "mine").failure();
    assert!(refusal.contains("domain.define needs an authentication"), "{refusal}");
    lodgectl(&host, "oscar", &["destroy", "web"]).success();
}

#[test]
fn an_administrator_is_asked_in_the_terminal() {
    let host = installed();
    define(&host, "web");
    host.run(&["groupadd", "--force", "sudo"]).success();
    host.add_user("ada", &["sudo"]);
    host.run(&["sh", "-c", "echo ada:lovelace | chpasswd"]).success();
    // Without a terminal and without an agent she is refused at once.
    let refusal = lodgectl(&host, "ada", &["start", "web"]).failure();
    assert!(refusal.contains("nobody could be asked"), "{refusal}");

    // script(1) gives the command a terminal, su a session with it.
    let start = "su --login ada --session-command 'lodgectl --system start web'";
    let mut command = host.command(&["script", "--quiet", "--return", "--command", start, "/dev/null"]);
    let mut terminal = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut keyboard, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let (mut seen, mut buffer) = (Vec::new(), [0; 512]);
    // For seeing it, and for starting it.
    for question in 1..=2 {
        while String::from_utf8_lossy(&seen).matches("Password: ").count() < question {
            let length = screen.read(&mut buffer).unwrap();
            assert!(length > 0, "nobody asks: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..length]);
        }
        until_silent(&host);
        keyboard.write_all(b"lovelace\n").unwrap();
    }
    screen.read_to_end(&mut seen).unwrap();
    let seen = String::from_utf8_lossy(&seen);
    assert!(terminal.wait().unwrap().success(), "{seen}");
    assert!(seen.contains("start, stop or pause the virtual machine “web”") && seen.contains("Domain 'web' started"), "{seen}");
}

/// Waits until the agent has turned its terminal's echo off: it does that behind its question, and drops what was typed before.
fn until_silent(host: &Container) {
    let until = Instant::now() + LIMIT;
    let is_silent = "tty=$(ps -C pkttyagent -o tty=) && stty --file=/dev/$tty --all | grep --quiet -- '-echo '";
    while host.run(&["sh", "-c", is_silent]).status != 0 {
        assert!(Instant::now() < until, "the agent does not hide what is typed");
    }
}

#[test]
fn without_polkit_nobody_gets_in_and_the_reason_is_told() {
    let host = installed();
    define(&host, "web");
    host.run(&["systemctl", "mask", "--runtime", "--now", "polkit"]).success();
    for user in ["oscar", "root"] {
        let refusal = lodgectl(&host, user, &["start", "web"]).failure();
        assert!(refusal.contains("polkit cannot be asked") && refusal.contains("systemctl status polkit"), "{refusal}");
    }
    host.run(&["systemctl", "unmask", "--runtime", "polkit"]).success();
    assert_eq!(lodgectl(&host, "oscar", &["domstate", "web"]).success(), "shut off");
}

#[test]
fn guests_outlive_restart_and_stop_of_the_unit() {
    let host = installed();
    outlives(&host, &["systemctl", "restart", "lodged"]);
}

/// A guest runs in its own scope and is the same process after something was done to the service.
pub fn outlives(host: &Container, done: &[&str]) {
    define(host, "web");
    host.run(&["lodgectl", "start", "web"]).success();
    let scope = || host.run(&["systemctl", "show", "--property=Slice,ActiveState", "lodge-qemu-web.scope"]).success();
    assert_eq!(scope(), "Slice=machine.slice\nActiveState=active");
    let guest = || host.run(&["pgrep", "--full", "guest=web"]).success();
    let before = guest();
    let reloaded = host.run(&["systemctl", "show", "--property=MainPID", "lodged"]).success();
    host.run(&["systemctl", "reload", "lodged"]).success();
    assert_eq!(host.run(&["systemctl", "show", "--property=MainPID", "lodged"]).success(), reloaded);
    host.run(done).success();
    assert_eq!(host.run(&["lodgectl", "domstate", "web"]).success(), "running");
    assert_eq!((guest(), scope().contains("ActiveState=active")), (before, true));
    host.run(&["lodgectl", "destroy", "web"]).success();
    host.run(&["pgrep", "--full", "guest=web"]).failure();
}

#[test]
fn the_unit_is_sound_and_its_hardening_holds() {
    let host = installed();
    host.run(&["systemd-analyze", "verify", "--man=no", "/usr/lib/systemd/system/lodged.service"]).success();
    host.run(&["systemctl", "start", "lodged"]).success();
    let pid = host.run(&["systemctl", "show", "--property=MainPID", "--value", "lodged"]).success();
    let status = host.run(&["cat", &format!("/proc/{pid}/status")]).success();
    assert!(status.contains("Seccomp:\t2"), "{status}");
    // cap_sys_module is number 16, cap_sys_time 25, cap_sys_boot 22.
    let bound = status.lines().find_map(|line| line.strip_prefix("CapBnd:\t")).unwrap();
    let bound = u64::from_str_radix(bound, 16).unwrap();
    assert_eq!(bound & (1 << 16 | 1 << 22 | 1 << 25), 0, "{bound:x}");
    host.run(&["journalctl", "--sync"]).success();
    let journal = host.run(&["journalctl", "--unit=lodged", "--priority=warning", "--output=cat"]).success();
    assert_eq!(journal, "");
    assert_eq!(host.run(&["id", "-Gn", "lodge-qemu"]).success(), "lodge-qemu kvm");
}
