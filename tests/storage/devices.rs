//! Loop devices, which go with the test.

use std::path::{Path, PathBuf};

use lodge_tests::binaries::{command, installed};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::service::soon;

/// A block device over a sparse file.
pub struct Loop {
    pub device: String,
    _file: tempfile::NamedTempFile,
}

impl Loop {
    /// One of this many bytes.
    ///
    /// # Panics
    /// There is no loop device.
    pub fn new(bytes: u64) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(bytes).unwrap();
        let device = run("losetup", "mount", &["--find", "--show", "--partscan", file.path().to_str().unwrap()]);
        Self { device: device.trim().to_owned(), _file: file }
    }

    /// The name of the device without its directory.
    pub fn name(&self) -> &str {
        self.device.rsplit('/').next().unwrap()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        for verb in ["partx --delete", "losetup --detach"] {
            let (program, option) = verb.split_once(' ').unwrap();
            drop(command(program).args([option, &self.device]).output());
        }
    }
}

/// Runs a program of the system, and answers with what it says.
///
/// # Panics
/// It fails, or its package is not installed.
pub fn run(program: &str, package: &str, arguments: &[&str]) -> String {
    let output = command(installed(program, package)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What `qemu-img info` says of an image.
pub fn info(image: &Path) -> serde_json::Value {
    serde_json::from_str(&run("qemu-img", "qemu-utils", &["info", "--output=json", image.to_str().unwrap()])).unwrap()
}

/// The entries of a directory.
pub fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into()).collect();
    names.sort();
    names
}

/// Waits until a directory has a new entry for which `wanted` holds.
pub async fn appears(directory: &Path, wanted: impl Fn(&str) -> bool + Send + 'static) {
    let events = inotify::init(CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&events, directory, WatchFlags::CREATE).unwrap();
    let there = |directory: &Path| entries(directory).iter().any(|name| name.to_str().is_some_and(&wanted));
    let directory = directory.to_owned();
    if there(&directory) {
        return;
    }
    let seen = tokio::task::spawn_blocking(move || {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&events, &mut buffer);
        while !reader.next().unwrap().file_name().and_then(|name| name.to_str().ok()).is_some_and(&wanted) {}
    });
    soon("an entry of a directory", seen).await.unwrap();
}
