//! A guest of the installed service: what confines it, read back from the bus, from systemd and from the kernel; and what is
//! given back.

use lodge_dbus_interfaces::BUS_NAME;
use lodge_tests::hosts::{Container, Host};

use super::service::{installed, lodgectl};

const DISK: &str = "/var/lib/lodge/images/web.img";
const UNIT: &str = "lodge-qemu-web.scope";

fn domain(extra: &str) -> String {
    format!(
        "<domain type='qemu'><name>web</name><memory unit='MiB'>16</memory>{extra}<os><type arch='x86_64'>hvm</type></os><devices>\
         <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{DISK}'/><target dev='vda' bus='virtio'/></disk>\
         <serial type='pty'/></devices></domain>"
    )
}

/// The number of the guest's QEMU.
fn qemu(host: &Container) -> String {
    host.run(&["pgrep", "--full", "--uid", "lodge-qemu", "qemu-system.*web"]).success().trim().to_owned()
}

/// The lines of `/proc/PID/status` that begin with one of these words.
fn status(host: &Container, pid: &str) -> Vec<String> {
    let fields = ["Uid", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"];
    let text = host.run(&["cat", &format!("/proc/{pid}/status")]).success();
    let wanted = |line: &&str| line.split_once(':').is_some_and(|(field, _)| fields.contains(&field));
    text.lines().filter(wanted).map(|line| line.replace('\t', " ")).collect()
}

fn owner(host: &Container) -> String {
    host.run(&["stat", "--format=%U:%G", DISK]).success().trim().to_owned()
}

#[test]
fn a_guest_is_confined_while_it_runs_and_leaves_no_trace() {
    let host = installed();
    host.run(&["truncate", "--size=1M", DISK]).success();
    host.write("/tmp/web.xml", &domain(""));
    host.run(&["lodgectl", "define", "/tmp/web.xml"]).success();
    host.run(&["lodgectl", "start", "web"]).success();

    let pid = qemu(&host);
    let uid = host.run(&["id", "--user", "lodge-qemu"]).success().trim().to_owned();
    let nothing = "0000000000000000";
    let expected = [
        format!("Uid: {uid} {uid} {uid} {uid}"),
        format!("CapEff: {nothing}"),
        format!("CapBnd: {nothing}"),
        format!("CapAmb: {nothing}"),
        "NoNewPrivs: 1".to_owned(),
        "Seccomp: 2".to_owned(),
    ];
    assert_eq!(status(&host, &pid), expected);
    assert_eq!(owner(&host), "lodge-qemu:lodge-qemu");
    let unit = host.run(&["systemctl", "show", "--property=DevicePolicy,Slice,ControlGroup", UNIT]).success();
    for line in ["DevicePolicy=strict", "Slice=machine.slice"] {
        assert!(unit.contains(line), "{line} is not in {unit}");
    }
    assert!(host.run(&["cat", &format!("/proc/{pid}/cgroup")]).success().contains(UNIT));
    let labels = host
        .run(&["busctl", "get-property", BUS_NAME, "/org/lodge/Lodge1/domain/web", "org.lodge.Lodge1.Domain", "SecurityLabels"])
        .success();
    assert!(labels.contains("\"dac\""), "{labels}");
    assert!(host.run(&["lodgectl", "dumpxml", "web"]).success().contains("<seclabel type='dynamic' model='dac' relabel='yes'>"));
    assert!(host.run(&["lodgectl", "capabilities"]).success().contains("<model>dac</model>"));

    host.run(&["lodgectl", "destroy", "web"]).success();
    assert_eq!(owner(&host), "root:root");
    assert!(host.run(&["systemctl", "is-active", UNIT]).failure().is_empty());
}

/// A disk that a secret opens: nobody who starts the guest knows the passphrase, and it is nowhere to be found.
#[test]
fn a_secret_opens_a_disk_for_those_who_are_never_told_it() {
    const SECRET: &str = "volume:/var/lib/lodge/images/web.img";
    let host = installed();
    host.write("/tmp/passphrase", "open sesame");
    let object = "secret,id=key,file=/tmp/passphrase";
    let options = "key-secret=key,iter-time=10";
    let create = ["qemu-img", "create", "-q", "-f", "luks", "--object", object, "-o", options, DISK, "1M"];
    let mut created = host.run(&create);
    // QEMU 7.2 measures how fast the processor is with a clock that may not have moved meanwhile.
    for _ in 0..10 {
        if !created.stderr.contains("Unable to get accurate CPU usage") {
            break;
        }
        created = host.run(&create);
    }
    created.success();
    host.write("/tmp/secret.xml", &format!("<secret private='yes'><usage type='volume'><volume>{DISK}</volume></usage></secret>"));
    host.run(&["lodgectl", "secret-define", "/tmp/secret.xml"]).success();
    host.run(&["lodgectl", "secret-set-value", SECRET, "--file", "/tmp/passphrase", "--plain"]).success();
    let source = format!("<source file='{DISK}'/>");
    let encrypted =
        format!("<source file='{DISK}'><encryption format='luks'><secret type='passphrase' usage='{DISK}'/></encryption></source>");
    host.write("/tmp/web.xml", &domain("").replace(&source, &encrypted));
    host.run(&["lodgectl", "define", "/tmp/web.xml"]).success();

    // Oscar is in the group of those who start and stop.
    lodgectl(&host, "oscar", &["start", "web"]).success();
    let refusal = lodgectl(&host, "oscar", &["secret-get-value", SECRET]).failure();
    assert!(refusal.contains("secret.read"), "{refusal}");
    let refusal = host.run(&["lodgectl", "secret-get-value", SECRET]).failure();
    assert!(refusal.contains("is private"), "{refusal}");
    host.run(&["rm", "/tmp/passphrase"]).success();
    for place in ["/run/lodge", "/var/lib/lodge", "/var/log/lodge", "/etc/lodge", "/var/log/journal"] {
        let found = host.run(&["grep", "--recursive", "--text", "--devices=skip", "--files-with-matches", "open sesame", place]).failure();
        assert!(!found.contains("sesame"), "{found}");
    }
    assert!(!host.run(&["cat", &format!("/proc/{}/cmdline", qemu(&host))]).success().contains("sesame"));
    host.run(&["lodgectl", "destroy", "web"]).success();
}

/// The device rules by themselves: with everything else switched off, a process in the guest's scope is refused.
#[test]
fn device_rules_hold_by_themselves() {
    let host = installed();
    let off = "user = \"root\"\ngroup = \"root\"\nnamespaces = []\nseccomp_sandbox = 0\nclear_emulator_capabilities = 0\nsecurity_driver = \"none\"\n";
    host.write("/etc/lodge/qemu.conf", off);
    host.run(&["truncate", "--size=1M", DISK]).success();
    host.write("/tmp/web.xml", &domain(""));
    host.run(&["lodgectl", "define", "/tmp/web.xml"]).success();
    host.run(&["lodgectl", "start", "web"]).success();
    let group = host.run(&["systemctl", "show", "--property=ControlGroup", "--value", UNIT]).success().trim().to_owned();
    let opens = |device: &str| {
        let script = "echo 0 >\"$1\" && : <\"$2\"";
        host.run(&["sh", "-c", script, "sh", &format!("/sys/fs/cgroup{group}/cgroup.procs"), device])
    };
    host.run(&["mknod", "/dev/lodge-test", "c", "1", "11"]).success();
    opens("/dev/null").success();
    let refusal = opens("/dev/lodge-test").failure();
    assert!(refusal.contains("not permitted"), "{refusal}");
    host.run(&["lodgectl", "destroy", "web"]).success();
}

#[test]
fn settings_that_cannot_be_kept_are_refused_with_what_to_do() {
    let host = installed();
    host.write("/tmp/web.xml", &domain(""));
    host.run(&["lodgectl", "define", "/tmp/web.xml"]).success();
    host.write("/etc/lodge/qemu.conf", "security_require_confined = 1\n");
    host.run(&["systemctl", "restart", "lodged"]).success();
    let refusal = lodgectl(&host, "root", &["start", "web"]).failure();
    assert!(refusal.contains("security_require_confined"), "{refusal}");
    host.write("/etc/lodge/qemu.conf", "security_driver = \"selinux\"\n");
    host.run(&["systemctl", "restart", "lodged"]).failure();
    // All that was said before it.
    host.run(&["journalctl", "--sync"]).success();
    let journal = host.run(&["journalctl", "--unit=lodged", "--no-pager", "--output=cat"]).success();
    assert!(journal.contains("which is not active on this host"), "{journal}");
}
