//! The fixtures of every kind of document, as the model writes them, are valid.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lodge_model::documents::examine;

use crate::{root, schema, xmllint};

/// How the documents of a folder come to be validated.
enum Text {
    /// Read and written by the model.
    Written,
    /// As it stands: it was written by the service.
    AsItStands,
}

use Text::{AsItStands, Written};

/// Folders of fixtures with documents, the schema, and how. A new kind of document is a line here.
const FOLDERS: &[(&str, &str, Text)] = &[
    ("capabilities", "capability.rng", Written),
    ("completed", "domain.rng", AsItStands),
    ("domain", "domain.rng", Written),
    ("domain-capabilities", "domaincaps.rng", Written),
    ("libvirt", "domain.rng", AsItStands),
    ("native/qemu-argv", "domain.rng", AsItStands),
    ("native/xen-sxpr", "domain.rng", AsItStands),
    ("native/xen-xl", "domain.rng", AsItStands),
    ("native/xen-xm", "domain.rng", AsItStands),
    ("network", "network.rng", Written),
    ("node-device", "nodedev.rng", Written),
    ("qemu/offered", "domaincaps.rng", AsItStands),
    ("secret", "secret.rng", Written),
    ("snapshot", "domainsnapshot.rng", Written),
    ("storage-pool", "storagepool.rng", Written),
    ("storage-volume", "storagevol.rng", Written),
];

/// Folders with XML that is no document of its own.
const PARTS: &[(&str, &str)] = &[
    ("encryption", "an element of storage volumes and disks, whose schemas have it"),
    ("sysfs", "all devices of a machine in one file; `produced` holds each against the schema"),
];

/// A fixture that is right although a schema does not allow it.
struct Deviation {
    file: &'static str,
    /// What is written, and what would have to stand there.
    instead: &'static [(&'static str, &'static str)],
    #[allow(dead_code, reason = "for who reads the table")]
    reason: &'static str,
}

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        file: "domain/host-resources.xml",
        instead: &[("<feature name='aes'/>", "<feature policy='require' name='aes'/>")],
        reason: "formatdomain: the policy can be left out and is require then; it is filled in when the domain is defined",
    },
    Deviation {
        file: "domain/machine-features.xml",
        instead: &[("<hwuuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</hwuuid>", "")],
        reason: "<hwuuid> is newer than the schemas (libvirt 11.3)",
    },
    Deviation {
        file: "completed/machine-features.xml",
        instead: &[("<hwuuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</hwuuid>", "")],
        reason: "the same",
    },
    Deviation {
        file: "network/isolated-by-mode.xml",
        instead: &[("<forward mode='none'/>", "")],
        reason: "no schema and no documentation has this mode, and everybody takes it; it says what leaving <forward> out says",
    },
    Deviation {
        file: "domain/q35-everything.xml",
        instead: &[("<tpm/>", ""), ("<rng>", "<rng model='virtio'>")],
        reason: "incomplete on purpose: backend and model are filled in when the domain is defined",
    },
    Deviation {
        file: "native/qemu-argv/elsewhere.xml",
        instead: &[("<driver name='qemu' type='vhdx'/>", "<driver name='qemu' type='vpc'/>")],
        reason: "QEMU has the format and libvirt no word for it; a disk that was given so is started so",
    },
    Deviation {
        file: "native/qemu-argv/kernel.xml",
        instead: &[("<kernel>arch/x86/boot/bzImage</kernel>", "<kernel>/arch/x86/boot/bzImage</kernel>")],
        reason: "the path is as it was written; a warning says that the service does not know what it is relative to",
    },
    Deviation {
        file: "native/qemu-argv/quoting.xml",
        instead: &[("<source file='$HOME/images/$(basename \"a b\").raw'/>", "<source file='/images/a b.raw'/>")],
        reason: "the same",
    },
    Deviation {
        file: "node-device/net-infiniband.xml",
        instead: &[("<address>80:00:00:48:fe:80:00:00:00:00:00:00:00:02:c9:03:00:4d:1a:21</address>", "")],
        reason: "the kernel tells the address of every link layer; the schema has those of Ethernet only",
    },
    Deviation {
        file: "node-device/mdev-new.xml",
        instead: &[("<device>", "<device><name>a</name>")],
        reason: "formatnode: a device that is made gets its name then, and what is written is ignored; the schema wants one",
    },
    Deviation {
        file: "node-device/scsi-host-new.xml",
        instead: &[
            ("<device>", "<device><name>a</name>"),
            ("<capability type='scsi_host'>", "<capability type='scsi_host'><host>6</host>"),
            (
                "<capability type='fc_host'/>",
                "<capability type='fc_host'><wwnn>5001a4a6f3c20b17</wwnn><wwpn>5001a4a6f3c20b18</wwpn></capability>",
            ),
        ],
        reason: "a virtual adapter that is made gets name, number and world wide names then; the schema wants them",
    },
    Deviation { file: "node-device/scsi-host-new-fabric.xml", instead: NEW_ADAPTER, reason: "the same" },
    Deviation { file: "node-device/scsi-host-new-wwn.xml", instead: NEW_ADAPTER, reason: "the same" },
];

