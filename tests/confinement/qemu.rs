//! QEMU itself under everything that the system instance does: what the kernel says of it, and what is left when it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_service::host::process::Process;
use lodge_service::hypervisors::qemu::Policy;
use lodge_service::hypervisors::{Driver, ExitReason, Machine, MachineEvent, Reconnected};
use lodge_tests::binaries;
use lodge_tests::system::{GUEST, SystemInstance};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::host::{Host, owner};

/// Longer than anything here takes on a busy host.
const PATIENCE: Duration = Duration::from_secs(120);

/// A guest with one of everything that lies on the host.
fn document(host: &Host, extra: &str) -> String {
    let path = |name: &str| host.path(name).display().to_string();
    for name in ["disk.img", "shared.img", "cd.iso"] {
        host.file(name, 0, 0o600);
        std::fs::File::options().write(true).open(host.path(name)).unwrap().set_len(1 << 20).unwrap();
    }
    format!(
        "<domain type='qemu'><name>everything</name><memory unit='MiB'>64</memory>
        <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>
        <devices>
          <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{}'/><target dev='vda' bus='virtio'/></disk>
          <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{}'/><target dev='vdb' bus='virtio'/><shareable/></disk>
          <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{}'/><target dev='sda' bus='sata'/><readonly/></disk>
          <serial type='pty'/>
          <serial type='file'><source path='{}'/></serial>
          <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
          <graphics type='vnc'><listen type='socket'/></graphics>
          <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
          <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
          <interface type='user'><backend type='passt'/><model type='virtio'/></interface>
        </devices>{extra}</domain>",
        path("disk.img"),
        path("shared.img"),
        path("cd.iso"),
        path("log/serial.log"),
    )
}

struct Running {
    machine: std::sync::Arc<dyn Machine>,
    live: String,
    events: mpsc::Receiver<MachineEvent>,
}

async fn start(instance: &SystemInstance, document: &str) -> Running {
    let domain = instance.define(document).await;
    let (launch, events) = instance.launch(&domain);
    let log = launch.log.clone();
    let started = tokio::time::timeout(PATIENCE, instance.driver.start(launch)).await.unwrap();
    let started = started.unwrap_or_else(|error| panic!("{error}\n{}", std::fs::read_to_string(log).unwrap_or_default()));
    Running { machine: started.machine, live: started.live.to_xml(), events }
}

impl Running {
    async fn until_end(&mut self) -> ExitReason {
        loop {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.unwrap();
            if let MachineEvent::Exited(reason) = event.expect("an end") {
                return reason;
            }
        }
    }

    fn pids(&self) -> Vec<i64> {
        let record = self.machine.record();
        let all = record["companions"].as_array().unwrap().iter().chain([&record["qemu"]]);
        all.map(|one| one["pid"].as_i64().unwrap()).collect()
    }
}

fn installed() {
    binaries::installed("qemu-system-x86_64", "qemu-system-x86");
    binaries::installed("swtpm", "swtpm");
    binaries::installed("passt", "passt");
    assert!(Path::new("/usr/share/OVMF/OVMF_CODE_4M.fd").exists(), "UEFI firmware is missing; install the Debian package ovmf");
}

fn status(pid: i64) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let pair =
        |line: &str| Some((line.split_once(':')?.0.to_owned(), line.split_once(':')?.1.split_whitespace().collect::<Vec<_>>().join(" ")));
    text.lines().filter_map(pair).collect()
}

fn names(path: impl AsRef<Path>) -> Vec<String> {
    let entries = std::fs::read_dir(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()));
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn files(host: &Host) -> Vec<PathBuf> {
    ["disk.img", "shared.img", "cd.iso", "log/serial.log"].map(|name| host.path(name)).to_vec()
}

