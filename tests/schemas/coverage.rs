//! Everything that the schemas know is understood, written back as the same, and valid when it is written.

use std::collections::{BTreeMap, BTreeSet};

use lodge_model::documents::examine;

use crate::grammar::Grammar;
use crate::walk::walk;
use crate::{schema, xmllint};

/// What a schema knows and we do not.
struct Gap {
    /// Paths below the element that they are found in; what is below them belongs to it.
    paths: &'static [&'static str],
    reason: &'static str,
}

impl Gap {
    /// Whole paths, and the reason of each.
    fn within(&self, element: &str) -> impl Iterator<Item = (String, &'static str)> {
        self.paths.iter().map(move |path| (format!("{element}{path}"), self.reason))
    }
}

/// An element, and what is not understood below it.
type Gaps = (&'static str, &'static [Gap]);

/// The schemas, and what of them is not understood. A new kind of document is a line here.
const SCHEMAS: &[(&str, &[Gaps])] = &[
    ("capability.rng", &[]),
    ("domain.rng", &[("/domain", DOMAIN)]),
    ("domaincaps.rng", &[]),
    ("domainsnapshot.rng", &[("/domainsnapshot/domain", DOMAIN), ("/domainsnapshot/inactiveDomain", DOMAIN)]),
    ("network.rng", &[]),
    ("nodedev.rng", &[]),
    ("secret.rng", &[]),
    ("storagepool.rng", &[("/pool", STORAGE_POOL)]),
    ("storagevol.rng", &[]),
];

const DOMAIN: &[Gap] = &[
    Gap { paths: &["/features/capabilities", "/lxc:namespace"], reason: "containers (LXC); kept with a warning" },
    Gap { paths: &["/bhyve:commandline"], reason: "bhyve of FreeBSD; kept with a warning" },
    Gap { paths: &["/vmware:datacenterpath"], reason: "VMware, a path that only its driver reports; kept with a warning" },
    Gap {
        paths: &[
            "/devices/console/target/@type='isa-serial'",
            "/devices/console/target/@type='usb-serial'",
            "/devices/console/target/@type='pci-serial'",
            "/devices/console/target/@type='spapr-vio-serial'",
            "/devices/console/target/@type='system-serial'",
            "/devices/console/target/@type='sclp-serial'",
            "/devices/console/target/@type='isa-debug'",
            "/devices/console/target/model",
            "/devices/parallel/target/model",
            "/devices/smartcard/target",
        ],
        reason: "the schema has one target for all character devices; these belong to serial ports only",
    },
    Gap {
        paths: &[
            "/devices/hostdev/source/adapter/@type",
            "/devices/hostdev/source/adapter/@parent",
            "/devices/hostdev/source/adapter/@managed",
            "/devices/hostdev/source/adapter/@parent_wwnn",
            "/devices/hostdev/source/adapter/@parent_wwpn",
            "/devices/hostdev/source/adapter/@parent_fabric_wwn",
            "/devices/hostdev/source/adapter/@wwnn",
            "/devices/hostdev/source/adapter/@wwpn",
            "/devices/hostdev/source/adapter/parentaddr",
        ],
        reason: "the schema takes the adapter of a storage pool; a host device's adapter has a name only",
    },
];

const STORAGE_POOL: &[Gap] = &[Gap {
    paths: &["/source/format/vendor", "/source/format/product"],
    reason: "formatstorage has both in <source>, where the schema has them too; kept with a warning",
}];

#[test]
fn what_the_schemas_know_is_understood_and_written() {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = SCHEMAS.iter().map(|(name, gaps)| scope.spawn(|| failures_of(name, gaps))).collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} places\n{}", failures.len(), failures.join("\n"));
}

#[allow(clippy::print_stdout, reason = "how much is understood is worth reading with --nocapture")]
fn failures_of(name: &str, gaps: &[Gaps]) -> Vec<String> {
    let gaps: Vec<(String, &str)> = gaps.iter().flat_map(|(within, gaps)| gaps.iter().flat_map(|gap| gap.within(within))).collect();
    // By path, the first failure with the document that shows it.
    let mut failures = BTreeMap::new();
    let mut written = BTreeMap::new();
    let mut used = BTreeSet::new();
    walk(&Grammar::load(&schema(name)), &mut |path, document| match understood(&document) {
        Ok(normalized) => {
            written.entry(path).or_insert(normalized);
        }
        Err(problem) => match gaps.iter().position(|(gap, _)| is_below(&path, gap)) {
            Some(gap) => {
                used.insert(gap);
            }
            None => {
                failures.entry(path).or_insert_with(|| format!("{problem}\n{document}"));
            }
        },
    });
    println!("{name}: {} of {} paths are understood", written.len(), written.len() + failures.len());
    let written: Vec<_> = written.into_iter().collect();
    let invalid = xmllint::invalid(&schema(name), &written);
    let stale = gaps.iter().enumerate().filter(|(number, _)| !used.contains(number));
    let stale = stale.map(|(_, (path, reason))| format!("{path} is no gap any more ({reason}); remove the line"));
    failures.into_iter().map(|(path, problem)| format!("{path}: {problem}")).chain(invalid).chain(stale).collect()
}

/// The document as it is written, or what is not understood of it.
fn understood(document: &str) -> Result<String, String> {
    let examined = examine(document).map_err(|error| error.to_string())?;
    if let Some(warning) = examined.warnings.first() {
        return Err(warning.to_string());
    }
    let again = examine(&examined.normalized).map_err(|error| format!("what is written is not read: {error}"))?;
    if again.normalized != examined.normalized {
        return Err(format!("what is written changes when it is read: {}", examined.normalized));
    }
    Ok(examined.normalized)
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '=']))
}
