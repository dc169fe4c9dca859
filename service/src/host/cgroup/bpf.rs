//! The judge of opened devices in cgroup v2: a program of the kind BPF_PROG_TYPE_CGROUP_DEVICE, attached to a group.
//!
//! The kernel runs it for every open and mknod of a device with `struct bpf_cgroup_dev_ctx` (linux/bpf.h): type and access
//! in one word, major and minor number in two more. It answers 1 for what is allowed. The program is a test for each
//! rule, one after the other, and ends with a refusal. It stays as long as the group, whatever becomes of us.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use nix::libc;

use super::{DeviceKind, DeviceRule};

/// Instructions of linux/bpf.h and linux/bpf_common.h: class, operation and source in one byte.
mod code {
    pub const LOAD_WORD: u8 = 0x61;
    pub const MOVE_REGISTER: u8 = 0xbf;
    pub const MOVE_NUMBER: u8 = 0xb7;
    pub const AND_NUMBER: u8 = 0x57;
    pub const SHIFT_RIGHT: u8 = 0x77;
    pub const JUMP_UNLESS_EQUAL: u8 = 0x55;
    pub const EXIT: u8 = 0x95;
}

/// Fields of `struct bpf_cgroup_dev_ctx`, in bytes from its beginning.
const ACCESS_AND_TYPE: i16 = 0;
const MAJOR: i16 = 4;
const MINOR: i16 = 8;

/// BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR; BPF_DEVCG_ACC_READ, BPF_DEVCG_ACC_WRITE.
const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;
const READ: i32 = 2;
const WRITE: i32 = 4;
/// All accesses there are, with BPF_DEVCG_ACC_MKNOD.
const ACCESSES: i32 = 7;

/// Commands and numbers of bpf(2).
const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_PROG_ATTACH: libc::c_int = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;

/// `struct bpf_insn`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Instruction {
    code: u8,
    /// Destination in the low half, source in the high one.
    registers: u8,
    offset: i16,
    number: i32,
}

/// The beginning of `union bpf_attr` for BPF_PROG_LOAD.
#[repr(C)]
struct Load {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    licence: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
}

