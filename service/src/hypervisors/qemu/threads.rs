//! Where and how QEMU's threads run: `<vcpupin>`, `<emulatorpin>`, `<iothreadpin>`, the set of `<vcpu>`, and their
//! schedulers (libvirt, formatdomain, CPU tuning). Done before the guest runs; QEMU tells the threads' numbers.

use std::collections::BTreeSet;
use std::io;

use lodge_model::domain::Domain;
use lodge_model::domain::cpuset::CpuSet;
use lodge_model::domain::resources::{CpuTune, Scheduler};

use super::qmp::{Client, QmpError};
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::Process;
use crate::host::threads::{self, Policy};

/// A thread of QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thread {
    /// It executes a virtual processor, counted from 0.
    Vcpu(u32),
    /// It does I/O, counted from 1.
    Io(u32),
    /// All others.
    Emulator,
}

/// What a definition wishes for a thread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Wish<'a> {
    cpus: Option<&'a CpuSet>,
    policy: Option<Policy>,
}

/// Whether the definition wishes anything.
pub fn are_tuned(domain: &Domain) -> bool {
    let tuned = |tune: &CpuTune| {
        !tune.vcpu_pins.is_empty()
            || !tune.io_thread_pins.is_empty()
            || tune.emulator_pin.is_some()
            || !tune.vcpu_schedulers.is_empty()
            || !tune.io_thread_schedulers.is_empty()
            || tune.emulator_scheduler.is_some()
    };
    of_all(domain).is_some() || domain.cpu_tune.as_ref().is_some_and(tuned)
}

/// The threads that execute virtual processors or do I/O, with their numbers.
///
/// # Errors
/// QEMU does not tell.
pub async fn find(client: &Client) -> std::result::Result<Threads, QmpError> {
    let vcpus = client.query_cpus_fast().await?.into_iter().map(|cpu| (Thread::Vcpu(cpu.cpu_index), cpu.thread_id));
    let number = |id: &str| id.strip_prefix("iothread").and_then(|number| number.parse().ok());
    let io_threads = client.query_iothreads().await?.into_iter();
    Ok(Threads(vcpus.chain(io_threads.filter_map(|thread| Some((Thread::Io(number(&thread.id)?), thread.thread_id)))).collect()))
}

/// Threads of QEMU that are not its own.
#[derive(Debug)]
pub struct Threads(Vec<(Thread, i32)>);

impl Threads {
    /// Fulfils the wishes of a definition.
    ///
    /// # Errors
    /// `NotSupported` for processors that the host does not have, `HostFailed` when the kernel refuses.
    pub fn tune(&self, process: &Process, domain: &Domain) -> Result<()> {
        let known: BTreeSet<i32> = self.0.iter().map(|(_, number)| *number).collect();
        let all = threads::of_process(process.pid())
            .map_err(|error| Error::new(ErrorKind::HostFailed, "QEMU's threads cannot be seen").caused_by(error))?;
        let emulator = all.into_iter().filter(|number| !known.contains(number)).map(|number| (Thread::Emulator, number));
        for (thread, number) in self.0.iter().copied().chain(emulator) {
            let Wish { cpus, policy } = wish(domain, thread);
            if let Some(cpus) = cpus {
                threads::pin(number, cpus.iter()).map_err(|error| cannot_pin(thread, cpus, error))?;
            }
            if let Some(policy) = policy {
                threads::schedule(number, policy).map_err(|error| cannot_schedule(thread, policy, error))?;
            }
        }
        Ok(())
    }
}

