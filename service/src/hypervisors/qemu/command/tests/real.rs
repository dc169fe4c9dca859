//! Every command line is given to the QEMU that is installed, which must take it: it answers on QMP, takes the set-up
//! commands and quits. Nothing is executed in the guest. LODGE_TEST_QEMU names another QEMU to ask.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lodge_model::domain::devices::Device;
use lodge_model::domain::{Domain, DomainType};
use serde_json::Value;

use super::{Host, completed, supported};
use crate::host::process::{self, Limits, ProcessSpec, Signal};
use crate::host::sockets;
use crate::hypervisors::confine::Unconfined;
use crate::hypervisors::qemu::capabilities::{Arch, find_emulator, probe};
use crate::hypervisors::qemu::command::plan;
use crate::hypervisors::qemu::input::{Operator, PlanInput};
use crate::hypervisors::qemu::plan::{LaunchPlan, Preparation};
use crate::hypervisors::qemu::qmp::{self, Release};
use crate::hypervisors::resources::LabelClass;

/// From here on QEMU has every device of the fixtures.
const RECENT: Release = Release { major: 8, minor: 2, micro: 0 };
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn qemu_takes_every_command_line() {
    // One after the other: they have the same ports.
    for operator in [Operator::Service, Operator::Person] {
        takes_every_command_line_of(operator).await;
    }
}

async fn takes_every_command_line_of(operator: Operator) {
    let other = std::env::var_os("LODGE_TEST_QEMU").map(PathBuf::from);
    let emulator = other.unwrap_or_else(|| find_emulator(Arch::X86_64).unwrap_or_else(|error| panic!("{error}")));
    let capabilities = probe(&emulator, false, &Unconfined).await.unwrap();
    let mut wrong = Vec::new();
    let mut taken = 0;
    for (name, domain) in completed() {
        let directory = tempfile::tempdir().unwrap();
        let mut host = Host::new(capabilities.clone());
        host.runtime = directory.path().to_owned();
        host.nvram = directory.path().join("nvram.qcow2");
        let mut domain = domain;
        if let Some(os_type) = &mut domain.os.os_type
            && let Some(machine) = &mut os_type.machine
            && host.capabilities.machine(machine).is_none()
        {
            *machine = if machine.contains("q35") { "q35".to_owned() } else { "pc".to_owned() };
        }
        match plan(&without_what_the_host_must_have(domain), &PlanInput { operator, ..host.input() }) {
            Ok(plan) => match try_out(plan, directory.path()).await {
                Ok(()) => taken += 1,
                Err(reason) => wrong.push(format!("{name}: {reason}")),
            },
            // Old versions lack some models; the refusal says so.
            Err(refusal) if refusal.message.contains("needs QEMU's device") && host.capabilities.version.qemu < RECENT => {}
            Err(refusal) => wrong.push(format!("{name}: refused: {refusal}")),
        }
    }
    assert!(wrong.is_empty(), "{operator:?}: {taken} were taken, these were not:\n{}", wrong.join("\n"));
}

/// Devices that need programs or devices of the host are tested where these are; so is booting a kernel.
fn without_what_the_host_must_have(domain: Domain) -> Domain {
    let mut domain = supported(domain);
    domain.kind = DomainType::Qemu;
    domain.os.kernel = None;
    domain.os.initrd = None;
    domain.os.cmdline = None;
    domain.os.dtb = None;
    domain.os.shim = None;
    domain.os.acpi = None;
    domain.memory_backing = None;
    domain.qemu_command_line = None;
    for video in domain.devices.videos_mut() {
        video.model.iter_mut().for_each(|model| model.acceleration = None);
    }
    domain.sysinfo.iter_mut().for_each(|sysinfo| sysinfo.entries.retain(|entry| entry.file.is_none()));
    for graphics in domain.devices.graphics_mut() {
        graphics.gl = None;
    }
    domain.devices.list.retain(|device| {
        !matches!(device, Device::Tpm(_) | Device::Filesystem(_) | Device::Vsock(_) | Device::Hostdev(_) | Device::Smartcard(_))
    });
    domain
}

/// Gives a plan to its QEMU, with files of the test's own in place of images.
pub async fn try_out(plan: LaunchPlan, directory: &Path) -> Result<(), String> {
    let mut rename = Vec::new();
    for (number, resource) in plan.resources.iter().enumerate() {
        if matches!(resource.class, LabelClass::Image | LabelClass::ReadOnly | LabelClass::Shared | LabelClass::Log | LabelClass::Nvram) {
            let to = directory.join(format!("resource-{number}"));
            rename.push((resource.path.display().to_string(), to.display().to_string()));
        }
    }
    let mut arguments: Vec<String> = plan.arguments.iter().map(|argument| argument.render(|_| 3)).collect();
    if !arguments.iter().any(|argument| argument == "-mon") {
        // A person has no QMP, and the test ends QEMU by it.
        let qmp = ["-S", "-chardev", "socket,id=qmp,fd=3,server=on,wait=off", "-mon", "chardev=qmp,mode=control"];
        arguments.extend(qmp.map(str::to_owned));
    }
    let arguments: Vec<String> = arguments.into_iter().map(|argument| here(argument, &rename)).collect();
    for preparation in &plan.preparations {
        if let Preparation::File { path, program, arguments, .. } = preparation {
            let path = path.display().to_string();
            let to = rename.iter().find(|(from, _)| *from == path).map_or(path.clone(), |(_, to)| to.clone());
            let mut arguments = arguments.clone();
            *arguments.last_mut().unwrap() = to;
            run(program, &arguments).await;
        }
    }
    make_images(&arguments).await;
    write_secrets(&arguments);
    let _companions: Vec<UnixListener> = plan.companions.iter().map(|one| UnixListener::bind(&one.socket).unwrap()).collect();
    start_and_quit(&plan, arguments, directory).await
}

