//! Text consoles: the service stays between its clients and the guest's terminal.
//!
//! One task reads each terminal of a running guest all the time, so the guest never waits for a
//! client, and keeps the last output for whoever comes later. Any number of clients may look on and
//! type. A client that does not read loses output; nobody else notices.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{broadcast, mpsc};

use crate::authorization::{Action, Grant};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{sockets, terminal};
use crate::hypervisors::Console;

/// Pieces of output that a slow client may lag behind before it loses some.
const LAG: usize = 256;
/// Pieces of input that wait for the guest at most; then the typing client waits.
const INPUT: usize = 16;
/// Bytes read at once.
const CHUNK: usize = 4096;

/// All consoles of a running guest, the default one first. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Consoles(Arc<[Attached]>);

impl PartialEq for Consoles {
    /// The consoles of one run are the same as long as the run lasts.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.is_empty() && other.0.is_empty())
    }
}

#[derive(Debug)]
struct Attached {
    alias: String,
    output: Arc<Output>,
    input: mpsc::Sender<Vec<u8>>,
}

/// What a terminal printed: the last of it, and what comes.
#[derive(Debug)]
struct Output {
    recent: Mutex<VecDeque<u8>>,
    /// Bytes kept for those who come later.
    keep: usize,
    live: broadcast::Sender<Arc<[u8]>>,
}

impl Consoles {
    /// Opens a guest's terminals and reads them from now on. `keep` is how many bytes of output are
    /// kept for whoever comes later. A terminal that cannot be opened is left out and logged.
    pub async fn attach(consoles: &[Console], keep: usize) -> Self {
        let mut attached = Vec::new();
        for console in consoles {
            match Attached::open(console, keep).await {
                Ok(console) => attached.push(console),
                Err(error) => tracing::warn!("console {} cannot be used: {error}", console.alias),
            }
        }
        Self(attached.into())
    }

    /// A stream to the console with that alias, or to the default one. With `replay` it begins with
    /// the last output.
    ///
    /// # Errors
    /// `NotFound` when there is no such console.
    pub fn open(&self, grant: Grant, alias: &str, replay: bool) -> Result<OwnedFd> {
        grant.covers(Action::DomainConsole)?;
        let found = self.0.iter().find(|console| alias.is_empty() || console.alias == alias);
        match found {
            Some(console) => console.connect(replay),
            None if self.0.is_empty() => {
                Err(Error::new(ErrorKind::NotFound, "the guest has no console; add <console type='pty'/> to its devices"))
            }
            None => {
                let known: Vec<_> = self.0.iter().map(|console| console.alias.as_str()).collect();
                Err(Error::new(ErrorKind::NotFound, format!("the guest has no console '{alias}'; it has {}", known.join(", "))))
            }
        }
    }
}

impl Attached {
    async fn open(console: &Console, keep: usize) -> Result<Self> {
        let output = Arc::new(Output { recent: Mutex::default(), keep, live: broadcast::Sender::new(LAG) });
        let (input, typed) = mpsc::channel(INPUT);
        if console.socket {
            let (reader, writer) = sockets::connect(&console.path).await?.into_split();
            tokio::spawn(carry(reader, writer, output.clone(), typed));
        } else {
            let terminal = terminal::open_raw(&console.path)?;
            let (reader, writer) = tokio::io::split(terminal);
            tokio::spawn(carry(reader, writer, output.clone(), typed));
        }
        Ok(Self { alias: console.alias.clone(), output, input })
    }

    fn connect(&self, replay: bool) -> Result<OwnedFd> {
        let (ours, theirs) = sockets::pair()?;
        // Taken together, so that a client sees every byte once.
        let (recent, live) = {
            let recent = self.output.recent.lock().unwrap_or_else(PoisonError::into_inner);
            let replayed = if replay { recent.iter().copied().collect() } else { Vec::new() };
            (replayed, self.output.live.subscribe())
        };
        tokio::spawn(serve(ours, recent, live, self.input.clone()));
        Ok(theirs)
    }
}

