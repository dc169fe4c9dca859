//! A domain in the making, from the options of one command line.

mod answers;
mod document;

use std::collections::{BTreeSet, HashMap};

use super::back_ends::{self, BackEnds};
use super::buses::Buses;
use super::disk_names::Names;
use super::options::Opt;
use super::outcome::Outcome;
use super::props::Props;
use super::tree::element;
use super::{
    CommandLine, ReadError, Warnings, audio, boot, characters, clock, devices, disk, display, filesystem, flash, general, lifecycle,
    machine, memory, network, numa, option_names, processor, smbios, starter, usb,
};
use crate::xml::Element;

/// A domain in the making.
pub struct Conversion<'a> {
    line: &'a CommandLine,
    kept_before: &'a BTreeSet<usize>,
    /// The guest's architecture.
    pub arch: String,
    /// The machine as written.
    pub machine: Option<String>,
    /// `kvm` or `qemu`.
    pub kind: &'static str,
    /// Elements right below `<domain>`.
    pub general: Vec<Element>,
    /// Attributes and elements of `<os>`.
    pub os: Element,
    /// Elements of `<features>`.
    pub features: Element,
    /// Elements of the Hyper-V feature.
    pub hyperv: Element,
    /// Elements of the KVM feature.
    pub kvm: Element,
    /// `<cpu>`.
    pub cpu: Option<Element>,
    /// `<clock>`.
    pub clock: Element,
    /// Elements of `<memoryBacking>`.
    pub memory_backing: Vec<Element>,
    /// Sound back ends, which come at the end.
    later: Vec<Element>,
    /// Elements of `<devices>`.
    pub devices: Vec<Element>,
    /// What the guest's watchdog does when it is not fed.
    pub watchdog_action: String,
    /// Places that devices are plugged into.
    pub buses: Buses,
    /// Names of disks.
    pub disk_names: Names,
    /// SCSI controllers of the parallel kind, by their numbers.
    pub parallel_scsi: BTreeSet<u32>,
    /// What several options say together.
    pub facts: Facts,
    /// Serial and parallel ports so far, those without anything on them too.
    pub ports: HashMap<&'static str, usize>,
    /// Sound cards by their ids, as places among the devices.
    pub sound_cards: HashMap<String, usize>,
    /// Sound back ends by their ids.
    audio: HashMap<String, u32>,
    /// Whether the boot order begins with 0; documents begin with 1.
    boot_from_zero: bool,
    /// I/O threads by their ids.
    io_threads: HashMap<String, u32>,
    /// What the clock starts with, where that is said.
    pub clock_offset: Option<&'static str>,
    /// When the clock starts, in seconds from 1970, where that is said.
    pub clock_start: Option<u64>,
    /// What others name by its id.
    back_ends: BackEnds,
    /// Options that stay options.
    kept: BTreeSet<usize>,
    /// What stays of options that have become elements.
    partly: Vec<[String; 2]>,
    warnings: Warnings,
    option: usize,
}

/// What several options say together, by who reads them.
#[derive(Debug, Default)]
pub struct Facts {
    pub machine: machine::Facts,
    pub processor: processor::Facts,
    pub memory: memory::Facts,
    pub numa: numa::Facts,
    pub boot: boot::Facts,
    pub lifecycle: lifecycle::Facts,
    pub smbios: smbios::Facts,
    pub usb: usb::Facts,
    pub disks: disk::Facts,
    pub flash: flash::Facts,
    pub networks: network::Legacy,
    pub displays: display::Facts,
}

