//! One running QEMU as the engine commands it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;

use super::guest::Guest;
use super::qmp::RunState as QemuState;
use super::{agent, agent_interfaces};
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::Signal;
use crate::hypervisors::{Console, GuestInterface, Machine, ShutdownMode};

/// Time for QEMU to end by itself after it was asked, then it is killed.
const END: Duration = Duration::from_secs(10);
/// The same for a graceful end, which then gives up.
const GRACEFUL_END: Duration = Duration::from_secs(15);
/// Time for the kernel to take a killed process away; a process that waits for a broken disk can take for ever.
const KILLED: Duration = Duration::from_secs(30);
/// Time for a reset to happen after QEMU has taken the order.
const RESET: Duration = Duration::from_secs(10);

/// One running QEMU.
pub struct QemuMachine {
    guest: Arc<Guest>,
    consoles: Vec<Console>,
}

/// What the guest is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    PowerOff,
    Reboot,
}

impl QemuMachine {
    /// The machine of a guest.
    pub fn new(guest: Arc<Guest>, consoles: Vec<Console>) -> Self {
        Self { guest, consoles }
    }

    async fn ask(&self, ask: Ask, mode: ShutdownMode) -> Result<()> {
        match mode {
            ShutdownMode::Agent => self.ask_agent(ask).await,
            ShutdownMode::Acpi => self.press_power(ask).await,
            ShutdownMode::Auto if self.guest.has_agent() => match self.ask_agent(ask).await {
                Ok(()) => Ok(()),
                Err(error) => {
                    tracing::info!(domain = %self.guest.name, "the power button is pressed instead of asking the agent: {error}");
                    self.press_power(ask).await
                }
            },
            ShutdownMode::Auto => self.press_power(ask).await,
        }
    }

    /// The agent's channel, where an agent listens.
    fn agent_channel(&self) -> Result<PathBuf> {
        let name = &self.guest.name;
        let Some(channel) = self.guest.record().agent.and_then(|agent| agent.socket) else {
            let sentence = format!(
                "domain '{name}' has no channel for a guest agent; add <channel type='unix'> with the target org.qemu.guest_agent.0"
            );
            return Err(Error::new(ErrorKind::NotSupported, sentence));
        };
        if !self.guest.has_agent() {
            let sentence = format!("the guest agent of domain '{name}' is not running; install and start qemu-guest-agent in the guest");
            return Err(Error::new(ErrorKind::GuestUnresponsive, sentence));
        }
        Ok(channel)
    }

    async fn ask_agent(&self, ask: Ask) -> Result<()> {
        let (name, channel) = (&self.guest.name, self.agent_channel()?);
        let mode = match ask {
            Ask::PowerOff => "powerdown",
            Ask::Reboot => "reboot",
        };
        if ask == Ask::PowerOff && self.guest.is_rebooting() {
            self.guest.set_rebooting(false).await?;
        }
        agent::shut_down(&channel, mode, self.guest.confined.as_deref())
            .await
            .map_err(|error| error.in_context(format_args!("domain '{name}'")))
    }

    /// There is no button for a reboot: the guest powers off, and QEMU then resets instead of ending.
    async fn press_power(&self, ask: Ask) -> Result<()> {
        if self.guest.is_rebooting() != (ask == Ask::Reboot) {
            self.guest.set_rebooting(ask == Ask::Reboot).await?;
        }
        self.guest.client().await?.system_powerdown().await.map_err(|error| self.guest.failed(error))
    }

    /// Waits for the end of QEMU and of all that belongs to it.
    async fn is_gone_within(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.guest.is_gone()).await.is_ok()
    }
}

#[async_trait]
impl Machine for QemuMachine {
    fn record(&self) -> serde_json::Value {
        // It was written once already, before QEMU began.
        self.guest.record().to_json().unwrap_or_default()
    }

    fn consoles(&self) -> &[Console] {
        &self.consoles
    }

    async fn resume(&self) -> Result<()> {
        let client = self.guest.client().await?;
        let status = client.query_status().await.map_err(|error| self.guest.failed(error))?;
        let done = match status.status {
            QemuState::Suspended => client.system_wakeup().await,
            _ => client.cont().await,
        };
        done.map_err(|error| self.guest.failed(error))
    }

    async fn suspend(&self) -> Result<()> {
        self.guest.client().await?.stop().await.map_err(|error| self.guest.failed(error))
    }

    async fn shutdown(&self, mode: ShutdownMode) -> Result<()> {
        self.ask(Ask::PowerOff, mode).await
    }

    async fn reboot(&self, mode: ShutdownMode) -> Result<()> {
        self.ask(Ask::Reboot, mode).await
    }

    async fn reset(&self) -> Result<()> {
        let mut resets = self.guest.resets.subscribe();
        self.guest.client().await?.system_reset().await.map_err(|error| self.guest.failed(error))?;
        // The order is taken before the reset happens; what is asked for next may depend on it.
        let happened = async {
            tokio::select! {
                _ = resets.changed() => {}
                _ = self.guest.process.exited() => {}
            }
        };
        tokio::time::timeout(RESET, happened).await.map_err(|_| {
            let sentence =
                format!("QEMU of domain '{}' took the order to reset and does not reset; it can be ended with destroy", self.guest.name);
            Error::new(ErrorKind::GuestUnresponsive, sentence)
        })
    }

    async fn destroy(&self, graceful: bool) -> Result<()> {
        self.guest.ended_by_us.store(true, Ordering::Relaxed);
        self.guest.process.signal(Signal::TERM)?;
        if self.is_gone_within(if graceful { GRACEFUL_END } else { END }).await {
            return Ok(());
        }
        let name = &self.guest.name;
        if graceful {
            self.guest.ended_by_us.store(false, Ordering::Relaxed);
            let sentence = format!(
                "QEMU of domain '{name}' did not end within {} s; destroy without graceful ends it by force",
                GRACEFUL_END.as_secs()
            );
            return Err(Error::new(ErrorKind::TimedOut, sentence));
        }
        tracing::warn!(domain = %name, "QEMU did not end within {} s and is killed", END.as_secs());
        self.guest.process.signal(Signal::KILL)?;
        if self.is_gone_within(KILLED).await {
            return Ok(());
        }
        let sentence = format!(
            "process {} of domain '{name}' was killed and does not go: it waits for the host, perhaps for a disk that does not answer",
            self.guest.process.pid()
        );
        Err(Error::new(ErrorKind::HostFailed, sentence))
    }

    async fn set_memory(&self, bytes: u64) -> Result<()> {
        self.guest.client().await?.balloon(bytes).await.map_err(|error| self.guest.failed(error))
    }

    async fn guest_interfaces(&self) -> Result<Vec<GuestInterface>> {
        let answer = agent::ask(&self.agent_channel()?, agent_interfaces::QUESTION, self.guest.confined.as_deref()).await;
        answer.map(agent_interfaces::read).map_err(|error| error.in_context(format_args!("domain '{}'", self.guest.name)))
    }
}
