//! What a text does not say of the domain that it was written from.
//!
//! The domain is compared with what reading its text gives: elements, attributes and texts that are
//! not in both are told. So nothing has to be remembered when a format or the model learns a word.
//!
//! Invariant: what means the same is not told; [`plain`] brings both to the same form first.

use std::collections::{HashMap, VecDeque};

use super::chardev::is_serial;
use super::{Dialect, is_hvm};
use crate::document::Document;
use crate::domain::Domain;
use crate::domain::cpu::Vcpus;
use crate::domain::devices::{
    BalloonModel, ChardevSourceElement, ChardevType, ConsoleType, ControllerType, Device, Disk, DiskDevice, DiskDriver, DiskSource,
    DiskType, Graphics, GraphicsType, InputBus, Listen, ListenType,
};
use crate::domain::memory::{CurrentMemory, Memory};
use crate::domain::numa::Placement;
use crate::xml::{Element, YesNo, parse};

/// Most differences told one by one.
const MAX_WARNINGS: usize = 100;

/// What tells elements of the same name apart: paths of attributes, the first that is there.
const KEYS: [(&str, &[&str]); 12] = [
    ("disk", &["target/dev"]),
    ("interface", &["mac/address"]),
    ("graphics", &["type"]),
    ("input", &["type"]),
    ("controller", &["type"]),
    ("feature", &["name"]),
    ("timer", &["name"]),
    ("channel", &["target/name"]),
    ("vcpupin", &["vcpu"]),
    ("cell", &["id"]),
    ("sibling", &["id"]),
    ("memnode", &["cellid"]),
];

/// Attributes whose value is never repeated.
const SECRETS: [&str; 1] = ["passwd"];

/// The differences, as sentences.
pub(super) fn warnings(domain: &Domain, again: &Domain, dialect: Dialect) -> Vec<String> {
    let (mut said, found) = (plain(domain, dialect), plain(again, dialect));
    if domain.current_memory_bytes() == domain.memory_bytes() {
        said.current_memory = None;
    }
    let (Ok(said), Ok(found)) = (parse(&said.to_xml()), parse(&found.to_xml())) else { return Vec::new() };
    let mut comparison = Comparison { dialect, path: Vec::new(), warnings: Vec::new(), more: 0 };
    comparison.elements(&said, &found);
    if comparison.more > 0 {
        comparison.warnings.push(format!("{} more things cannot be said in {}", comparison.more, dialect.name()));
    }
    comparison.warnings
}

struct Comparison {
    dialect: Dialect,
    /// Names of the elements on the way.
    path: Vec<String>,
    warnings: Vec<String>,
    more: usize,
}

impl Comparison {
    fn tell(&mut self, what: &str, found: Option<(&str, &str)>) {
        if self.warnings.len() >= MAX_WARNINGS {
            self.more += 1;
            return;
        }
        let place = format!("{}{what}", self.path.join("/"));
        self.warnings.push(match found {
            None => format!("{place} has no place in {} and is left out", self.dialect.name()),
            Some((said, found)) => format!("{place} is '{said}', but {} can only say '{found}'", self.dialect.name()),
        });
    }

    fn elements(&mut self, said: &Element, found: &Element) {
        for attribute in &said.attributes {
            // Namespaces are declared where they are used; the elements themselves are compared.
            if attribute.name.starts_with("xmlns") {
                continue;
            }
            let what = format!("/@{}", attribute.name);
            match found.attribute(&attribute.name) {
                Some(value) if value == attribute.value => {}
                Some(value) if !SECRETS.contains(&attribute.name.as_str()) => self.tell(&what, Some((&attribute.value, value))),
                _ => self.tell(&what, None),
            }
        }
        let (text, other) = (said.text(), found.text());
        if !text.trim().is_empty() && text != other {
            self.tell("", Some((text.trim(), other.trim())));
        }
        self.children(said, found);
    }

    fn children(&mut self, said: &Element, found: &Element) {
        let mut waiting = HashMap::<(&str, String), VecDeque<&Element>>::new();
        for child in found.elements() {
            waiting.entry((&child.name, key(child))).or_default().push_back(child);
        }
        for child in said.elements() {
            let key = key(child);
            let named = if key.is_empty() { child.name.clone() } else { format!("{}[{key}]", child.name) };
            self.path.push(named);
            match waiting.get_mut(&(child.name.as_str(), key)).and_then(VecDeque::pop_front) {
                Some(other) => self.elements(child, other),
                None => self.tell("", None),
            }
            self.path.pop();
        }
    }
}

/// What tells an element apart from others of its name.
fn key(element: &Element) -> String {
    let paths = KEYS.iter().find(|(name, _)| *name == element.name).map_or(&[][..], |(_, paths)| paths);
    let value = |path: &&str| match path.split_once('/') {
        Some((child, attribute)) => element.element(child)?.attribute(attribute).map(str::to_owned),
        None => element.attribute(path).map(str::to_owned),
    };
    paths.iter().find_map(value).unwrap_or_default()
}

