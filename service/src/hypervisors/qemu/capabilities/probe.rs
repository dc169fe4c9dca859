//! Asking a QEMU binary what it can do.
//!
//! It is started without a machine and without any configuration, asked over QMP on one end of a socket pair, and told to
//! quit. Of displays and audio back ends QMP tells only what was compiled in, installed or not, so `-display help` and
//! `-audiodev help` are asked meanwhile.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{MemfdFlags, Mode, OFlags};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::qmp::{self, Client, Connected, NoArguments, QmpError, Release, Version};
use super::{Capabilities, CapabilitiesError, CpuModel, Kvm, Machine};
use crate::host::kvm;
use crate::host::process::{self, ChildStep, Limits, Process, ProcessSpec, Signal, launch};
use crate::host::sockets;
use crate::hypervisors::confine::{Confine, in_order};

/// The oldest QEMU that is supported: Debian 12's.
const OLDEST: Release = Release { major: 7, minor: 2, micro: 0 };
/// Time for each answer. Usually all together take a quarter of a second; a busy host reads the binary slowly.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether this process may open `/dev/kvm`, which is what QEMU needs for KVM.
pub fn kvm_usable() -> bool {
    rustix::fs::open("/dev/kvm", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).is_ok()
}

/// Asks `emulator`. With `kvm` it is asked under KVM, in emulation where that fails.
///
/// # Errors
/// [`CapabilitiesError`], with what the binary printed.
///
/// The emulator may be one that a definition names: it gets no more rights than a guest of nobody's.
pub async fn probe(emulator: &Path, kvm: bool, confine: &dyn Confine) -> Result<Capabilities, CapabilitiesError> {
    let (asked, displays, audiodevs) =
        tokio::join!(ask(emulator, kvm, confine), list(emulator, "-display", confine), list(emulator, "-audiodev", confine));
    let (version, answers) = asked?;
    Ok(answers.into_capabilities(emulator, version, displays?, audiodevs?))
}

async fn ask(emulator: &Path, kvm: bool, confine: &dyn Confine) -> Result<(Version, Answers), CapabilitiesError> {
    let (ours, theirs) = sockets::pair().map_err(|source| CapabilitiesError::Socket { emulator: emulator.to_owned(), source })?;
    let examine = |source| CapabilitiesError::Examine { emulator: emulator.to_owned(), source };
    let memory = rustix::fs::memfd_create("qemu-output", MemfdFlags::CLOEXEC).map_err(|errno| examine(errno.into()))?;
    let mut output = File::from(memory);
    let mut spec = spec(emulator, theirs, kvm);
    spec.output = Some(output.try_clone().map_err(examine)?.into());
    spec.steps = steps(emulator, confine)?;
    let process = launch(spec).await.map_err(|source| CapabilitiesError::Start { emulator: emulator.to_owned(), source })?;
    let process = KillOnDrop(process);

    let dialogue = async {
        let Connected { client, version, events: _ } = qmp::connect(ours, PATIENCE).await?;
        let answers = match version.qemu >= OLDEST {
            true => Some(Answers::collect(&client.clone().with_timeout(PATIENCE)).await?),
            false => None,
        };
        client.quit().await?;
        Ok((version, answers))
    };
    match dialogue.await {
        Ok((version, Some(answers))) => {
            process.0.exited().await;
            Ok((version, answers))
        }
        Ok((version, None)) => Err(CapabilitiesError::TooOld { emulator: emulator.to_owned(), found: version.qemu }),
        Err(source) => {
            let mut said = Vec::new();
            // What it said is a help; if it cannot be read the error is as true without.
            output.rewind().and_then(|()| output.read_to_end(&mut said)).ok();
            let output = String::from_utf8_lossy(&said).into_owned();
            Err(CapabilitiesError::Ask { emulator: emulator.to_owned(), source, output })
        }
    }
}

