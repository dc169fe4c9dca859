//! `<tpm>`: a security chip, emulated by swtpm(8) beside QEMU or passed through from the host.

use std::path::PathBuf;

use lodge_model::domain::devices::{Tpm, TpmModel, TpmSource, TpmSourceType, TpmVersion};
use uuid::Uuid;

use crate::hypervisors::qemu::alias;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::plan::{Companion, CompanionKey, Preparation};
use crate::hypervisors::qemu::props::{Options, Props};
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::resources::{Access, LabelClass};

/// Adds a TPM.
///
/// # Errors
/// A model that a PC does not have, or a back end that cannot be.
pub fn add(draft: &mut Draft<'_>, tpm: &Tpm) -> Result<(), Refusal> {
    let name = alias::of(tpm.alias.as_ref());
    let model = tpm.model.unwrap_or_default();
    if matches!(model, TpmModel::Spapr | TpmModel::SpaprProxy) {
        return Err(Refusal::invalid(format!("<tpm model='{model}'> is for PowerPC guests: use model='tpm-crb' or model='tpm-tis'")));
    }
    let id = format!("tpm-{name}");
    match tpm.backend_view()? {
        TpmSource::Passthrough { path } => {
            draft.resource(path, Access::ReadWrite, LabelClass::Device);
            draft.option("-tpmdev", Options::new("passthrough").with("id", &id).with("path", path).render());
        }
        TpmSource::External { path } => {
            draft.resource(path, Access::ReadWrite, LabelClass::Socket);
            emulator(draft, &id, name, path);
        }
        TpmSource::Emulator { version: TpmVersion::V1_2, .. } if model == TpmModel::Crb => {
            return Err(Refusal::invalid("<tpm model='tpm-crb'> cannot have version 1.2: use version='2.0', or model='tpm-tis'"));
        }
        TpmSource::Emulator { version, state, secret } => {
            let socket = swtpm(draft, name, version, state, secret)?;
            emulator(draft, &id, name, &socket.display().to_string());
        }
    }
    draft.device("<tpm>", Props::device(model.as_str()).with("tpmdev", id).with("id", name))
}

fn emulator(draft: &mut Draft<'_>, id: &str, name: &str, socket: &str) {
    let chardev = format!("chr{name}");
    draft.option("-chardev", Options::new("socket").with("id", &chardev).with("path", socket).render());
    draft.option("-tpmdev", Options::new("emulator").with("id", id).with("chardev", chardev).render());
}

fn swtpm(
    draft: &mut Draft<'_>,
    name: &str,
    version: TpmVersion,
    state: Option<(TpmSourceType, &str)>,
    secret: Option<Uuid>,
) -> Result<PathBuf, Refusal> {
    let Some(program) = draft.input.programs.swtpm.clone() else {
        return Err(Refusal::unsupported(
            "<tpm> with an emulated chip needs swtpm, which is not installed: install it (package swtpm on Debian), or take <tpm> out",
        ));
    };
    let (kind, path) = match state {
        None | Some((TpmSourceType::Unix, _)) => (TpmSourceType::Dir, draft.input.tpm.to_owned()),
        Some((kind, path)) => (kind, PathBuf::from(path)),
    };
    let state = match kind {
        TpmSourceType::File => format!("backend-uri=file://{}", path.display()),
        _ => {
            draft.prepare(Preparation::Directory(path.clone()));
            format!("dir={},mode=0600", path.display())
        }
    };
    draft.resource(&path, Access::ReadWrite, LabelClass::Tpm);
    let socket = draft.input.runtime.join(format!("{name}.sock"));
    draft.resource(&socket, Access::ReadWrite, LabelClass::Socket);
    let control = format!("type=unixio,path={},mode=0600", socket.display());
    let mut arguments: Vec<String> =
        ["socket", "--ctrl", &control, "--tpmstate", &state, "--terminate"].into_iter().map(str::to_owned).collect();
    if version == TpmVersion::V2_0 {
        arguments.push("--tpm2".to_owned());
    }
    let key = secret.and_then(|secret| key(draft, name, secret, &mut arguments));
    draft.companion(Companion { alias: name.to_owned(), program, arguments, socket: socket.clone(), key });
    Ok(socket)
}

/// Has swtpm encrypt its state (swtpm(8), `--key`). A person has the passphrase in a file, the service hands it over.
fn key(draft: &mut Draft<'_>, name: &str, secret: Uuid, arguments: &mut Vec<String>) -> Option<CompanionKey> {
    const OPTION: &str = "--key";
    const MODE: &str = ",mode=aes-256-cbc";
    if !draft.is_by_hand() {
        return Some(CompanionKey { name: secret.to_string(), owner: "<tpm>".to_owned(), option: OPTION, value: ("pwdfd=", MODE) });
    }
    let place = draft.input.runtime.join(format!("{name}.key"));
    let place = place.display();
    draft.warn(format!(
        "the value of the secret '{secret}' is not printed: write it into {place} first, without a line break and readable by you alone"
    ));
    arguments.extend([OPTION.to_owned(), format!("pwdfile={place}{MODE}")]);
    None
}
