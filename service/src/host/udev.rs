//! News of devices that come, go or change, from the kernel or from udevd (udev(7), netlink(7): NETLINK_KOBJECT_UEVENT).
//!
//! Where udevd runs, it tells when it has looked at a device and its database has what is known of it; the kernel's own news
//! come before that. Both are texts of the form `KEY=value`, each ended by a zero byte.
//!
//! Invariant: an event is taken as a reason to look again and is never believed in itself, so it does not matter who sent it.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, netlink, recv, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::sysfs::Sysfs;

/// The kernel's own news.
const KERNEL: u32 = 1;
/// Those of udevd.
const UDEV: u32 = 2;
/// Longer than any event: the kernel's have 2 KiB at most, udevd's some more.
const LONGEST: usize = 16 << 10;

/// A socket on which news arrive.
#[derive(Debug)]
pub struct Uevents {
    socket: AsyncFd<OwnedFd>,
    subsystems: &'static [&'static str],
}

impl Uevents {
    /// Listens for news of devices in these subsystems, from within a runtime.
    ///
    /// # Errors
    /// The kernel has no such socket for us, as in some containers.
    pub fn listen(sysfs: &Sysfs, subsystems: &'static [&'static str]) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(netlink::KOBJECT_UEVENT))?;
        let group = if sysfs.has_udev() { UDEV } else { KERNEL };
        bind(&socket, &netlink::SocketAddrNetlink::new(0, group))?;
        // SAFETY: the descriptor is owned by the value and stays open as long as that.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }.map_err(io::Error::from)?;
        Ok(Self { socket, subsystems })
    }

    /// Waits for news.
    ///
    /// # Errors
    /// The socket is broken.
    pub async fn next(&self) -> io::Result<()> {
        let mut buffer = vec![0; LONGEST];
        loop {
            let received = self.socket.async_io(Interest::READABLE, |socket| Ok(recv(socket, &mut *buffer, RecvFlags::empty())?)).await;
            match received {
                Ok((length, _)) if is_about(&buffer[..length.min(LONGEST)], self.subsystems) => return Ok(()),
                Ok(_) => {}
                // Some news got lost.
                Err(error) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_about(event: &[u8], subsystems: &[&str]) -> bool {
    let subsystem = event.split(|byte| *byte == 0).find_map(|text| text.strip_prefix(b"SUBSYSTEM="));
    subsystem.is_some_and(|found| subsystems.iter().any(|wanted| wanted.as_bytes() == found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_subsystems_are_news() {
        let event = b"add@/devices/virtual/net/v0\0ACTION=add\0DEVPATH=/devices/virtual/net/v0\0SUBSYSTEM=net\0INTERFACE=v0\0";
        assert!(is_about(event, &["pci", "net"]));
        assert!(!is_about(event, &["pci", "ne"]));
        assert!(!is_about(b"", &["net"]));
        assert!(is_about(b"libudev\0\xfe\xed\xca\xfe....\0SUBSYSTEM=net\0", &["net"]));
    }
}
