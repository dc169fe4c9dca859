//! A plan in the making.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lodge_model::domain::os::{Loader, Nvram};
use lodge_model::domain::qemu::{Property, PropertyType};
use lodge_model::domain::{Domain, DomainType};
use serde_json::{Value, json};

use crate::hypervisors::qemu::input::{Operator, PlanInput};
use crate::hypervisors::qemu::plan::{Argument, Companion, Preparation, SecretFile, SetUp, Slot, Stream};
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::resources::{Access, HostResource, LabelClass};

/// A plan in the making: what the parts of the planner read and add to.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The definition, every device with its alias and address.
    pub domain: &'a Domain,
    /// The host.
    pub input: &'a PlanInput<'a>,
    /// The machine type's own name, such as `pc-q35-10.0`.
    pub machine: &'a str,
    pub(super) arguments: Vec<Argument>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) preparations: Vec<Preparation>,
    pub(super) secrets: Vec<SecretFile>,
    pub(super) companions: Vec<Companion>,
    pub(super) resources: Vec<HostResource>,
    pub(super) consoles: Vec<Stream>,
    pub(super) agent: Option<PathBuf>,
    pub(super) set_up: Vec<SetUp>,
    pub(super) warnings: Vec<String>,
    pub(super) sockets: Vec<(String, PathBuf)>,
    /// The firmware in flash memory, as the definition of the running guest tells it.
    pub(super) firmware: Option<(Loader, Option<Nvram>)>,
    /// Groups of disk limits that are there already.
    pub throttle_groups: BTreeSet<String>,
    images: u32,
}

impl<'a> Draft<'a> {
    /// A plan with nothing in it.
    pub fn new(domain: &'a Domain, input: &'a PlanInput<'a>, machine: &'a str) -> Self {
        Self {
            domain,
            input,
            machine,
            arguments: Vec::new(),
            environment: Vec::new(),
            preparations: Vec::new(),
            secrets: Vec::new(),
            companions: Vec::new(),
            resources: Vec::new(),
            consoles: Vec::new(),
            agent: None,
            set_up: Vec::new(),
            warnings: Vec::new(),
            sockets: Vec::new(),
            firmware: None,
            throttle_groups: BTreeSet::new(),
            images: 0,
        }
    }

    /// Whether the machine is a q35 rather than an i440fx.
    pub fn is_q35(&self) -> bool {
        is_q35(self.machine)
    }

