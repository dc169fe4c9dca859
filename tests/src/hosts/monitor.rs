//! QEMU's monitor, as far as a host needs it: what a line of the human monitor answers, over QMP.
//!
//! QEMU connects to a socket that was there before it, so that its start is an event and not looked out for.

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};

use serde_json::{Value, json};

use super::LIMIT;

/// A connection.
pub struct Monitor(BufReader<UnixStream>);

impl Monitor {
    /// Takes the connection that QEMU made, and greets.
    ///
    /// # Errors
    /// It is broken.
    pub fn accept(listener: &UnixListener) -> std::io::Result<Self> {
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(LIMIT))?;
        let mut monitor = Self(BufReader::new(stream));
        monitor.execute(&json!({"execute": "qmp_capabilities"}))?;
        Ok(monitor)
    }

    /// Has a line executed; answers with what it printed. QEMU answers the first when the snapshot is loaded.
    ///
    /// # Errors
    /// QEMU is gone, or takes longer than [`LIMIT`].
    pub fn line(&mut self, line: &str) -> std::io::Result<String> {
        let command = json!({"execute": "human-monitor-command", "arguments": {"command-line": line}});
        let printed = self.execute(&command)?;
        Ok(printed.as_str().unwrap_or_default().to_owned())
    }

    fn execute(&mut self, command: &Value) -> std::io::Result<Value> {
        self.0.get_mut().write_all(format!("{command}\n").as_bytes())?;
        loop {
            let mut message = String::new();
            if self.0.read_line(&mut message)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let mut message: Value = serde_json::from_str(&message)?;
            // Greeting and events have neither.
            if let Some(error) = message.get("error") {
                return Err(std::io::Error::other(error.to_string()));
            }
            if let Some(answer) = message.get_mut("return") {
                return Ok(answer.take());
            }
        }
    }
}
