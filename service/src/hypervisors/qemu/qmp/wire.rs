//! The messages of QMP as they stand on the wire (QEMU Machine Protocol Specification): one JSON object a line.
//!
//! A message is looked at twice: [`Head`] tells what it is and for whom without building anything, and the one who
//! waits for it reads the rest straight into the type it wants.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// The longest message we take, in bytes. The longest known answer, the schema, has 240 KiB.
pub(super) const MESSAGE_LIMIT: usize = 16 << 20;

/// The first message on a connection.
#[derive(Debug, Deserialize)]
pub(super) struct Greeting {
    #[serde(rename = "QMP")]
    pub(super) qmp: GreetingBody,
}

#[derive(Debug, Deserialize)]
pub(super) struct GreetingBody {
    pub(super) version: Version,
    /// Optional abilities of the server; strings until now.
    #[serde(default)]
    pub(super) capabilities: Vec<serde_json::Value>,
}

/// Version of a QEMU, as in its greeting and in `query-version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The numbers.
    pub qemu: Release,
    /// What the packager added, as `Debian 1:10.0.2+ds-2`; often empty.
    #[serde(default)]
    pub package: String,
}

/// The numbers of a version; they compare as versions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Release {
    /// 10 in 10.0.2.
    pub major: u32,
    /// 0 in 10.0.2.
    pub minor: u32,
    /// 2 in 10.0.2.
    pub micro: u32,
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

/// A command to send.
#[derive(Serialize)]
pub(super) struct Execute<'a, A> {
    pub(super) execute: &'a str,
    pub(super) arguments: A,
    pub(super) id: u64,
}

/// Arguments of a command that has none: `{}`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct NoArguments {}

/// What a message is: an event has `event`, a reply the `id` of its command.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) event: Option<IgnoredAny>,
    pub(super) id: Option<u64>,
}

/// A reply to a command.
#[derive(Deserialize)]
pub(super) struct Reply<T> {
    #[serde(rename = "return")]
    pub(super) result: Option<T>,
    pub(super) error: Option<ReplyError>,
}

#[derive(Deserialize)]
pub(super) struct ReplyError {
    #[serde(default)]
    pub(super) class: String,
    #[serde(default)]
    pub(super) desc: String,
}

/// Cuts a stream of bytes into lines, of at most [`MESSAGE_LIMIT`] bytes.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins; what is before was given out.
    start: usize,
    /// So far the bytes have been searched for a line's end.
    searched: usize,
}

impl Lines {
    /// Adds what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, if there is one; blank lines do not count.
    ///
    /// # Errors
    /// When the line at the front is longer than the limit.
    pub(super) fn next_line(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            let unsearched = self.bytes.get(self.searched..).unwrap_or_default();
            let Some(offset) = unsearched.iter().position(|&byte| byte == b'\n') else {
                // Moved once for all lines of a read, so that many short ones cost no more than a long one.
                self.bytes.drain(..self.start);
                self.start = 0;
                self.searched = self.bytes.len();
                return match self.searched > MESSAGE_LIMIT {
                    true => Err(format!("a message of more than {MESSAGE_LIMIT} bytes")),
                    false => Ok(None),
                };
            };
            let end = self.searched + offset + 1;
            let line = self.bytes.get(self.start..end).unwrap_or_default();
            (self.start, self.searched) = (end, end);
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line.to_vec()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_the_reads_end() {
        let text = b"{\"a\":1}\r\n\r\n{\"b\":2}\n{\"c\"";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece);
                while let Some(line) = lines.next_line().unwrap() {
                    found.push(String::from_utf8(line.trim_ascii().to_vec()).unwrap());
                }
            }
            assert_eq!(found, ["{\"a\":1}", "{\"b\":2}"], "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; MESSAGE_LIMIT]);
        assert_eq!(lines.next_line(), Ok(None));
        lines.push(b"x");
        assert!(lines.next_line().unwrap_err().contains("more than"));
    }
}