const NEW_ADAPTER: &[(&str, &str)] =
    &[("<device>", "<device><name>a</name>"), ("<capability type='scsi_host'>", "<capability type='scsi_host'><host>6</host>")];

#[test]
fn fixtures_are_valid() {
    let mut failures = Vec::new();
    let mut kept = BTreeSet::new();
    for (folder, rng, text) in FOLDERS {
        let documents: Vec<_> = files(folder).iter().filter_map(|file| document(file, text, &mut kept, &mut failures)).collect();
        failures.extend(xmllint::invalid(&schema(rng), &documents));
    }
    let stale = DEVIATIONS.iter().flat_map(|deviation| deviation.instead.iter().map(|(written, _)| (deviation.file, *written)));
    failures.extend(stale.filter(|deviation| !kept.contains(deviation)).map(|(file, written)| format!("{file} does not say {written}")));
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

#[test]
fn every_folder_of_documents_is_validated() {
    let known = |folder: &str| FOLDERS.iter().any(|(known, ..)| *known == folder) || PARTS.iter().any(|(known, _)| *known == folder);
    let mut open = vec![root().join("tests/fixtures")];
    while let Some(directory) = open.pop() {
        for path in entries(&directory) {
            if path.extension().is_some_and(|extension| extension == "xml") {
                let folder = name(&directory);
                assert!(known(&folder), "tests/fixtures/{folder} is in no table of tests/schemas/fixtures.rs; give it a schema there");
            } else if path.is_dir() {
                open.push(path);
            }
        }
    }
}

/// Name and text to validate. Fixtures with expected warnings hold what no schema has, and are left out.
fn document(
    file: &Path,
    text: &Text,
    kept: &mut BTreeSet<(&'static str, &'static str)>,
    failures: &mut Vec<String>,
) -> Option<(String, String)> {
    let name = name(file);
    let found = fs::read_to_string(file).unwrap();
    let mut document = match text {
        AsItStands => found,
        Written => match examine(&found) {
            Ok(_) if file.with_extension("warnings").exists() => return None,
            Ok(examined) => examined.normalized,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                return None;
            }
        },
    };
    for deviation in DEVIATIONS.iter().filter(|deviation| deviation.file == name) {
        for (written, instead) in deviation.instead {
            if document.contains(written) {
                document = document.replace(written, instead);
                kept.insert((deviation.file, *written));
            }
        }
    }
    Some((name, document))
}

/// The documents of a folder, which may not be there.
fn files(folder: &str) -> Vec<PathBuf> {
    let document = |path: &PathBuf| path.extension().is_some_and(|e| e == "xml") && !path.to_string_lossy().ends_with(".normalized.xml");
    let mut files = entries(&root().join("tests/fixtures").join(folder));
    files.retain(document);
    files.sort();
    files
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
}

/// The path below the fixtures.
fn name(path: &Path) -> String {
    path.strip_prefix(root().join("tests/fixtures")).unwrap().to_string_lossy().into_owned()
}
