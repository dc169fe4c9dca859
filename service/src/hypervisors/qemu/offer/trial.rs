//! Trying things out on a domain that never starts.

use std::path::Path;

use lodge_model::document::Document as _;
use lodge_model::domain::os::{OsKind, OsType};
use lodge_model::domain::{Domain, DomainType};
use lodge_model::domain_capabilities::{Support, SupportEnum};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::qemu::Choices;
use crate::hypervisors::qemu::capabilities::{Arch, Capabilities, Machine};
use crate::hypervisors::qemu::command;
use crate::hypervisors::qemu::complete::complete;
use crate::hypervisors::qemu::input::{Host, HostFacts, Nics, Operator, PlanInput, Ports};
use crate::hypervisors::qemu::plan::LaunchPlan;

/// A kind of domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Their type.
    pub domain_type: DomainType,
    /// Their architecture.
    pub arch: Arch,
    /// Their machine by name or alias; the one that a domain gets which names none, when absent.
    pub machine: Option<String>,
    /// Whether they are a user's own.
    pub session: bool,
}

/// An attribute of a document, and how each of its words is tried.
pub struct Attribute {
    /// What the attribute is called.
    pub name: &'static str,
    /// The words that a document can have there.
    pub words: fn() -> Vec<&'static str>,
    /// The elements of a domain with one of them and whatever else that takes.
    pub elements: fn(&str) -> String,
}

/// The words of a `keywords!` type.
macro_rules! words {
    ($type:ty) => {
        || <$type>::ALL.iter().map(|word| word.as_str()).collect()
    };
}

pub(super) use words;

/// A domain to try things out on.
pub struct Trial<'a> {
    kind: &'a Kind,
    host: &'a Host,
    machine: &'a Machine,
}

impl<'a> Trial<'a> {
    /// A domain of a kind.
    ///
    /// # Errors
    /// There can be none here, with the reason.
    pub fn new(kind: &'a Kind, host: &'a Host) -> Result<Self> {
        let named = plan(kind, kind.machine.as_deref(), host, "")?.live.os.os_type.and_then(|os_type| os_type.machine);
        let machine = named.as_deref().and_then(|name| host.capabilities.machine(name));
        let machine = machine.ok_or_else(|| Error::new(ErrorKind::Internal, "a domain was planned without a machine"))?;
        Ok(Self { kind, host, machine })
    }

    /// The domain's machine.
    pub fn machine(&self) -> &'a Machine {
        self.machine
    }

    /// What its QEMU can do.
    pub fn capabilities(&self) -> &'a Capabilities {
        &self.host.capabilities
    }

    /// The host that it is tried for.
    pub fn host(&self) -> &'a Host {
        self.host
    }

    /// Its architecture.
    pub fn arch(&self) -> Arch {
        self.kind.arch
    }

    /// Whether it would run under KVM.
    pub fn is_kvm(&self) -> bool {
        self.kind.domain_type == DomainType::Kvm
    }

    /// The plan for the domain with these elements, and QEMU's arguments in it; `None` where it cannot be.
    pub fn plan(&self, elements: &str) -> Option<(LaunchPlan, Vec<String>)> {
        let plan = plan(self.kind, Some(&self.machine.name), self.host, elements).ok()?;
        let texts: Vec<String> = plan.arguments.iter().map(|argument| argument.render(|_| 0)).collect();
        texts.windows(2).all(|pair| has(&self.host.capabilities, &pair[0], &pair[1])).then_some((plan, texts))
    }

    /// QEMU's arguments alone.
    pub fn arguments(&self, elements: &str) -> Option<Vec<String>> {
        self.plan(elements).map(|(_, arguments)| arguments)
    }

    /// Whether the domain can have these elements.
    pub fn accepts(&self, elements: &str) -> bool {
        self.arguments(elements).is_some()
    }

    /// Those words of an attribute that the domain can have.
    pub fn words(&self, attribute: &Attribute) -> SupportEnum {
        let words = (attribute.words)().into_iter().filter(|word| self.accepts(&(attribute.elements)(word)));
        SupportEnum::new(attribute.name, words.map(str::to_owned).collect())
    }

    /// Something that is there when there is a word of an attribute for it.
    pub fn support(&self, attributes: &[Attribute]) -> Support {
        let enums: Vec<SupportEnum> = attributes.iter().map(|attribute| self.words(attribute)).collect();
        match enums.iter().any(|one| !one.values.is_empty()) {
            true => Support { enums, ..Support::new(true) },
            false => Support::new(false),
        }
    }
}

/// Plans the start of a domain with these elements.
fn plan(kind: &Kind, machine: Option<&str>, host: &Host, elements: &str) -> Result<LaunchPlan> {
    let text = format!("<domain type='{}'><name>trial</name><memory unit='MiB'>256</memory>{elements}</domain>", kind.domain_type);
    let (mut domain, _) = Domain::parse(&text)?;
    domain.os.os_type = Some(OsType {
        arch: Some(kind.arch.name().to_owned()),
        machine: machine.map(str::to_owned),
        kind: Some(OsKind::Hvm),
        ..OsType::default()
    });
    // Nobody will see its identity and its Ethernet addresses.
    complete(&mut domain, &*host.capabilities, &mut || 0)?;
    let nowhere = Path::new("/nowhere");
    // The one that the elements name.
    let units = [("0:1:0:0".to_owned(), nowhere.join("unit"))];
    let devices = HostFacts { scsi_units: units.into(), ..host.devices.clone() };
    let input = PlanInput {
        capabilities: &host.capabilities,
        firmware: &host.firmware,
        programs: &host.programs,
        host: &devices,
        operator: Operator::Service,
        session: kind.session,
        choices: &Choices::default(),
        runtime: nowhere,
        nvram: nowhere,
        tpm: nowhere,
        ports: Ports { vnc: Some(5900), websocket: Some(5700), spice: Some(5901) },
        vsock_cid: Some(3),
        nics: &Nics::new(),
        now: 0,
    };
    Ok(command::plan(&domain, &input)?)
}

/// Whether QEMU has what an option of its command line names, and KVM what it asks of the processor. The planner itself looks
/// at devices only.
fn has(capabilities: &Capabilities, option: &str, value: &str) -> bool {
    let object: Option<Value> = serde_json::from_str(value).ok();
    let in_object = |key: &str| object.as_ref().and_then(|object| object.get(key)).and_then(Value::as_str);
    let first = value.split(',').next().unwrap_or_default();
    match option {
        "-device" => capabilities.has_device(in_object("driver").unwrap_or(first)),
        "-object" => in_object("qom-type").is_some_and(|name| capabilities.has_object(name)),
        "-blockdev" => in_object("driver").is_some_and(|name| capabilities.has_block_driver(name)),
        "-netdev" => in_object("type").is_some_and(|name| capabilities.has_netdev(name)),
        "-chardev" => capabilities.has_chardev(first),
        "-cpu" => enlightenments(value).all(|property| capabilities.hyperv.contains(property)),
        _ => true,
    }
}

/// Properties of `-cpu` that show the guest a Hyper-V.
pub fn enlightenments(cpu: &str) -> impl Iterator<Item = &str> {
    cpu.split(',').filter_map(|option| option.split_once('=')).map(|(name, _)| name).filter(|name| name.starts_with("hv-"))
}
