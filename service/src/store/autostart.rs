//! What starts with the daemon: a symbolic link `NAME.xml` in a folder of the configuration directory for each kind, pointing
//! to the definition, such as `../domains/NAME.xml`.
//!
//! A link of that name is what counts, wherever it points: it is never followed. What a call has done is on the disk when it
//! returns.

use rustix::fs::{FileType, symlinkat};
use rustix::io::Errno;

use super::directory::Directory;
use super::{StoreError, names};

/// The links of one kind.
#[derive(Debug)]
pub struct Autostart {
    directory: Directory,
    /// The folder of the definitions.
    definitions: &'static str,
}

impl Autostart {
    pub(super) fn open(config: &Directory, folder: &str, definitions: &'static str) -> Result<Self, StoreError> {
        Ok(Self { directory: config.create_subdirectory(folder)?, definitions })
    }

    /// Whether `name` starts with the daemon. What cannot be found out is logged and taken for "no".
    pub fn is_set(&self, name: &str) -> bool {
        self.link(name).unwrap_or_else(|error| {
            tracing::warn!("cannot tell whether '{}' starts with the daemon: {error}", name.escape_debug());
            false
        })
    }

    /// Makes `name` start with the daemon, or not.
    ///
    /// # Errors
    /// [`StoreError::NotALink`] when something else has the place of the link; nothing has changed then.
    pub fn set(&self, name: &str, enabled: bool) -> Result<(), StoreError> {
        if self.link(name)? == enabled {
            return Ok(());
        }
        let file = names::xml_file(name)?;
        if enabled {
            match symlinkat(format!("../{}/{file}", self.definitions), &self.directory, &file) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(StoreError::io("create the link", self.directory.path_of(&file), error)),
            }
        } else {
            self.directory.unlink(&file)?;
        }
        self.directory.sync()
    }

    /// Gives `new` what was set for `old`, which ends up unset.
    ///
    /// # Errors
    /// Nothing has changed.
    pub fn rename(&self, old: &str, new: &str) -> Result<(), StoreError> {
        let (enabled, before) = (self.link(old)?, self.link(new)?);
        self.set(new, enabled)?;
        self.set(old, false).inspect_err(|_| {
            if let Err(undo) = self.set(new, before) {
                tracing::error!("cannot restore the autostart link: {undo}");
            }
        })
    }

    fn link(&self, name: &str) -> Result<bool, StoreError> {
        let file = names::xml_file(name)?;
        match self.directory.kind(&file)? {
            Some(FileType::Symlink) => Ok(true),
            Some(_) => Err(StoreError::NotALink { path: self.directory.path_of(&file) }),
            None => Ok(false),
        }
    }
}
