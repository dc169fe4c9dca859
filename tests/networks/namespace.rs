//! A network namespace, and what is done in it. It lasts as long as somebody has it open.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::Output;

use lodge_tests::binaries;
use rustix::fs::{Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace.
pub struct Namespace {
    file: OwnedFd,
}

impl Namespace {
    /// That of the calling thread.
    pub fn own() -> Self {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Self { file: rustix::fs::open("/proc/thread-self/ns/net", flags, Mode::empty()).unwrap() }
    }

    /// A new one, with its loopback on.
    pub fn new() -> Self {
        let made = std::thread::spawn(|| {
            leave();
            Self::own()
        });
        let made = made.join().unwrap();
        made.ip("link set lo up");
        made
    }

    /// Does something in it.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs a program in it.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.enter(|| binaries::command(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}")))
    }

    /// Runs ip(8) in it, which must succeed; answers with what it says.
    pub fn ip(&self, arguments: &str) -> String {
        let ip = binaries::installed("ip", "iproute2");
        let output = self.run(ip.to_str().unwrap(), &arguments.split_whitespace().collect::<Vec<_>>());
        assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Connects `name` here and `peer` in another namespace with a cable, both ends on.
    pub fn cable(&self, name: &str, other: &Self, peer: &str) {
        use std::os::fd::AsRawFd as _;
        let there = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), other.file.as_raw_fd()));
        self.ip(&format!("link add {name} type veth peer name {peer} netns {}", there.display()));
        self.ip(&format!("link set {name} up"));
        other.ip(&format!("link set {peer} up"));
    }
}

/// Puts the calling thread, and those that it starts, into a new namespace.
pub fn leave() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("a network namespace of its own needs root");
}
