//! Standard output: results, and confirmations that `--quiet` leaves out.
//!
//! Invariant: output that nobody reads ends the program quietly, never with a panic.

use std::io::{self, ErrorKind, Write};

use super::failure::{Failure, Outcome, complain};

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Without confirmations and headings.
    pub quiet: bool,
}

impl Output {
    /// Standard output.
    pub const fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Prints text as it is.
    ///
    /// # Errors
    /// Nobody reads it, or it cannot be written.
    pub fn text(self, text: impl AsRef<[u8]>) -> Outcome {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()).map_err(unwritten)
    }

    /// Prints a line.
    ///
    /// # Errors
    /// As [`Output::text`].
    pub fn line(self, line: impl std::fmt::Display) -> Outcome {
        self.text(format!("{line}\n"))
    }

    /// Prints a line that only confirms.
    ///
    /// # Errors
    /// As [`Output::text`].
    pub fn confirm(self, line: impl std::fmt::Display) -> Outcome {
        if self.quiet { Ok(()) } else { self.line(line) }
    }

    /// Prints a document, ended by a line break.
    ///
    /// # Errors
    /// As [`Output::text`].
    pub fn document(self, document: &str) -> Outcome {
        self.line(document.strip_suffix('\n').unwrap_or(document))
    }
}

/// Prints on standard error what was accepted but not understood.
pub fn warn(warnings: &[String]) {
    for warning in warnings {
        complain("warning", warning);
    }
}

/// Why standard output does not take it.
pub fn unwritten(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => format!("cannot write to standard output: {error}").into(),
    }
}
