//! Whom a file belonged to before guests got it, remembered with the file itself.
//!
//! The memory is an extended attribute, so that it survives the service and holds for every guest that uses the file: it
//! names them, which is a count that cannot go wrong when somebody is counted twice. Where files have no attributes the
//! memory is of this process, and of each guest's record.
//!
//! A boot of the host ends all guests: memories of another boot hold nobody. Whoever changed the owner since has the last word.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::host::inode::{Inode, InodeId, Owner};

/// The attribute. Only who may administer the host can see or set attributes of this class (xattr(7)).
const ATTRIBUTE: &str = "trusted.lodge.dac";

/// What is remembered of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    /// The boot in which the holders run.
    boot: String,
    /// Whom it belonged to before.
    owner: Owner,
    /// Whom it was given to.
    given: Owner,
    /// The guests that have it.
    holders: BTreeSet<String>,
}

/// All memories of one service.
#[derive(Debug)]
pub struct Memories {
    boot: String,
    /// Whether files may be given attributes.
    in_files: bool,
    /// Of files that cannot have attributes. Held for an operation on one file, so that two guests do not mix.
    elsewhere: Mutex<HashMap<InodeId, Memory>>,
}

/// Why a file cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Others have it under another owner.
    #[error("it is in use by another guest, as user {} and group {}", .0.uid, .0.gid)]
    InUse(Owner),
    /// The host refuses.
    #[error(transparent)]
    Host(#[from] io::Error),
}

impl TakeError {
    /// Whether the file system lets nobody change owners: a network's, one without owners, one that is read only.
    pub fn is_refusal(&self) -> bool {
        use nix::libc::{EINVAL, EPERM, EROFS};
        let number = match self {
            Self::Host(error) => error.raw_os_error(),
            Self::InUse(_) => None,
        };
        number.is_some_and(|number| [EPERM, EINVAL, EROFS].contains(&number))
    }
}

impl Memories {
    /// The memories of this boot of the host.
    pub fn new(boot: String, in_files: bool) -> Self {
        Self { boot, in_files, elsewhere: Mutex::default() }
    }

    /// Whom a file belongs to when no guest has it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn owner(&self, inode: &Inode) -> io::Result<Owner> {
        let elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.recollect(inode, &elsewhere)?.map_or(inode.owner(), |memory| memory.owner))
    }

    /// Whether any guest has it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn is_held(&self, inode: &Inode) -> io::Result<bool> {
        let elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.recollect(inode, &elsewhere)?.is_some_and(|memory| !memory.holders.is_empty()))
    }

    /// Gives a file to `holder`, whose files belong to `to`.
    ///
    /// # Errors
    /// [`TakeError`]; nothing has changed then but perhaps the memory, which [`Memories::give_back`] puts right.
    pub fn take(&self, inode: &Inode, holder: &str, to: Owner) -> Result<(), TakeError> {
        let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.recollect(inode, &elsewhere)?;
        let mut memory =
            before.unwrap_or_else(|| Memory { boot: self.boot.clone(), owner: inode.owner(), given: to, holders: BTreeSet::new() });
        if memory.given != to && memory.holders.iter().any(|other| other != holder) {
            return Err(TakeError::InUse(memory.given));
        }
        memory.given = to;
        memory.holders.insert(holder.to_owned());
        // First the memory: killed in between, the file still has its owner, and the memory is found to be void.
        self.keep(inode, Some(memory), &mut elsewhere)?;
        if inode.owner() != to {
            inode.set_owner(to)?;
        }
        Ok(())
    }

    /// Takes a file back from `holder`; when nobody else has it, it belongs again to whom it did. `before` is what the
    /// guest's record says of that. Again is no error.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn give_back(&self, inode: &Inode, holder: &str, to: Owner, before: Owner) -> io::Result<()> {
        let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let (owner, given) = match self.recollect(inode, &elsewhere)? {
            Some(mut memory) => {
                memory.holders.remove(holder);
                if !memory.holders.is_empty() {
                    return self.keep(inode, Some(memory), &mut elsewhere);
                }
                (memory.owner, memory.given)
            }
            None => (before, to),
        };
        if inode.owner() == given && owner != given {
            inode.set_owner(owner)?;
        }
        self.keep(inode, None, &mut elsewhere)
    }

    /// The memory of a file, as far as it is still true.
    fn recollect(&self, inode: &Inode, elsewhere: &HashMap<InodeId, Memory>) -> io::Result<Option<Memory>> {
        let in_file = match inode.attribute(ATTRIBUTE) {
            Ok(value) => value.and_then(|value| serde_json::from_slice(&value).ok()),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
            Err(error) => return Err(error),
        };
        let memory: Option<Memory> = in_file.or_else(|| elsewhere.get(&inode.id()).cloned());
        Ok(memory.filter(|memory| memory.given == inode.owner()).map(|mut memory| {
            if memory.boot != self.boot {
                memory.holders.clear();
                memory.boot.clone_from(&self.boot);
            }
            memory
        }))
    }

    fn keep(&self, inode: &Inode, memory: Option<Memory>, elsewhere: &mut HashMap<InodeId, Memory>) -> io::Result<()> {
        let value = memory.as_ref().map(serde_json::to_vec).transpose()?;
        // What was left in a file is taken away whatever the settings say now.
        if self.in_files || value.is_none() {
            match inode.set_attribute(ATTRIBUTE, value.as_deref()) {
                Err(error) if cannot_have_any(&error) => {}
                set => {
                    elsewhere.remove(&inode.id());
                    return set;
                }
            }
        }
        match memory {
            Some(memory) => drop(elsewhere.insert(inode.id(), memory)),
            None => drop(elsewhere.remove(&inode.id())),
        }
        Ok(())
    }
}

/// No attributes here at all, or no room for this one: many guests can have one file.
fn cannot_have_any(error: &io::Error) -> bool {
    use nix::libc::{E2BIG, EROFS};
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::StorageFull) || matches!(error.raw_os_error(), Some(E2BIG | EROFS))
}
