//! System calls that a process may not make any more, nor what it starts (seccomp(2)).

use std::io;

use nix::libc::{self, c_long, sock_filter, sock_fprog};

use super::process::ChildStep;

/// How the kernel names the calls of this machine (linux/audit.h): the ELF number, and bits for 64 bits and little endian.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 62 | 0xc000_0000;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 183 | 0xc000_0000;
/// On x86-64, numbers from here on are the same calls with pointers of 32 bits.
const X32: u32 = 0x4000_0000;
/// Where `struct seccomp_data` has the number and the architecture.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const IF_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
const ANSWER: u32 = libc::BPF_RET | libc::BPF_K;

/// Has these calls, and all of other architectures, fail as not permitted. Needs a privilege, or that new ones are ruled out.
pub fn forbid(calls: &[c_long]) -> ChildStep {
    let mut program = program(calls);
    ChildStep::new("forbid system calls", move || {
        let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let filter = sock_fprog { len: length, filter: program.as_mut_ptr() };
        let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, 0);
        // SAFETY: the kernel copies the program, which lives as long as this closure, and its length is right.
        match unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const filter) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    })
}

fn program(calls: &[c_long]) -> Vec<sock_filter> {
    let refuse = libc::SECCOMP_RET_ERRNO | (libc::EPERM.unsigned_abs() & libc::SECCOMP_RET_DATA);
    let mut program = vec![
        instruction(LOAD, ARCHITECTURE_AT, 0, 0),
        instruction(IF_EQUAL, ARCHITECTURE, 1, 0),
        instruction(ANSWER, refuse, 0, 0),
        instruction(LOAD, NUMBER_AT, 0, 0),
        instruction(IF_AT_LEAST, X32, 0, 1),
        instruction(ANSWER, refuse, 0, 0),
    ];
    for call in calls {
        // A number that is none fits no call.
        program.push(instruction(IF_EQUAL, u32::try_from(*call).unwrap_or(u32::MAX), 0, 1));
        program.push(instruction(ANSWER, refuse, 0, 0));
    }
    program.push(instruction(ANSWER, libc::SECCOMP_RET_ALLOW, 0, 0));
    program
}

/// An instruction; a jump skips `if_so` or `if_not` of those that follow.
fn instruction(code: u32, operand: u32, if_so: u8, if_not: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or_default(), jt: if_so, jf: if_not, k: operand }
}