/// The beginning of `union bpf_attr` for BPF_PROG_ATTACH.
#[repr(C)]
struct Attach {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

/// Lets the processes of the group at `directory` open these devices and no others.
///
/// # Errors
/// The kernel refuses the program or the group.
pub fn allow_only(directory: &Path, devices: &BTreeSet<DeviceRule>) -> io::Result<()> {
    let group = File::open(directory)?;
    let program = load(&program(devices)?)?;
    let number = |fd: i32| u32::try_from(fd).map_err(io::Error::other);
    let attach = Attach { target: number(group.as_raw_fd())?, program: number(program.as_raw_fd())?, kind: BPF_CGROUP_DEVICE, flags: 0 };
    bpf(BPF_PROG_ATTACH, &attach).map(drop)
}

fn load(instructions: &[Instruction]) -> io::Result<OwnedFd> {
    let licence = c"MIT";
    let load = Load {
        kind: BPF_PROG_TYPE_CGROUP_DEVICE,
        instruction_count: u32::try_from(instructions.len()).map_err(io::Error::other)?,
        instructions: instructions.as_ptr() as u64,
        licence: licence.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
    };
    let fd = bpf(BPF_PROG_LOAD, &load)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn bpf<T>(command: libc::c_int, attributes: &T) -> io::Result<i32> {
    let size = libc::c_uint::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: `attributes` is the beginning of the command's `union bpf_attr`, of the size that is told; what it points
    // to lives until the call returns. The kernel reads it and writes nothing.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size) };
    if result < 0 { Err(io::Error::last_os_error()) } else { i32::try_from(result).map_err(io::Error::other) }
}

/// Registers: 0 the answer, 1 the context and then the access that is asked for, 2 the type, 3 the access, 4 and 5 major
/// and minor.
fn program(devices: &BTreeSet<DeviceRule>) -> io::Result<Vec<Instruction>> {
    let mut program = vec![
        instruction(code::LOAD_WORD, 2, 1, ACCESS_AND_TYPE, 0),
        instruction(code::MOVE_REGISTER, 3, 2, 0, 0),
        instruction(code::AND_NUMBER, 2, 0, 0, 0xffff),
        instruction(code::SHIFT_RIGHT, 3, 0, 0, 16),
        instruction(code::LOAD_WORD, 4, 1, MAJOR, 0),
        instruction(code::LOAD_WORD, 5, 1, MINOR, 0),
    ];
    for rule in devices {
        program.extend(test(rule)?);
    }
    program.extend([instruction(code::MOVE_NUMBER, 0, 0, 0, 0), instruction(code::EXIT, 0, 0, 0, 0)]);
    Ok(program)
}

/// Answers 1 for what the rule allows, and goes on behind itself for all else.
fn test(rule: &DeviceRule) -> io::Result<Vec<Instruction>> {
    let kind = match rule.kind {
        DeviceKind::Character => CHARACTER,
        DeviceKind::Block => BLOCK,
    };
    let allowed = if rule.write { READ | WRITE } else { READ };
    let number = |number: u32| i32::try_from(number).map_err(io::Error::other);
    let mut test = vec![
        instruction(code::JUMP_UNLESS_EQUAL, 2, 0, 0, kind),
        instruction(code::MOVE_REGISTER, 1, 3, 0, 0),
        instruction(code::AND_NUMBER, 1, 0, 0, ACCESSES & !allowed),
        instruction(code::JUMP_UNLESS_EQUAL, 1, 0, 0, 0),
        instruction(code::JUMP_UNLESS_EQUAL, 4, 0, 0, number(rule.major)?),
    ];
    if let Some(minor) = rule.minor {
        test.push(instruction(code::JUMP_UNLESS_EQUAL, 5, 0, 0, number(minor)?));
    }
    test.extend([instruction(code::MOVE_NUMBER, 0, 0, 0, 1), instruction(code::EXIT, 0, 0, 0, 0)]);
    // A jump counts from the instruction behind it.
    let end = test.len();
    for (at, instruction) in test.iter_mut().enumerate().filter(|(_, instruction)| instruction.code == code::JUMP_UNLESS_EQUAL) {
        instruction.offset = i16::try_from(end - at - 1).map_err(io::Error::other)?;
    }
    Ok(test)
}

fn instruction(code: u8, destination: u8, source: u8, offset: i16, number: i32) -> Instruction {
    Instruction { code, registers: destination | source << 4, offset, number }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program answers, by running it here.
    fn judge(program: &[Instruction], context: [u32; 3]) -> u64 {
        let mut registers = [0_u64; 6];
        let mut at = 0;
        loop {
            let Instruction { code, registers: pair, offset, number } = program[at];
            let (destination, source) = (usize::from(pair & 15), usize::from(pair >> 4));
            at += 1;
            let constant = u64::try_from(number).unwrap();
            match code {
                code::LOAD_WORD => registers[destination] = u64::from(context[usize::try_from(offset / 4).unwrap()]),
                code::MOVE_REGISTER => registers[destination] = registers[source],
                code::MOVE_NUMBER => registers[destination] = constant,
                code::AND_NUMBER => registers[destination] &= constant,
                code::SHIFT_RIGHT => registers[destination] >>= constant,
                code::JUMP_UNLESS_EQUAL if registers[destination] != constant => at += usize::try_from(offset).unwrap(),
                code::JUMP_UNLESS_EQUAL => {}
                code::EXIT => return registers[0],
                other => panic!("{other:#x}"),
            }
        }
    }

    #[test]
    fn the_program_allows_what_the_rules_say() {
        let rule = |kind, major, minor, write| DeviceRule { kind, major, minor, write };
        let rules = [
            rule(DeviceKind::Character, 1, Some(3), true),
            rule(DeviceKind::Character, 136, None, true),
            rule(DeviceKind::Block, 8, Some(0), false),
        ];
        let program = program(&rules.into_iter().collect()).unwrap();
        let (read, write, mknod) = (2, 4, 1);
        for (kind, access, major, minor, expected) in [
            (2, read, 1, 3, 1),
            (2, read | write, 1, 3, 1),
            (2, mknod, 1, 3, 0),
            (2, read | mknod, 1, 3, 0),
            (1, read, 1, 3, 0),
            (2, read, 1, 5, 0),
            (2, write, 136, 77, 1),
            (1, read, 8, 0, 1),
            (1, write, 8, 0, 0),
            (1, read | write, 8, 0, 0),
            (1, read, 8, 1, 0),
        ] {
            let context = [access << 16 | kind, major, minor];
            assert_eq!(judge(&program, context), expected, "{kind} {access} {major}:{minor}");
        }
        assert_eq!(judge(&super::program(&BTreeSet::new()).unwrap(), [read << 16 | 2, 1, 3]), 0);
    }
}
