//! Options that others name by their ids: drives, networks, character devices, objects and so on.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use super::conversion::read_props;
use super::options::Opt;
use super::props::Props;
use super::{CommandLine, ReadError, disk};

/// Kinds of back ends. Two of different kinds may have the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `-drive` and the nodes of `-blockdev`.
    Block,
    /// `-netdev`.
    Netdev,
    /// `-chardev`.
    Chardev,
    /// `-object`.
    Object,
    /// `-tpmdev`.
    Tpmdev,
    /// `-fsdev`.
    Fsdev,
    /// `-audiodev`.
    Audiodev,
}

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
    by_id: HashMap<(Kind, String), BackEnd>,
    /// Those that have been used, in order.
    uses: RefCell<Vec<(Kind, String)>>,
}

/// Options that other options name by their ids: their kinds, and the keys of their first values.
const NAMES: &[(&str, Kind, &str)] = &[
    ("drive", Kind::Block, "file"),
    ("blockdev", Kind::Block, "driver"),
    ("netdev", Kind::Netdev, "type"),
    ("chardev", Kind::Chardev, "backend"),
    ("object", Kind::Object, "qom-type"),
    ("tpmdev", Kind::Tpmdev, "type"),
    ("fsdev", Kind::Fsdev, "fsdriver"),
    ("audiodev", Kind::Audiodev, "driver"),
];

/// The kind of back end that an option is, and the key of its first value.
fn kind_of(option: &Opt) -> Option<(Kind, &'static str)> {
    let (_, kind, first) = NAMES.iter().find(|(name, ..)| *name == option.name)?;
    (option.name != "drive" || disk::is_only_a_back_end(&option.value)).then_some((*kind, *first))
}

/// Whether an option is one.
pub fn is_one(option: &Opt) -> bool {
    kind_of(option).is_some()
}

impl BackEnds {
    /// Notes those of a command line but for options in `kept`. The second value are those without an id, which nobody can name.
    ///
    /// # Errors
    /// Two of a kind have the same id.
    pub fn note(line: &CommandLine, kept: &BTreeSet<usize>) -> Result<(Self, Vec<usize>), ReadError> {
        let (mut all, mut nameless) = (Self::default(), Vec::new());
        for (at, option) in line.options.iter().enumerate().filter(|(at, _)| !kept.contains(at)) {
            let Some((kind, first)) = kind_of(option) else { continue };
            let props = read_props(option, first)?;
            let id = if option.name == "blockdev" { props.get("node-name") } else { props.get("id") };
            let Some(id) = id.map(str::to_owned) else {
                nameless.push(at);
                continue;
            };
            if let Some(other) = all.get(kind, &id) {
                let first = line.options[other.option].position;
                let reason = format!("the id '{id}' is there already ({first}); give one of the two another");
                return Err(ReadError { position: option.position, reason });
            }
            all.by_id.insert((kind, id), BackEnd { option: at, props, used: Cell::new(false) });
        }
        Ok((all, nameless))
    }

    /// A back end by its id, to be looked at.
    pub fn get(&self, kind: Kind, id: &str) -> Option<&BackEnd> {
        self.by_id.get(&(kind, id.to_owned()))
    }

    /// Notes that an element has a back end.
    pub fn used(&self, kind: Kind, id: &str) {
        if let Some(back_end) = self.get(kind, id)
            && !back_end.used.replace(true)
        {
            self.uses.borrow_mut().push((kind, id.to_owned()));
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
        let mut unused: Vec<(usize, String)> = unused.map(|((_, id), back_end)| (back_end.option, id.clone())).collect();
        unused.sort_unstable();
        unused
    }
}

/// Options that are named by one in `kept`, or by a property that stays, and do not stay themselves.
pub fn named_by(line: &CommandLine, kept: &BTreeSet<usize>, partly: &[[String; 2]]) -> BTreeSet<usize> {
    let mut ids = HashMap::<String, Vec<usize>>::new();
    for (at, option) in line.options.iter().enumerate().filter(|(at, _)| !kept.contains(at)) {
        if let Some(id) = id_of(option) {
            ids.entry(id).or_default().push(at);
        }
    }
    let whole = kept.iter().filter_map(|at| line.options.get(*at)).map(|option| option.value.as_str());
    let mut named = BTreeSet::new();
    for text in whole.chain(partly.iter().map(|[_, value]| value.as_str())) {
        let Ok(props) = Props::read(text, "driver") else { continue };
        for (_, value) in props.values().filter(|(key, _)| !matches!(*key, "id" | "node-name" | "driver" | "type")) {
            let bus = value.rsplit_once('.').map_or(value, |(controller, _)| controller);
            named.extend([value, bus].into_iter().filter_map(|name| ids.get(name)).flatten());
        }
    }
    named
}

fn id_of(option: &Opt) -> Option<String> {
    let props = Props::read(&option.value, "driver").ok()?;
    let id = if option.name == "blockdev" { props.get("node-name") } else { props.get("id") };
    id.map(str::to_owned)
}