/// The argument with the test's own files in place of the fixture's, images all files, ports of no consequence.
fn here(mut argument: String, rename: &[(String, String)]) -> String {
    for (from, to) in rename {
        argument = argument.replace(&format!("\"{from}\""), &format!("\"{to}\"")).replace(&format!("path={from}"), &format!("path={to}"));
        argument = argument.replace(&format!("logfile={from}"), &format!("logfile={to}"));
    }
    argument.replace("\"driver\":\"host_device\"", "\"driver\":\"file\"").replace("\"driver\":\"host_cdrom\"", "\"driver\":\"file\"")
}

/// Makes the file of every `-blockdev` of the test's, in the format of the node above it.
async fn make_images(arguments: &[String]) {
    let nodes: Vec<Value> = arguments.iter().filter_map(|argument| serde_json::from_str(argument).ok()).collect();
    for node in nodes.iter().filter(|node| node["driver"] == "file") {
        let above = nodes.iter().find(|above| above["file"] == node["node-name"]);
        let path = PathBuf::from(node["filename"].as_str().unwrap());
        if let Some(format) = above.and_then(|above| above["driver"].as_str()).filter(|_| !path.exists() && !path.starts_with("/usr")) {
            run(Path::new("/usr/bin/qemu-img"), &["create", "-q", "-f", format, &path.display().to_string(), "2880k"].map(str::to_owned))
                .await;
        }
    }
}

/// Writes the file of every password that a person would write.
fn write_secrets(arguments: &[String]) {
    let objects = arguments.iter().filter_map(|argument| serde_json::from_str::<Value>(argument).ok());
    for secret in objects.filter(|object| object["qom-type"] == "secret") {
        std::fs::write(secret["file"].as_str().unwrap(), "geheim").unwrap();
    }
}

async fn run(program: &Path, arguments: &[String]) {
    let spec = ProcessSpec::new(program).arguments(arguments);
    let output = process::run(spec, b"", Limits::default()).await.and_then(process::Output::require_success);
    output.unwrap_or_else(|error| panic!("{}: {error} (package qemu-utils)", program.display()));
}

async fn start_and_quit(plan: &LaunchPlan, arguments: Vec<String>, directory: &Path) -> Result<(), String> {
    let path = directory.join("qmp");
    let mut spec = ProcessSpec::new(&plan.program);
    let number = spec.inherit(sockets::listen(&path).unwrap());
    let arguments: Vec<_> =
        arguments.into_iter().map(|argument| argument.replace("id=qmp,fd=3,", &format!("id=qmp,fd={number},"))).collect();
    let log = directory.join("log");
    let file = std::fs::File::create(&log).unwrap();
    let mut spec = spec.arguments(&arguments);
    spec.output = Some(file.into());
    let process = process::launch(spec).await.map_err(|error| error.to_string())?;
    let dialogue = async {
        let stream = sockets::connect(&path).await.map_err(|error| error.to_string())?;
        let connected = qmp::connect(stream, PATIENCE).await.map_err(|error| error.to_string())?;
        for set_up in &plan.set_up {
            let answer: Result<Value, _> = connected.client.execute(set_up.execute, &set_up.arguments).await;
            answer.map_err(|error| format!("{}: {error}", set_up.execute))?;
        }
        connected.client.quit().await.map_err(|error| error.to_string())
    };
    let answer = dialogue.await;
    if answer.is_err() {
        process.signal(Signal::KILL).ok();
    }
    process.exited().await;
    answer.map_err(|error| format!("{error}\n{}\n{}", std::fs::read_to_string(&log).unwrap_or_default(), arguments.join("\n")))
}

/// Records what a QEMU can do, for the golden tests: RECORD_CAPABILITIES=EMULATOR=FILE.
#[tokio::test]
async fn record() {
    let Ok(what) = std::env::var("RECORD_CAPABILITIES") else { return };
    let (emulator, file) = what.split_once('=').unwrap();
    let mut capabilities = probe(Path::new(emulator), false, &Unconfined).await.unwrap();
    capabilities.emulator = "/usr/bin/qemu-system-x86_64".into();
    capabilities.version.package.clear();
    std::fs::write(file, serde_json::to_string_pretty(&capabilities).unwrap() + "\n").unwrap();
}
