//! sh reads what was meant, and sh and the QEMU that is installed run a script as it is printed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;

use super::{bare, planner, script};
use crate::host::process::{self, Exit, Limits, ProcessSpec, Signal};
use crate::host::sockets;
use crate::hypervisors::confine::Unconfined;
use crate::hypervisors::qemu::capabilities::{Arch, find_emulator, probe};
use crate::hypervisors::qemu::input::Host;
use crate::hypervisors::qemu::script::shell::word;
use crate::hypervisors::qemu::{facts, input::HostFacts, qmp};

const PATIENCE: Duration = Duration::from_secs(60);

/// With a program beside QEMU, sockets to be made, and a word that needs quotes. QMP is there for the test to end it by.
fn definition(qmp: &Path) -> Domain {
    let text = format!(
        "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>by hand</name>\
         <uuid>7a2c1a1e-0d6c-4f0e-9f3e-6f1b8a6d2c10</uuid><memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type></os>\
         <devices><serial type='unix'/><graphics type='vnc'><listen type='socket'/></graphics>\
         <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm></devices>\
         <qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='unix:{},server=on,wait=off'/></qemu:commandline></domain>",
        qmp.display()
    );
    Domain::parse(&text).unwrap().0
}

#[tokio::test]
async fn sh_reads_words_as_they_were() {
    let words = (1_u8..128).map(char::from).flat_map(|c| [c.to_string(), format!("a{c}"), format!("{c}{c} 'b")]);
    let words: Vec<_> =
        words.chain(["", "--", "ä€\u{1f600}", "$(id)", "`id`", "~root", "{a,b}", "a=b", "#", "\\\n"].map(str::to_owned)).collect();
    let quoted: Vec<_> = words.iter().map(|text| word(text)).collect();
    let script = format!("printf '%s\\000' {}\n", quoted.join(" \\\n  "));
    let printed = process::run(ProcessSpec::new("/bin/sh"), script.as_bytes(), Limits::default()).await.unwrap();
    let printed = String::from_utf8(printed.require_success().unwrap().stdout).unwrap();
    assert_eq!(printed.strip_suffix('\0').unwrap().split('\0').collect::<Vec<_>>(), words);
}

async fn installed(arch: Arch) -> Host {
    let emulator = find_emulator(arch).unwrap_or_else(|error| panic!("{error}"));
    let capabilities = Arc::new(probe(&emulator, false, &Unconfined).await.unwrap());
    Host { capabilities, firmware: facts::firmware(None), programs: facts::programs(), devices: HostFacts::default() }
}

/// Runs a script until its QEMU answers on a QMP socket and these are there too, and ends it by that.
async fn runs(root: &Path, text: &str, qmp: &Path, others: &[&str]) {
    let (file, log) = (root.join("script"), root.join("log"));
    std::fs::write(&file, text).unwrap();
    let mut spec = ProcessSpec::new("/bin/sh").arguments([&file]);
    spec.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    spec.output = Some(std::fs::File::create(&log).unwrap().into());
    let shell = process::launch(spec).await.unwrap();
    let running = async {
        sockets::listening(qmp).await.map_err(|error| error.to_string())?;
        let stream = sockets::connect(qmp).await.map_err(|error| error.to_string())?;
        // It answers when all that it was told to make is there.
        let connected = qmp::connect(stream, PATIENCE).await.map_err(|error| error.to_string())?;
        let missing = others.iter().find(|name| !root.join(name).exists());
        connected.client.quit().await.map_err(|error| error.to_string())?;
        missing.map_or(Ok(()), |name| Err(format!("{name} is not there")))
    };
    let ran = tokio::select! {
        biased;
        ran = tokio::time::timeout(PATIENCE, running) => ran.unwrap_or(Err("it takes too long".to_owned())),
        exit = shell.exited() => Err(format!("the shell ended: {exit}")),
    };
    if ran.is_err() {
        shell.signal(Signal::KILL).ok();
    }
    let exit = shell.exited().await;
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    assert_eq!(ran, Ok(()), "{said}\n{text}");
    assert_eq!(exit, Exit::Code(0), "{said}");
}

#[tokio::test]
async fn sh_runs_a_script_as_it_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let host = installed(Arch::X86_64).await;
    assert!(host.programs.swtpm.is_some(), "swtpm is not installed (package swtpm)");
    let qmp = root.join("qmp.sock");
    let written = script(&definition(&qmp), &host, root).unwrap();
    assert_eq!(written.warnings, [""; 0]);
    runs(root, &written.text, &qmp, &["by-hand/by hand/serial0.sock", "by-hand/by hand/vnc.sock"]).await;
}

/// A definition of 2010. A person who has another QEMU and another disk writes these into the command, and it runs.
#[tokio::test]
async fn an_old_definition_runs_with_the_programs_of_today() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let host = installed(Arch::I686).await;
    let (disk, qmp) = (root.join("disk.img"), root.join("qmp.sock"));
    std::fs::write(&disk, vec![0; 1 << 20]).unwrap();
    let (domain, _) = Domain::parse(&planner::read(&planner::fixtures().join("domain/qemu-i686-disk.xml"))).unwrap();
    let text = script(&domain, &bare(&domain), root).unwrap().text;
    let text = text.replace("/usr/bin/qemu \\", &format!("{} \\", host.capabilities.emulator.display()));
    let text = text.replace(
        r#""driver":"host_device","filename":"/dev/HostVG/QEMUGuest1""#,
        &format!(r#""driver":"file","filename":"{}""#, disk.display()),
    );
    let text = text.replace("  -display none\n", &format!("  -display none \\\n  -qmp unix:{},server=on,wait=off\n", qmp.display()));
    for changed in [host.capabilities.emulator.display().to_string(), disk.display().to_string(), qmp.display().to_string()] {
        assert!(text.contains(&changed), "{changed} is not in\n{text}");
    }
    runs(root, &text, &qmp, &[]).await;
}
