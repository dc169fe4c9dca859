//! Makes what must be there before anything starts: directories, firmware variables.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::plan::Preparation;
use super::undo::{self, Undo};
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::{Limits, ProcessSpec, run};

/// Makes everything, in order. What was not there before is noted in `undo`.
///
/// # Errors
/// `HostFailed` or `NoSpace` with what could not be made and why.
pub async fn prepare(preparations: &[Preparation], undo: &mut Undo) -> Result<()> {
    for preparation in preparations {
        match preparation {
            Preparation::Directory(path) => directory(path, undo)?,
            Preparation::Log(path) => log(path, undo)?,
            Preparation::File { path, temporary, program, arguments } if !path.exists() => {
                // One that a killed service left.
                undo::remove(temporary);
                undo.made(temporary);
                make(program, arguments).await.map_err(|error| error.in_context(format_args!("cannot make {}", path.display())))?;
                std::fs::rename(temporary, path).map_err(|error| cannot_make(path, error))?;
                undo.made(path);
            }
            Preparation::File { .. } => {}
        }
    }
    Ok(())
}

fn directory(path: &Path, undo: &mut Undo) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| cannot_make(path, error))?;
    undo.made(path);
    Ok(())
}

fn log(path: &Path, undo: &mut Undo) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => undo.made(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(cannot_make(path, error)),
    }
    Ok(())
}

fn cannot_make(path: &Path, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::StorageFull { ErrorKind::NoSpace } else { ErrorKind::HostFailed };
    Error::new(kind, format!("cannot make {}", path.display())).caused_by(error)
}

async fn make(program: &Path, arguments: &[String]) -> Result<()> {
    let spec = ProcessSpec::new(program).arguments(arguments);
    run(spec, &[], Limits::default()).await?.require_success()?;
    Ok(())
}
