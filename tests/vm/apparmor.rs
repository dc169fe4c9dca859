//! AppArmor is there and holds a program to a profile that was loaded just before.

use lodge_tests::hosts::{Host, Vm, VmKind};

/// All files but one.
const PROFILE: &str = "abi <abi/3.0>,
profile trial {
  file,
  deny /etc/secret rw,
}
";

/// Enters a profile with the next execution, as a program does that starts another in it.
const ENTER: &str = r#"echo "exec trial" >/proc/self/attr/exec && exec "$@""#;

#[test]
fn a_profile_entered_at_execution_is_enforced() {
    let host = Vm::boot(VmKind::AppArmor);
    host.run(&["aa-status", "--enabled"]).success();
    host.write("/etc/secret", "secret\n");
    host.write("/etc/apparmor.d/trial", PROFILE);
    let confined = |argv: &[&str]| host.run(&[&["sh", "-c", ENTER, "sh"], argv].concat());

    confined(&["cat", "/etc/hostname"]).failure();
    host.run(&["apparmor_parser", "--add", "/etc/apparmor.d/trial"]).success();
    assert_eq!(confined(&["cat", "/proc/self/attr/current"]).success(), "trial (enforce)");
    confined(&["cat", "/etc/hostname"]).success();
    host.run(&["cat", "/etc/secret"]).success();
    let refusal = confined(&["cat", "/etc/secret"]).failure();
    assert!(refusal.contains("Permission denied"), "{refusal}");
    assert!(confined(&["cat", "/proc/sys/kernel/hostname"]).stdout == "test-host\n");
}

#[test]
fn what_is_refused_without_a_word_of_the_profile_is_in_the_audit_log() {
    let host = Vm::boot(VmKind::AppArmor);
    host.write("/etc/apparmor.d/trial", "abi <abi/3.0>,\nprofile trial { /usr/bin/* mrix, /usr/lib/** mr, /etc/ld.so.cache r, }\n");
    host.run(&["apparmor_parser", "--add", "/etc/apparmor.d/trial"]).success();
    host.run(&["sh", "-c", ENTER, "sh", "cat", "/etc/shadow"]).failure();
    let denials = host.run(&["grep", "apparmor=\"DENIED\"", "/var/log/audit/audit.log"]).success();
    assert!(denials.contains("profile=\"trial\" name=\"/etc/shadow\""), "{denials}");
}
