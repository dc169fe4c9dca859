//! AppArmor: a profile for each guest, which allows it what it uses and nothing else.
//!
//! In the directory of profiles there are, for a guest that runs:
//! - `lodge-UUID`, made from `TEMPLATE.qemu`, which the administrator may edit. One that is there already is taken as it
//!   is: so an administrator sets a single guest to complain mode, or allows it more.
//! - `lodge-UUID.files`, which the profile includes: the rules for what this run uses.
//!
//! Names come from the UUID, never from the guest's name. When the guest is gone its profile is removed from the kernel,
//! and both files go, but for a profile that somebody edited.

mod rules;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use lodge_model::capabilities::SecurityModel;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::seclabel::{self, Wish};
use crate::error::{Error, ErrorKind, Result};
use crate::host::apparmor;
use crate::host::attributes::{Attribute, change_on_exec};
use crate::host::process::ChildStep;
use crate::hypervisors::confine::{Confine, Confined, Label, Program, Stage, Subject};

/// The word for this model in documents and settings.
pub const MODEL: &str = "apparmor";
/// What stands in the template where the profile's name goes.
const PLACE_OF_NAME: &str = "LODGE_PROFILE";
/// The template's file.
const TEMPLATE: &str = "TEMPLATE.qemu";

/// What AppArmor is here.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory of our profiles: `/etc/apparmor.d/lodge`.
    pub directory: PathBuf,
    /// apparmor_parser(8).
    pub parser: PathBuf,
    /// Whether it confines guests whose definitions say nothing.
    pub by_default: bool,
}

/// The layer.
#[derive(Debug)]
pub struct AppArmor {
    /// `None` where it is switched off; what it did before is taken back all the same, as far as that can be.
    options: Option<Options>,
}

impl AppArmor {
    /// The layer of an instance.
    pub fn new(options: Option<Options>) -> Self {
        Self { options }
    }
}

/// What is written down of a guest's profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    /// The file of the profile, named as the profile; `None` for one that was there before.
    file: Option<PathBuf>,
    /// The parser.
    parser: PathBuf,
}

#[async_trait]
impl Confine for AppArmor {
    fn name(&self) -> &'static str {
        MODEL
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        let Some(Options { directory, parser, by_default }) = &self.options else { return Ok(None) };
        match seclabel::wish(MODEL, &guest.domain, *by_default)? {
            Wish::Nothing => Ok(None),
            Wish::Static { label, .. } => {
                let label = label.to_owned();
                let record = Record { file: None, parser: parser.clone() };
                Ok(Some(Arc::new(AppArmorConfined { label, contents: None, record })))
            }
            Wish::Dynamic { .. } => {
                let label = profile_name(guest.uuid);
                let template = read(&directory.join(TEMPLATE))?;
                if !template.contains(PLACE_OF_NAME) {
                    let message = format!("{}/{TEMPLATE} does not say {PLACE_OF_NAME}, where the profile's name goes", directory.display());
                    return Err(Error::new(ErrorKind::HostFailed, message));
                }
                let contents = Contents { profile: template.replace(PLACE_OF_NAME, &label), files: rules::of(guest)? };
                let record = Record { file: Some(directory.join(&label)), parser: parser.clone() };
                Ok(Some(Arc::new(AppArmorConfined { label, contents: Some(contents), record })))
            }
        }
    }

    fn models(&self) -> Vec<SecurityModel> {
        let model = |_: &Options| SecurityModel { model: MODEL.into(), doi: "0".into(), ..Default::default() };
        self.options.iter().map(model).collect()
    }

    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>> {
        let record: Record = serde_json::from_value(record).map_err(|error| {
            Error::new(ErrorKind::Internal, "what is written down of a guest's profile cannot be used").caused_by(error)
        })?;
        let label = record.file.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        Ok(Arc::new(AppArmorConfined { label, contents: None, record }))
    }
}

/// The profile's name: whatever a guest is called, it has no characters that mean something to AppArmor.
fn profile_name(uuid: Uuid) -> String {
    format!("lodge-{uuid}")
}

/// The files of a profile.
struct Contents {
    profile: String,
    files: String,
}

struct AppArmorConfined {
    label: String,
    /// `None` where nothing is to be written.
    contents: Option<Contents>,
    record: Record,
}

#[async_trait]
impl Confined for AppArmorConfined {
    fn record(&self) -> Value {
        serde_json::to_value(&self.record).unwrap_or_default()
    }

    async fn apply(&self) -> Result<()> {
        let (Some(file), Some(contents)) = (&self.record.file, &self.contents) else { return Ok(()) };
        write(&files_of(file), &contents.files)?;
        if !file.exists() {
            write(file, &contents.profile)?;
        }
        let loaded = apparmor::load(&self.record.parser, file).await;
        loaded.map_err(|error| Error::from(error).in_context(format_args!("cannot load the profile {}", file.display())))
    }

    fn steps(&self, _program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        let step = change_on_exec(Attribute::Apparmor, &format!("exec {}", self.label));
        let step = step.map_err(|error| Error::new(ErrorKind::InvalidXml, "the label of a guest has a zero byte").caused_by(error))?;
        Ok(vec![(Stage::Label, step)])
    }

    fn labels(&self) -> Vec<Label> {
        vec![Label { model: MODEL, label: self.label.clone(), image_label: None, relabel: self.record.file.is_some() }]
    }

    async fn release(&self) -> Result<()> {
        let Some(file) = &self.record.file else { return Ok(()) };
        let files = files_of(file);
        // Without its rules it was never loaded, or has been removed before.
        if files.exists() && file.exists() {
            let removed = apparmor::remove(&self.record.parser, file).await;
            if let Err(error) = removed {
                tracing::debug!("the profile {} was not loaded: {error}", file.display());
            }
        }
        if is_ours(file) {
            delete(file)?;
        }
        delete(&files)
    }
}

/// Whether a profile says what the template says: then nobody edited it.
fn is_ours(file: &Path) -> bool {
    let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else { return false };
    let template = std::fs::read_to_string(directory.join(TEMPLATE));
    let profile = std::fs::read_to_string(file);
    matches!((template, profile), (Ok(template), Ok(profile)) if template.replace(PLACE_OF_NAME, &name.to_string_lossy()) == profile)
}

/// The rules that a profile includes.
fn files_of(profile: &Path) -> PathBuf {
    beside(profile, "files")
}

/// A file of the same name with one more ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| failed("read", path, error))
}

/// Replaces a file in one step. The umask of the service closes it to others: it holds paths of a definition.
fn write(path: &Path, text: &str) -> Result<()> {
    let temporary = beside(path, "tmp");
    std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, path)).map_err(|error| failed("write", path, error))
}

fn delete(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

fn failed(verb: &str, path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::HostFailed, format!("cannot {verb} {}", path.display())).caused_by(error)
}

#[cfg(test)]
mod tests;