/// The domain with what is understood by itself said, and what is state or always there taken away.
fn plain(domain: &Domain, dialect: Dialect) -> Domain {
    let mut plain = domain.clone();
    plain.id = None;
    plain.memory = Some(Memory { bytes: domain.memory_bytes(), ..domain.memory.clone().unwrap_or_default() });
    plain.current_memory =
        Some(CurrentMemory { bytes: domain.current_memory_bytes(), ..domain.current_memory.clone().unwrap_or_default() });
    let vcpu = plain.vcpu.get_or_insert_with(|| Vcpus::new(1));
    vcpu.current = Some(domain.current_vcpus());
    vcpu.placement = vcpu.placement.filter(|placement| *placement != Placement::Static);
    if let Some(loader) = &mut plain.os.loader {
        // Firmware that is not flash memory is ROM, and the guest cannot write it.
        loader.kind = loader.kind.filter(|kind| *kind != crate::domain::os::LoaderType::Rom);
        loader.readonly = loader.readonly.filter(|readonly| !readonly.0 || loader.kind.is_some());
    }
    let hvm = is_hvm(domain);
    plain.devices.list.retain(|device| !is_understood(device, hvm));
    plain.devices.disks_mut().for_each(|disk| plain_disk(disk, dialect));
    plain.devices.graphics_mut().for_each(plain_graphics);
    for console in plain.devices.consoles_mut() {
        console.tty = None;
        plain_port(&mut console.kind, &mut console.sources);
        if let Some(target) = &mut console.target {
            target.kind.take_if(|kind| *kind == ConsoleType::Xen && !hvm);
        }
    }
    for serial in plain.devices.serials_mut() {
        serial.tty = None;
        plain_port(&mut serial.kind, &mut serial.sources);
    }
    for controller in plain.devices.controllers_mut() {
        controller.index.take_if(|index| *index == 0);
    }
    for model in plain.devices.videos_mut().filter_map(|video| video.model.as_mut()) {
        model.heads.take_if(|heads| *heads == 1);
        model.primary.take_if(|primary| primary.0);
    }
    for device in plain.devices.hostdevs_mut() {
        device.mode = Some(device.mode.unwrap_or_default());
        device.managed = Some(device.managed.unwrap_or_default());
    }
    plain
}

/// Devices that every such guest has, or that stand for another one.
fn is_understood(device: &Device, hvm: bool) -> bool {
    match device {
        Device::Memballoon(balloon) => balloon.model == BalloonModel::Xen,
        Device::Controller(controller) => match controller.kind {
            ControllerType::Xenbus => controller.max_grant_frames.is_none() && controller.max_event_channels.is_none(),
            ControllerType::Ide | ControllerType::Fdc => true,
            _ => false,
        },
        Device::Input(input) => match input.bus() {
            InputBus::Xen => true,
            InputBus::Ps2 => hvm || input.bus.is_none(),
            _ => false,
        },
        Device::Console(console) => hvm && is_serial(console),
        _ => false,
    }
}

fn plain_disk(disk: &mut Disk, dialect: Dialect) {
    disk.kind = Some(disk.kind.unwrap_or_default());
    disk.device = Some(disk.device());
    disk.readonly = disk.is_read_only();
    if disk.device() == DiskDevice::Cdrom && disk.source_view() == Ok(DiskSource::Empty) {
        // A drive without a medium has nothing that its driver would tell.
        disk.kind = Some(DiskType::File);
        disk.driver.iter_mut().for_each(|driver| (driver.name, driver.kind) = (None, None));
    }
    if disk.readonly && disk.shareable {
        // Whoever only reads shares.
        disk.shareable = false;
    }
    let bus = disk.bus();
    if let Some(target) = &mut disk.target {
        target.bus = Some(bus);
    }
    if let Some(driver) = &mut disk.driver {
        driver.kind.take_if(|kind| matches!(kind.as_str(), "raw" | "aio"));
        // xl knows the program by its second name only.
        if dialect == Dialect::Xl && driver.name.as_deref() == Some("tap2") {
            driver.name = Some("tap".to_owned());
        }
    }
    disk.driver.take_if(|driver| *driver == DiskDriver::default());
}

/// The path of a pseudo terminal is known while the guest runs and says nothing of its definition.
fn plain_port(kind: &mut Option<ChardevType>, sources: &mut Vec<ChardevSourceElement>) {
    if *kind.get_or_insert_default() == ChardevType::Pty {
        sources.clear();
    }
}

fn plain_graphics(graphics: &mut Graphics) {
    if let [Listen { kind: None | Some(ListenType::Address), address, .. }] = graphics.listens.as_slice() {
        graphics.listen = address.clone().or(graphics.listen.take());
        graphics.listens.clear();
    }
    if matches!(graphics.kind, GraphicsType::Vnc | GraphicsType::Spice) {
        let auto = graphics.autoport();
        graphics.autoport = Some(YesNo(auto));
        if auto {
            (graphics.port, graphics.tls_port) = (None, None);
        }
    }
}
