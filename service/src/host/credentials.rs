//! Whose a process is and what it may: users, groups, capabilities (credentials(7), capabilities(7)).
//!
//! What ends in a [`ChildStep`] is done by a new process to itself and makes system calls only. Those calls are the
//! kernel's own, which change one thread: the new process has no other.

use std::ffi::CString;
use std::io;
use std::thread;

use nix::libc;
use nix::unistd;
use rustix::process::{Gid, Uid};
use rustix::thread::{CapabilitiesSecureBits, CapabilitySet, CapabilitySets};

use super::process::ChildStep;

/// A user to be: what a process has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// What the name services know of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its id.
    pub uid: u32,
    /// Its own group.
    pub gid: u32,
}

/// The account of a name; `None` when there is none. May ask a server (nsswitch.conf(5)), so it blocks.
///
/// # Errors
/// The name services do not work.
pub fn account(name: &str) -> io::Result<Option<Account>> {
    Ok(unistd::User::from_name(name)?.map(of))
}

/// The account of a user id; `None` when there is none.
///
/// # Errors
/// The name services do not work.
pub fn account_of(uid: u32) -> io::Result<Option<Account>> {
    Ok(unistd::User::from_uid(uid.into())?.map(of))
}

fn of(user: unistd::User) -> Account {
    Account { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }
}

/// The id of a group; `None` when there is none.
///
/// # Errors
/// The name services do not work.
pub fn group(name: &str) -> io::Result<Option<u32>> {
    Ok(unistd::Group::from_name(name)?.map(|group| group.gid.as_raw()))
}

/// All groups of an account that has `gid` as its own.
///
/// # Errors
/// The name services do not work.
pub fn groups_of(name: &str, gid: u32) -> io::Result<Vec<u32>> {
    let name = CString::new(name).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(unistd::getgrouplist(&name, gid.into())?.into_iter().map(unistd::Gid::as_raw).collect())
}

/// Takes on a user and its groups, and no others.
pub fn become_user(user: &User) -> ChildStep {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    let groups: Vec<Gid> = user.groups.iter().map(|group| Gid::from_raw(*group)).collect();
    ChildStep::new("become the guest's user", move || {
        rustix::thread::set_thread_groups(&groups)?;
        rustix::thread::set_thread_res_gid(gid, gid, gid)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid)?;
        Ok(())
    })
}

/// A capability that a program may keep: raw access to disks and ports.
pub const SYS_RAWIO: CapabilitySet = CapabilitySet::SYS_RAWIO;

/// Numbers of capabilities end below this: a set has 64 bits.
const CAPABILITIES: u32 = 64;

/// Empties the bounding set, so that no program brings capabilities with it, and takes away for good what root alone
/// would have of them: its own capabilities, and those it could raise. What is in `keep` passes a change of user.
pub fn drop_bounding_set(keep: CapabilitySet) -> ChildStep {
    use CapabilitiesSecureBits as Bits;
    let root = Bits::NO_ROOT | Bits::NO_ROOT_LOCKED | Bits::NO_SETUID_FIXUP_LOCKED;
    let bits = match keep.is_empty() {
        true => root | Bits::KEEP_CAPS_LOCKED | Bits::NO_CAP_AMBIENT_RAISE | Bits::NO_CAP_AMBIENT_RAISE_LOCKED,
        false => root | Bits::KEEP_CAPS,
    };
    ChildStep::new("drop the capabilities that a program may have", move || {
        let mut sets = rustix::thread::capabilities(None)?;
        // What is to be inherited must be so before it leaves the bounding set.
        sets.inheritable = keep;
        rustix::thread::set_capabilities(None, sets)?;
        rustix::thread::clear_ambient_capability_set()?;
        for number in 0..CAPABILITIES {
            match rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
                Ok(()) => {}
                // Beyond the last one that this kernel knows.
                Err(rustix::io::Errno::INVAL) if number > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        rustix::thread::set_capabilities_secure_bits(bits)?;
        Ok(())
    })
}

/// Gives up all capabilities that are left but those in `keep`, which the program then has.
pub fn drop_capabilities(keep: CapabilitySet) -> ChildStep {
    ChildStep::new("give up capabilities", move || {
        rustix::thread::set_capabilities(None, CapabilitySets { effective: keep, permitted: keep, inheritable: keep })?;
        if !keep.is_empty() {
            rustix::thread::configure_capability_in_ambient_set(keep, true)?;
        }
        Ok(())
    })
}

/// No program that is executed from here on gives new privileges.
pub fn no_new_privileges() -> ChildStep {
    ChildStep::new("rule out new privileges", || Ok(rustix::thread::set_no_new_privs(true)?))
}

/// Does something to files with a user's eyes: in a thread of its own, whose access is checked as the user's by the
/// kernel, with access lists and all. The rest of the process is not changed, and the thread has no other rights of the
/// user: nobody can signal or trace it for that.
///
/// # Errors
/// The thread cannot be made or cannot take the user on.
pub fn as_user<T: Send + 'static>(user: &User, look: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let user = user.clone();
    let thread = thread::Builder::new().name("as-user".into()).spawn(move || {
        let groups: Vec<Gid> = user.groups.iter().map(|group| Gid::from_raw(*group)).collect();
        rustix::thread::set_thread_groups(&groups)?;
        // SAFETY: system calls with integers. They answer with the id before, whether or not it was changed.
        unsafe {
            libc::syscall(libc::SYS_setfsgid, user.gid);
            libc::syscall(libc::SYS_setfsuid, user.uid);
            let no_change = -1;
            let now = (libc::syscall(libc::SYS_setfsuid, no_change), libc::syscall(libc::SYS_setfsgid, no_change));
            if now != (i64::from(user.uid), i64::from(user.gid)) {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
        }
        Ok(look())
    })?;
    thread.join().map_err(|_| io::Error::other("a look at files with a user's eyes crashed"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_groups_are_found_by_name() {
        assert_eq!(account("root").unwrap(), Some(Account { name: "root".into(), uid: 0, gid: 0 }));
        assert_eq!(account_of(0).unwrap().unwrap().name, "root");
        assert_eq!(account("no-such-user").unwrap(), None);
        assert_eq!(group("root").unwrap(), Some(0));
        assert_eq!(group("no-such-group").unwrap(), None);
        assert!(groups_of("root", 7).unwrap().contains(&7));
    }
}