impl Output {
    fn add(&self, bytes: &[u8]) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.extend(bytes);
        let surplus = recent.len().saturating_sub(self.keep);
        recent.drain(..surplus);
        // Nobody looking on is no error.
        drop(self.live.send(bytes.into()));
    }
}

/// Carries bytes from and to the guest until its terminal closes.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, output: Arc<Output>, mut typed: mpsc::Receiver<Vec<u8>>) {
    let mut buffer = [0; CHUNK];
    loop {
        tokio::select! {
            read = from.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => output.add(&buffer[..length]),
            },
            Some(bytes) = typed.recv() => if to.write_all(&bytes).await.is_err() {
                return;
            },
        }
    }
}

/// Serves one client until it or the guest goes.
async fn serve(client: UnixStream, recent: Vec<u8>, mut live: broadcast::Receiver<Arc<[u8]>>, input: mpsc::Sender<Vec<u8>>) {
    let (mut from, mut to) = client.into_split();
    let typing = async move {
        let mut buffer = [0; CHUNK];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    if input.send(buffer[..length].to_vec()).await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    let showing = async move {
        if to.write_all(&recent).await.is_err() {
            return;
        }
        loop {
            match live.recv().await {
                Ok(bytes) => {
                    if to.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    };
    tokio::select! {
        () = typing => {}
        () = showing => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant::for_the_service(Action::DomainConsole)
    }

    /// A guest's end of a socket console, and the console.
    async fn guest(keep: usize) -> (UnixStream, Consoles) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("console");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let console = Console { alias: "serial0".into(), path, socket: true };
        let (consoles, accepted) = tokio::join!(async { Consoles::attach(&[console], keep).await }, listener.accept());
        (accepted.unwrap().0, consoles)
    }

    fn client(consoles: &Consoles, alias: &str, replay: bool) -> UnixStream {
        let stream = std::os::unix::net::UnixStream::from(consoles.open(grant(), alias, replay).unwrap());
        stream.set_nonblocking(true).unwrap();
        UnixStream::from_std(stream).unwrap()
    }

    async fn expect(stream: &mut UnixStream, text: &str) {
        let mut read = vec![0; text.len()];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), text);
    }

    #[tokio::test]
    async fn all_clients_see_the_output_and_may_type_and_late_ones_see_the_last_of_it() {
        let (mut guest, consoles) = guest(4).await;
        let mut first = client(&consoles, "", false);
        guest.write_all(b"hello").await.unwrap();
        expect(&mut first, "hello").await;
        let mut second = client(&consoles, "serial0", true);
        expect(&mut second, "ello").await;
        first.write_all(b"a").await.unwrap();
        expect(&mut guest, "a").await;
        second.write_all(b"b").await.unwrap();
        expect(&mut guest, "b").await;
        drop(guest);
        drop(consoles);
        let mut rest = Vec::new();
        first.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_stalls_nobody() {
        let (mut guest, consoles) = guest(4).await;
        let _lazy = client(&consoles, "", false);
        let mut eager = client(&consoles, "", false);
        let total = 2 << 20;
        let printing = tokio::spawn(async move {
            guest.write_all(&vec![b'x'; total]).await.unwrap();
            guest
        });
        // Whether the eager one misses anything depends on its own speed only; the guest is done.
        let reading = async { while eager.read(&mut [0; 65536]).await.unwrap() > 0 {} };
        tokio::select! {
            guest = printing => drop(guest.unwrap()),
            () = reading => {}
        }
    }

    #[tokio::test]
    async fn an_unknown_console_is_refused_with_those_there_are() {
        let (_guest, consoles) = guest(4).await;
        let error = consoles.open(grant(), "serial7", true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("it has serial0"));
        assert!(Consoles::default().open(grant(), "", true).unwrap_err().to_string().contains("<console type='pty'/>"));
    }
}
