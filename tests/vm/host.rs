//! What a virtual machine can be relied on for, shown once by itself before the service is judged by it.

use lodge_tests::hosts::{Host, Vm, VmKind};
use lodge_tests::staging;

#[test]
fn two_virtual_machines_run_side_by_side() {
    let (one, other) = (Vm::boot(VmKind::AppArmor), Vm::boot(VmKind::AppArmor));
    one.run(&["touch", "/etc/changed"]).success();
    other.run(&["ls", "/etc/changed"]).failure();
    drop(one);
    assert_eq!(other.run(&["systemctl", "is-system-running"]).success(), "running");
}

#[test]
fn commands_tell_how_they_ended_and_leave_nobody_waiting() {
    let host = Vm::boot(VmKind::AppArmor);
    let ran = host.run(&["sh", "-c", "echo out; echo complaint >&2; exit 7"]);
    assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (7, "out\n", "complaint\n"));
    let words = ["printf", "[%s]", "", "two words", "$HOME'\"*\n"];
    assert_eq!(host.run(&words).success(), "[][two words][$HOME'\"*\n]");
    host.add_user("alice", &["kvm"]);
    assert_eq!(host.run_as("alice", &["id", "-Gn"]).success(), "alice kvm");
    let check = ["sh", "-c", "pkcheck --action-id org.freedesktop.login1.reboot --process $$"];
    host.run_seated("alice", &check).success();
    host.run_as("alice", &check).failure();
    host.write("/etc/some/where.conf", "a = 1\n");
    assert_eq!(host.run(&["cat", "/etc/some/where.conf"]).success(), "a = 1");
    // What was read before is not read again.
    host.write("/etc/some/where.conf", "b = 22\n");
    assert_eq!(host.run(&["cat", "/etc/some/where.conf"]).success(), "b = 22");
}

#[test]
fn it_has_limits_and_kvm() {
    let host = Vm::boot(VmKind::AppArmor);
    let controllers = host.run(&["cat", "/sys/fs/cgroup/cgroup.controllers"]).success();
    for controller in ["cpuset", "cpu", "io", "memory", "pids"] {
        assert!(controllers.split(' ').any(|found| found == controller), "{controller} in {controllers}");
    }
    host.run(&["test", "-c", "/dev/kvm"]).success();
}

#[test]
fn what_is_staged_is_installed_under_both() {
    let staged = tempfile::tempdir().unwrap();
    staging::install("/usr", staged.path().to_str().unwrap());
    for kind in [VmKind::AppArmor, VmKind::SeLinux] {
        let host = Vm::boot(kind);
        host.install_staged(staged.path());
        assert!(host.run(&["lodgectl", "--version"]).success().contains(env!("CARGO_PKG_VERSION")), "{kind:?}");
        if kind == VmKind::SeLinux {
            let label = host.run(&["stat", "--format=%C", "/usr/lib/systemd/user/lodged.service"]).success();
            assert!(label.contains(":systemd_user_unit_t:"), "{label}");
        }
    }
}
