//! What can go wrong with a process, in sentences that name the program, the reason and the next step.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Exit;

/// Why a process could not be started, followed, or did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program could not be executed.
    #[error("cannot execute {}: {source}{}", program.display(), next_step(program, source))]
    Exec {
        /// Path of the program.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A step in the new process failed before the program was executed.
    #[error("cannot start {}: cannot {step} in the new process: {source}", program.display())]
    Step {
        /// Path of the program.
        program: PathBuf,
        /// The step, as "start a session".
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// No process could be made at all.
    #[error("cannot start {}: no new process: {source}", program.display())]
    Prepare {
        /// Path of the program.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A process exists but cannot be followed.
    #[error("cannot follow process {pid}: {source}")]
    Follow {
        /// Its process id.
        pid: i32,
        /// What the kernel said.
        source: io::Error,
    },
    /// A signal could not be sent.
    #[error("cannot send {signal} to process {pid}: {source}")]
    Signal {
        /// Its process id.
        pid: i32,
        /// Name of the signal.
        signal: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A helper program ended with a failure.
    #[error("{} failed ({exit}){}", program.display(), complaint(stderr))]
    Failed {
        /// Path of the program.
        program: PathBuf,
        /// How it ended.
        exit: Exit,
        /// What it said on standard error, as far as it was kept.
        stderr: String,
    },
    /// A helper program did not end in time and was killed.
    #[error("{} did not finish within {} s and was stopped", program.display(), after.as_secs_f64())]
    TimedOut {
        /// Path of the program.
        program: PathBuf,
        /// The time it had.
        after: Duration,
    },
    /// A helper program's output could not be read, or its input not written.
    #[error("cannot exchange data with {}: {source}", program.display())]
    Exchange {
        /// Path of the program.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl ProcessError {
    pub(super) fn prepare(program: &Path, source: io::Error) -> Self {
        Self::Prepare { program: program.to_owned(), source }
    }
}

/// The Debian package of each program that the service may start.
const PACKAGES: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("qemu-system-i386", "qemu-system-x86"),
    ("qemu-img", "qemu-utils"),
    ("qemu-nbd", "qemu-utils"),
    ("swtpm", "swtpm"),
    ("swtpm_setup", "swtpm-tools"),
    ("passt", "passt"),
    ("virtiofsd", "virtiofsd"),
    ("dnsmasq", "dnsmasq-base"),
    ("nft", "nftables"),
    ("mount", "mount"),
    ("umount", "mount"),
    ("mount.nfs", "nfs-common"),
    ("mount.cifs", "cifs-utils"),
    ("mount.glusterfs", "glusterfs-client"),
    ("mkfs.ext2", "e2fsprogs"),
    ("mkfs.ext3", "e2fsprogs"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs"),
    ("mkfs.vfat", "dosfstools"),
    ("wipefs", "util-linux"),
    ("sfdisk", "fdisk"),
    ("partx", "util-linux"),
    ("addpart", "util-linux"),
    ("pvcreate", "lvm2"),
    ("pvremove", "lvm2"),
    ("vgcreate", "lvm2"),
    ("vgremove", "lvm2"),
    ("vgchange", "lvm2"),
    ("vgs", "lvm2"),
    ("lvcreate", "lvm2"),
    ("lvremove", "lvm2"),
    ("lvchange", "lvm2"),
    ("lvresize", "lvm2"),
    ("lvs", "lvm2"),
    ("iscsiadm", "open-iscsi"),
    ("showmount", "nfs-common"),
    ("pvs", "lvm2"),
    ("udevadm", "udev"),
];

fn next_step(program: &Path, source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::NotFound => {
            let name = program.file_name().unwrap_or_default();
            match PACKAGES.iter().find(|(of, _)| name == *of) {
                Some((_, package)) => format!("; install it (package {package} on Debian)"),
                None => "; install it".to_owned(),
            }
        }
        io::ErrorKind::PermissionDenied => "; check that it is a program and that its mode allows executing it".to_owned(),
        _ => String::new(),
    }
}

fn complaint(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}
