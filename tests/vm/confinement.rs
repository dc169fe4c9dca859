//! The installed package starts a guest for somebody whom a rule of polkit admits, and AppArmor or SELinux keeps it from another:
//! what the bus, systemd and the kernel say of it, what it is refused, and what is left afterwards.

use lodge_dbus_interfaces::{BUS_NAME, DOMAIN_INTERFACE, MANAGER_INTERFACE, ROOT_PATH};
use lodge_tests::hosts::{Host, Ran, Vm, VmKind};
use lodge_tests::staging;

use super::selinux;

/// A rule that lets Alice use the virtual machine "web": the example of docs/security.md.
const ONE_MACHINE: &str = include_str!("../../docs/examples/one-machine.rules");

/// The two guests.
const WEB: &str = "a9bb4c68-7d9b-4d0a-8d0b-2f1d1a6c0001";
const DB: &str = "a9bb4c68-7d9b-4d0a-8d0b-2f1d1a6c0002";

/// How often a guest's state is looked at before it ought to run; each look takes a tenth of a second.
const LOOKS: usize = 1000;

fn disk(name: &str) -> String {
    format!("/var/lib/lodge/images/{name}.img")
}

/// A disk that a secret opens.
fn encrypted_disk(host: &Vm, name: &str) -> String {
    let disk = disk(&format!("{name}-encrypted"));
    host.write("/tmp/passphrase", "open sesame");
    let options = "key-secret=key,iter-time=10";
    let object = "secret,id=key,file=/tmp/passphrase";
    host.run(&["qemu-img", "create", "-q", "-f", "luks", "--object", object, "-o", options, &disk, "1M"]).success();
    host.write("/tmp/secret.xml", &format!("<secret private='yes'><usage type='volume'><volume>{disk}</volume></usage></secret>"));
    host.run(&["lodgectl", "secret-define", "/tmp/secret.xml"]).success();
    host.run(&["lodgectl", "secret-set-value", &format!("volume:{disk}"), "--file", "/tmp/passphrase", "--plain"]).success();
    format!(
        "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{disk}'><encryption format='luks'>
         <secret type='passphrase' usage='{disk}'/></encryption></source><target dev='vdb' bus='virtio'/></disk>"
    )
}

/// Defines a guest with disks, consoles, a channel and a display.
fn define(host: &Vm, name: &str, uuid: &str) {
    let disk = disk(name);
    host.run(&["truncate", "--size=1M", &disk]).success();
    host.run(&["chmod", "0600", &disk]).success();
    let encrypted = encrypted_disk(host, name);
    let document = format!(
        "<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory>
        <os><type arch='x86_64' machine='q35'>hvm</type></os>
        <devices>
          <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>
          {encrypted}
          <serial type='pty'/>
          <serial type='file'><source path='/var/lib/lodge/images/{name}.log'/></serial>
          <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
          <graphics type='vnc'><listen type='socket'/></graphics>
          <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
          <interface type='user'><model type='virtio'/></interface>
        </devices></domain>"
    );
    let file = format!("/tmp/{name}.xml");
    host.write(&file, &document);
    host.run(&["lodgectl", "define", &file]).success();
}

/// Calls a method of a guest on the bus as a user.
fn call(host: &Vm, user: &str, name: &str, method: &str) -> Ran {
    let path = format!("{ROOT_PATH}/domain/{name}");
    host.run_as(user, &["busctl", "--timeout=240", "call", BUS_NAME, &path, DOMAIN_INTERFACE, method, "a{sv}", "0"])
}

/// A property of a guest as a user reads it.
fn property(host: &Vm, user: &str, name: &str, property: &str) -> String {
    let path = format!("{ROOT_PATH}/domain/{name}");
    host.run_as(user, &["busctl", "get-property", BUS_NAME, &path, DOMAIN_INTERFACE, property]).success()
}

/// Has a user do something to a guest, and waits until it is in a state.
fn until(host: &Vm, user: &str, name: &str, method: &str, state: &str) {
    call(host, user, name, method).success();
    let state = format!("s \"{state}\"");
    assert!((0..LOOKS).any(|_| property(host, user, name, "State") == state), "{name} is not {state}");
}

