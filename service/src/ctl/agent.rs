//! Somebody who can ask for a password in the terminal, where polkit wants one and no desktop does the asking.
//!
//! polkit's own pkttyagent is run beside the command, as systemctl and virsh do. It registers for this process and steps
//! back behind an agent that is there already.

use std::io::{IsTerminal, stdin};
use std::process::Stdio;

use tokio::io::AsyncReadExt;
use tokio::process::Child;

use super::uri::Bus;

/// The program, of polkit.
const AGENT: &str = "pkttyagent";

/// Starts the agent where it can be needed, and waits until it has registered. It ends when this is dropped.
///
/// A host without it is no failure: whoever may do what the command does is not asked.
pub async fn beside(bus: Bus) -> Option<Child> {
    // polkit never asks root.
    if bus != Bus::System || rustix::process::geteuid().is_root() || !stdin().is_terminal() {
        return None;
    }
    #[allow(clippy::disallowed_methods, reason = "a program of the person's own session, as the editor is")]
    let mut command = tokio::process::Command::new(AGENT);
    // Its standard output has no other use: it closes that when it is ready. Questions go to the terminal itself.
    command.args(["--fallback", "--notify-fd", "1", "--process", &std::process::id().to_string()]);
    let mut agent = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().ok()?;
    // However it closes that: a command that is refused says why.
    drop(agent.stdout.take()?.read_to_end(&mut Vec::new()).await);
    Some(agent)
}