fn spec(emulator: &Path, qmp: OwnedFd, kvm: bool) -> ProcessSpec {
    let machine = if kvm { "none,accel=kvm:tcg" } else { "none,accel=tcg" };
    let mut spec = ProcessSpec::new(emulator).arguments(["-machine", machine, "-nodefaults", "-no-user-config"]);
    let number = spec.inherit(qmp);
    spec.arguments(["-display", "none", "-S", "-mon", "chardev=qmp,mode=control"])
        .arguments(["-chardev".to_owned(), format!("socket,id=qmp,fd={number}")])
}

struct KillOnDrop(Process);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // It has ended, or it is ours to end.
        self.0.signal(Signal::KILL).ok();
    }
}

fn steps(emulator: &Path, confine: &dyn Confine) -> Result<Vec<ChildStep>, CapabilitiesError> {
    let steps = confine.steps_for_nobody();
    steps.map(in_order).map_err(|source| CapabilitiesError::Confine { emulator: emulator.to_owned(), source: Box::new(source) })
}

/// The names that `OPTION help` lists.
async fn list(emulator: &Path, option: &str, confine: &dyn Confine) -> Result<BTreeSet<String>, CapabilitiesError> {
    let mut spec = ProcessSpec::new(emulator).arguments([option, "help"]);
    spec.steps = steps(emulator, confine)?;
    let output = process::run(spec, b"", Limits { timeout: PATIENCE, ..Limits::default() }).await;
    let output = output
        .and_then(process::Output::require_success)
        .map_err(|source| CapabilitiesError::Start { emulator: emulator.to_owned(), source })?;
    Ok(parse_list(&String::from_utf8_lossy(&output.stdout)))
}

