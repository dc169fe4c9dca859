//! The Debian package in a clean system: it installs, runs, is upgraded below running guests, and leaves nothing but what
//! people made.

use lodge_tests::hosts::{Container, Host};
use lodge_tests::staging;

use super::service::{busctl_define, define, lodgectl, outlives, people};

#[test]
fn the_package_comes_runs_is_upgraded_and_goes() {
    let directory = tempfile::tempdir().unwrap();
    let package = staging::package(directory.path());
    let host = Container::boot();
    host.install_package(&package);
    assert_eq!(host.run(&["systemctl", "is-enabled", "lodged"]).success(), "enabled");
    assert_eq!(
        host.run(&["stat", "--format=%U %a", "/etc/lodge", "/run/lodge", "/var/lib/lodge"]).success(),
        "root 700\nroot 711\nroot 711"
    );
    people(&host);

    // Who gets in is what it is for `make install`.
    define(&host, "db");
    let refusal = busctl_define(&host, "mallory", "mine").failure();
    assert!(refusal.contains("domain.define needs an authentication"), "{refusal}");
    assert_eq!(lodgectl(&host, "oscar", &["domstate", "db"]).success(), "shut off");

    // The same version again is what dpkg does for a new one.
    outlives(&host, &["dpkg", "--install", "/tmp/package.deb"]);

    host.run(&["dpkg", "--remove", "lodge"]).success();
    host.run(&["systemctl", "is-active", "lodged"]).failure();
    host.run(&["test", "-e", "/usr/bin/lodged"]).failure();
    let refusal = host.run(&["busctl", "introspect", "org.lodge.Lodge1", "/org/lodge/Lodge1"]).failure();
    assert!(refusal.contains("not provided by any .service files"), "{refusal}");
    host.run(&["dpkg", "--purge", "lodge"]).success();
    // What people made outlives even that.
    assert_eq!(host.run(&["ls", "/etc/lodge/domains"]).success(), "db.xml\nweb.xml");

    host.install_package(&package);
    for name in ["db", "web"] {
        host.run(&["lodgectl", "undefine", name]).success();
    }
    host.run(&["dpkg", "--purge", "lodge"]).success();
    let rest =
        ["find", "/etc", "/run", "/usr", "/var", "-iname", "*lodge*", "-not", "-path", "/run/log/*", "-not", "-path", "/var/log/journal/*"];
    let rest = host.run(&rest).success();
    assert_eq!(rest, "");
}
