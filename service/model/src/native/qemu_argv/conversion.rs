//! A domain in the making, from the options of one command line.

use std::collections::{BTreeSet, HashMap};

use super::back_ends::{self, BackEnd, BackEnds};
use super::buses::Buses;
use super::disk_names::Names;
use super::options::Opt;
use super::outcome::Outcome;
use super::props::Props;
use super::tree::{Build, element, keep_last};
use super::{
    CommandLine, Converted, ReadError, Warning, audio, boot, characters, clock, devices, disk, display, filesystem, general, lifecycle,
    machine, memory, network, options, processor, smbios, starter, usb,
};
use crate::document::Document as _;
use crate::domain::{Domain, qemu};
use crate::xml::{Element, Node};

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
    /// Devices that others name and that come at the end.
    later: Vec<Element>,
    /// Elements of `<devices>`.
    pub devices: Vec<Element>,
    /// Places that devices are plugged into.
    pub buses: Buses,
    /// Names of disks.
    pub disk_names: Names,
    /// SCSI controllers of the parallel kind, by their numbers.
    pub parallel_scsi: BTreeSet<u32>,
    /// Options of networks that belong together.
    pub networks: network::Legacy,
    /// What the options say of displays.
    pub displays: display::Facts,
    /// Whether some option speaks of serial ports.
    pub has_serial: bool,
    /// Sound cards by their ids, as places among the devices.
    pub sound_cards: HashMap<String, usize>,
    /// Sound back ends by their ids.
    audio: HashMap<String, u32>,
    /// Whether the boot order begins with 0; documents begin with 1.
    boot_from_zero: bool,
    /// I/O threads by their ids.
    io_threads: HashMap<String, u32>,
    /// What the options say together of the machine.
    pub machine_facts: machine::Facts,
    /// The same of processors.
    pub processor: processor::Facts,
    /// The same of memory.
    pub memory: memory::Facts,
    /// The same of what is booted.
    pub boot: boot::Facts,
    /// The same of the guest's end.
    pub lifecycle: lifecycle::Facts,
    /// The same of the firmware's tables.
    pub smbios: smbios::Facts,
    /// The same of USB.
    pub usb: usb::Facts,
    /// What the clock starts with, where that is said.
    pub clock_offset: Option<&'static str>,
    /// What others name by its id.
    back_ends: BackEnds,
    /// Options that stay options.
    kept: BTreeSet<usize>,
    /// What stays of options that have become elements.
    partly: Vec<[String; 2]>,
    warnings: Vec<Warning>,
    option: usize,
}

