//! What is told of a configuration that could be read.
//!
//! Invariant: of a configuration that could be warned of a million times, as many warnings are kept as a person may read.

use std::fmt;

use crate::xml::Position;

/// Warnings told one by one; of a configuration with more, the last one says how many more there are.
const MAX_WARNINGS: usize = 200;

/// Something that was understood otherwise than a reader would think, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where in the configuration.
    pub position: Position,
    /// What, and what became of it, as a sentence.
    pub reason: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.reason)
    }
}

/// The warnings so far.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    told: Vec<Warning>,
    left_out: usize,
}

impl Warnings {
    /// Adds one.
    pub(super) fn tell(&mut self, position: Position, reason: impl Into<String>) {
        if self.told.len() < MAX_WARNINGS {
            self.told.push(Warning { position, reason: reason.into() });
        } else {
            self.left_out += 1;
        }
    }

    /// Keeps those about some places only.
    pub(super) fn retain(&mut self, wanted: impl Fn(Position) -> bool) {
        self.told.retain(|warning| wanted(warning.position));
    }

    /// Adds those of another part of the work.
    pub(super) fn append(&mut self, others: Self) {
        others.told.into_iter().for_each(|Warning { position, reason }| self.tell(position, reason));
        self.left_out += others.left_out;
    }

    /// All of them, in the order of the configuration.
    pub(super) fn finish(mut self) -> Vec<Warning> {
        self.told.sort_by_key(|warning| (warning.position.line, warning.position.column));
        if self.left_out > 0 {
            let reason = format!("there are {} more warnings such as these", self.left_out);
            self.told.push(Warning { position: Position { line: 1, column: 1 }, reason });
        }
        self.told
    }
}
