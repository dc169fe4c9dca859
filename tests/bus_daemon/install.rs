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
    assert!(files.iter().all(|file| file.starts_with(directory.path().join("usr"))), "{files:#?}");
    let service = fs::read_to_string(directory.path().join("usr/share/dbus-1/services/org.lodge.Lodge1.service")).unwrap();
    assert!(service.contains("Exec=/usr/bin/lodged --session\n"), "{service}");
    for expected in ["usr/share/man/man1/lodgectl.1", "usr/share/bash-completion/completions/lodgectl", "usr/share/doc/lodge/LICENSE-MIT"] {
        assert!(files.contains(&directory.path().join(expected)), "{expected} in {files:#?}");
    }
}
