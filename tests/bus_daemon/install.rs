//! What `make install` puts somewhere works there.

use std::fs;

use lodge_tests::bus::PrivateBus;
use lodge_tests::staging::install;

#[test]
fn an_installed_service_is_started_by_the_bus() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = directory.path().join("prefix");
    let files = install(prefix.to_str().unwrap(), "");
    assert!(files.iter().all(|file| file.exists()), "{files:#?}");
    let service = fs::read_to_string(prefix.join("share/dbus-1/services/org.lodge.Lodge1.service")).unwrap();
    let unit = fs::read_to_string(prefix.join("lib/systemd/user/lodged.service")).unwrap();
    let start = format!("{}/bin/lodged --session", prefix.display());
    assert!(service.contains(&format!("Exec={start}\n")) && unit.contains(&format!("ExecStart={start}\n")), "{service}{unit}");

    // No --root: it finds the user's own directories.
    let bus = PrivateBus::with_service(directory, &service);
    let listed = bus.command(prefix.join("bin/lodgectl")).args(["list", "--all"]).output().unwrap();
    assert!(listed.status.success() && listed.stdout.starts_with(b" Id   Name   State\n"), "{listed:?}\n{}", bus.log());
    let version = bus.command(prefix.join("bin/lodgectl")).arg("version").output().unwrap();
    assert!(String::from_utf8(version.stdout).unwrap().contains("session"), "{}", bus.log());
}

#[test]
fn a_package_gets_the_paths_of_the_system_it_is_for() {
    let directory = tempfile::tempdir().unwrap();
    let destination = directory.path().to_str().unwrap();
    let files = install("/usr", destination);
    let (below, beside): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.starts_with(directory.path().join("usr")));
    assert!(!below.is_empty() && beside.iter().all(|file| file.starts_with(directory.path().join("etc/apparmor.d"))), "{beside:#?}");
    for (file, start) in [
        ("share/dbus-1/services/org.lodge.Lodge1.service", "Exec=/usr/bin/lodged --session\n"),
        ("share/dbus-1/system-services/org.lodge.Lodge1.service", "Exec=/usr/bin/lodged --system\n"),
        ("lib/systemd/user/lodged.service", "ExecStart=/usr/bin/lodged --session\n"),
        ("lib/systemd/system/lodged.service", "ExecStart=/usr/bin/lodged --system\n"),
        ("share/man/man8/lodged.8", "SIGHUP"),
    ] {
        let text = fs::read_to_string(directory.path().join("usr").join(file)).unwrap();
        assert!(text.contains(start) && !text.contains("@bindir@"), "{file}: {text}");
    }
    for expected in [
        "usr/share/man/man1/lodgectl.1",
        "usr/share/bash-completion/completions/lodgectl",
        "usr/share/selinux/packages/lodge.cil",
        "usr/share/doc/lodge/LICENSE-MIT",
    ] {
        assert!(files.contains(&directory.path().join(expected)), "{expected} in {files:#?}");
    }
}

#[test]
fn what_others_read_goes_where_they_look() {
    // Bus policy, polkit action, polkit rule, what AppArmor's profiles of guests are made from, zone and policy of firewalld.
    for (prefix, places) in [
        ("/usr", ["/usr/share", "/usr/share", "/usr/share", "/etc", "/etc", "/usr/lib", "/usr/lib"]),
        ("/usr/local", ["/etc", "/usr/share", "/etc", "/etc", "/etc", "/etc", "/etc"]),
        (
            "/opt/lodge",
            [
                "/opt/lodge/share",
                "/opt/lodge/share",
                "/opt/lodge/share",
                "/opt/lodge/etc",
                "/opt/lodge/etc",
                "/opt/lodge/lib",
                "/opt/lodge/lib",
            ],
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let destination = directory.path().to_str().unwrap();
        let files = install(prefix, destination);
        let names = [
            "dbus-1/system.d/org.lodge.Lodge1.conf",
            "polkit-1/actions/org.lodge.Lodge1.policy",
            "polkit-1/rules.d/50-org.lodge.Lodge1.rules",
            "apparmor.d/lodge/TEMPLATE.qemu",
            "apparmor.d/abstractions/lodge-qemu",
            "firewalld/zones/lodge.xml",
            "firewalld/policies/lodge-routed-in.xml",
        ];
        for (place, name) in places.into_iter().zip(names) {
            let expected = format!("{destination}{place}/{name}");
            assert!(files.iter().any(|file| file.to_str() == Some(&expected)), "{expected} in {files:#?}");
        }
    }
}
