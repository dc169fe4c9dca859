//! What a start has done so far, to be undone when it fails or is called off.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::host::process::{Process, Signal};

/// What a start has done so far. Dropped before [`Undo::keep`], it kills what was started, the last first, and removes
/// what was made; [`Undo::now`] also waits until the processes are gone.
#[derive(Debug, Default)]
pub struct Undo {
    processes: Vec<Process>,
    paths: Vec<PathBuf>,
}

impl Undo {
    /// A process was started.
    pub fn started(&mut self, process: &Process) {
        self.processes.push(process.clone());
    }

    /// A file, socket or directory was made.
    pub fn made(&mut self, path: impl AsRef<Path>) {
        self.paths.push(path.as_ref().to_owned());
    }

    /// The start succeeded: nothing is undone.
    pub fn keep(mut self) {
        self.processes.clear();
        self.paths.clear();
    }

    /// Undoes everything and waits until it is done.
    pub async fn now(self) {
        let processes = self.processes.clone();
        drop(self);
        for process in processes {
            process.exited().await;
        }
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for process in self.processes.iter().rev() {
            if let Err(error) = process.signal(Signal::KILL) {
                tracing::warn!("a failed start leaves a process behind: {error}");
            }
        }
        for path in self.paths.iter().rev() {
            remove(path);
        }
    }
}

/// Removes a file or a directory with all in it, if it is there.
pub fn remove(path: &Path) {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => tracing::warn!("{} stays behind: {error}", path.display()),
        _ => {}
    }
}
