//! What confinement costs: the time that all layers of the system instance add to the start of a guest.
//!
//! The same guest is started in turn without and with them, until it runs; each number is the median of its rounds.
//! `LODGE_BENCH_UPDATE=1` puts the table into docs/security.md. Needs root and qemu-system-x86.

#![allow(clippy::unwrap_used, reason = "a benchmark says what it expected by failing there")]
#![allow(clippy::print_stdout, reason = "its output is its result")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lodge_model::domain::Domain;
use lodge_service::hypervisors::confine::Unconfined;
use lodge_service::hypervisors::qemu::Policy;
use lodge_service::hypervisors::{Driver, MachineEvent};
use lodge_tests::system::SystemInstance;

const ROUNDS: usize = 25;
/// What all layers together may add.
const TARGET: Duration = Duration::from_millis(25);

#[tokio::main(worker_threads = 2)]
async fn main() {
    assert!(rustix::process::geteuid().is_root(), "guests are confined by root: run it as root");
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let instance = SystemInstance::new(directory.path(), "");
    let confined = SystemInstance::policy(instance.store.layout());
    let unconfined = Policy { confine: Arc::new(Unconfined), ..confined.clone() };
    let disk = directory.path().join("disk.img");
    std::fs::File::create(&disk).unwrap().set_len(1 << 20).unwrap();
    let domain = instance.define(&document(&disk)).await;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (policy, times) in [&unconfined, &confined].into_iter().zip(&mut times) {
            instance.driver.set_policy(policy.clone());
            times.push(start(&instance, &domain).await);
        }
    }
    let [unconfined, confined] = times.map(median);
    let added = confined.saturating_sub(unconfined);
    let verdict = if added < TARGET { "met" } else { "**missed**" };
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    let table = format!(
        "| start of a guest | |\n|---|---:|\n| unconfined | {} |\n| with every layer | {} |\n| added (target: under {}) | {}: {verdict} |\n",
        ms(unconfined),
        ms(confined),
        ms(TARGET),
        ms(added)
    );
    println!("{table}");
    if std::env::var_os("LODGE_BENCH_UPDATE").is_some() {
        update(&table);
    }
}

fn document(disk: &Path) -> String {
    format!(
        "<domain type='qemu'><name>measured</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>\
         <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{}'/><target dev='vda' bus='virtio'/></disk>\
         <serial type='pty'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices></domain>",
        disk.display()
    )
}

/// The time of a start; the guest is gone again afterwards.
async fn start(instance: &SystemInstance, domain: &Domain) -> Duration {
    let (launch, mut events) = instance.launch(domain);
    let begin = Instant::now();
    let started = instance.driver.start(launch).await.unwrap_or_else(|error| panic!("{error}"));
    let time = begin.elapsed();
    started.machine.destroy(false).await.unwrap();
    while !matches!(events.recv().await, Some(MachineEvent::Exited(_)) | None) {}
    time
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn update(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    let (begin, end) = ("<!-- figures: begin -->\n\n", "\n<!-- figures: end -->");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(begin).expect("the place for the figures");
    let (_, after) = rest.split_once(end).expect("the end of the figures");
    std::fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
}