/// Converts the options of one family; `None` for others.
type Family = fn(&mut Conversion<'_>, &Opt) -> Result<Option<Outcome>, ReadError>;

const FAMILIES: [Family; 16] = [
    general::convert,
    machine::convert,
    processor::convert,
    memory::convert,
    boot::convert,
    clock::convert,
    lifecycle::convert,
    smbios::convert,
    usb::convert,
    filesystem::convert,
    disk::convert,
    network::convert,
    characters::convert,
    display::convert,
    audio::convert,
    starter::convert,
];

/// Writes what several options say together.
type Finish = fn(&mut Conversion<'_>);

const FINISH: [Finish; 13] = [
    general::finish,
    memory::finish,
    processor::finish,
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
];

impl<'a> Conversion<'a> {
    /// Converts; the options in `kept_before` stay as they are.
    ///
    /// # Errors
    /// An option's value is none.
    pub fn run(line: &'a CommandLine, kept_before: &'a BTreeSet<usize>) -> Result<Self, ReadError> {
        let mut conversion = Self {
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
            buses: Buses::default(),
            disk_names: Names::default(),
            parallel_scsi: BTreeSet::new(),
            networks: network::Legacy::default(),
            displays: display::Facts::default(),
            has_serial: false,
            sound_cards: HashMap::new(),
            audio: HashMap::new(),
            boot_from_zero: line.options.iter().any(|option| begins_with_zero(&option.value)),
            io_threads: HashMap::new(),
            machine_facts: machine::Facts::default(),
            processor: processor::Facts::default(),
            memory: memory::Facts::default(),
            boot: boot::Facts::default(),
            lifecycle: lifecycle::Facts::default(),
            smbios: smbios::Facts::default(),
            usb: usb::Facts::default(),
            clock_offset: None,
            back_ends: BackEnds::default(),
            kept: kept_before.clone(),
            partly: Vec::new(),
            warnings: Vec::new(),
            option: 0,
        };
        (conversion.back_ends, conversion.kept) = BackEnds::note(line, kept_before)?;
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
        for option in &self.line.options {
            if matches!(option.name.as_str(), "M" | "machine") && !option.value.starts_with('{') {
                let props = Props::read(&option.value, "type").unwrap_or_default();
                if let Some(machine) = props.get("type") {
                    self.machine = Some(machine.to_owned());
                }
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
        if name == "device" {
            return devices::convert(self, option);
        }
        Ok(Outcome::Kept(if options::is_known(name) {
            "no element says this".to_owned()
        } else {
            "this is no option that is known here".to_owned()
        }))
    }

    fn note(&mut self, at: usize, option: &Opt, outcome: Outcome) {
        match outcome {
            Outcome::Done | Outcome::Silent => {}
            Outcome::Left(reason) => self.warn(format!("-{} is left out: {reason}", option.name)),
            Outcome::Partly(left) => {
                let left = left.join(",");
                self.warn(format!("-{} {left} stays as it is in <qemu:commandline>: no element says this", option.name));
                self.partly.push([format!("-{}", option.name), left]);
            }
            Outcome::Kept(reason) => {
                self.kept.insert(at);
                self.warn(format!("-{} stays as it is in <qemu:commandline>: {reason}", option.name));
            }
        }
    }

    /// A warning about the option at hand.
    pub fn warn(&mut self, reason: impl Into<String>) {
        let position = self.line.options.get(self.option).map_or(self.line.program.position, |option| option.position);
        self.warnings.push(Warning { position, reason: reason.into() });
    }

    /// A warning about the command line as a whole.
    pub fn warn_of_all(&mut self, reason: &str) {
        self.warnings.push(Warning { position: self.line.program.position, reason: reason.to_owned() });
    }

    /// Whether some device says when it is booted.
    pub fn has_boot_order(&self) -> bool {
        self.devices.iter().any(|device| device.element("boot").is_some())
    }

    /// The properties of the option at hand.
    ///
    /// # Errors
    /// The value begins as JSON and is none.
    pub fn props(&self, option: &Opt, first: &str) -> Result<Props, ReadError> {
        read_props(option, first)
    }

    /// Whether the machine is a q35.
    pub fn is_q35(&self) -> bool {
        self.machine.as_deref().is_some_and(|machine| machine == "q35" || machine.starts_with("pc-q35"))
    }

    /// Whether the guest has the processors and the board of a PC.
    pub fn is_pc(&self) -> bool {
        matches!(self.arch.as_str(), "x86_64" | "i686") && self.machine.as_deref() != Some("microvm")
    }

    /// Whether an option is there.
    pub fn has(&self, name: &str) -> bool {
        self.line.options.iter().any(|option| option.name == name)
    }

    /// A back end by its id, to be looked at. It counts as used when [`Conversion::used`] says so.
    pub fn back_end(&self, id: &str) -> Option<&BackEnd> {
        self.back_ends.get(id)
    }

    /// Notes that an element has a back end.
    pub fn used(&self, id: &str) {
        self.back_ends.used(id);
    }

    /// The number of an I/O thread, from 1; of one that says more than its id there is none.
    pub fn io_thread(&mut self, id: &str) -> Option<u32> {
        if let Some(number) = self.io_threads.get(id) {
            return Some(*number);
        }
        let props = &self.back_end(id)?.props;
        let plain = props.take("qom-type") == Some("iothread");
        props.ignore(&["id"]);
        if !plain || !props.left().is_empty() {
            return None;
        }
        self.used(id);
        let number = u32::try_from(self.io_threads.len() + 1).ok()?;
        self.io_threads.insert(id.to_owned(), number);
        Some(number)
    }

    /// The number of a sound back end, from 1; its element is added when it is first named.
    pub fn audio_number(&mut self, id: &str) -> Option<u32> {
        if let Some(number) = self.audio.get(id) {
            return Some(*number);
        }
        let number = u32::try_from(self.audio.len() + 1).ok()?;
        let audio = audio::back_end(&self.back_end(id)?.props, number)?;
        self.used(id);
        self.audio.insert(id.to_owned(), number);
        self.later.push(audio);
        Some(number)
    }

    /// What the guest's watchdog does when it is not fed.
    pub fn watchdog_action(&self) -> String {
        let options = self.line.options.iter();
        let mut action = options.filter_map(|option| match option.name.as_str() {
            "watchdog-action" => Some(option.value.clone()),
            "action" => Props::read(&option.value, "").ok()?.get("watchdog").map(str::to_owned),
            _ => None,
        });
        action.next_back().unwrap_or_else(|| "reset".to_owned())
    }

    /// Tells what becomes of a TPM.
    pub fn warn_about_tpm(&mut self, backend: &Element) {
        if backend.attribute("type") == Some("emulator") {
            self.warn("the service starts a TPM emulator of its own (version 2.0, with new state); copy the state of yours, or the guest's keys are lost");
        }
    }

    /// How many uses of back ends were noted, for [`Conversion::unmark`].
    pub fn marks(&self) -> usize {
        self.back_ends.marks()
    }

    /// Takes back the uses that were noted since.
    pub fn unmark(&self, marks: usize) {
        self.back_ends.unmark(marks);
    }

    /// How many I/O threads disks and controllers have.
    pub fn io_threads(&self) -> usize {
        self.io_threads.len()
    }

    /// `<boot>` of a `bootindex`.
    pub fn boot_order(&self, index: &str) -> Element {
        let order = index.parse::<u64>().unwrap_or(0).saturating_add(u64::from(self.boot_from_zero));
        element("boot").with("order", order)
    }

    /// Adds a device.
    pub fn device(&mut self, device: Element) {
        self.devices.push(device);
    }

    /// I/O threads and sound back ends are elements also where nobody names them.
    fn take_lone_back_ends(&mut self) {
        for (at, id) in self.back_ends.unused() {
            match self.line.options[at].name.as_str() {
                "audiodev" => drop(self.audio_number(&id)),
                "object" => drop(self.io_thread(&id)),
                _ => {}
            }
        }
    }

    fn keep_unused_back_ends(&mut self) {
        for (at, id) in self.back_ends.unused() {
            self.option = at;
            self.kept.insert(at);
            let name = &self.line.options[at].name;
            self.warn(format!("-{name} with the id '{id}' stays as it is in <qemu:commandline>: no element has it"));
        }
        for at in self.kept_before {
            self.kept.insert(*at);
        }
    }

    /// Options that have become elements and are named by one that has not.
    pub fn named_by_what_is_kept(&self) -> BTreeSet<usize> {
        let mut named = back_ends::named_by(self.line, &self.kept);
        named.extend(self.kept_before);
        named
    }

    /// The domain.
    ///
    /// # Errors
    /// A value that XML cannot hold, or that is none for its element.
    pub fn finish(mut self) -> Result<Converted, ReadError> {
        let (environment, told) = starter::environment(&self.line.environment);
        self.warnings.extend(told);
        let root = self.tree();
        let (mut domain, _) = Domain::parse(&root.to_inline_xml()).map_err(|error| ReadError {
            position: self.line.program.position,
            reason: format!("the command line asks for something that no document can say: {error}"),
        })?;
        let whole = self.kept.iter().filter_map(|at| self.line.options.get(*at)).flat_map(Opt::arguments);
        let args: Vec<qemu::Arg> = self.partly.into_iter().flatten().chain(whole).map(argument).collect();
        if !args.is_empty() || !environment.is_empty() {
            let env = environment.into_iter().map(|(name, value)| qemu::Env { name, value: Some(value), ..Default::default() }).collect();
            domain.qemu_command_line = Some(qemu::CommandLine { args, env, ..Default::default() });
        }
        Ok(Converted { domain, warnings: self.warnings })
    }

    fn tree(&mut self) -> Element {
        for group in [&mut self.hyperv, &mut self.kvm] {
            if !group.nodes.is_empty() || !group.attributes.is_empty() {
                keep_last(group);
                self.features.nodes.push(Node::Element(std::mem::take(group)));
            }
        }
        for part in [Some(&mut self.os), Some(&mut self.features), Some(&mut self.clock), self.cpu.as_mut()].into_iter().flatten() {
            keep_last(part);
        }
        // A program without a path is for the service to find.
        let emulator = Some(&self.line.program.text).filter(|program| program.starts_with('/'));
        let emulator = emulator.map(|program| element("emulator").content(program));
        let devices = element("devices").children(emulator).children(self.devices.drain(..)).children(self.later.drain(..));
        let mut root = element("domain").with("type", self.kind).children(self.general.drain(..));
        keep_last(&mut root);
        let parts = [std::mem::take(&mut self.os), std::mem::take(&mut self.features), std::mem::take(&mut self.clock), devices];
        root.children(self.cpu.take()).children(parts)
    }
}

fn begins_with_zero(value: &str) -> bool {
    value.contains("bootindex") && Props::read(value, "driver").is_ok_and(|props| props.get("bootindex") == Some("0"))
}

fn argument(value: String) -> qemu::Arg {
    qemu::Arg { value, ..Default::default() }
}

/// The properties of an option.
///
/// # Errors
/// The value begins as JSON and is none.
pub fn read_props(option: &Opt, first: &str) -> Result<Props, ReadError> {
    Props::read(&option.value, first)
        .map_err(|reason| ReadError { position: option.position, reason: format!("-{}: {reason}", option.name) })
}