fn start(host: &Vm, user: &str, name: &str) {
    until(host, user, name, "Start", "running");
}

fn destroy(host: &Vm, user: &str, name: &str) {
    until(host, user, name, "Destroy", "shut-off");
}

/// The process of a guest.
fn process(host: &Vm, name: &str) -> String {
    host.run(&["pgrep", "--uid", "lodge-qemu", "--full", &format!("guest={name},")]).success()
}

/// Reads a file as the guests' user under a guest's profile: what a guest could do that has taken QEMU over.
fn read(host: &Vm, uuid: &str, path: &str) -> Ran {
    let user = ["setpriv", "--reuid=lodge-qemu", "--regid=lodge-qemu", "--clear-groups"];
    host.run(&[&user[..], &["aa-exec", "--profile", &format!("lodge-{uuid}"), "--", "head", "--bytes=1", path]].concat())
}

/// Who owns the disk of a guest.
fn owner(host: &Vm, name: &str) -> String {
    host.run(&["stat", "--format=%U:%G %a", &disk(name)]).success()
}

fn profiles(host: &Vm) -> String {
    host.run(&["cat", "/sys/kernel/security/apparmor/profiles"]).success()
}

/// A machine with the package, and Alice, who may use one of two guests.
fn installed(kind: VmKind) -> Vm {
    let directory = tempfile::tempdir().unwrap();
    let package = staging::package(directory.path());
    let host = Vm::boot(kind);
    host.install_package(&package);
    host.add_user("alice", &[]);
    host.write("/etc/polkit-1/rules.d/20-alice-web.rules", ONE_MACHINE);
    host.run(&["systemctl", "restart", "polkit"]).success();
    host
}

#[test]
fn the_package_starts_a_confined_guest_for_whom_a_rule_admits() {
    let host = installed(VmKind::AppArmor);
    define(&host, "web", WEB);
    define(&host, "db", DB);
    let refusal = call(&host, "alice", "db", "Start").failure();
    assert!(refusal.contains("needs an authentication"), "{refusal}");
    start(&host, "alice", "web");
    start(&host, "root", "db");

    labels_are_told(&host);
    the_kernel_confines(&host);

    // Both disks belong to the user of both guests: only the profiles keep them apart.
    assert_eq!([owner(&host, "web"), owner(&host, "db")], ["lodge-qemu:lodge-qemu 600", "lodge-qemu:lodge-qemu 600"]);
    for (uuid, own, other) in [(WEB, "web", "db"), (DB, "db", "web")] {
        read(&host, uuid, &disk(own)).success();
        let refusal = read(&host, uuid, &disk(other)).failure();
        assert!(refusal.contains("Permission denied"), "{refusal}");
    }
    destroy(&host, "alice", "web");
    assert_eq!([owner(&host, "web"), owner(&host, "db")], ["root:root 600", "lodge-qemu:lodge-qemu 600"]);
    let loaded = profiles(&host);
    assert!(!loaded.contains(WEB) && loaded.contains(DB), "{loaded}");
    destroy(&host, "root", "db");
    assert!(!profiles(&host).contains("lodge-"), "{}", profiles(&host));
    assert_eq!(host.run(&["ls", "/etc/apparmor.d/lodge"]).success(), "TEMPLATE.qemu");
}

/// What the bus tells about the guest that Alice started.
fn labels_are_told(host: &Vm) {
    let profile = format!("lodge-{WEB}");
    let labels = property(host, "alice", "web", "SecurityLabels");
    assert!(labels.contains(&format!("\"apparmor\" \"{profile}\"")) && labels.contains("\"dac\" \"+"), "{labels}");
    // busctl writes strings as C does.
    let live = call(host, "alice", "web", "GetXml").success().replace("\\'", "'");
    for part in ["<seclabel type='dynamic' model='apparmor' relabel='yes'>", &format!("<label>{profile}</label>"), "model='dac'"] {
        assert!(live.contains(part), "{part} in {live}");
    }
    let capabilities = ["busctl", "--timeout=240", "call", BUS_NAME, ROOT_PATH, MANAGER_INTERFACE, "GetCapabilities", "a{sv}", "0"];
    let capabilities = host.run(&capabilities).success();
    assert!(capabilities.contains("<model>apparmor</model>") && capabilities.contains("<model>dac</model>"), "{capabilities}");
}

