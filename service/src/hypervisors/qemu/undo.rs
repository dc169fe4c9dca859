//! What a start has done so far, to be undone when it fails or is called off.

use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::host::process::{Process, Signal};
use crate::hypervisors::MachineEvents;
use crate::hypervisors::confine::Confined;

/// What a start has done so far. Dropped before [`Undo::keep`], it kills what was started, the last first, and removes
/// what was made; when the processes are gone, confinement is taken back. [`Undo::now`] waits until all of that is done;
/// after a drop, the end of [`MachineEvents`] tells it.
#[derive(Default)]
pub struct Undo {
    processes: Vec<Process>,
    paths: Vec<Made>,
    confined: Option<Confinement>,
}

/// Something that was made.
#[derive(Debug)]
enum Made {
    Own(PathBuf),
    Socket(PathBuf),
}

/// What is taken back when nothing of the guest runs any more.
struct Confinement {
    confined: Arc<dyn Confined>,
    /// Kept until it is taken back: nobody takes the run for over before.
    _events: MachineEvents,
}

impl Undo {
    /// A process was started.
    pub fn started(&mut self, process: &Process) {
        self.processes.push(process.clone());
    }

    /// A file or directory was made.
    pub fn made(&mut self, path: impl AsRef<Path>) {
        self.paths.push(Made::Own(path.as_ref().to_owned()));
    }

    /// A socket was made, or will be by what is started.
    pub fn made_socket(&mut self, path: impl AsRef<Path>) {
        self.paths.push(Made::Socket(path.as_ref().to_owned()));
    }

    /// The host is about to be changed for the guest's confinement.
    pub fn confined(&mut self, confined: Arc<dyn Confined>, events: MachineEvents) {
        self.confined = Some(Confinement { confined, _events: events });
    }

    /// The start succeeded: nothing is undone.
    pub fn keep(mut self) {
        self.processes.clear();
        self.paths.clear();
        self.confined = None;
    }

    /// Undoes everything and waits until it is done.
    pub async fn now(mut self) {
        let (processes, confined) = (self.processes.clone(), self.confined.take());
        drop(self);
        take_back(processes, confined).await;
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
            match path {
                Made::Own(path) => remove(path),
                Made::Socket(path) => remove_socket(path),
            }
        }
        let confined = self.confined.take();
        if let (Some(_), Ok(runtime)) = (&confined, tokio::runtime::Handle::try_current()) {
            runtime.spawn(take_back(std::mem::take(&mut self.processes), confined));
        }
    }
}

async fn take_back(processes: Vec<Process>, confined: Option<Confinement>) {
    for process in processes {
        process.exited().await;
    }
    if let Some(Confinement { confined, .. }) = confined {
        release(&*confined).await;
    }
}

/// Takes a guest's confinement back. What stays behind is told: nobody can do more about it.
pub async fn release(confined: &dyn Confined) {
    if let Err(error) = confined.release().await {
        tracing::error!("what was done to confine a guest stays behind: {error}");
    }
}

/// Removes a file or a directory with all in it, if it is there. Only for what the service itself has made.
pub fn remove(path: &Path) {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    told(path, removed);
}

/// Removes a socket, if one is there. The path may be a definition's: nothing else that is found there is touched.
pub fn remove_socket(path: &Path) {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    told(path, removed);
}

fn told(path: &Path, removed: std::io::Result<()>) {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => tracing::warn!("{} stays behind: {error}", path.display()),
        _ => {}
    }
}