/// The names in what `OPTION help` prints: a heading, a name a line, then perhaps a blank line and advice.
pub fn parse_list(help: &str) -> BTreeSet<String> {
    help.lines().skip(1).map(str::trim).take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The answers as they came.
pub struct Answers {
    target: Target,
    kvm: KvmInfo,
    machines: Vec<Machine>,
    cpu_models: Vec<CpuModel>,
    hyperv: BTreeSet<String>,
    types: Vec<QomType>,
    objects: Vec<QomType>,
    options: Vec<CommandLineOption>,
    schema: Schema,
}

#[derive(Deserialize)]
struct Target {
    arch: String,
}

#[derive(Deserialize)]
struct KvmInfo {
    present: bool,
    enabled: bool,
}

/// A type of QEMU's object model.
#[derive(Deserialize)]
struct QomType {
    name: String,
    #[serde(default)]
    r#abstract: bool,
    parent: Option<String>,
}

#[derive(Deserialize)]
struct CommandLineOption {
    option: String,
    parameters: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Answers {
    /// Asks all questions at once.
    ///
    /// # Errors
    /// [`QmpError`] of the first that has no answer, or another than QEMU's manual says.
    pub async fn collect(client: &Client) -> Result<Self, QmpError> {
        let none = NoArguments {};
        let objects = json!({ "implements": "user-creatable" });
        // Sent together, answered in turn.
        let (target, kvm, machines, cpu_models, types, objects, options, schema) = tokio::try_join!(
            client.execute("query-target", none),
            client.execute("query-kvm", none),
            client.execute("query-machines", none),
            client.execute("query-cpu-definitions", none),
            client.execute("qom-list-types", json!({ "abstract": true })),
            client.execute("qom-list-types", objects),
            client.execute("query-command-line-options", none),
            client.execute("query-qmp-schema", none),
        )?;
        let kvm: KvmInfo = kvm;
        let hyperv = if kvm.enabled { hyperv(client).await? } else { BTreeSet::new() };
        Ok(Self { target, kvm, machines, cpu_models, hyperv, types, objects, options, schema })
    }

    /// What they come to, with the lists of what is installed.
    pub fn into_capabilities(
        self,
        emulator: &Path,
        version: Version,
        displays: BTreeSet<String>,
        audiodevs: BTreeSet<String>,
    ) -> Capabilities {
        let types = TypeTree::new(&self.types);
        let chardevs = types.concrete("chardev");
        let mut devices = types.concrete("device");
        // Processors are devices, and not for `-device` under these names on a PC; they have their own list.
        devices.retain(|name| !name.ends_with("-cpu"));
        Capabilities {
            assumed: false,
            emulator: emulator.to_owned(),
            version,
            target: self.target.arch,
            kvm: Kvm { built_in: self.kvm.present, usable: self.kvm.enabled, max_vcpus: self.kvm.enabled.then(kvm::max_vcpus).flatten() },
            chardevs: chardevs.iter().filter_map(|name| name.strip_prefix("chardev-")).map(str::to_owned).collect(),
            devices,
            objects: self.objects.into_iter().filter(|of| !of.r#abstract).map(|of| of.name).collect(),
            netdevs: self.schema.branches("netdev_add"),
            block_drivers: self.schema.branches("blockdev-add"),
            commands: self.schema.commands(),
            displays,
            audiodevs,
            options: self.options.into_iter().map(CommandLineOption::into_pair).collect(),
            machines: self.machines.into_iter().map(|machine| (machine.name.clone(), machine)).collect(),
            cpu_models: self.cpu_models.into_iter().map(|model| (model.name.clone(), model)).collect(),
            hyperv: self.hyperv,
        }
    }
}

/// A processor model with its properties.
#[derive(Deserialize)]
struct Expansion {
    model: ExpandedModel,
}

#[derive(Deserialize)]
struct ExpandedModel {
    props: HashMap<String, Value>,
}

/// The properties of Hyper-V that the host's processor has when it is given all that KVM can do.
async fn hyperv(client: &Client) -> Result<BTreeSet<String>, QmpError> {
    let everything = json!({ "type": "full", "model": { "name": "host", "props": { PASSTHROUGH: true } } });
    match client.execute("query-cpu-model-expansion", everything).await {
        Ok(Expansion { model }) => Ok(enlightenments(&model.props)),
        // A KVM without Hyper-V, or a QEMU that cannot tell: nothing is known to be there.
        Err(QmpError::Refused { .. }) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// The property that asks for all.
const PASSTHROUGH: &str = "hv-passthrough";

/// Those that are on, and those with a value; a number of all ones stands for none. Without any that is on there is no
/// Hyper-V to have a value.
fn enlightenments(properties: &HashMap<String, Value>) -> BTreeSet<String> {
    let given = properties.iter().filter(|(name, _)| name.starts_with("hv-") && *name != PASSTHROUGH);
    if !given.clone().any(|(_, value)| *value == Value::Bool(true)) {
        return BTreeSet::new();
    }
    let given = given.filter(|(_, value)| match value {
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_u64() != Some(u32::MAX.into()),
        value => value.is_string(),
    });
    given.map(|(name, _)| name.clone()).collect()
}

impl CommandLineOption {
    fn into_pair(self) -> (String, BTreeSet<String>) {
        (self.option, self.parameters.into_iter().map(|parameter| parameter.name).collect())
    }
}

/// QEMU's types with their parents.
struct TypeTree<'a> {
    types: &'a [QomType],
    parents: HashMap<&'a str, &'a str>,
}

impl<'a> TypeTree<'a> {
    fn new(types: &'a [QomType]) -> Self {
        let parents = types.iter().filter_map(|of| Some((of.name.as_str(), of.parent.as_deref()?))).collect();
        Self { types, parents }
    }

    /// The types below `base` of which there can be objects.
    fn concrete(&self, base: &str) -> BTreeSet<String> {
        let below = |of: &&QomType| {
            let mut ancestors = std::iter::successors(of.parent.as_deref(), |name| self.parents.get(name).copied());
            // The tree is some ten deep; a circle would be QEMU's bug and must not be our endless loop.
            ancestors.by_ref().take(64).any(|name| name == base)
        };
        self.types.iter().filter(|of| !of.r#abstract).filter(below).map(|of| of.name.clone()).collect()
    }
}

/// QEMU's description of QMP: commands refer to types by number.
#[derive(Deserialize)]
#[serde(transparent)]
struct Schema {
    entries: Vec<SchemaEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SchemaEntry {
    name: String,
    meta_type: String,
    arg_type: Option<String>,
    #[serde(default)]
    variants: Vec<SchemaVariant>,
}

#[derive(Deserialize)]
struct SchemaVariant {
    case: String,
}

impl Schema {
    fn entry(&self, name: &str) -> Option<&SchemaEntry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    fn commands(&self) -> BTreeSet<String> {
        let commands = self.entries.iter().filter(|entry| entry.meta_type == "command");
        commands.map(|entry| entry.name.clone()).collect()
    }

    /// The cases that the arguments of a command distinguish, as the drivers of `blockdev-add`.
    fn branches(&self, command: &str) -> BTreeSet<String> {
        let arguments = self.entry(command).and_then(|entry| entry.arg_type.as_deref());
        let variants = arguments.and_then(|name| self.entry(name)).map(|entry| &entry.variants);
        variants.into_iter().flatten().map(|variant| variant.case.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_up_to_the_advice() {
        let help = "Available display backend types:\nnone\ndbus\nspice-app\n\nSome display backends support suboptions\n";
        assert_eq!(parse_list(help), ["none", "dbus", "spice-app"].map(str::to_owned).into());
        assert!(parse_list("").is_empty());
    }

    #[test]
    fn enlightenments_are_those_that_kvm_gave() {
        let told = |properties: Value| {
            let names: Vec<String> = enlightenments(&serde_json::from_value(properties).unwrap()).into_iter().collect();
            names.join(" ")
        };
        let some = json!({
            "hv-passthrough": true, "hv-relaxed": true, "hv-evmcs": false, "hv-spinlocks": 8191, "hv-vendor-id": "", "vmx": true,
        });
        assert_eq!(told(some), "hv-relaxed hv-spinlocks hv-vendor-id");
        let unset = json!({ "hv-passthrough": true, "hv-relaxed": true, "hv-spinlocks": u32::MAX });
        assert_eq!(told(unset), "hv-relaxed");
        let none = json!({ "hv-passthrough": true, "hv-relaxed": false, "hv-vendor-id": "", "hv-version-id-build": 14393 });
        assert_eq!(told(none), "");
    }

    #[test]
    fn types_are_found_by_ancestor() {
        let types: Vec<QomType> = serde_json::from_value(json!([
            { "name": "device", "abstract": true, "parent": "object" },
            { "name": "pci-device", "abstract": true, "parent": "device" },
            { "name": "e1000", "parent": "pci-device" },
            { "name": "chardev-pty", "parent": "chardev" },
            { "name": "loop", "parent": "loop" },
        ]))
        .unwrap();
        assert_eq!(TypeTree::new(&types).concrete("device"), ["e1000".to_owned()].into());
    }

    #[test]
    fn branches_are_found_through_type_numbers() {
        let schema: Schema = serde_json::from_value(json!([
            { "name": "netdev_add", "meta-type": "command", "arg-type": "7", "ret-type": "0" },
            { "name": "7", "meta-type": "object", "tag": "type", "members": [],
              "variants": [{ "case": "user", "type": "8" }, { "case": "stream", "type": "9" }] },
            { "name": "STOP", "meta-type": "event", "arg-type": "0" },
        ]))
        .unwrap();
        assert_eq!(schema.branches("netdev_add"), ["stream", "user"].map(str::to_owned).into());
        assert_eq!(schema.branches("absent"), BTreeSet::new());
        assert_eq!(schema.commands(), ["netdev_add".to_owned()].into());
    }
}
