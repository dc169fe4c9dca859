//! Machines of our own making: sysfs, and what belongs to it of `/proc` and `/run`, built in a directory from a short text.
//!
//! A line `device PATH in LIST` begins a device: its directory below `/sys`, and the link to it in a list such as
//! `bus/pci/devices`. The lines below say what it has:
//!
//! | line | what |
//! |---|---|
//! | `vendor = 0x8086` | an attribute; `\n` and `\t` stand for a line break and a tab |
//! | `driver -> bus/pci/drivers/e1000e` | a link to something below `/sys`, which is made where it is not there |
//! | `config @ 0e=01 34=40` | 256 bytes, all zero but these; place and byte are hexadecimal |
//! | `file proc/swaps = TEXT` | a file with a path from the root |
//!
//! Block devices with an attribute `dev` stand in `dev/block`, and drivers of PCI can be unbound, as the kernel has it.

#![allow(clippy::unwrap_used, reason = "a machine that cannot be built fails the test")]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Builds a machine in an empty directory.
pub fn build(root: &Path, text: &str) {
    let mut device: Option<(String, String)> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some((path, list)) = line.strip_prefix("device ").and_then(|rest| rest.split_once(" in ")) {
            begin(root, path, list);
            device = Some((path.to_owned(), list.to_owned()));
        } else if let Some((path, value)) = line.strip_prefix("file ").and_then(|rest| rest.split_once(" =")) {
            write(&root.join(path), unescaped(value.trim_start()).as_bytes());
        } else {
            let (path, list) = device.as_ref().expect("a device first");
            attribute(root, path, list, line);
        }
    }
}

fn begin(root: &Path, path: &str, list: &str) {
    std::fs::create_dir_all(root.join("sys").join(path)).unwrap();
    let name = path.rsplit('/').next().unwrap();
    link(root, &format!("{list}/{name}"), path);
    let subsystem = list.strip_suffix("/devices").unwrap_or(list);
    link(root, &format!("{path}/subsystem"), subsystem);
}

fn attribute(root: &Path, path: &str, list: &str, line: &str) {
    if let Some((name, target)) = line.split_once(" -> ") {
        link(root, &format!("{path}/{name}"), target);
        if target.starts_with("bus/pci/drivers/") {
            write(&root.join("sys").join(target).join("unbind"), b"");
        }
    } else if let Some((name, bytes)) = line.split_once(" @ ") {
        let mut content = vec![0; 256];
        for (place, byte) in bytes.split_whitespace().map(|pair| pair.split_once('=').unwrap()) {
            content[usize::from_str_radix(place, 16).unwrap()] = u8::from_str_radix(byte, 16).unwrap();
        }
        write(&root.join("sys").join(path).join(name), &content);
    } else {
        let (name, value) = line.split_once(" =").unwrap_or_else(|| panic!("what is this? {line}"));
        let value = value.trim_start();
        write(&root.join("sys").join(path).join(name), format!("{}\n", unescaped(value)).as_bytes());
        if name == "dev" && list == "class/block" {
            link(root, &format!("dev/block/{value}"), path);
        }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t")
}

fn write(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// A link from one place below `/sys` to another, relative as the kernel's are.
pub fn link(root: &Path, from: &str, to: &str) {
    let sys = root.join("sys");
    let up = "../".repeat(from.split('/').count() - 1);
    let from: PathBuf = sys.join(from);
    std::fs::create_dir_all(from.parent().unwrap()).unwrap();
    if !sys.join(to).exists() {
        std::fs::create_dir_all(sys.join(to)).unwrap();
    }
    symlink(format!("{up}{to}"), from).unwrap();
}
