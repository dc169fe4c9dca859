//! The fixtures.

use std::fs;
use std::path::{Path, PathBuf};

use lodge_model::document::Document as _;
use lodge_model::domain::{Domain, DomainType};

use super::{Qemu, complete, numbers};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

fn definitions(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| is_definition(path)).collect();
    paths.sort();
    assert!(paths.len() > 5, "only {} fixtures in {}", paths.len(), folder.display());
    paths
}

/// `NAME.xml`, and not `NAME.something.xml`.
fn is_definition(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_suffix(".xml").is_some_and(|stem| !stem.contains('.'))
}

/// What QEMU can run, and not what only other hypervisors can.
fn is_for_qemu(domain: &Domain) -> bool {
    let arch = domain.os.os_type.as_ref().and_then(|os| os.arch.as_deref()).unwrap_or("x86_64");
    matches!(domain.kind, DomainType::Qemu | DomainType::Kvm) && matches!(arch, "x86_64" | "i686")
}

fn run(domain: &mut Domain, name: &str) {
    complete(domain, &Qemu::new(), &mut numbers()).unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn definitions_are_completed_as_expected_and_only_once() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for path in definitions(&folder("domain")) {
        let name = path.display().to_string();
        let (mut domain, _) = Domain::parse(&fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        if !is_for_qemu(&domain) {
            continue;
        }
        run(&mut domain, &name);
        let found = domain.to_xml();
        let expected = folder("completed").join(path.file_name().unwrap());
        if update {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(&found) {
            wrong.push(format!("{}, found:\n{found}", expected.display()));
        }
        let (mut again, _) = Domain::parse(&found).unwrap();
        run(&mut again, &name);
        assert_eq!(again.to_xml(), found, "{name} changed the second time");
        if let Err(problems) = again.validate() {
            panic!("{name} is not valid when complete: {problems:?}");
        }
    }
    assert!(wrong.is_empty(), "not as expected; look, then run with UPDATE_EXPECT=1: {}", wrong.join("\n"));
}

/// `libvirt/NAME.xml` is what libvirt 11.3 stored when it was given `domain/NAME.xml`.
#[test]
fn what_libvirt_has_completed_stays_as_it_is() {
    for path in definitions(&folder("libvirt")) {
        let name = path.display().to_string();
        let (before, _) = Domain::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut domain = before.clone();
        run(&mut domain, &name);
        // libvirt leaves the port of a virtio console to QEMU, which takes the first; we write that down.
        for console in domain.devices.consoles_mut() {
            console.address = None;
        }
        assert_eq!(domain.to_xml(), before.to_xml(), "{name} changed");
    }
}
