//! A program that stands in QEMU's place and tries what a guest that broke out of QEMU would try.
//!
//! Its arguments are attempts, `NAME` or `NAME=WHAT`; it prints a line for each: `NAME allowed`, or `NAME refused: REASON`.
//! Whatever succeeds is undone at once or ends with this program.

#![allow(unsafe_code, reason = "it makes system calls as they are, because what the kernel answers is the matter")]
#![allow(clippy::print_stdout, reason = "its output is its result")]
#![allow(clippy::disallowed_methods, reason = "it is not the service")]

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc::{self, c_long};

/// An attempt, with what it is about.
type Attempt = fn(&str) -> io::Result<()>;

/// All attempts by name.
const ATTEMPTS: [(&str, Attempt); 14] = [
    ("write", |path| OpenOptions::new().read(true).write(true).open(path).map(drop)),
    ("read", |path| File::open(path).map(drop)),
    ("list", |path| std::fs::read_dir(path).map(drop)),
    ("connect", |path| std::os::unix::net::UnixStream::connect(path).map(drop)),
    ("mknod", mknod),
    ("mount", mount),
    ("change-user", change_user),
    ("raw-socket", raw_socket),
    ("set-uid", set_uid),
    ("trace", trace),
    ("signal", |pid| call(libc::SYS_kill, &[number(pid)?, 0])),
    ("namespace", |_| call(libc::SYS_unshare, &[c_long::from(libc::CLONE_NEWUSER)])),
    ("files", files),
    ("processes", processes),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        // What a set-uid copy of this program got.
        Some("privileged") => std::process::exit(i32::from(!is_privileged())),
        Some("wait") => loop {
            // SAFETY: it waits for a signal.
            unsafe { libc::pause() };
        },
        _ => arguments.iter().for_each(|argument| attempt(argument)),
    }
}

fn attempt(argument: &str) {
    let (name, what) = argument.split_once('=').unwrap_or((argument, ""));
    let (_, attempt) = ATTEMPTS.iter().find(|(known, _)| name.split('/').next() == Some(known)).expect("an attempt that it knows");
    match attempt(what) {
        Ok(()) => println!("{name} allowed"),
        Err(error) => println!("{name} refused: {error}"),
    }
}

fn number(text: &str) -> io::Result<c_long> {
    text.parse().map_err(io::Error::other)
}

/// A system call by its number.
fn call(number: c_long, arguments: &[c_long]) -> io::Result<()> {
    let argument = |index| arguments.get(index).copied().unwrap_or(0);
    // SAFETY: pointers among the arguments are to strings that outlive the call.
    match unsafe { libc::syscall(number, argument(0), argument(1), argument(2), argument(3), argument(4)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn pointer(text: &CString) -> c_long {
    text.as_ptr() as c_long
}

/// The null device, by another name.
fn mknod(path: &str) -> io::Result<()> {
    let path_text = CString::new(path)?;
    let device = c_long::try_from(libc::makedev(1, 3)).map_err(io::Error::other)?;
    let mode = c_long::from(libc::S_IFCHR | 0o666);
    call(libc::SYS_mknodat, &[c_long::from(libc::AT_FDCWD), pointer(&path_text), mode, device])?;
    let opened = File::open(path).map(drop);
    std::fs::remove_file(path)?;
    opened
}

fn mount(path: &str) -> io::Result<()> {
    let (kind, path) = (CString::new("tmpfs")?, CString::new(path)?);
    call(libc::SYS_mount, &[pointer(&kind), pointer(&path), pointer(&kind), 0, 0])?;
    call(libc::SYS_umount2, &[pointer(&path), c_long::from(libc::MNT_DETACH)])
}

/// In a child, since nobody comes back from it.
fn change_user(uid: &str) -> io::Result<()> {
    let uid = number(uid)?;
    in_child(move || call(libc::SYS_setresuid, &[uid, uid, uid]))
}

fn raw_socket(_: &str) -> io::Result<()> {
    // SAFETY: integers only.
    match unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) } {
        -1 => Err(io::Error::last_os_error()),
        socket => call(libc::SYS_close, &[c_long::from(socket)]),
    }
}

fn set_uid(program: &str) -> io::Result<()> {
    match Command::new(program).arg("privileged").status()?.success() {
        true => Ok(()),
        false => Err(io::Error::other("the program has no privileges")),
    }
}

/// Whether this process has any capability.
fn is_privileged() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap_or_default();
    effective.trim().chars().any(|digit| digit != '0')
}

fn trace(pid: &str) -> io::Result<()> {
    let pid = number(pid)?;
    call(libc::SYS_ptrace, &[c_long::from(libc::PTRACE_SEIZE), pid, 0, 0])
}

fn files(most: &str) -> io::Result<()> {
    (0..number(most)?).map(|_| File::open("/dev/null")).collect::<io::Result<Vec<_>>>().map(drop)
}

fn processes(most: &str) -> io::Result<()> {
    let mut children = Vec::new();
    let mut result = Ok(());
    for _ in 0..number(most)? {
        match Command::new(std::env::current_exe()?).arg0("hostile").arg("wait").spawn() {
            Ok(child) => children.push(child),
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    for mut child in children {
        child.kill()?;
        child.wait()?;
    }
    result
}

fn in_child(act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // SAFETY: this program has one thread.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let code = act().err().and_then(|error| error.raw_os_error()).unwrap_or(0);
            std::process::exit(code)
        }
        child => {
            let mut status = 0;
            // SAFETY: it writes the status.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            match libc::WEXITSTATUS(status) {
                0 => Ok(()),
                code => Err(io::Error::from_raw_os_error(code)),
            }
        }
    }
}
