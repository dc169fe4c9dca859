//! Tap interfaces: an Ethernet card whose cable is a file (Linux, Documentation/networking/tuntap.rst).
//!
//! The interface is there as long as somebody has one of its files open. Whoever gets them keeps it; when the last is
//! closed, also by a crash, it is gone, and nothing has to be removed.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::libc;
use rustix::fs::{Mode, OFlags};

/// Where the kernel offers them.
pub const DEVICE: &str = "/dev/net/tun";

/// Longest name of an interface in bytes, without the NUL behind it.
const MAX_NAME: usize = libc::IFNAMSIZ - 1;

/// System calls, as their wrappers are made.
mod calls {
    nix::ioctl_write_int!(
        /// TUNSETIFF (linux/if_tun.h).
        tunsetiff,
        b'T',
        202
    );
    nix::ioctl_read!(
        /// TUNGETIFF (linux/if_tun.h).
        tungetiff,
        b'T',
        210,
        nix::libc::c_uint
    );
}

/// A tap interface to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap<'a> {
    /// Its name; `%d` in it stands for the first number that is free.
    pub name: &'a str,
    /// How many queues it has, from 1: each is a file.
    pub queues: u32,
    /// Whether frames carry the header of virtio, so that a guest's card can leave work to the host's.
    pub vnet_header: bool,
}

/// An interface that was made.
#[derive(Debug)]
pub struct TapFiles {
    /// Its name.
    pub name: String,
    /// A file for each queue.
    pub queues: Vec<OwnedFd>,
}

/// Makes a tap interface, switched off.
///
/// # Errors
/// There is no such device, the caller may not, or the name is taken.
pub fn make(tap: &Tap<'_>) -> io::Result<TapFiles> {
    let flags = libc::IFF_TAP | libc::IFF_NO_PI;
    let flags = if tap.vnet_header { flags | libc::IFF_VNET_HDR } else { flags };
    let flags = if tap.queues > 1 { flags | libc::IFF_MULTI_QUEUE } else { flags };
    // Only for the first: the others join it.
    let first = attach(tap.name, flags | IFF_TUN_EXCL)?;
    let mut made = TapFiles { name: first.0, queues: vec![first.1] };
    for _ in 1..tap.queues {
        made.queues.push(attach(&made.name, flags)?.1);
    }
    Ok(made)
}

/// Another file of a tap interface that is there and was made to stay, as `ip tuntap add` does.
///
/// # Errors
/// There is none of that name, it is no tap interface, or it is somebody else's.
pub fn join(tap: &Tap<'_>) -> io::Result<TapFiles> {
    let flags = libc::IFF_TAP | libc::IFF_NO_PI;
    let flags = if tap.vnet_header { flags | libc::IFF_VNET_HDR } else { flags };
    let flags = if tap.queues > 1 { flags | libc::IFF_MULTI_QUEUE } else { flags };
    let files: io::Result<Vec<_>> = (0..tap.queues).map(|_| attach(tap.name, flags).map(|(_, file)| file)).collect();
    Ok(TapFiles { name: tap.name.to_owned(), queues: files? })
}

/// The files of a macvtap interface, by its number.
///
/// # Errors
/// Its device has not been made, as where no devtmpfs is.
pub fn open_macvtap(index: u32, queues: u32, vnet_header: bool) -> io::Result<Vec<OwnedFd>> {
    let path = format!("/dev/tap{index}");
    let flags = libc::IFF_TAP | libc::IFF_NO_PI;
    let flags = if vnet_header { flags | libc::IFF_VNET_HDR } else { flags };
    let flags = if queues > 1 { flags | libc::IFF_MULTI_QUEUE } else { flags };
    (0..queues)
        .map(|_| {
            let file = rustix::fs::open(Path::new(&path), OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty())?;
            set(&file, "", flags)?;
            Ok(file)
        })
        .collect()
}

/// The name of the interface that a file is.
///
/// # Errors
/// It is none.
pub fn name_of(file: &OwnedFd) -> io::Result<String> {
    let mut request = Request::default();
    let address = (&raw mut request).cast::<libc::c_uint>();
    // SAFETY: whatever its number says, the kernel writes a `struct ifreq` here, which `Request` is, and which lives until the
    // call returns.
    unsafe { calls::tungetiff(file.as_raw_fd(), address) }?;
    Ok(request.name())
}

/// Where the kernel moves frames of guests by itself.
const VHOST: &str = "/dev/vhost-net";

/// A file for each queue by which the kernel moves frames between a guest and its tap; `None` where it cannot.
///
/// # Errors
/// There is such a device, and it cannot be opened.
pub fn open_vhost(queues: u32) -> io::Result<Option<Vec<OwnedFd>>> {
    let opened: io::Result<Vec<_>> =
        (0..queues).map(|_| Ok(rustix::fs::open(VHOST, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)).collect();
    match opened {
        Ok(files) => Ok(Some(files)),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV | libc::ENXIO)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Fails when there is an interface of that name already (linux/if_tun.h).
const IFF_TUN_EXCL: libc::c_int = 0x8000;

fn attach(name: &str, flags: libc::c_int) -> io::Result<(String, OwnedFd)> {
    let file = rustix::fs::open(DEVICE, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    let name = set(&file, name, flags)?;
    Ok((name, file))
}

/// Tells the kernel which interface a file is; answers with its name.
fn set(file: &OwnedFd, name: &str, flags: libc::c_int) -> io::Result<String> {
    if name.len() > MAX_NAME || name.contains('\0') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("'{name}' is no name of an interface")));
    }
    let mut request = Request::default();
    for (to, from) in request.name.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    // The constants are of 16 bits in the structure.
    request.flags = u16::try_from(flags).map_err(|_| io::ErrorKind::InvalidInput)?;
    let address = (&raw mut request).addr();
    // SAFETY: the kernel reads and writes a `struct ifreq` (40 bytes: name, flags, padding), which `Request` is, and which
    // lives until the call returns.
    unsafe { calls::tunsetiff(file.as_raw_fd(), address as libc::c_ulong) }?;
    Ok(request.name())
}

/// A `struct ifreq`, as far as it counts here (netdevice(7)).
#[repr(C)]
#[derive(Default)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    flags: u16,
    _rest: [u8; 22],
}

impl Request {
    fn name(&self) -> String {
        let end = self.name.iter().position(|byte| *byte == 0).unwrap_or(self.name.len());
        String::from_utf8_lossy(self.name.get(..end).unwrap_or_default()).into_owned()
    }
}
