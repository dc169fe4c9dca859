//! What the hardware of a network interface does for the host (ioctl SIOCETHTOOL; `linux/ethtool.h`).
//!
//! Invariant: what cannot be asked is not told.

use std::os::fd::AsRawFd;

use nix::libc;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// A request whose answer is one number, and the bits of it that mean a feature. Names are those of libvirt's documents.
const FEATURES: &[(u32, &[(u32, &str)])] = &[
    (0x14, &[(u32::MAX, "rx")]),
    (0x16, &[(u32::MAX, "tx")]),
    (0x18, &[(u32::MAX, "sg")]),
    (0x1e, &[(u32::MAX, "tso")]),
    (0x23, &[(u32::MAX, "gso")]),
    (0x2b, &[(u32::MAX, "gro")]),
    // ETHTOOL_GFLAGS
    (0x25, &[(1 << 15, "lro"), (1 << 8, "rxvlan"), (1 << 7, "txvlan"), (1 << 27, "ntuple"), (1 << 28, "rxhash")]),
];

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// The features of an interface of this host's that are turned on.
pub fn features(interface: &str) -> Vec<&'static str> {
    let Ok(socket) = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None) else { return Vec::new() };
    let mut features = Vec::new();
    for (command, bits) in FEATURES {
        let value = ask(&socket, interface, *command).unwrap_or(0);
        features.extend(bits.iter().filter(|(bit, _)| value & bit != 0).map(|(_, name)| *name));
    }
    features
}

fn ask(socket: &impl AsRawFd, interface: &str, command: u32) -> Option<u32> {
    let mut value = EthtoolValue { command, data: 0 };
    // SAFETY: all zeroes are a request without a name and with a null pointer.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if interface.len() >= request.ifr_name.len() {
        return None;
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the request names an interface, ended by a zero byte, and points to a value that outlives the call; these
    // commands write four bytes into its data.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as libc::Ioctl, &raw mut request) };
    (answer == 0).then_some(value.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_gathers_and_scatters() {
        let features = features("lo");
        assert!(features.contains(&"sg") && features.contains(&"gso"), "{features:?}");
    }

    #[test]
    fn what_is_no_interface_has_no_features() {
        assert!(features("no-such-interface").is_empty());
        assert!(features("none0").is_empty());
    }
}
