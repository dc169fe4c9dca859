//! The task that follows one QEMU: turns what QEMU tells into events of the machine, and its end into the last of them.
//!
//! Invariants:
//! - It ends when QEMU has ended, and then exactly one `Exited` has been sent, after all else was cleaned up; or when
//!   nobody takes the events any more, and then QEMU is left alone.
//! - It never waits for a guest: the only commands it gives are those that QEMU itself answers at once.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;

use super::guest::Guest;
use super::log::RunLog;
use super::qmp::{Drive, Event, EventKind, RunState as QemuState};
use super::undo;
use crate::host::process::{Exit, Process, Signal};
use crate::hypervisors::{ExitReason, MachineEvent, MachineEvents, PauseReason, RunState};

/// Time for the last events of a QEMU that has ended to be read: they are in the socket already.
const LAST_EVENTS: Duration = Duration::from_secs(2);
/// Time for a companion to end by itself once QEMU is gone.
const COMPANION_END: Duration = Duration::from_secs(5);

/// What the task is about.
pub struct Watch {
    guest: Arc<Guest>,
    to: MachineEvents,
    /// The events of the connection, while there is one.
    events: Option<mpsc::Receiver<Event>>,
    attached: mpsc::Receiver<mpsc::Receiver<Event>>,
    companions: Vec<Process>,
    /// Why QEMU is about to end or to hold the machine.
    shutdown: Option<String>,
    /// Why the processors are about to stop.
    stop: Option<Stop>,
    /// The machine is being reset because the guest powered off in order to reboot.
    resetting: bool,
}

/// Why the processors are about to stop.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Paused(PauseReason),
    Panicked,
}

/// Goes on, or ends because nobody listens.
type Flow = ControlFlow<()>;

impl Watch {
    /// The task's beginnings. `events` are those of the connection, if there is one yet.
    pub fn new(
        guest: Arc<Guest>,
        to: MachineEvents,
        events: Option<mpsc::Receiver<Event>>,
        attached: mpsc::Receiver<mpsc::Receiver<Event>>,
        companions: Vec<Process>,
    ) -> Self {
        Self { guest, to, events, attached, companions, shutdown: None, stop: None, resetting: false }
    }

    /// Follows QEMU to its end. With `reboot`, the guest has powered off in order to reboot: that is finished first.
    pub async fn run(mut self, reboot: bool) {
        let process = self.guest.process.clone();
        if reboot && self.begin_reset().await.is_break() {
            return;
        }
        let exit = loop {
            let flow = tokio::select! {
                exit = process.exited() => break exit,
                () = self.to.closed() => return,
                Some(events) = self.attached.recv() => self.attach(events).await,
                event = next(&mut self.events) => match event {
                    Some(event) => self.on_event(event.kind).await,
                    None => { self.events = None; Flow::Continue(()) }
                },
            };
            if flow.is_break() {
                return;
            }
        };
        self.take_last_events().await;
        let reason = self.exit_reason(exit);
        self.clean_up().await;
        self.guest.gone.send_replace(true);
        // Nobody listens any more: nobody needs to know.
        drop(self.to.send(MachineEvent::Exited(reason)).await);
    }

    /// A connection was made late: what happened before is unknown.
    async fn attach(&mut self, events: mpsc::Receiver<Event>) -> Flow {
        self.events = Some(events);
        self.ask_for_state().await
    }

    async fn tell(&self, event: MachineEvent) -> Flow {
        match self.to.send(event).await {
            Ok(()) => Flow::Continue(()),
            Err(_) => Flow::Break(()),
        }
    }

    async fn on_event(&mut self, event: EventKind) -> Flow {
        let told = match event {
            EventKind::Shutdown { reason, .. } => {
                self.shutdown = Some(reason);
                return Flow::Continue(());
            }
            EventKind::Stop => return self.on_stop().await,
            EventKind::Reset { .. } => return self.on_reset().await,
            EventKind::Resume | EventKind::Wakeup => MachineEvent::Resumed,
            EventKind::Powerdown => MachineEvent::ShuttingDown,
            EventKind::Suspend => MachineEvent::Suspended,
            EventKind::Watchdog { action } => {
                self.expect_stop(action == "pause", Stop::Paused(PauseReason::Watchdog));
                MachineEvent::WatchdogFired(action)
            }
            EventKind::GuestPanicked { action, .. } if action == "pause" => {
                self.stop = Some(Stop::Panicked);
                return Flow::Continue(());
            }
            EventKind::GuestPanicked { .. } => MachineEvent::Panicked,
            EventKind::BlockIoError { device, node_name, operation, action, no_space, reason } => {
                self.expect_stop(action == "stop", Stop::Paused(PauseReason::IoError));
                let device = self.drive_of(device, node_name).await;
                MachineEvent::IoError { device, operation, no_space, action, message: reason }
            }
            EventKind::DeviceDeleted { device: Some(alias), .. } => MachineEvent::DeviceRemoved(alias),
            EventKind::BalloonChange { actual } => MachineEvent::MemoryChanged(actual),
            EventKind::VserportChange { id, open } if self.is_agent(&id) => {
                self.guest.agent_connected.store(open, Ordering::Relaxed);
                MachineEvent::AgentConnected(open)
            }
            EventKind::Missed { .. } => return self.ask_for_state().await,
            _ => return Flow::Continue(()),
        };
        self.tell(told).await
    }

