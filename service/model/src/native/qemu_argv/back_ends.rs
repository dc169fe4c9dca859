//! Options that others name by their ids: drives, networks, character devices, objects and so on.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use super::conversion::read_props;
use super::options::Opt;
use super::props::Props;
use super::{CommandLine, ReadError, disk};

/// An option that others name by its id.
pub struct BackEnd {
    /// Number of the option.
    pub option: usize,
    /// What it says.
    pub props: Props,
    /// Whether an element has it.
    used: Cell<bool>,
}

/// All of them by their ids.
#[derive(Default)]
pub struct BackEnds {
    by_id: HashMap<String, BackEnd>,
    /// Ids of those that have been used, in order.
    uses: RefCell<Vec<String>>,
}

/// Options that other options name by their ids, with the key of the first value.
const NAMES: &[(&str, &str)] = &[
    ("blockdev", "driver"),
    ("netdev", "type"),
    ("chardev", "backend"),
    ("object", "qom-type"),
    ("tpmdev", "type"),
    ("fsdev", "fsdriver"),
    ("audiodev", "driver"),
];

/// Whether an option is one.
pub fn is_one(option: &Opt) -> bool {
    NAMES.iter().any(|(name, _)| *name == option.name) || (option.name == "drive" && disk::is_only_a_back_end(&option.value))
}

impl BackEnds {
    /// Notes those of a command line but for options in `kept`; the second value is `kept` and what has no id.
    ///
    /// # Errors
    /// Two have the same id.
    pub fn note(line: &CommandLine, kept: &BTreeSet<usize>) -> Result<(Self, BTreeSet<usize>), ReadError> {
        let (mut all, mut nameless) = (Self::default(), kept.clone());
        for (at, option) in line.options.iter().enumerate() {
            if !is_one(option) || kept.contains(&at) {
                continue;
            }
            let first = NAMES.iter().find(|(name, _)| *name == option.name).map_or("file", |(_, first)| first);
            let props = read_props(option, first)?;
            let id = if option.name == "blockdev" { props.get("node-name") } else { props.get("id") };
            let Some(id) = id.map(str::to_owned) else {
                nameless.insert(at);
                continue;
            };
            if let Some(other) = all.by_id.get(&id) {
                let first = line.options[other.option].position;
                let reason = format!("the id '{id}' is there already ({first}); give one of the two another");
                return Err(ReadError { position: option.position, reason });
            }
            all.by_id.insert(id, BackEnd { option: at, props, used: Cell::new(false) });
        }
        Ok((all, nameless))
    }

    /// A back end by its id, to be looked at.
    pub fn get(&self, id: &str) -> Option<&BackEnd> {
        self.by_id.get(id)
    }

    /// Notes that an element has a back end.
    pub fn used(&self, id: &str) {
        if let Some(back_end) = self.by_id.get(id)
            && !back_end.used.replace(true)
        {
            self.uses.borrow_mut().push(id.to_owned());
        }
    }

    /// How many uses were noted, for [`BackEnds::unmark`].
    pub fn marks(&self) -> usize {
        self.uses.borrow().len()
    }

    /// Takes back the uses that were noted since.
    pub fn unmark(&self, marks: usize) {
        for id in self.uses.borrow_mut().drain(marks..) {
            if let Some(back_end) = self.by_id.get(&id) {
                back_end.used.set(false);
            }
        }
    }

    /// Those that no element has, in the order of the command line.
    pub fn unused(&self) -> Vec<(usize, String)> {
        let unused = self.by_id.iter().filter(|(_, back_end)| !back_end.used.get());
        let mut unused: Vec<(usize, String)> = unused.map(|(id, back_end)| (back_end.option, id.clone())).collect();
        unused.sort_unstable();
        unused
    }
}

/// Options that are named by one in `kept` and are not there themselves.
pub fn named_by(line: &CommandLine, kept: &BTreeSet<usize>) -> BTreeSet<usize> {
    let ids = line.options.iter().enumerate().filter(|(at, _)| !kept.contains(at));
    let ids: HashMap<String, usize> = ids.filter_map(|(at, option)| Some((id_of(option)?, at))).collect();
    let mut named = BTreeSet::new();
    for at in kept {
        let Some(option) = line.options.get(*at) else { continue };
        let Ok(props) = Props::read(&option.value, "driver") else { continue };
        for (key, value) in props.values() {
            if matches!(key, "id" | "node-name" | "driver" | "type") {
                continue;
            }
            let bus = value.rsplit_once('.').map_or(value, |(controller, _)| controller);
            named.extend([value, bus].into_iter().filter_map(|name| ids.get(name)));
        }
    }
    named
}

fn id_of(option: &Opt) -> Option<String> {
    let props = Props::read(&option.value, "driver").ok()?;
    let id = if option.name == "blockdev" { props.get("node-name") } else { props.get("id") };
    id.map(str::to_owned)
}
