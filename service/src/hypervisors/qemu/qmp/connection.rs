//! The task that serves one QMP connection: it alone reads and writes the stream.
//!
//! It waits in one place for four things (bytes to read, room to write, a command to send, room for the note about missed
//! events) and never inside of one of them, so none can hold up another.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::wire::{Greeting, GreetingBody, Head, Lines};
use super::{Event, QmpError};

/// Commands without a reply yet, at most; more are not taken up until one is answered.
const PENDING_LIMIT: usize = 64;
/// Bytes taken in one read.
const READ_SIZE: usize = 64 << 10;

/// A command on its way to QEMU.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: u64,
    /// The whole message with its line's end.
    pub(super) line: Vec<u8>,
    /// A file to go with the first byte.
    pub(super) file: Option<OwnedFd>,
    /// Gets the reply as it came; dropped when the connection ends.
    pub(super) reply: oneshot::Sender<Vec<u8>>,
}

/// Reads the greeting, and gives also what came after it.
pub(super) async fn greeting(stream: &UnixStream) -> Result<(Lines, GreetingBody), QmpError> {
    let command = || "the greeting".to_owned();
    let closed = |reason: String| QmpError::Closed { command: command(), reason };
    let mut lines = Lines::default();
    let mut buffer = vec![0; READ_SIZE];
    loop {
        match lines.next_line() {
            Ok(Some(line)) => {
                let greeting: Greeting = serde_json::from_slice(&line)
                    .map_err(|error| QmpError::Unexpected { command: command(), reason: error.to_string() })?;
                return Ok((lines, greeting.qmp));
            }
            Ok(None) => {}
            Err(reason) => {
                return Err(QmpError::Unexpected { command: command(), reason });
            }
        }
        stream.readable().await.map_err(|error| closed(error.to_string()))?;
        read_some(stream, &mut lines, &mut buffer).map_err(closed)?;
    }
}

