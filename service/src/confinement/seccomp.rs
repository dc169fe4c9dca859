//! System calls that no program of a guest needs and that reach into other processes, the kernel, or the file system's
//! structure (seccomp(2)).
//!
//! All guests run as one user, so it is not owners that keep one from tracing another: this is. QEMU's own sandbox comes on
//! top of it (`-sandbox`), after QEMU has set itself up.

use std::sync::Arc;

use async_trait::async_trait;
use nix::libc::{self, c_long};
use serde_json::{Value, json};

use crate::error::Result;
use crate::host::process::ChildStep;
use crate::host::seccomp::forbid;
use crate::hypervisors::confine::{Confine, Confined, Program, Stage, Subject};

/// Other processes; the kernel and its keys; files without their directories.
const FOR_ALL: [c_long; 27] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_vhangup,
    libc::SYS_open_by_handle_at,
];

/// What those that serve a guest need to shut themselves in, and QEMU does not.
const FOR_HYPERVISORS: [c_long; 13] = [
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
];

/// The layer.
#[derive(Debug, Clone, Copy)]
pub struct Seccomp;

#[async_trait]
impl Confine for Seccomp {
    fn name(&self) -> &'static str {
        "seccomp"
    }

    async fn plan(&self, _guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        Ok(Some(Arc::new(Self)))
    }

    fn recall(&self, _record: Value) -> Result<Arc<dyn Confined>> {
        Ok(Arc::new(Self))
    }
}

#[async_trait]
impl Confined for Seccomp {
    fn record(&self) -> Value {
        json!({})
    }

    fn steps(&self, program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        let more = if program == Program::Hypervisor { &FOR_HYPERVISORS[..] } else { &[] };
        // While the process has the privilege for it: then it need not rule out new ones.
        Ok(vec![(Stage::Bounding, forbid(&[&FOR_ALL[..], more].concat()))])
    }
}
