//! The kernel's network: links, addresses, routes and neighbours, by rtnetlink(7).
//!
//! One socket, which stays in the network namespace in which it was opened. Nothing here retries or waits: each call is
//! one question to the kernel, or one change.

mod addresses;
mod functions;
mod links;
mod routes;
mod vlans;

use std::io;

use rtnetlink::{Error, Handle};

pub use addresses::Neighbour;
pub use functions::VirtualFunction;
pub use links::{Bridge, Link, MacVtapMode, PortFlags};
pub use routes::{NewRoute, Route};
pub use vlans::{VlanMember, VlanPort};

/// What the kernel did not do, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}: {source}")]
pub struct NetlinkError {
    /// Completes the sentence "cannot WHAT".
    pub what: String,
    /// What the kernel said.
    pub source: io::Error,
}

impl NetlinkError {
    fn new(what: impl Into<String>, source: Error) -> Self {
        let source = match source {
            Error::NetlinkError(message) => message.to_io(),
            other => io::Error::other(other.to_string()),
        };
        Self { what: what.into(), source }
    }

    /// Whether the kernel said that there is such a thing already.
    pub fn is_there_already(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }

    /// Whether the kernel said that there is no such thing.
    pub fn is_not_there(&self) -> bool {
        matches!(self.source.raw_os_error(), Some(nix::libc::ENODEV | nix::libc::ENOENT | nix::libc::ESRCH | nix::libc::EADDRNOTAVAIL))
    }
}

/// A connection to the kernel's network. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Netlink {
    handle: Handle,
}

impl Netlink {
    /// A connection to the network namespace of this thread. Needs a tokio runtime, on which it lives until the last clone
    /// is gone.
    ///
    /// # Errors
    /// The host is out of files, or forbids this kind of socket.
    pub fn open() -> Result<Self, NetlinkError> {
        let opened = rtnetlink::new_connection();
        let (connection, handle, _) =
            opened.map_err(|source| NetlinkError { what: "speak to the kernel about networks".into(), source })?;
        tokio::spawn(connection);
        Ok(Self { handle })
    }
}

/// What a stream of answers says, as one list.
async fn all<T>(stream: impl futures_util::Stream<Item = Result<T, Error>>, what: &str) -> Result<Vec<T>, NetlinkError> {
    use futures_util::TryStreamExt as _;
    stream.try_collect().await.map_err(|error| NetlinkError::new(what, error))
}

#[cfg(test)]
mod tests;