    /// The name of the machine's first PCI bus.
    pub fn pci_root(&self) -> &'static str {
        if self.is_q35() { "pcie.0" } else { "pci.0" }
    }

    /// Whether a person runs QEMU, without the service.
    pub fn is_by_hand(&self) -> bool {
        self.input.operator == Operator::Person
    }

    /// Whether the guest runs under KVM.
    pub fn is_kvm(&self) -> bool {
        self.domain.kind == DomainType::Kvm
    }

    /// Whether the guest has 32 bits.
    pub fn is_i686(&self) -> bool {
        self.domain.os.os_type.as_ref().and_then(|kind| kind.arch.as_deref()).is_some_and(|arch| arch == "i686")
    }

    /// Adds an argument.
    pub fn flag(&mut self, name: &str) {
        self.arguments.push(Argument::Text(name.to_owned()));
    }

    /// Adds an option with its value.
    pub fn option(&mut self, name: &str, value: impl Into<String>) {
        self.flag(name);
        self.arguments.push(Argument::Text(value.into()));
    }

    /// Adds an option whose value holds numbers of inherited descriptors, each behind a text.
    pub fn option_with(&mut self, name: &str, parts: Vec<(String, Slot)>, after: &str) {
        self.flag(name);
        self.arguments.push(Argument::Descriptors { parts, after: after.to_owned() });
    }

    /// Adds a device, if this QEMU has it; `element` says which element asks for it, for the error.
    ///
    /// # Errors
    /// This QEMU does not have it.
    pub fn device(&mut self, element: &str, props: Props) -> Result<(), Refusal> {
        let driver = props.get("driver").and_then(Value::as_str).unwrap_or_default();
        if !self.input.capabilities.has_device(driver) {
            return Err(self.no_device(element, driver));
        }
        let props = self.with_overrides(props);
        self.option("-device", props.render());
        Ok(())
    }

    fn no_device(&self, element: &str, driver: &str) -> Refusal {
        let emulator = self.input.capabilities.emulator.display();
        let version = &self.input.capabilities.version.qemu;
        Refusal::unsupported(format!(
            "{element} needs QEMU's device {driver}, which {emulator} (version {version}) does not have: choose another model, or install the \
             module or version that has it"
        ))
    }

    /// What `<qemu:override>` says of a device.
    fn with_overrides(&self, mut props: Props) -> Props {
        let Some(id) = props.get("id").and_then(Value::as_str).map(str::to_owned) else { return props };
        let overrides = self.domain.qemu_override.iter().flat_map(|overrides| &overrides.devices);
        let frontends = overrides.filter(|device| device.alias == id).filter_map(|device| device.frontend.as_ref());
        for property in frontends.flat_map(|frontend| &frontend.properties) {
            match override_value(property) {
                Some(value) => props.set(&property.name, value),
                None => props.remove(&property.name),
            }
        }
        props
    }

    /// Adds an object.
    pub fn object(&mut self, props: Props) {
        self.option("-object", props.render());
    }

    /// Has QEMU know the value of a secret, once for all who name it; returns the object's id.
    pub fn secret(&mut self, name: String, owner: &str) -> String {
        if let Some(known) = self.secrets.iter().position(|secret| secret.name == name) {
            return format!("secret-{}", known + 1);
        }
        let id = format!("secret-{}", self.secrets.len() + 1);
        let path = self.input.runtime.join(&id);
        self.resource(&path, Access::Read, LabelClass::Image);
        self.object(Props::object("secret", &id).with("file", path.display().to_string()));
        if self.is_by_hand() {
            let place = path.display();
            self.warn(format!(
                "the value of the secret '{name}' is not printed: write it into {place} first, without a line break and readable by you alone"
            ));
        }
        self.secrets.push(SecretFile { path, name, owner: owner.to_owned() });
        id
    }

    /// Adds a block node.
    pub fn blockdev(&mut self, props: Props) {
        self.option("-blockdev", props.render());
    }

    /// The number of the next image.
    pub fn next_image(&mut self) -> u32 {
        self.images += 1;
        self.images
    }

    /// Notes something of the host that is used.
    pub fn resource(&mut self, path: impl AsRef<Path>, access: Access, class: LabelClass) {
        self.resources.push(HostResource::new(path, access, class));
    }

    /// Notes a file that a program of the guest writes by its path, making it where that program could not.
    pub fn log(&mut self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        self.resource(path, Access::ReadWrite, LabelClass::Log);
        if !self.input.session {
            self.prepare(Preparation::Log(path.to_owned()));
        }
    }

    /// Notes an image whose header names what is behind it.
    pub fn resource_with_header(&mut self, resource: HostResource) {
        self.resources.push(HostResource { follows_header: true, ..resource });
    }

    /// Notes the socket that a device of the running guest has.
    pub fn live_socket(&mut self, alias: &str, path: &Path) {
        self.sockets.push((alias.to_owned(), path.to_owned()));
    }

    /// Notes a stream that a person can talk to the guest by.
    pub fn console(&mut self, stream: Option<Stream>) {
        self.consoles.extend(stream);
    }

    /// Notes the socket of the guest agent.
    pub fn agent(&mut self, socket: PathBuf) {
        self.agent = Some(socket);
    }

    /// Adds a program that runs beside QEMU.
    pub fn companion(&mut self, companion: Companion) {
        self.companions.push(companion);
    }

    /// Adds something that must be there before anything starts.
    pub fn prepare(&mut self, preparation: Preparation) {
        self.preparations.push(preparation);
    }

    /// Sets a variable in QEMU's environment.
    pub fn variable(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Adds a QMP command for before the guest runs.
    pub fn set_up(&mut self, execute: &'static str, arguments: Value) {
        self.set_up.push(SetUp { execute, arguments });
    }

    /// Notes what is done otherwise than a reader of the definition would think.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }
}

/// Whether a machine type is a q35.
pub fn is_q35(machine: &str) -> bool {
    machine == "q35" || machine.starts_with("pc-q35-")
}

/// The value of an overridden property; `None` to take it away. What is no number where one is asked for stays text, and
/// QEMU says so.
fn override_value(property: &Property) -> Option<Value> {
    let text = property.value.as_deref().unwrap_or_default();
    match property.kind {
        PropertyType::Remove => None,
        PropertyType::String => Some(json!(text)),
        PropertyType::Bool => Some(json!(text == "true")),
        PropertyType::Signed => Some(text.parse::<i64>().map_or_else(|_| json!(text), Value::from)),
        PropertyType::Unsigned => Some(text.parse::<u64>().map_or_else(|_| json!(text), Value::from)),
    }
}
