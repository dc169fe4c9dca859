//! What the kernel says of KVM through `/dev/kvm` (`Documentation/virt/kvm/api.rst`).

use std::fs::File;
use std::os::fd::AsRawFd;

use nix::libc;

/// Asks what there is of an extension.
const KVM_CHECK_EXTENSION: libc::c_ulong = 0xae03;
/// How many virtual processors a guest can have.
const KVM_CAP_MAX_VCPUS: libc::c_ulong = 66;

/// Most virtual processors of a guest; `None` where KVM cannot be used or does not tell.
pub fn max_vcpus() -> Option<u32> {
    let kvm = File::options().read(true).write(true).open("/dev/kvm").ok()?;
    // SAFETY: the descriptor is open, and this request takes a number and touches no memory of ours.
    let most = unsafe { libc::ioctl(kvm.as_raw_fd(), KVM_CHECK_EXTENSION as _, KVM_CAP_MAX_VCPUS) };
    u32::try_from(most).ok().filter(|most| *most > 0)
}
