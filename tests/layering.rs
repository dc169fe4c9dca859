//! The direction of dependencies, as ARCHITECTURE.md states it: a table of rules, and every source
//! file held against them.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

use std::path::{Path, PathBuf};

/// What the files below `within` may not say, and why. `but` are files or folders to which it does not apply.
struct Rule {
    within: &'static str,
    but: &'static [&'static str],
    forbidden: &'static [&'static str],
    why: &'static str,
}

/// Modules of the service from the bottom up; each may use those before it.
const LAYERS: &[(&str, &[&str])] = &[
    ("host", &[]),
    ("store", &["host"]),
    ("authorization", &["error", "host"]),
    ("hypervisors", &["error", "host"]),
    ("jobs", &["authorization", "error", "events"]),
    ("scope", &["authorization", "error"]),
    ("secrets", &["authorization", "error", "events", "host", "store"]),
    ("node_devices", &["authorization", "error", "events", "host", "store"]),
    // It implements what hypervisors ask for.
    ("confinement", &["error", "host", "hypervisors"]),
    ("networks", &["authorization", "confinement", "error", "events", "host", "hypervisors", "jobs", "scope", "store"]),
    ("storage", &["authorization", "confinement", "error", "events", "host", "hypervisors", "jobs", "secrets", "store"]),
    (
        "domains",
        &[
            "authorization",
            "confinement",
            "error",
            "events",
            "host",
            "hypervisors",
            "jobs",
            "networks",
            "node_devices",
            "scope",
            "secrets",
            "storage",
            "store",
        ],
    ),
    (
        "bus",
        &["authorization", "domains", "error", "events", "hypervisors", "jobs", "networks", "node_devices", "scope", "secrets", "storage"],
    ),
];

const RULES: &[Rule] = &[
    Rule {
        within: "service/model/src",
        // Its tests read fixtures.
        but: &["service/model/src/testing"],
        forbidden: &["tokio", "zbus", "std::fs", "std::net", "std::process", "lodge_service"],
        why: "the model is pure: documents in, documents out, no input or output",
    },
    Rule {
        within: "service/src/host",
        but: &[],
        forbidden: &["lodge_model"],
        why: "host does not know the model: it deals in paths, processes and bytes",
    },
    Rule {
        within: "service/src",
        but: &[
            "service/src/bus",
            "service/src/daemon.rs",
            "service/src/ctl",
            "service/src/bin",
            // Programs of the host that are on the bus.
            "service/src/host/firewalld.rs",
            "service/src/host/systemd.rs",
            "service/src/host/systemd",
        ],
        forbidden: &["zbus::", "use zbus", "lodge_dbus_interfaces"],
        why: "only the bus layer knows D-Bus, so that another front door can stand beside it",
    },
    Rule {
        within: "service/src",
        but: &["service/src/bus"],
        forbidden: &["zbus::interface", "object_server", "ObjectServer"],
        why: "objects are served in bus only",
    },
    Rule {
        within: "service",
        but: &["service/src/host"],
        forbidden: &["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code"],
        why: "unsafe code stands in host only",
    },
    Rule {
        within: "service/src",
        // The command-line client starts a person's editor.
        but: &["service/src/host/process.rs", "service/src/host/process", "service/src/ctl"],
        forbidden: &["Command::new", "process::Command", "fork()", "execve", "posix_spawn"],
        why: "processes are started in host/process.rs only, which sets up descriptors, signals and the environment",
    },
    Rule {
        within: "service/src/hypervisors/qemu",
        but: &[],
        forbidden: &["hypervisors::xen", "super::xen"],
        why: "qemu does not know xen",
    },
    Rule {
        within: "service/src/hypervisors/xen",
        but: &[],
        forbidden: &["hypervisors::qemu", "super::qemu"],
        why: "xen does not know qemu",
    },
    Rule {
        within: "service/src",
        but: &[],
        forbidden: &["unbounded_channel", "thread::sleep"],
        why: "every queue has a bound, and nothing sleeps where it could wait for an event",
    },
    Rule {
        within: "dbus-interfaces/src",
        but: &[],
        forbidden: &["lodge_service", "lodge_model", "tokio::"],
        why: "the contract knows neither the service nor the model",
    },
];

#[test]
fn nothing_says_what_its_place_forbids() {
    let mut found = Vec::new();
    for rule in RULES {
        for (file, text) in sources(rule.within) {
            if rule.but.iter().any(|but| Path::new(&file).starts_with(but)) {
                continue;
            }
            for (number, line) in (1..).zip(code(&text)) {
                if let Some(word) = rule.forbidden.iter().find(|word| line.contains(**word)) {
                    found.push(format!("{file}:{number}: {word}: {}", rule.why));
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn each_layer_uses_only_those_below_it() {
    let mut found = Vec::new();
    let known: Vec<_> = LAYERS.iter().map(|(layer, _)| *layer).chain(["error", "events", "settings", "daemon"]).collect();
    for (layer, below) in LAYERS {
        for (file, text) in sources(&format!("service/src/{layer}")).into_iter().chain(sources(&format!("service/src/{layer}.rs"))) {
            for (number, line) in (1..).zip(code(&text)) {
                for used in modules_used(line) {
                    if known.contains(&used) && used != *layer && !below.contains(&used) {
                        found.push(format!("{file}:{number}: {layer} may not use {used}; it may use: {}", below.join(", ")));
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_module_of_the_service_has_its_layer() {
    let lib = std::fs::read_to_string(root().join("service/src/lib.rs")).unwrap();
    // What stands beside the layers: used by many, using only what is below them, or on top of all.
    let beside = ["ctl", "daemon", "error", "events", "settings"];
    for line in lib.lines() {
        if let Some(module) = line.trim().strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
            let has_layer = LAYERS.iter().any(|(layer, _)| *layer == module) || beside.contains(&module);
            assert!(has_layer, "module {module} has no layer: give it one in the table of tests/layering.rs and in ARCHITECTURE.md");
        }
    }
}

/// The modules that a line reaches by `crate::`, also in a group.
fn modules_used(line: &str) -> Vec<&str> {
    line.split("crate::").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()).collect()
}

/// The lines of a file without comments, and without what stands behind `#[cfg(test)]` at its end.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).map(|line| line.split("//").next().unwrap())
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
