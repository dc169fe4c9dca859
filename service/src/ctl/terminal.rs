//! The person's terminal in another mode: raw, so that every key goes to the guest, or silent, for passwords.
//!
//! Invariant: the terminal gets its mode back when a [`Mode`] is dropped, so on return, on error and on panic; whoever
//! holds a raw one catches the signals that end a program and returns on them.

use std::io::{self, Stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// A mode, until it is dropped.
#[derive(Debug)]
pub struct Mode {
    terminal: Stdin,
    before: Termios,
}

impl Mode {
    /// Makes the terminal at standard input raw (termios(3), `cfmakeraw`).
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn raw() -> io::Result<Self> {
        Self::with(Termios::make_raw)
    }

    /// Makes it show nothing of what is typed (termios(3), `ECHO`).
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn silent() -> io::Result<Self> {
        Self::with(|modes| modes.local_modes.remove(LocalModes::ECHO))
    }

    fn with(change: impl FnOnce(&mut Termios)) -> io::Result<Self> {
        let terminal = io::stdin();
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        change(&mut modes);
        tcsetattr(&terminal, OptionalActions::Drain, &modes)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        // A terminal that is gone needs no mode.
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}
