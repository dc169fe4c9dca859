//! Taps on bridges that the administrator lets everybody use: QEMU's helper, which is set-user-ID root, makes and connects
//! them, as far as `/etc/qemu/bridge.conf` allows (QEMU's documentation, "Network bridge helper").

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::process::{Limits, ProcessError, ProcessSpec, run};

/// Where distributions have it.
const PROGRAMS: [&str; 2] = ["/usr/lib/qemu/qemu-bridge-helper", "/usr/libexec/qemu-bridge-helper"];

/// Why there is no tap.
#[derive(Debug, thiserror::Error)]
pub enum BridgeHelperError {
    /// The helper is missing.
    #[error("qemu-bridge-helper is not installed: install it (package qemu-system-common on Debian)")]
    Missing,
    /// It refuses, or cannot be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It handed nothing over.
    #[error("qemu-bridge-helper hands no tap over: {0}")]
    Nothing(#[from] io::Error),
}

/// A tap on a bridge.
///
/// # Errors
/// The administrator does not allow it; the helper says so.
pub async fn tap(bridge: &str, vnet_header: bool) -> Result<OwnedFd, BridgeHelperError> {
    let program = PROGRAMS.into_iter().map(Path::new).find(|path| path.is_file()).ok_or(BridgeHelperError::Missing)?;
    let (ours, theirs) = UnixStream::pair()?;
    let mut spec = ProcessSpec::new(program);
    let number = spec.inherit(theirs.into());
    let vnet = vnet_header.then_some("--use-vnet".to_owned());
    spec = spec.arguments(vnet.into_iter().chain([format!("--fd={number}"), format!("--br={bridge}")]));
    run(spec, b"", Limits::default()).await?.require_success()?;
    // It has ended, so what it sent is there.
    Ok(receive(&ours)?)
}

fn receive(socket: &UnixStream) -> io::Result<OwnedFd> {
    socket.set_nonblocking(true)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(socket, &mut [io::IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let files = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    files.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