    /// The alias of the drive that QEMU names by its topmost node.
    async fn drive_of(&self, device: String, node: Option<String>) -> String {
        let (true, Some(node)) = (device.is_empty(), node) else { return device };
        let drives = match self.guest.client().await {
            Ok(client) => client.query_block().await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let holds = |drive: &&Drive| drive.inserted.as_ref().is_some_and(|medium| medium.node_name.as_ref() == Some(&node));
        drives.iter().find(holds).and_then(Drive::alias).map(str::to_owned).unwrap_or_default()
    }

    fn expect_stop(&mut self, expected: bool, stop: Stop) {
        if expected {
            self.stop = Some(stop);
        }
    }

    fn is_agent(&self, alias: &str) -> bool {
        self.guest.record().agent.is_some_and(|agent| agent.alias == alias)
    }

    /// The processors stand still. After a shutdown: the machine is held.
    async fn on_stop(&mut self) -> Flow {
        if self.shutdown.take().is_some() {
            if self.guest.is_rebooting() {
                return self.begin_reset().await;
            }
            return self.tell(MachineEvent::ShutDown).await;
        }
        match self.stop.take() {
            Some(Stop::Panicked) => self.tell(MachineEvent::Panicked).await,
            Some(Stop::Paused(reason)) => self.tell(MachineEvent::Paused(reason)).await,
            None => self.tell(MachineEvent::Paused(PauseReason::Unknown)).await,
        }
    }

    /// The guest powered off because it was asked to reboot by the power button.
    async fn begin_reset(&mut self) -> Flow {
        self.resetting = true;
        let reset = match self.guest.client().await {
            Ok(client) => client.system_reset().await.map_err(|error| self.guest.failed(error)),
            Err(error) => Err(error),
        };
        match reset {
            Ok(()) => Flow::Continue(()),
            Err(error) => self.reboot_failed(&error).await,
        }
    }

    async fn reboot_failed(&mut self, error: &crate::error::Error) -> Flow {
        tracing::warn!(domain = %self.guest.name, "the guest powered off to reboot and cannot be started again: {error}");
        self.resetting = false;
        self.tell(MachineEvent::ShutDown).await
    }

    async fn on_reset(&mut self) -> Flow {
        self.guest.resets.send_modify(|count| *count += 1);
        if std::mem::take(&mut self.resetting) {
            let go_on = async {
                self.guest.set_rebooting(false).await?;
                self.guest.client().await?.cont().await.map_err(|error| self.guest.failed(error))
            };
            if let Err(error) = go_on.await {
                return self.reboot_failed(&error).await;
            }
        }
        self.tell(MachineEvent::Rebooted).await
    }

    /// Events were missed: asks QEMU for what they would have told.
    async fn ask_for_state(&mut self) -> Flow {
        let status = match self.guest.client().await {
            Ok(client) => client.query_status().await,
            Err(_) => return Flow::Continue(()),
        };
        let Ok(status) = status else { return Flow::Continue(()) };
        match run_state(status.status) {
            RunState::Running => self.tell(MachineEvent::Resumed).await,
            RunState::Paused(reason) => self.tell(MachineEvent::Paused(reason)).await,
            RunState::Suspended => self.tell(MachineEvent::Suspended).await,
            RunState::Crashed => self.tell(MachineEvent::Panicked).await,
            RunState::ShutDown if self.guest.is_rebooting() => self.begin_reset().await,
            RunState::ShutDown => self.tell(MachineEvent::ShutDown).await,
        }
    }

    /// What QEMU told before it ended still counts, and above all why it ended.
    async fn take_last_events(&mut self) {
        let last = async {
            while let Some(event) = next_of(&mut self.events).await {
                if self.on_event(event.kind).await.is_break() {
                    return;
                }
            }
        };
        if tokio::time::timeout(LAST_EVENTS, last).await.is_err() {
            tracing::warn!(domain = %self.guest.name, "the connection to an ended QEMU stays open");
        }
    }

    fn exit_reason(&self, exit: Exit) -> ExitReason {
        let by_us = self.guest.ended_by_us.load(Ordering::Relaxed);
        exit_reason(self.shutdown.as_deref(), by_us, exit, &self.guest.record().log)
    }

    async fn clean_up(&mut self) {
        end_companions(&self.companions).await;
        self.guest.record().remove_files();
        if let Some(confined) = &self.guest.confined {
            undo::release(&**confined).await;
        }
    }
}

/// Ends what ran beside a QEMU that has ended. Most end by themselves when it does.
pub async fn end_companions(companions: &[Process]) {
    for companion in companions {
        for signal in [Signal::TERM, Signal::KILL] {
            if companion.exit().is_none()
                && let Err(error) = companion.signal(signal)
            {
                tracing::warn!("{error}");
            }
            if tokio::time::timeout(COMPANION_END, companion.exited()).await.is_ok() {
                break;
            }
        }
    }
}

async fn next(events: &mut Option<mpsc::Receiver<Event>>) -> Option<Event> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_of(events: &mut Option<mpsc::Receiver<Event>>) -> Option<Event> {
    events.as_mut()?.recv().await
}

/// What a state of QEMU means for the engine.
pub fn run_state(state: QemuState) -> RunState {
    match state {
        QemuState::Running | QemuState::Debug => RunState::Running,
        QemuState::Suspended => RunState::Suspended,
        QemuState::Shutdown => RunState::ShutDown,
        QemuState::GuestPanicked => RunState::Crashed,
        QemuState::Prelaunch => RunState::Paused(PauseReason::StartingUp),
        QemuState::IoError => RunState::Paused(PauseReason::IoError),
        QemuState::Watchdog => RunState::Paused(PauseReason::Watchdog),
        _ => RunState::Paused(PauseReason::Unknown),
    }
}

/// How a QEMU ended that said `shutdown` (the reason of its last SHUTDOWN event) over QMP, or nothing.
fn exit_reason(shutdown: Option<&str>, ended_by_us: bool, exit: Exit, log: &RunLog) -> ExitReason {
    match shutdown {
        Some("guest-shutdown" | "guest-reset") => ExitReason::Shutdown,
        Some("guest-panic") => ExitReason::GuestCrashed,
        Some("host-error") => ExitReason::Failed(log.last_words()),
        Some(_) => ExitReason::Destroyed,
        None if ended_by_us => ExitReason::Destroyed,
        None => unannounced(exit, log),
    }
}

/// How a QEMU ended that said nothing over QMP: nobody listened, it was killed, or it crashed.
pub fn unannounced(exit: Exit, log: &RunLog) -> ExitReason {
    if let Some(reason) = log.exit_reason() {
        return reason;
    }
    let words = log.last_words();
    match exit {
        Exit::Unknown if words.is_empty() => ExitReason::Unknown,
        Exit::Unknown => ExitReason::Failed(words),
        exit if words.is_empty() => ExitReason::Failed(format!("QEMU ended unexpectedly ({exit})")),
        exit => ExitReason::Failed(format!("QEMU ended unexpectedly ({exit}): {words}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_over_qmp_decides_how_it_ended() {
        let directory = tempfile::tempdir().unwrap();
        let (log, _file) = RunLog::begin(&directory.path().join("log"), "headline").unwrap();
        let failed = |words: &str| ExitReason::Failed(words.to_owned());
        let table = [
            (Some("guest-shutdown"), false, Exit::Code(0), ExitReason::Shutdown),
            (Some("guest-reset"), false, Exit::Code(0), ExitReason::Shutdown),
            (Some("guest-panic"), false, Exit::Code(0), ExitReason::GuestCrashed),
            (Some("host-qmp-quit"), false, Exit::Code(0), ExitReason::Destroyed),
            (Some("host-signal"), true, Exit::Unknown, ExitReason::Destroyed),
            (None, true, Exit::Signal(9), ExitReason::Destroyed),
            (None, false, Exit::Signal(9), failed("QEMU ended unexpectedly (killed by signal 9)")),
            (None, false, Exit::Unknown, ExitReason::Unknown),
        ];
        for (shutdown, by_us, exit, expected) in table {
            assert_eq!(exit_reason(shutdown, by_us, exit, &log), expected, "{shutdown:?} {by_us} {exit}");
        }
    }
}
