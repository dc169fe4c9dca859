//! The signals that end a program, caught where something has to be put back before it ends.

use std::future::poll_fn;
use std::task::Poll;

use tokio::signal::unix::{SignalKind, signal};

use super::failure::Outcome;

/// Hangup, interrupt, quit and terminate.
pub struct Ending {
    signals: Vec<(u8, tokio::signal::unix::Signal)>,
}

impl Ending {
    /// With their numbers (signal(7)).
    const KINDS: [(u8, fn() -> SignalKind); 4] =
        [(1, SignalKind::hangup), (2, SignalKind::interrupt), (3, SignalKind::quit), (15, SignalKind::terminate)];

    /// Catches them from now on, for good.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen() -> Outcome<Self> {
        let listen = |(number, kind): (u8, fn() -> SignalKind)| Ok((number, signal(kind())?));
        let signals = Self::KINDS.into_iter().map(listen).collect::<std::io::Result<_>>();
        Ok(Self { signals: signals.map_err(|error| format!("cannot listen for signals: {error}"))? })
    }

    /// The number of the first that comes.
    pub async fn recv(&mut self) -> u8 {
        poll_fn(|context| {
            let mut came = self.signals.iter_mut().filter_map(|(number, signal)| signal.poll_recv(context).is_ready().then_some(*number));
            came.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// The number of the first that comes and is not typed at a terminal: a key pressed in a program that has the terminal
    /// beside us is not meant for us.
    pub async fn recv_untyped(&mut self) -> u8 {
        loop {
            let number = self.recv().await;
            if !Self::is_typed(number) {
                return number;
            }
        }
    }

    /// Whether keys make this signal.
    pub const fn is_typed(number: u8) -> bool {
        matches!(number, 2 | 3)
    }
}
