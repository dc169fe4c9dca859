//! The driver's side of confinement: what it tells of a guest, the steps its programs begin with, and the labels in the
//! document of the running guest.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lodge_model::domain::Domain;
use lodge_model::domain::seclabel::{Seclabel, SeclabelType};
use lodge_model::xml::YesNo;
use tokio::net::UnixStream;

use super::plan::LaunchPlan;
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::ChildStep;
use crate::host::{selinux, sockets};
use crate::hypervisors::Launch;
use crate::hypervisors::confine::{Confine, Confined, Label, Program, Subject, in_order};

/// The directory of a run, below [`Launch::runtime`], in which the guest's programs make their sockets. What the service
/// itself keeps stands beside it, where the guest's user may not write.
pub const SOCKETS: &str = "sockets";

/// Decides how a guest is confined. Changes nothing.
///
/// # Errors
/// The guest cannot be confined as configured.
pub async fn decide(confine: &dyn Confine, launch: &Launch, plan: &LaunchPlan) -> Result<Option<Arc<dyn Confined>>> {
    let mut programs = vec![plan.program.clone()];
    programs.extend(plan.companions.iter().map(|companion| companion.program.clone()));
    let subject = Subject {
        domain: launch.domain.clone(),
        uuid: launch.uuid,
        id: launch.id,
        runtime: launch.runtime.join(SOCKETS),
        log: launch.log.clone(),
        programs,
        resources: plan.resources.clone(),
    };
    confine.plan(&subject).await
}

/// What a new process of the guest does first, in order.
///
/// # Errors
/// The steps cannot be made.
pub fn steps(confined: Option<&dyn Confined>, program: Program) -> Result<Vec<ChildStep>> {
    Ok(in_order(confined.map(|confined| confined.steps(program)).transpose()?.unwrap_or_default()))
}

/// Listens on a socket for the guest's programs, with the label that its confinement asks for.
///
/// # Errors
/// The socket cannot be made, or not with that label.
pub fn listen(path: &Path, confined: Option<&dyn Confined>) -> Result<OwnedFd> {
    let Some(label) = confined.and_then(Confined::socket_label) else { return Ok(sockets::listen(path)?) };
    Ok(selinux::with_socket_label(label, || sockets::listen(path)).map_err(|error| unlabelled(label, error))??)
}

/// Connects to a socket that the guest's programs listen on. Their end of a connection has the level of ours (Linux,
/// security/selinux/hooks.c, `selinux_socket_unix_stream_connect`), so ours has the guest's level: at that of a service with
/// categories they could not use it.
///
/// # Errors
/// It cannot be connected to, or not with that label.
pub async fn connect(path: &Path, confined: Option<&dyn Confined>) -> Result<UnixStream> {
    let Some(guest) = confined.and_then(Confined::socket_label) else { return Ok(sockets::connect(path).await?) };
    let label = &selinux::own_context_at_level_of(guest).map_err(|error| unlabelled(guest, error))?;
    let mut connecting = pin!(sockets::connect(path));
    // The label is that of sockets which this thread makes, and the next step may be on another thread.
    let step = |context: &mut Context<'_>| match selinux::with_socket_label(label, || connecting.as_mut().poll(context)) {
        Ok(polled) => polled.map_err(Error::from),
        Err(error) => Poll::Ready(Err(unlabelled(label, error))),
    };
    poll_fn(step).await
}

fn unlabelled(label: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::HostFailed, format!("cannot make sockets with the label {label}")).caused_by(error)
}

/// Writes the labels into the document of the running guest, as libvirt does.
pub fn write_labels(live: &mut Domain, labels: &[Label]) {
    for Label { model, label, image_label, relabel } in labels {
        let place = live.seclabels.iter().position(|seclabel| seclabel.model.as_deref() == Some(model));
        // One without a model means the host's first security module: the one that is not about owners.
        let unnamed = || live.seclabels.iter().position(|seclabel| seclabel.model.is_none() && *model != "dac");
        let place = place.or_else(unnamed).unwrap_or_else(|| {
            live.seclabels.push(Seclabel::default());
            live.seclabels.len() - 1
        });
        let seclabel = &mut live.seclabels[place];
        seclabel.kind.get_or_insert(SeclabelType::Dynamic);
        seclabel.model = Some((*model).to_owned());
        seclabel.relabel = Some(YesNo(*relabel));
        seclabel.label = Some(label.clone());
        seclabel.image_label.clone_from(image_label);
    }
}

/// Makes the directory for sockets anew: what is in it is of a run that is over.
///
/// # Errors
/// It cannot be made.
pub fn make_directory(path: &Path) -> io::Result<()> {
    super::undo::remove(path);
    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(path)
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    #[test]
    fn labels_are_written_where_the_document_has_a_place_for_them() {
        let dac = Label { model: "dac", label: "+1:+2".into(), image_label: Some("+1:+2".into()), relabel: true };
        let selinux = Label { model: "selinux", label: "a:b:c:s0".into(), image_label: None, relabel: false };
        let (dac_xml, selinux_xml) = (
            "<seclabel type=\"dynamic\" model=\"dac\" relabel=\"yes\"><label>+1:+2</label><imagelabel>+1:+2</imagelabel></seclabel>",
            "<seclabel type=\"static\" model=\"selinux\" relabel=\"no\"><label>a:b:c:s0</label></seclabel>",
        );
        let table = [
            ("", vec![dac.clone()], dac_xml.to_owned()),
            ("<seclabel type='static' relabel='no'><label>x</label></seclabel>", vec![dac, selinux], format!("{selinux_xml}{dac_xml}")),
        ];
        for (written, labels, expected) in table {
            let xml = format!("<domain type='qemu'><name>a</name><memory>1</memory><os><type>hvm</type></os>{written}</domain>");
            let (mut domain, _) = Domain::parse(&xml).unwrap();
            write_labels(&mut domain, &labels);
            let text: String = domain.to_xml().lines().map(str::trim).collect();
            assert!(text.replace('\'', "\"").contains(&expected), "{text}");
        }
    }
}
