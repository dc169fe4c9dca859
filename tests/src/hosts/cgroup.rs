//! A cgroup for one container, below that of the test, in each hierarchy that systemd-nspawn uses.
//!
//! Without one, systemd-nspawn makes its cgroups directly in that of the test, under fixed names: two containers would have
//! the same. Invariant: after drop neither its processes nor its directories are there.

use std::fs;
use std::io::{ErrorKind, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long killed processes may take to end.
const LAST_BREATH: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// A cgroup of version 2, and the one of systemd's own hierarchy where a machine has that beside.
pub struct Cgroup {
    unified: PathBuf,
    named: Option<PathBuf>,
}

impl Cgroup {
    /// Makes one.
    ///
    /// # Panics
    /// This machine has no cgroups of version 2, or they cannot be written.
    pub fn create(name: &str) -> Self {
        let unified = own("0::", |fstype, _| fstype == "cgroup2");
        let unified = unified.expect("a container needs cgroups of version 2: mount -t cgroup2 none /sys/fs/cgroup/unified").join(name);
        fs::create_dir(&unified).unwrap_or_else(|error| panic!("cannot make the cgroup {}: {error}", unified.display()));
        let named = own(":name=systemd:", |_, options| options.split(',').any(|option| option == "name=systemd"));
        Self { unified, named: named.map(|path| path.join(name)) }
    }

    /// Where a process writes 0 to be in it.
    pub fn door(&self) -> PathBuf {
        self.unified.join("cgroup.procs")
    }

    /// The same for a cgroup below it.
    pub fn door_of(&self, below: &str) -> PathBuf {
        self.unified.join(below).join("cgroup.procs")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // All errors here are of what has gone by itself.
        let _ = fs::write(self.unified.join("cgroup.kill"), "1");
        let _ = await_empty(&self.unified);
        remove(&self.unified);
        if let Some(named) = &self.named {
            remove(named);
        }
    }
}

/// The cgroup of this process in the hierarchy that a line of /proc/self/cgroup and a mount tell.
fn own(marker: &str, mounted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
    let memberships = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = memberships.lines().find_map(|line| Some(line.split_once(marker)?.1))?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    // device, directory, type, options
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let mount = fields.into_iter().find(|fields| mounted(fields[2], fields[3]))?;
    Some(Path::new(mount[1]).join(path.trim_start_matches('/')))
}

/// Waits until the last process of a cgroup has ended: the kernel then tells whoever polls its events.
fn await_empty(cgroup: &Path) -> std::io::Result<()> {
    let events = fs::File::open(cgroup.join("cgroup.events"))?;
    while fs::read_to_string(cgroup.join("cgroup.events"))?.contains("populated 1") {
        let changed = poll(&mut [PollFd::new(&events, PollFlags::PRI)], Some(&LAST_BREATH))?;
        if changed == 0 {
            return Err(ErrorKind::TimedOut.into());
        }
        // What was polled is polled anew only after it was read.
        let mut seen = String::new();
        (&events).rewind()?;
        (&events).read_to_string(&mut seen)?;
    }
    Ok(())
}

/// Removes a tree of cgroups from its leaves; the kernel's own files in them go with them.
fn remove(cgroup: &Path) {
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(cgroup);
}