fn wish(domain: &Domain, thread: Thread) -> Wish<'_> {
    let Some(tune) = &domain.cpu_tune else { return Wish { cpus: of_all(domain), policy: None } };
    let among = |set: Option<&CpuSet>, number: u32| set.is_none_or(|set| set.iter().any(|one| one == number));
    let (pin, scheduler) = match thread {
        Thread::Vcpu(vcpu) => (
            tune.vcpu_pins.iter().find(|pin| pin.vcpu == vcpu).map(|pin| &pin.cpus),
            tune.vcpu_schedulers.iter().find(|of| among(of.vcpus.as_ref(), vcpu)).map(|of| (of.scheduler, of.priority)),
        ),
        Thread::Io(id) => (
            tune.io_thread_pins.iter().find(|pin| pin.io_thread == id).map(|pin| &pin.cpus),
            tune.io_thread_schedulers.iter().find(|of| among(of.io_threads.as_ref(), id)).map(|of| (of.scheduler, of.priority)),
        ),
        Thread::Emulator => {
            (tune.emulator_pin.as_ref().map(|pin| &pin.cpus), tune.emulator_scheduler.as_ref().map(|of| (of.scheduler, of.priority)))
        }
    };
    Wish { cpus: pin.or_else(|| of_all(domain)), policy: scheduler.map(|(scheduler, priority)| policy(scheduler, priority)) }
}

/// The processors for all threads that have none of their own.
fn of_all(domain: &Domain) -> Option<&CpuSet> {
    domain.vcpu.as_ref().and_then(|vcpu| vcpu.cpus.as_ref())
}

fn policy(scheduler: Scheduler, priority: Option<u16>) -> Policy {
    let priority = priority.and_then(|priority| u8::try_from(priority).ok()).unwrap_or(1);
    match scheduler {
        Scheduler::Batch => Policy::Batch,
        Scheduler::Idle => Policy::Idle,
        Scheduler::Fifo => Policy::Fifo(priority),
        Scheduler::RoundRobin => Policy::RoundRobin(priority),
    }
}

impl std::fmt::Display for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vcpu(number) => write!(f, "virtual processor {number}"),
            Self::Io(number) => write!(f, "I/O thread {number}"),
            Self::Emulator => f.write_str("a thread of the emulator"),
        }
    }
}

fn cannot_pin(thread: Thread, cpus: &CpuSet, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::InvalidInput { ErrorKind::NotSupported } else { ErrorKind::HostFailed };
    Error::new(kind, format!("{thread} cannot run on the host's processors {cpus}; see which there are with nproc")).caused_by(error)
}

fn cannot_schedule(thread: Thread, policy: Policy, error: io::Error) -> Error {
    Error::new(ErrorKind::HostFailed, format!("{thread} cannot have the scheduler {policy:?}")).caused_by(error)
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    fn domain(inside: &str) -> Domain {
        Domain::parse(&format!("<domain type='kvm'><name>a</name><memory>1</memory>{inside}</domain>")).unwrap().0
    }

    #[test]
    fn each_thread_has_its_own_wish_or_that_of_all() {
        let domain = domain(
            "<vcpu cpuset='7'>4</vcpu><cputune><vcpupin vcpu='1' cpuset='2-3'/><emulatorpin cpuset='0'/>\
             <vcpusched vcpus='0-1' scheduler='fifo' priority='5'/><iothreadsched scheduler='batch'/></cputune>",
        );
        for (thread, cpus, policy) in [
            (Thread::Vcpu(0), "7", Some(Policy::Fifo(5))),
            (Thread::Vcpu(1), "2-3", Some(Policy::Fifo(5))),
            (Thread::Vcpu(2), "7", None),
            (Thread::Io(1), "7", Some(Policy::Batch)),
            (Thread::Emulator, "0", None),
        ] {
            let wish = wish(&domain, thread);
            assert_eq!((wish.cpus.map(ToString::to_string).as_deref(), wish.policy), (Some(cpus), policy), "{thread}");
        }
    }

    #[test]
    fn most_definitions_wish_nothing() {
        for (inside, expected) in [
            ("<vcpu>2</vcpu>", false),
            ("<vcpu>2</vcpu><cputune><shares>5</shares></cputune>", false),
            ("<vcpu cpuset='1'>2</vcpu>", true),
            ("<cputune><vcpupin vcpu='0' cpuset='0'/></cputune>", true),
            ("<cputune><emulatorsched scheduler='idle'/></cputune>", true),
        ] {
            assert_eq!(are_tuned(&domain(inside)), expected, "{inside}");
        }
    }
}
