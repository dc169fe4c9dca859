//! Conversions from and to hypervisors' own configurations.

use std::io::Write as _;
use std::process::Stdio;

use lodge_tests::bus::PrivateBus;

use crate::{Ran, document, lodgectl, run};

#[test]
fn a_document_becomes_a_script() {
    let bus = PrivateBus::with_lodged(&[]);
    let file = document(&bus, "demo");
    let script = run(&bus, &["domxml-to-native", "qemu-argv", &file]).good();
    assert!(script.contains("\n  -name guest=demo,debug-threads=on \\\n"), "{script}");
    assert!(!script.contains("-trace"), "{script}");
    let again = run(&bus, &["domxml-to-native", "qemu-argv", "--xml", &file]).good();
    assert_eq!(again.lines().next(), script.lines().next());
    // Nothing was stored.
    assert_eq!(run(&bus, &["list", "--all", "--name"]).good(), "");
    run(&bus, &["define", &file]).good();
    let of_domain = run(&bus, &["domxml-to-native", "qemu-argv", "--domain", "demo"]).good();
    assert!(of_domain.contains("  -name guest=demo,debug-threads=on \\\n"), "{of_domain}");
    assert_eq!(of_domain, run(&bus, &["domxml-to-native", "qemu-argv", "--domain", "demo"]).good());
}

/// A definition of 2010, for a program that is long gone.
#[test]
fn an_old_definition_becomes_a_command_of_today() {
    let bus = PrivateBus::with_lodged(&[]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/domain/qemu-i686-disk.xml");
    let ran = run(&bus, &["domxml-to-native", "qemu-argv", file]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stderr.starts_with("warning: ")
            && ran.stderr.contains("/usr/bin/qemu")
            && ran.stderr.contains("; put /usr/bin/qemu-system-i386 in its place")
            && ran.stderr.lines().count() == 1,
        "{ran:?}"
    );
    assert!(ran.stdout.starts_with("/usr/bin/qemu \\\n  -name guest=QEMUGuest1,"), "{ran:?}");
    for option in
        ["-machine pc,", "acpi=off", "-m size=220160k", "-smp 1,", "-nodefaults", "/dev/HostVG/QEMUGuest1", "\"driver\":\"ide-hd\""]
    {
        assert!(ran.stdout.contains(option), "{option}: {ran:?}");
    }
    for option in ["-netdev", "-chardev", "-mon", "-vnc"] {
        assert!(!ran.stdout.contains(option), "{option}: {ran:?}");
    }
}

#[test]
fn what_a_configuration_cannot_say_is_told_beside_it() {
    let bus = PrivateBus::with_lodged(&[]);
    let xml = std::fs::read_to_string(document(&bus, "demo")).unwrap();
    let xml = xml.replace("</domain>", "<devices><graphics type='vnc' passwd='geheim'/></devices></domain>");
    let file = bus.directory().join("demo.xml");
    std::fs::write(&file, xml).unwrap();
    run(&bus, &["define", file.to_str().unwrap()]).good();
    // A display with a password does not become one without.
    let told = run(&bus, &["domxml-to-native", "qemu-argv", "--domain", "demo"]);
    assert_eq!(told.code, Some(0));
    assert!(told.stdout.contains("password-secret=vnc-password") && !told.stdout.contains("geheim"), "{told:?}");
    assert!(told.stderr.starts_with("warning: the password of ") && told.stderr.lines().count() == 1, "{told:?}");
}

#[test]
fn standard_input_is_read_and_places_are_told() {
    let bus = PrivateBus::with_lodged(&[]);
    let mut command = lodgectl(&bus, &["domxml-from-native", "qemu-argv", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"qemu-system-x86_64 -m 64 \\\n  -name 'unclosed\n").unwrap();
    let complaint = Ran::from(child.wait_with_output().unwrap()).failed();
    assert!(complaint.starts_with("error: this cannot be read as qemu-argv: line "), "{complaint}");
}

#[test]
fn wrong_use_is_explained() {
    let bus = PrivateBus::start();
    for arguments in [
        &["domxml-to-native", "qemu-argv"][..],
        &["domxml-to-native", "qemu-argv", "FILE", "--domain", "demo"],
        &["domxml-from-native", "nonsense", "FILE"],
    ] {
        let ran = run(&bus, arguments);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            ran.stderr.contains("lodgectl domxml-") || ran.stderr.contains("possible values: qemu-argv, xen-xl, xen-xm, xen-sxpr"),
            "{ran:?}"
        );
    }
}
