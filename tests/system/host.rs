//! What the container can be relied on for, shown once by itself before the service is judged by it.

use std::os::unix::fs::MetadataExt as _;

use lodge_tests::hosts::{Container, Host};
use lodge_tests::staging;
use zbus::fdo::DBusProxy;

/// A rule that lets one user do one thing, as an administrator would write it.
const RULE: &str = r#"polkit.addRule(function(action, subject) {
    if (action.id == "org.freedesktop.hostname1.set-hostname" && subject.user == "admitted") { return polkit.Result.YES; }
});
"#;

#[test]
fn two_containers_run_side_by_side() {
    let (one, other) = (Container::boot(), Container::boot());
    let told = |argv: &[&str]| [&one, &other].map(|host| host.run(argv).success());
    assert_eq!(told(&["hostname"]), [one.name(), other.name()]);
    let [id, other_id] = told(&["cat", "/etc/machine-id"]);
    assert!(id.len() == 32 && id != other_id, "{id} {other_id}");

    one.run(&["touch", "/usr/share/changed"]).success();
    one.run(&["systemctl", "start", "systemd-hostnamed"]).success();
    other.run(&["ls", "/usr/share/changed"]).failure();
    let states = [&one, &other].map(|host| host.run(&["systemctl", "is-active", "systemd-hostnamed"]).stdout);
    assert_eq!(states, ["active\n", "inactive\n"]);
    drop(one);
    assert_eq!(other.run(&["systemctl", "is-system-running"]).success(), "running");
}

#[test]
fn commands_tell_how_they_ended_and_leave_nobody_waiting() {
    let host = Container::boot();
    let ran = host.run(&["sh", "-c", "echo out; echo complaint >&2; exit 7"]);
    assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (7, "out\n", "complaint\n"));
    let words = ["printf", "[%s]", "", "two words", "$HOME'\"*\n"];
    assert_eq!(host.run(&words).success(), "[][two words][$HOME'\"*\n]");
    assert_eq!(host.run(&["sh", "-c", "kill -9 $$"]).status, 137);
    // What it leaves behind keeps its output open for longer than a test may take.
    host.run(&["sh", "-c", "sleep 1000 & echo done"]).success();
    host.add_user("alice", &["kvm"]);
    assert_eq!(host.run_as("alice", &["id", "-un", "-Gn"]).status, 1, "id refuses two formats");
    assert_eq!(host.run_as("alice", &["id", "-Gn"]).success(), "alice kvm");
    assert_eq!(host.run_as("alice", &["grep", "CapEff", "/proc/self/status"]).success(), "CapEff:\t0000000000000000");
    assert_eq!(host.run_as("alice", &["sh", "-c", "echo $USER $HOME"]).success(), "alice /home/alice");
}

#[test]
fn files_are_put_there() {
    let host = Container::boot();
    host.write("/etc/some/where.conf", "a = 1\n");
    assert_eq!(std::fs::read_to_string(host.path("/etc/some/where.conf")).unwrap(), "a = 1\n");
    std::fs::write(host.share().join("image"), "from outside").unwrap();
    assert_eq!(host.run(&["cat", "/share/image"]).success(), "from outside");

    let staged = tempfile::tempdir().unwrap();
    staging::install("/usr", staged.path().to_str().unwrap());
    std::fs::create_dir_all(staged.path().join("usr/lib/sysusers.d")).unwrap();
    std::fs::write(staged.path().join("usr/lib/sysusers.d/trial.conf"), "u trial - \"A trial\"\n").unwrap();
    host.install_staged(staged.path());
    assert!(host.run(&["lodgectl", "--version"]).success().contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(host.run(&["stat", "--format=%U:%G %a", "/usr/bin/lodged", "/"]).success(), "root:root 755\nroot:root 755");
    host.run(&["id", "trial"]).success();
}

#[tokio::test]
async fn a_call_on_the_system_bus_starts_a_unit() {
    let host = Container::boot();
    let state = || host.run(&["systemctl", "is-active", "systemd-hostnamed"]).stdout;
    assert_eq!(state(), "inactive\n");
    let name = "org.freedesktop.hostname1";
    let told = host.run(&["busctl", "get-property", name, "/org/freedesktop/hostname1", name, "Hostname"]).success();
    assert_eq!((told, state()), (format!("s \"{}\"", host.name()), "active\n".to_owned()));

    let address = host.bus_address();
    let bus = zbus::connection::Builder::address(&*address).build().await.unwrap();
    let names = DBusProxy::new(&bus).await.unwrap().list_names().await.unwrap();
    assert!(names.iter().any(|owned| owned.as_str() == name), "{names:?}");
}

#[test]
fn polkit_refuses_and_admits_by_rule() {
    let host = Container::boot();
    for user in ["admitted", "refused"] {
        host.add_user(user, &[]);
    }
    let path = "/org/freedesktop/hostname1";
    let set = ["busctl", "call", "org.freedesktop.hostname1", path, "org.freedesktop.hostname1", "SetHostname", "sb", "changed", "false"];
    let refusal = host.run_as("admitted", &set).failure();
    assert!(refusal.contains("authentication required"), "{refusal}");
    host.write("/etc/polkit-1/rules.d/10-trial.rules", RULE);
    host.run(&["systemctl", "restart", "polkit"]).success();
    host.run_as("admitted", &set).success();
    assert_eq!(host.run(&["hostname"]).success(), "changed");
    host.run_as("refused", &set).failure();
}

#[test]
fn who_sits_at_the_machine_is_known_to_polkit() {
    let host = Container::boot();
    host.add_user("alice", &[]);
    // Its default admits active local sessions only.
    let check = ["sh", "-c", "pkcheck --action-id org.freedesktop.login1.reboot --process $$"];
    host.run_seated("alice", &check).success();
    host.run_as("alice", &check).failure();
    assert_eq!(host.run_seated("alice", &["sh", "-c", "echo $USER; exit 3"]).status, 3);
}

#[test]
fn devices_are_its_own() {
    let host = Container::boot();
    for device in ["/dev/kvm", "/dev/net/tun"].iter().filter(|device| std::path::Path::new(device).exists()) {
        let owner = || std::fs::metadata(device).unwrap().uid();
        let before = owner();
        host.run(&["chown", "12345", device]).success();
        assert_eq!(owner(), before);
        host.run(&["sh", "-c", r#": <>"$0""#, device]).success();
    }
}

#[test]
fn device_rules_of_a_unit_are_enforced() {
    let host = Container::boot();
    let read = |device: &str, rules: &[&str]| {
        let argv = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect"];
        host.run(&[&argv, rules, &["head", "--bytes=1", device]].concat())
    };
    let rules = ["--property=DevicePolicy=strict", "--property=DeviceAllow=/dev/zero r"];
    read("/dev/urandom", &[]).success();
    read("/dev/zero", &rules).success();
    let refusal = read("/dev/urandom", &rules).failure();
    assert!(refusal.contains("Operation not permitted"), "{refusal}");
}