/// Everything belongs to whom it did, and nothing of the run is there any more.
fn assert_restored(host: &Host, instance: &SystemInstance, pids: &[i64]) {
    for path in files(host) {
        assert_eq!(owner(&path), 0, "{}", path.display());
    }
    let layout = instance.store.layout();
    let state = [layout.nvram(), layout.tpm()].into_iter().flat_map(|place| std::fs::read_dir(place).unwrap());
    for entry in state {
        let path = entry.unwrap().path();
        assert_eq!(owner(&path), 0, "{}", path.display());
    }
    for entry in std::fs::read_dir(layout.runtime.join("domains")).unwrap() {
        assert_eq!(names(entry.unwrap().path()), Vec::<String>::new());
    }
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kernel_says_that_every_program_of_a_guest_is_confined() {
    installed();
    let host = Host::new();
    let settings = "max_files = 512\nmax_processes = 1000\nmax_core = 0\n";
    let instance = SystemInstance::new(host.directory.path(), settings);
    // Something of another guest, which this one is not to see.
    std::fs::create_dir(instance.store.layout().tpm().join("neighbour")).unwrap();
    let mut running = start(&instance, &document(&host, "")).await;
    let pids = running.pids();
    assert_eq!(pids.len(), 3, "swtpm, passt and QEMU");
    for pid in &pids {
        let status = status(*pid);
        let ids = [GUEST.to_string().as_str(); 4].join(" ");
        assert_eq!((&status["Uid"], &status["Gid"], status["Groups"].as_str()), (&ids, &ids, GUEST.to_string().as_str()), "{pid}");
        let none = "0000000000000000".to_owned();
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            // passt has shut itself into a user namespace of its own, whose bounding set means nothing outside.
            assert!(
                status[set] == none || (set == "CapBnd" && status["Name"].starts_with("passt")),
                "{} {set}: {}",
                status["Name"],
                status[set]
            );
        }
        assert_eq!((status["NoNewPrivs"].as_str(), status["Seccomp"].as_str()), ("1", "2"), "{}", status["Name"]);
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let limit =
            |name: &str| limits.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().rev().nth(1).unwrap().to_owned();
        assert_eq!((limit("Max open files"), limit("Max processes")), ("512".to_owned(), "1000".to_owned()), "{}", status["Name"]);
        assert!(
            limits.lines().any(|line| line.starts_with("Max core file size") && line.split_whitespace().nth(5) == Some("0")),
            "{limits}"
        );
        let namespace = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/mnt")).unwrap();
        assert_ne!(namespace(&pid.to_string()), namespace("self"));
    }
    let qemu = *pids.last().unwrap();
    assert!(status(qemu)["Seccomp_filters"].parse::<u32>().unwrap() >= 2, "the service's and QEMU's own");
    let root = PathBuf::from(format!("/proc/{qemu}/root"));
    let devices = names(root.join("dev"));
    let expected = ["fd", "full", "kvm", "net", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"];
    let more = ["hpet", "rtc", "mqueue", "hugepages"];
    let unexpected: Vec<_> = devices.iter().filter(|name| !expected.contains(&name.as_str()) && !more.contains(&name.as_str())).collect();
    assert!(unexpected.is_empty() && devices.contains(&"null".to_owned()), "{devices:?}");
    let seen = |path: PathBuf| names(root.join(path.strip_prefix("/").unwrap()));
    let layout = instance.store.layout();
    assert_eq!(seen(layout.config.clone()), Vec::<String>::new());
    assert_eq!(seen(layout.tpm()).len(), 1, "its own");
    assert_eq!(names(layout.tpm()).len(), 2);
    for path in files(&host) {
        assert_eq!(owner(&path), GUEST, "{}", path.display());
    }
    let label = "<seclabel type='dynamic' model='dac' relabel='yes'>";
    assert!(running.live.contains(label) && running.live.contains("<imagelabel>+54321:+54321</imagelabel>"), "{}", running.live);
    let console = &running.machine.consoles()[0];
    assert!(console.path.starts_with("/dev/pts") && console.path.exists(), "the service can open {}", console.path.display());

    running.machine.destroy(false).await.unwrap();
    assert_eq!(running.until_end().await, ExitReason::Destroyed);
    assert_restored(&host, &instance, &pids);
    // The same again, with what the first run has left: variables, the TPM's state.
    let mut again = start(&instance, &document(&host, "")).await;
    again.machine.destroy(false).await.unwrap();
    again.until_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_come_back_when_qemu_crashes() {
    installed();
    let host = Host::new();
    let instance = SystemInstance::new(host.directory.path(), "");
    let mut running = start(&instance, &document(&host, "")).await;
    let pids = running.pids();
    kill_process(Pid::from_raw(i32::try_from(*pids.last().unwrap()).unwrap()).unwrap(), Signal::SEGV).unwrap();
    assert!(matches!(running.until_end().await, ExitReason::Failed(_)));
    assert_restored(&host, &instance, &pids);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_come_back_after_the_service_was_killed_anywhere() {
    installed();
    let host = Host::new();
    let document = document(&host, "");
    std::fs::write(host.path("document.xml"), &document).unwrap();
    // After each record that a start writes down, and then while the guest runs.
    for killed_at in 1..=5 {
        let mut doomed = binaries::command(env!("CARGO_BIN_EXE_doomed"));
        doomed.arg(host.directory.path()).arg(host.path("document.xml")).arg(killed_at.to_string());
        let status = doomed.status().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{killed_at}");
        let records = std::fs::read_to_string(host.path("records")).unwrap();
        std::fs::remove_file(host.path("records")).unwrap();
        assert_eq!(records.lines().count(), killed_at.min(4), "before anything is changed, and for each of three programs");
        let record: Value = serde_json::from_str(records.lines().last().unwrap()).unwrap();

        if killed_at < 5 {
            held(&record).await;
        }
        let instance = SystemInstance::new(host.directory.path(), "");
        let domain = instance.define(&document).await;
        let (launch, events) = instance.launch(&domain);
        match instance.driver.reconnect(launch, record).await.unwrap() {
            Reconnected::Gone(_) => assert!(killed_at < 5),
            Reconnected::Alive { machine, .. } => {
                assert_eq!(owner(&host.path("disk.img")), GUEST);
                let mut running = Running { machine, live: String::new(), events };
                running.machine.destroy(false).await.unwrap();
                running.until_end().await;
            }
        }
        assert_restored(&host, &instance, &[]);
        // Another run has another UUID: what it kept is of the one before.
        for place in [instance.store.layout().tpm(), instance.store.layout().runtime.join("domains")] {
            std::fs::remove_dir_all(&place).unwrap();
            std::fs::create_dir(&place).unwrap();
        }
    }
}

/// Waits for the end of the process that was held when the service was killed: until then it has the service's lock.
async fn held(record: &Value) {
    let companions = record["companions"].as_array().unwrap();
    let Some(last) = record.get("qemu").filter(|qemu| !qemu.is_null()).or(companions.last()) else { return };
    let pid = i32::try_from(last["pid"].as_i64().unwrap()).unwrap();
    if let Some(process) = Process::reopen(pid, last["start_time"].as_u64().unwrap()).unwrap() {
        tokio::time::timeout(PATIENCE, process.exited()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emulator_has_no_rights_when_it_is_asked_what_it_can_do() {
    let host = Host::new();
    let instance = SystemInstance::new(host.directory.path(), "");
    let script = host.path("emulator");
    let report = host.file("report", GUEST, 0o600);
    let text = format!("#!/bin/sh\ngrep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' /proc/self/status > {}\n", report.display());
    let mut write = binaries::command("sh");
    let written = write.args(["-c", "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\""]).arg(&script).arg(text).status().unwrap();
    assert!(written.success());
    instance.driver.set_policy(Policy { emulator: Some(script), ..SystemInstance::policy(instance.store.layout()) });
    // It is asked, and has no sensible answer.
    let (mut domain, _) =
        Domain::parse("<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os></domain>").unwrap();
    instance.driver.complete(&mut domain).await.unwrap_err();
    let told = std::fs::read_to_string(report).unwrap();
    let expected = format!("Uid:\t{GUEST}\t{GUEST}\t{GUEST}\t{GUEST}\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
    assert_eq!(told, expected);
}
