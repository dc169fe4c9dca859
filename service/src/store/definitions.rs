//! The definitions of the objects of a kind: one file `NAME.xml` for each, in a folder of the configuration directory.
//!
//! - The name of the file is the name of the object; that of a secret is its UUID.
//! - At every moment, and after a crash at any moment, each definition is there as it was or as it shall be.
//! - What a call has done is on the disk when it returns.
//!
//! The text is kept as it is given; what it means is not known here.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;

use rustix::fs::FileType;

use super::atomic::{self, Durability};
use super::directory::Directory;
use super::{Loaded, StoreError, names};

/// Largest definition that is read, in bytes. The largest real ones, with hundreds of devices, have some 100 KiB.
pub const MAX_DEFINITION_BYTES: u64 = 4 << 20;

/// The definitions of one kind.
#[derive(Debug)]
pub struct Definitions {
    directory: Directory,
}

impl Definitions {
    /// Opens the directory and removes what interrupted writes left in it. The caller holds the lock.
    pub(super) fn open(config: &Directory, folder: &str) -> Result<Self, StoreError> {
        let directory = config.create_subdirectory(folder)?;
        atomic::sweep(&directory)?;
        Ok(Self { directory })
    }

    /// Every definition by the name its file gives it, in byte order of the names. One that cannot be read is reported in its
    /// place and does not stop the others. Files without the extension `.xml` are left alone.
    ///
    /// The text may carry another name than the file after a crash within [`rename`](Self::rename): the file's name counts.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn load_all(&self) -> Result<Loaded<String, String>, StoreError> {
        let mut definitions = Vec::new();
        for entry in self.directory.entries()? {
            let path = Path::new(&entry);
            if let (Some(stem), Some("xml")) = (path.file_stem(), path.extension().and_then(OsStr::to_str)) {
                definitions.push((stem.to_string_lossy().into_owned(), self.load(&entry, stem)));
            }
        }
        // By name: files sort differently, '-' being less than the '.' of the extension.
        definitions.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(definitions)
    }

    /// Makes `xml` the definition of `name`, which may be new.
    ///
    /// # Errors
    /// The former definition stays in place.
    pub fn save(&self, name: &str, xml: &str) -> Result<(), StoreError> {
        let file = names::xml_file(name)?;
        self.check_size(&file, xml)?;
        atomic::write(&self.directory, &file, xml.as_bytes(), Durability::Durable)
    }

    /// Removes the definition of `name`. One that is gone already, say by hand, is no error.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let file = names::xml_file(name)?;
        match self.directory.unlink(&file)? {
            true => self.directory.sync(),
            false => Ok(()),
        }
    }

    /// Makes `xml`, which carries the new name, the definition of `new` in place of that of `old`.
    ///
    /// At every moment exactly one of the two files exists. Power failing between the two renames leaves the old text under
    /// the new name.
    ///
    /// # Errors
    /// Nothing has changed: `old` is not defined, `new` is, or the disk refused.
    pub fn rename(&self, old: &str, new: &str, xml: &str) -> Result<(), StoreError> {
        let (old, new) = (names::xml_file(old)?, names::xml_file(new)?);
        self.check_size(&new, xml)?;
        match self.directory.kind(&old)? {
            Some(FileType::RegularFile) => {}
            Some(_) => return Err(StoreError::NotAFile { path: self.directory.path_of(&old) }),
            None => return Err(StoreError::NotFound { path: self.directory.path_of(&old) }),
        }
        // Everything that takes space happens before the first visible step.
        let temporary = atomic::prepare(&self.directory, &new, Durability::Durable, |file| file.write_all(xml.as_bytes()))?;
        if let Err(error) = self.directory.rename(&old, &new) {
            atomic::discard(&self.directory, &temporary);
            return Err(error);
        }
        if let Err(error) = self.directory.replace(&temporary, &new) {
            if let Err(undo) = self.directory.rename(&new, &old) {
                tracing::error!("the definition stays under its new name with its old text: {undo}");
            }
            atomic::discard(&self.directory, &temporary);
            return Err(error);
        }
        self.directory.sync()
    }

    fn load(&self, file: &OsStr, stem: &OsStr) -> Result<String, StoreError> {
        let path = || self.directory.path_of(file);
        names::check(stem.to_str().ok_or_else(|| StoreError::InvalidName {
            name: stem.to_string_lossy().into_owned(),
            reason: "the name of its file is not UTF-8",
        })?)?;
        let bytes = self.directory.read(file, MAX_DEFINITION_BYTES)?;
        String::from_utf8(bytes).map_err(|error| StoreError::NotText { path: path(), offset: error.utf8_error().valid_up_to() })
    }

    /// What could not be read again is not written.
    fn check_size(&self, file: &str, xml: &str) -> Result<(), StoreError> {
        match xml.len() as u64 > MAX_DEFINITION_BYTES {
            true => Err(StoreError::TooLarge { path: self.directory.path_of(file), limit: MAX_DEFINITION_BYTES }),
            false => Ok(()),
        }
    }
}
