//! Capabilities on disk and in memory, so that a QEMU is asked once and not at every start of the daemon.
//!
//! An entry counts as long as all that the answers depend on is as it was ([`Facts`]); a changed, unreadable or older
//! entry is the same as none. Files are written beside and renamed, mode 0600. A cache that cannot be written costs time
//! and nothing else. Whoever asks while another asks for the same emulator waits for that one's answer.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::{Capabilities, CapabilitiesError, probe};
use crate::hypervisors::confine::Confine;

/// Changes with the meaning or shape of [`Capabilities`] and of this file.
const FORMAT: u32 = 2;

/// Where distributions keep QEMU's modules; installing one changes what an unchanged binary can do.
const MODULE_DIRECTORIES: &[&str] =
    &["/usr/lib/x86_64-linux-gnu/qemu", "/usr/lib/i386-linux-gnu/qemu", "/usr/lib64/qemu", "/usr/lib64/qemu-kvm", "/usr/lib/qemu"];

/// All that the answers depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    format: u32,
    emulator: PathBuf,
    binary: Stamp,
    modules: Vec<Option<Stamp>>,
    kvm: bool,
    /// With KVM, the kernel decides which processor features a guest may have.
    kernel: Option<String>,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    inode: u64,
    size: u64,
    modified_s: i64,
    modified_ns: i64,
}

impl From<Metadata> for Stamp {
    fn from(of: Metadata) -> Self {
        Self { inode: of.ino(), size: of.size(), modified_s: of.mtime(), modified_ns: of.mtime_nsec() }
    }
}

impl Facts {
    fn gather(emulator: &Path) -> Result<Self, CapabilitiesError> {
        let binary = std::fs::metadata(emulator).map_err(|source| CapabilitiesError::Examine { emulator: emulator.to_owned(), source })?;
        let modules = MODULE_DIRECTORIES.iter().map(|path| std::fs::metadata(path).ok().map(Stamp::from)).collect();
        let kvm = super::kvm_usable();
        let release = || rustix::system::uname().release().to_string_lossy().into_owned();
        Ok(Self { format: FORMAT, emulator: emulator.to_owned(), binary: binary.into(), modules, kvm, kernel: kvm.then(release) })
    }
}

/// A file of the cache.
#[derive(Serialize, Deserialize)]
struct Entry {
    facts: Facts,
    capabilities: Capabilities,
}

/// An answer, or the place where it will be.
type Slot = Arc<OnceCell<Arc<Capabilities>>>;

/// The capabilities of emulators, kept in a directory.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
    slots: Mutex<HashMap<PathBuf, (Facts, Slot)>>,
}

impl Cache {
    /// A cache in `directory`, which is made when there is something to keep.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), slots: Mutex::default() }
    }

    /// What `emulator` can do, asked under what `confine` does to programs that run for no guest. Cheap when it is known: a few
    /// `stat`s.
    ///
    /// # Errors
    /// [`CapabilitiesError`] when it must be asked and does not answer; the next call asks again.
    pub async fn get(&self, emulator: &Path, confine: &dyn Confine) -> Result<Arc<Capabilities>, CapabilitiesError> {
        let facts = Facts::gather(emulator)?;
        let slot = self.slot(&facts);
        slot.get_or_try_init(|| self.load_or_probe(facts, confine)).await.cloned()
    }

    /// The slot for these facts; one with other facts of the same emulator is given up.
    fn slot(&self, facts: &Facts) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        match slots.get(&facts.emulator) {
            Some((known, slot)) if known == facts => Arc::clone(slot),
            _ => {
                let slot = Slot::default();
                slots.insert(facts.emulator.clone(), (facts.clone(), Arc::clone(&slot)));
                slot
            }
        }
    }

    async fn load_or_probe(&self, facts: Facts, confine: &dyn Confine) -> Result<Arc<Capabilities>, CapabilitiesError> {
        let path = self.directory.join(file_name(&facts.emulator));
        let (load_from, wanted) = (path.clone(), facts.clone());
        let loaded = tokio::task::spawn_blocking(move || load(&load_from, &wanted)).await.ok().flatten();
        if let Some(capabilities) = loaded {
            return Ok(Arc::new(capabilities));
        }
        let capabilities = probe(&facts.emulator, facts.kvm, confine).await?;
        let entry = Entry { facts, capabilities: capabilities.clone() };
        match tokio::task::spawn_blocking(move || save(&path, &entry)).await.map_err(io::Error::other).flatten() {
            Ok(()) => {}
            Err(error) => tracing::warn!(
                directory = %self.directory.display(), %error,
                "cannot keep what the emulator can do; it will be asked again at the next start"
            ),
        }
        Ok(Arc::new(capabilities))
    }
}

/// A name for the emulator's file: its path, with what a name may not have replaced. Two paths that come to the same
/// name push each other out and are still told apart by their facts.
fn file_name(emulator: &Path) -> String {
    let path = emulator.to_string_lossy();
    let name: String = path.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    format!("{}.json", name.trim_matches('_'))
}

/// The entry, if it is there, whole, and of these facts.
fn load(path: &Path, facts: &Facts) -> Option<Capabilities> {
    let bytes = std::fs::read(path).ok()?;
    match serde_json::from_slice::<Entry>(&bytes) {
        Ok(entry) => (entry.facts == *facts).then_some(entry.capabilities),
        Err(error) => {
            tracing::info!(path = %path.display(), %error, "the cache entry is of another version or damaged");
            None
        }
    }
}

fn save(path: &Path, entry: &Entry) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(directory)?;
    // Made with mode 0600. No fsync: after a crash of the host a damaged entry is asked for anew.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&serde_json::to_vec(entry)?)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name(Path::new("/usr/bin/qemu-system-x86_64")), "usr_bin_qemu-system-x86_64.json");
        assert_eq!(file_name(Path::new("/opt/a b/ü/qemu")), "opt_a_b___qemu.json");
    }

    #[test]
    fn a_missing_emulator_is_named() {
        let error = Facts::gather(Path::new("/nowhere/qemu")).unwrap_err();
        assert_eq!(error.to_string(), "cannot examine the emulator /nowhere/qemu: No such file or directory (os error 2)");
    }
}
