//! The person's terminal in raw mode: every key goes to the guest.
//!
//! Invariant: the terminal gets its mode back when a [`RawMode`] is dropped, so on return, on error and on panic; whoever
//! holds one catches the signals that end a program and returns on them.

use std::io::{self, Stdin};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Raw mode, until it is dropped.
#[derive(Debug)]
pub struct RawMode {
    terminal: Stdin,
    before: Termios,
}

impl RawMode {
    /// Makes the terminal at standard input raw (termios(3), `cfmakeraw`).
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn enter() -> io::Result<Self> {
        let terminal = io::stdin();
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&terminal, OptionalActions::Drain, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that is gone needs no mode.
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}