/// Converts the options of one family; `None` for others.
type Family = fn(&mut Conversion<'_>, &Opt) -> Result<Option<Outcome>, ReadError>;

const FAMILIES: [Family; 19] = [
    general::convert,
    machine::convert,
    processor::convert,
    memory::convert,
    numa::convert,
    boot::convert,
    clock::convert,
    lifecycle::convert,
    smbios::convert,
    usb::convert,
    filesystem::convert,
    disk::convert,
    flash::convert,
    network::convert,
    characters::convert,
    display::convert,
    audio::convert,
    devices::convert,
    starter::convert,
];

/// Writes what several options say together.
type Finish = fn(&mut Conversion<'_>);

const FINISH: [Finish; 17] = [
    general::finish,
    numa::finish,
    memory::finish,
    processor::finish,
    disk::finish,
    flash::finish,
    boot::finish,
    smbios::finish,
    machine::finish,
    clock::finish,
    lifecycle::finish,
    usb::finish,
    devices::finish,
    display::finish,
    network::finish,
    characters::finish,
    audio::finish,
];

impl<'a> Conversion<'a> {
    fn new(line: &'a CommandLine, kept_before: &'a BTreeSet<usize>) -> Self {
        Self {
            line,
            kept_before,
            arch: machine::arch_of(&line.program.text).to_owned(),
            machine: None,
            kind: if machine::is_kvm(&line.program.text) { "kvm" } else { "qemu" },
            general: Vec::new(),
            os: element("os"),
            features: element("features"),
            hyperv: element("hyperv"),
            kvm: element("kvm"),
            cpu: None,
            clock: element("clock"),
            memory_backing: Vec::new(),
            later: Vec::new(),
            devices: Vec::new(),
            watchdog_action: "reset".to_owned(),
            buses: Buses::default(),
            disk_names: Names::default(),
            parallel_scsi: BTreeSet::new(),
            facts: Facts::default(),
            ports: HashMap::new(),
            sound_cards: HashMap::new(),
            audio: HashMap::new(),
            boot_from_zero: line.options.iter().any(|option| begins_with_zero(&option.value)),
            io_threads: HashMap::new(),
            clock_offset: None,
            clock_start: None,
            back_ends: BackEnds::default(),
            kept: kept_before.clone(),
            partly: Vec::new(),
            warnings: Warnings::default(),
            option: 0,
        }
    }

    /// Converts; the options in `kept_before` stay as they are.
    ///
    /// # Errors
    /// An option's value is none.
    pub fn run(line: &'a CommandLine, kept_before: &'a BTreeSet<usize>) -> Result<Self, ReadError> {
        let mut conversion = Self::new(line, kept_before);
        let (back_ends, nameless) = BackEnds::note(line, kept_before)?;
        conversion.back_ends = back_ends;
        for at in nameless {
            conversion.keep(at, "it has no id, so nothing can use it");
        }
        conversion.look_around();
        for (at, option) in line.options.iter().enumerate() {
            if back_ends::is_one(option) {
                continue;
            }
            conversion.option = at;
            if kept_before.contains(&at) {
                conversion.warn(format!("-{} stays as it is in <qemu:commandline>, since another option there needs it", option.name));
                continue;
            }
            let outcome = conversion.convert(option)?;
            conversion.note(at, option, outcome);
        }
        conversion.take_lone_back_ends();
        for finish in FINISH {
            finish(&mut conversion);
        }
        conversion.keep_unused_back_ends();
        Ok(conversion)
    }

    /// What decides on others' meaning, wherever it stands.
    fn look_around(&mut self) {
        for (at, option) in self.line.options.iter().enumerate() {
            let props = |first| Props::read(&option.value, first).unwrap_or_default();
            match option.name.as_str() {
                "M" | "machine" if !option.value.starts_with('{') => {
                    let props = props("type");
                    if let Some(written) = props.get("type") {
                        // `pc-q35-9.0+pve0` is Proxmox's name for its changes to a machine.
                        let machine = written.split_once("+pve").map_or(written, |(machine, _)| machine);
                        if machine != written {
                            self.option = at;
                            self.warn(format!("the machine '{written}' is Proxmox's own; it becomes '{machine}'"));
                        }
                        self.machine = Some(machine.to_owned());
                    }
                }
                "watchdog-action" => self.watchdog_action.clone_from(&option.value),
                "action" => {
                    if let Some(action) = props("").get("watchdog") {
                        action.clone_into(&mut self.watchdog_action);
                    }
                }
                _ => {}
            }
        }
        self.buses.begin(self.is_q35());
    }

    fn convert(&mut self, option: &Opt) -> Result<Outcome, ReadError> {
        let name = option.name.as_str();
        for family in FAMILIES {
            if let Some(outcome) = family(self, option)? {
                return Ok(outcome);
            }
        }
        Ok(Outcome::Kept(if option_names::takes_value(name).is_some() {
            "no element says this".to_owned()
        } else {
            "it is no option that is known here, and QEMU may refuse it".to_owned()
        }))
    }

    fn note(&mut self, at: usize, option: &Opt, outcome: Outcome) {
        match outcome {
            Outcome::Done | Outcome::Silent => {}
            Outcome::Left(reason) => self.warn(format!("-{} is left out: {reason}", option.name)),
            Outcome::Partly(left) => self.keep_part(&option.name, left.join(",")),
            Outcome::Kept(reason) => self.keep(at, &reason),
        }
    }

    /// Has an option stay as it is.
    pub fn keep(&mut self, at: usize, reason: &str) {
        self.option = at;
        self.kept.insert(at);
        let name = &self.line.options[at].name;
        self.warn(format!("-{name} stays as it is in <qemu:commandline>: {reason}"));
    }

    /// Has some properties of an option stay.
    pub fn keep_part(&mut self, name: &str, left: String) {
        self.warn(format!("-{name} {left} stays as it is in <qemu:commandline>: no element says this"));
        self.partly.push([format!("-{name}"), left]);
    }

    /// The number of the option at hand.
    pub fn option(&self) -> usize {
        self.option
    }

    /// A warning about the option at hand.
    pub fn warn(&mut self, reason: impl Into<String>) {
        let position = self.line.options.get(self.option).map_or(self.line.program.position, |option| option.position);
        self.warnings.tell(position, reason);
    }

    /// A warning about an option by its number.
    pub fn warn_at(&mut self, option: usize, reason: String) {
        self.option = option;
        self.warn(reason);
    }

    /// A warning about the command line as a whole.
    pub fn warn_of_all(&mut self, reason: &str) {
        self.warnings.tell(self.line.program.position, reason);
    }

    /// I/O threads, sound back ends and some other objects are elements also where nobody names them.
    fn take_lone_back_ends(&mut self) {
        for (at, id) in self.back_ends.unused() {
            self.option = at;
            match self.line.options[at].name.as_str() {
                "audiodev" => drop(self.audio_number(&id)),
                "object" if self.io_thread(&id).is_none() => devices::lone_object(self, &id),
                _ => {}
            }
        }
    }

    fn keep_unused_back_ends(&mut self) {
        for (at, id) in self.back_ends.unused() {
            self.keep(at, &format!("no element uses '{id}'"));
        }
        self.kept.extend(self.kept_before);
    }

    /// Options that have become elements and are named by one that has not.
    pub fn named_by_what_is_kept(&self) -> BTreeSet<usize> {
        let mut named = back_ends::named_by(self.line, &self.kept, &self.partly);
        named.extend(self.kept_before);
        named
    }
}

fn begins_with_zero(value: &str) -> bool {
    value.contains("bootindex") && Props::read(value, "driver").is_ok_and(|props| props.get("bootindex") == Some("0"))
}

/// The properties of an option.
///
/// # Errors
/// The value begins as JSON and is none.
pub fn read_props(option: &Opt, first: &str) -> Result<Props, ReadError> {
    Props::read(&option.value, first)
        .map_err(|reason| ReadError { position: option.position, reason: format!("-{}: {reason}", option.name) })
}
