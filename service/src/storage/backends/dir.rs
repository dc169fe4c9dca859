//! A directory of the host. There is nothing to do for it but to look.

use async_trait::async_trait;
use lodge_model::permissions::Permissions;
use lodge_model::storage_pool::{PoolView, StoragePool};

use super::files::{Files, Location};
use super::{Host, Overwrite};
use crate::error::{Error, ErrorKind, Result};

/// A pool of the type `dir`.
pub struct Dir {
    files: Files,
    permissions: Option<Permissions>,
}

impl Dir {
    /// The pool that a document describes.
    ///
    /// # Errors
    /// The document has problems.
    pub fn new(pool: &StoragePool, host: &Host) -> Result<Self> {
        match pool.view() {
            Ok(PoolView::Dir { path }) => Ok(Self { files: Files::new(path, host), permissions: permissions(pool) }),
            other => Err(unfit(other)),
        }
    }
}

/// Owner and mode of the directory, if the document says them.
pub(super) fn permissions(pool: &StoragePool) -> Option<Permissions> {
    pool.target.as_ref()?.permissions.clone()
}

/// A document that is not of the type that it was taken for, or has problems.
pub(super) fn unfit(view: Result<PoolView<'_>, Vec<lodge_model::document::Problem>>) -> Error {
    match view {
        Ok(_) => Error::new(ErrorKind::Internal, "a pool was taken for one of another type"),
        Err(problems) => Error::of_problems(ErrorKind::InvalidXml, &problems),
    }
}

/// Refuses to format where there is nothing that could be.
pub(super) fn nothing_to_format(overwrite: Overwrite, kind: &str) -> Result<()> {
    match overwrite {
        Overwrite::Nothing => Ok(()),
        _ => Err(Error::new(
            ErrorKind::InvalidOption,
            format!("a pool of the type '{kind}' is not formatted; leave the option overwrite out"),
        )),
    }
}

#[async_trait]
impl Location for Dir {
    fn files(&self) -> &Files {
        &self.files
    }

    fn changes_are_seen(&self) -> bool {
        true
    }

    fn stays(&self) -> bool {
        true
    }

    async fn is_there(&self) -> Result<bool> {
        Ok(self.files.is_there().await)
    }

    async fn make(&self, overwrite: Overwrite) -> Result<()> {
        nothing_to_format(overwrite, "dir")?;
        self.files.build(self.permissions.as_ref()).await
    }

    async fn attach(&self) -> Result<()> {
        self.files.require().await
    }

    async fn detach(&self) -> Result<()> {
        Ok(())
    }
}