/// Takes what is there; an error is the reason why the connection has ended.
fn read_some(stream: &UnixStream, lines: &mut Lines, buffer: &mut [u8]) -> Result<(), String> {
    match stream.try_read(buffer) {
        Ok(0) => Err("QEMU closed it".to_owned()),
        Ok(count) => {
            lines.push(buffer.get(..count).unwrap_or_default());
            Ok(())
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(()),
        // A socket that ended while it held something unread for QEMU.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err("QEMU closed it".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What is being written.
struct Outgoing {
    line: Vec<u8>,
    written: usize,
    file: Option<OwnedFd>,
}

pub(super) struct Connection {
    stream: UnixStream,
    lines: Lines,
    buffer: Vec<u8>,
    requests: mpsc::Receiver<Request>,
    /// A command with a file, which waits until the one before it is answered.
    held: Option<Request>,
    /// The command with a file that is not answered yet.
    file_pending: Option<u64>,
    outgoing: Option<Outgoing>,
    pending: HashMap<u64, oneshot::Sender<Vec<u8>>>,
    events: mpsc::Sender<Event>,
    missed: u64,
}

impl Connection {
    pub(super) fn new(stream: UnixStream, lines: Lines, requests: mpsc::Receiver<Request>, events: mpsc::Sender<Event>) -> Self {
        Self {
            stream,
            lines,
            buffer: vec![0; READ_SIZE],
            requests,
            held: None,
            file_pending: None,
            outgoing: None,
            pending: HashMap::new(),
            events,
            missed: 0,
        }
    }

    /// Serves until the connection ends, and leaves the reason in `end` before any waiting command learns of it.
    pub(super) async fn serve(mut self, end: Arc<OnceLock<String>>) {
        let reason = loop {
            if let Err(reason) = self.step().await {
                break reason;
            }
        };
        tracing::debug!(reason, "QMP connection ended");
        end.set(reason).ok();
    }

    /// Waits for one thing and does it.
    async fn step(&mut self) -> Result<(), String> {
        self.deliver()?;
        let taking = self.outgoing.is_none() && self.held.is_none() && self.pending.len() < PENDING_LIMIT;
        let interest = match self.outgoing {
            Some(_) => Interest::READABLE | Interest::WRITABLE,
            None => Interest::READABLE,
        };
        tokio::select! {
            ready = self.stream.ready(interest) => {
                let ready = ready.map_err(|error| error.to_string())?;
                if ready.is_writable() {
                    self.write();
                }
                if ready.is_readable() {
                    read_some(&self.stream, &mut self.lines, &mut self.buffer)?;
                }
            }
            request = self.requests.recv(), if taking => match request {
                Some(request) => self.take(request),
                None => return Err("the service let go of it".to_owned()),
            },
            // Cancelled, it has sent nothing; without a receiver nobody misses anything.
            _ = self.events.send(Event::missed(self.missed)), if self.missed > 0 => self.missed = 0,
        }
        Ok(())
    }

    fn take(&mut self, request: Request) {
        if request.reply.is_closed() {
            // Its caller has given up: it must not happen behind their back.
            return;
        }
        if request.file.is_some() {
            if self.file_pending.is_some() {
                self.held = Some(request);
                return;
            }
            self.file_pending = Some(request.id);
        }
        let Request { id, line, file, reply } = request;
        self.pending.insert(id, reply);
        self.outgoing = Some(Outgoing { line, written: 0, file });
    }

    /// Writes what goes without waiting.
    fn write(&mut self) {
        let Some(outgoing) = &mut self.outgoing else {
            return;
        };
        let rest = outgoing.line.get(outgoing.written..).unwrap_or_default();
        let sent = self.stream.try_io(Interest::WRITABLE, || send(&self.stream, rest, outgoing.file.as_ref()));
        match sent {
            Ok(count) => {
                // The file went with the first byte.
                outgoing.file = None;
                outgoing.written += count;
                if outgoing.written >= outgoing.line.len() {
                    self.outgoing = None;
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => {
                // QEMU is gone. What it said last is still to be read; the end of that fails this command.
                tracing::debug!(%error, "cannot write to QEMU");
                self.outgoing = None;
            }
        }
    }

    /// Hands on every whole message that was read.
    fn deliver(&mut self) -> Result<(), String> {
        while let Some(line) = self.lines.next_line()? {
            let head: Head = serde_json::from_slice(&line).map_err(|error| format!("QEMU sent no QMP: {error}"))?;
            match head {
                Head { event: Some(_), .. } => self.deliver_event(&line)?,
                Head { id: Some(id), .. } => self.deliver_reply(id, line),
                // QEMU could not even read the id of what it answers. The command runs into its time limit.
                Head { .. } => {
                    tracing::warn!(message = %String::from_utf8_lossy(&line), "QEMU answered to no command")
                }
            }
        }
        Ok(())
    }

    fn deliver_event(&mut self, line: &[u8]) -> Result<(), String> {
        let event = Event::parse(line).map_err(|error| format!("QEMU sent no QMP: {error}"))?;
        let Some(event) = event else { return Ok(()) };
        // Once something is missed the note about it comes first.
        if self.missed > 0 {
            self.missed += 1;
        } else if let Err(TrySendError::Full(_)) = self.events.try_send(event) {
            self.missed = 1;
        }
        Ok(())
    }

    fn deliver_reply(&mut self, id: u64, line: Vec<u8>) {
        if let Some(reply) = self.pending.remove(&id) {
            // A caller that has given up is not an error.
            reply.send(line).ok();
        }
        if self.file_pending == Some(id) {
            self.file_pending = None;
            if let Some(held) = self.held.take() {
                self.take(held);
            }
        }
    }
}

/// One `sendmsg`, with the file as `SCM_RIGHTS` (unix(7)).
fn send(stream: &UnixStream, bytes: &[u8], file: Option<&OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let files = file.map(AsFd::as_fd);
    if let Some(file) = &files {
        control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(file)));
    }
    Ok(rustix::net::sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}
