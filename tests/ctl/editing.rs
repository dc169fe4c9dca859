//! `edit` with editors that are programs.

use std::os::unix::fs::PermissionsExt as _;

use lodge_tests::bus::PrivateBus;

use crate::{Ran, document, lodgectl, run};

fn bus_with_demo() -> PrivateBus {
    let bus = PrivateBus::with_lodged(&[]);
    run(&bus, &["define", &document(&bus, "demo")]).good();
    bus
}

fn edit(bus: &PrivateBus, editor: &str) -> Ran {
    lodgectl(bus, &["edit", "demo"]).env("EDITOR", editor).output().unwrap().into()
}

/// Files that `edit` left behind.
fn left(bus: &PrivateBus) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(bus.directory().join("run")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "xml")).collect()
}

#[test]
fn a_change_is_defined() {
    let bus = bus_with_demo();
    assert_eq!(edit(&bus, "sed --in-place s/A.test/Changed/").good(), "Domain 'demo' XML configuration edited\n");
    assert_eq!(run(&bus, &["desc", "demo", "--title"]).good(), "Changed\n");
    assert_eq!(left(&bus), [""; 0].map(std::path::PathBuf::from));
}

#[test]
fn no_change_changes_nothing() {
    let bus = bus_with_demo();
    assert_eq!(edit(&bus, "true").good(), "Domain 'demo' XML configuration not changed\n");
    assert_eq!(edit(&bus, "false").failed(), "error: the editor false failed: exit status: 1\n");
    assert!(edit(&bus, "/nonexistent/editor").failed().contains("set EDITOR to another"));
    assert!(left(&bus).is_empty());
}

#[test]
fn what_was_written_is_kept_where_nobody_can_be_asked() {
    let bus = bus_with_demo();
    let ran = edit(&bus, "sed --in-place s/domain/doman/");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("expected <domain>"), "{ran:?}");
    let left = left(&bus);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(ran.stderr.contains(left[0].to_str().unwrap()), "{ran:?}");
    assert!(std::fs::read_to_string(&left[0]).unwrap().contains("<doman"));
    assert_eq!(left[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(run(&bus, &["desc", "demo", "--title"]).good(), "A test\n");
}

#[test]
fn a_change_of_somebody_else_is_not_overwritten() {
    let bus = bus_with_demo();
    let other = bus.directory().join("editor");
    let lodgectl = lodge_tests::binaries::built("lodgectl");
    std::fs::write(
        &other,
        format!("#!/bin/sh\n{} -q desc demo --title Theirs\nsed --in-place s/A.test/Ours/ \"$1\"\n", lodgectl.display()),
    )
    .unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ran = edit(&bus, other.to_str().unwrap());
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("somebody changed the definition"), "{ran:?}");
    assert_eq!(run(&bus, &["desc", "demo", "--title"]).good(), "Theirs\n");
}

#[test]
fn a_pools_definition_is_edited_while_it_is_started() {
    let bus = PrivateBus::with_lodged(&[]);
    let (before, after) = (bus.directory().join("before").display().to_string(), bus.directory().join("after").display().to_string());
    run(&bus, &["pool-define-as", "images", "dir", "--target", &before]).good();
    run(&bus, &["pool-start", "images", "--build"]).good();
    let edit = |editor: &str| Ran::from(lodgectl(&bus, &["pool-edit", "images"]).env("EDITOR", editor).output().unwrap());
    assert_eq!(edit("true").good(), "Pool 'images' XML configuration not changed\n");
    assert_eq!(edit("sed --in-place s,/before,/after,").good(), "Pool 'images' XML configuration edited\n");
    assert!(run(&bus, &["pool-dumpxml", "images"]).good().contains(&before));
    assert!(run(&bus, &["pool-dumpxml", "images", "--inactive"]).good().contains(&after));
    assert!(edit("sed --in-place s/pool/pol/").stderr.contains("the definition was not changed"));
}
