//! SELinux enforces a policy that knows virtual machines: one may not touch the disk of another.

use lodge_tests::hosts::{Host, Ran, Vm, VmKind};

/// A program of this type is what the policy lets start guests, when systemd starts it.
const DAEMON: &str = "system_u:object_r:virtd_exec_t:s0";

/// The label of a guest's process with two categories.
const GUEST: &str = "system_u:system_r:svirt_t:s0:c1,c2";

/// Whether the policy knows a label.
fn knows(host: &dyn Host, label: &str) -> bool {
    host.run(&["sh", "-c", "printf %s \"$0\" >/sys/fs/selinux/context", label]).status == 0
}

#[test]
fn the_policy_is_enforced_and_knows_guests() {
    let host = Vm::boot(VmKind::SeLinux);
    assert_eq!(host.run(&["getenforce"]).success(), "Enforcing");
    assert!(knows(&host, GUEST));
    for kind in ["svirt_image_t", "virt_image_t", "virt_content_t", "virt_var_lib_t", "svirt_prot_exec_image_t", "qemu_exec_t"] {
        assert!(knows(&host, &format!("system_u:object_r:{kind}:s0")), "{kind}");
    }
    assert!(!knows(&host, "system_u:system_r:svirt_of_nobody_t:s0"));
    let label = host.run(&["stat", "--format=%C", "/usr/bin/qemu-system-x86_64"]).success();
    assert!(label.contains(":qemu_exec_t:"), "{label}");
}

/// What may start guests of a label.
pub fn install_daemon(host: &dyn Host) {
    host.run(&["cp", "/usr/bin/runcon", "/usr/local/bin/daemon"]).success();
    host.run(&["chcon", DAEMON, "/usr/local/bin/daemon"]).success();
}

/// Starts QEMU as a guest of a user with a label, by what may do so, on an image. It succeeds when QEMU could open that.
pub fn start(host: &dyn Host, user: &str, label: &str, image: &str) -> Ran {
    // Who has locked it does not count.
    let disk = format!("driver=file,node-name=disk,read-only=on,locking=off,filename={image}");
    let uid = format!("--uid={user}");
    let daemon = ["systemd-run", "--quiet", "--collect", "--service-type=forking", &uid, "/usr/local/bin/daemon", label];
    // Under emulation QEMU would write memory and execute it, which needs another type.
    let qemu = ["/usr/bin/qemu-system-x86_64", "-M", "none", "-accel", "kvm", "-display", "none", "-nodefaults", "-daemonize"];
    host.run(&[&daemon[..], &qemu, &["-blockdev", &disk]].concat())
}

/// An image with categories.
fn image(host: &dyn Host, categories: &str) -> String {
    let image = format!("/var/lib/images-{}.raw", categories.replace(',', "-"));
    host.run(&["truncate", "--size=1M", &image]).success();
    host.run(&["chcon", &format!("system_u:object_r:svirt_image_t:s0:{categories}"), &image]).success();
    image
}

#[test]
fn a_guest_opens_its_own_disk_and_no_other() {
    let host = Vm::boot(VmKind::SeLinux);
    install_daemon(&host);
    start(&host, "root", GUEST, &image(&host, "c1,c2")).success();
    let labels = host.run(&["ps", "-C", "qemu-system-x86", "-o", "label="]).success();
    assert_eq!(labels.trim(), GUEST);
    start(&host, "root", GUEST, &image(&host, "c3,c4")).failure();
    let denials = host.run(&["grep", "denied", "/var/log/audit/audit.log"]).success();
    assert!(denials.contains("svirt_image_t:s0:c3,c4"), "{denials}");
}
