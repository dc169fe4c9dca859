//! What differs between the types whose volumes are files: how the directory comes to be there.

use std::fs::File;
use std::path::Path;

use async_trait::async_trait;

use super::Files;
use crate::error::Result;
use crate::host::directory::Purpose;
use crate::storage::backends::{Backend, Contents, NewSize, NewVolume, Overwrite, Volumes};
use crate::storage::image::{Place, Report};
use crate::storage::passphrases::Passphrase;
use crate::storage::volume::Volume;

/// A place with files.
#[async_trait]
pub(in crate::storage::backends) trait Location: Send + Sync {
    /// The files.
    fn files(&self) -> &Files;

    /// Whether the kernel tells what others change.
    fn changes_are_seen(&self) -> bool {
        false
    }

    /// Whether the files stay when the pool is stopped.
    fn stays(&self) -> bool {
        false
    }

    /// Whether the files are there.
    async fn is_there(&self) -> Result<bool>;

    /// Makes the place.
    async fn make(&self, overwrite: Overwrite) -> Result<()>;

    /// Brings the files there.
    async fn attach(&self) -> Result<()>;

    /// Takes them away.
    async fn detach(&self) -> Result<()>;
}

#[async_trait]
impl<L: Location> Backend for L {
    fn target(&self) -> &Path {
        self.files().path()
    }

    fn is_watched(&self) -> bool {
        self.changes_are_seen()
    }

    fn has_images(&self) -> bool {
        true
    }

    fn is_untouched_by_stop(&self) -> bool {
        self.stays()
    }

    async fn is_active(&self) -> Result<bool> {
        self.is_there().await
    }

    async fn build(&self, overwrite: Overwrite) -> Result<()> {
        self.make(overwrite).await
    }

    async fn start(&self) -> Result<()> {
        self.attach().await
    }

    async fn refresh(&self, known: &Volumes) -> Result<Contents> {
        self.files().refresh(known).await
    }

    async fn stop(&self) -> Result<()> {
        self.detach().await
    }

    async fn delete(&self) -> Result<()> {
        self.files().delete().await
    }

    async fn create(&self, new: NewVolume, report: Report<'_>) -> Result<()> {
        self.files().create(new, report).await
    }

    async fn resize(&self, volume: &Volume, to: NewSize) -> Result<()> {
        self.files().resize(volume, to).await
    }

    async fn remove(&self, volume: &Volume) -> Result<()> {
        self.files().remove(volume).await
    }

    fn open(&self, volume: &Volume, purpose: Purpose) -> Result<File> {
        self.files().open(volume, purpose)
    }

    fn place(&self, volume: &Volume) -> Result<Place> {
        self.files().place(volume)
    }

    async fn renew(&self, volume: &Volume, passphrase: Option<Passphrase>) -> Result<()> {
        self.files().renew(volume, passphrase).await
    }
}
