//! `vol-upload` and `vol-download`: bytes between files of the person's and volumes.

use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use clap::Args;
use lodge_dbus_interfaces::options::TransferOptions;

use super::failure::{Failure, Outcome};
use super::output::{Output, unwritten};
use super::progress;
use super::service::Service;
use super::size::Bytes;
use super::vol::{Target, find, followed};

/// Arguments of `vol-upload` and `vol-download`.
#[derive(Args)]
pub struct Transfer {
    #[command(flatten)]
    pub target: Target,
    /// The file; - is standard input or output
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// The first byte of the volume
    #[arg(long, value_name = "SIZE")]
    offset: Option<Bytes>,
    /// How many bytes
    #[arg(long, value_name = "SIZE")]
    length: Option<Bytes>,
}

/// Writes a file into a volume.
pub async fn upload(service: &Service, transfer: &Transfer, output: Output) -> Outcome {
    let path = find(service, &transfer.target.volume, transfer.target.pool.as_deref()).await?;
    let volume = service.volume_at(path).await?;
    let unreadable = |error| Failure::from(format!("cannot read {}: {error}", transfer.file.display()));
    let (source, whole) = if is_stream(&transfer.file) {
        (std::io::stdin().as_fd().try_clone_to_owned().map_err(unreadable)?, 0)
    } else {
        let file = std::fs::File::open(&transfer.file).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        (file.into(), length)
    };
    let no_wait = progress::is_shown(output);
    let options = TransferOptions {
        offset: transfer.offset.map_or(0, |Bytes(bytes)| bytes),
        length: transfer.length.map_or(whole, |Bytes(bytes)| bytes),
        no_wait,
    };
    let job = volume.upload(source.as_fd().into(), &options).await?;
    followed(service, job, no_wait, "uploading").await
}

/// Writes a volume into a file.
pub async fn download(service: &Service, transfer: &Transfer, output: Output) -> Outcome {
    let path = find(service, &transfer.target.volume, transfer.target.pool.as_deref()).await?;
    let volume = service.volume_at(path).await?;
    let target = if is_stream(&transfer.file) {
        std::io::stdout().as_fd().try_clone_to_owned().map_err(unwritten)?
    } else {
        let file = std::fs::File::create(&transfer.file);
        file.map_err(|error| format!("cannot write {}: {error}", transfer.file.display()))?.into()
    };
    let no_wait = progress::is_shown(output);
    let options = TransferOptions {
        offset: transfer.offset.map_or(0, |Bytes(bytes)| bytes),
        length: transfer.length.map_or(0, |Bytes(bytes)| bytes),
        no_wait,
    };
    let job = volume.download(target.as_fd().into(), &options).await?;
    followed(service, job, no_wait, "downloading").await
}

fn is_stream(file: &Path) -> bool {
    file.as_os_str() == "-"
}