/// What the kernel and systemd say of the guest that Alice started.
fn the_kernel_confines(host: &Vm) {
    let pid = process(host, "web");
    assert_eq!(host.run(&["cat", &format!("/proc/{pid}/attr/current")]).success(), format!("lodge-{WEB} (enforce)"));
    let uid = host.run(&["id", "--user", "lodge-qemu"]).success();
    let status = host.run(&["cat", &format!("/proc/{pid}/status")]).success();
    for line in [&format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}"), "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.lines().any(|found| found == line), "{line} in {status}");
    }
    let scope = host.run(&["systemctl", "show", "--property=DevicePolicy,Slice", "lodge-qemu-web.scope"]).success();
    assert!(scope.contains("DevicePolicy=strict") && scope.contains("Slice=machine.slice"), "{scope}");
    // What QEMU is refused here it would miss.
    let refused = host.run(&["grep", "--count", "apparmor=\"DENIED\".*comm=\"qemu-system-x86\"", "/var/log/audit/audit.log"]);
    assert_eq!(refused.stdout, "0\n", "{}", host.run(&["grep", "apparmor=\"DENIED\"", "/var/log/audit/audit.log"]).stdout);
}

/// The context of a running guest, and that of its disk.
fn contexts(host: &Vm, name: &str) -> [String; 2] {
    let process = host.run(&["cat", &format!("/proc/{}/attr/current", process(host, name))]).success();
    [process.trim_end_matches('\0').to_owned(), label(host, name)]
}

fn label(host: &Vm, name: &str) -> String {
    host.run(&["stat", "--format=%C", &disk(name)]).success()
}

/// Installs the module for the policy, as docs/security.md says.
pub fn label_for_selinux(host: &Vm) {
    host.run(&["semodule", "--install", "/usr/share/selinux/packages/lodge.cil"]).success();
    let files = ["/usr/bin/lodged", "/etc/lodge", "/run/lodge", "/var/cache/lodge", "/var/log/lodge", "/var/lib/lodge"];
    host.run(&[&["restorecon", "-RF"][..], &files].concat()).success();
    host.run(&["systemctl", "restart", "lodged"]).success();
}

#[test]
fn under_selinux_two_guests_have_categories_of_their_own() {
    let host = installed(VmKind::SeLinux);
    label_for_selinux(&host);
    define(&host, "web", WEB);
    define(&host, "db", DB);
    let before = label(&host, "web");
    start(&host, "alice", "web");
    start(&host, "root", "db");

    let [web, db] = ["web", "db"].map(|name| contexts(&host, name));
    for [process, disk] in [&web, &db] {
        let level = process.strip_prefix("system_u:system_r:svirt_prot_exec_t:").unwrap_or_else(|| panic!("{process}"));
        assert!(level.starts_with("s0:c") && level.contains(",c"), "{level}");
        assert_eq!(disk.strip_prefix("system_u:object_r:svirt_prot_exec_image_t:"), Some(level));
    }
    assert_ne!(web[0], db[0]);
    let labels = property(&host, "alice", "web", "SecurityLabels");
    assert!(labels.contains(&format!("\"selinux\" \"{}\"", web[0])), "{labels}");

    // Both disks belong to the same user.
    selinux::install_daemon(&host);
    selinux::start(&host, "lodge-qemu", &web[0], &disk("web")).success();
    selinux::start(&host, "lodge-qemu", &db[0], &disk("web")).failure();
    destroy(&host, "alice", "web");
    destroy(&host, "root", "db");
    assert_eq!(label(&host, "web"), before);
}
