//! Domain documents from and to hypervisors' own configurations.
//!
//! Reading and the formats of Xen are the model's; QEMU's command line is its driver's, which plans it as a start.
//!
//! Invariants: nothing is stored or started, and no hypervisor need be installed. What a conversion cannot carry over is in
//! a warning.

use lodge_model::document::Document as _;
use lodge_model::domain::{Domain, DomainType};
use lodge_model::native::{self, Format, WriteError, Written, xen_sxpr, xen_xl, xen_xm};
use lodge_model::xml::Value as _;
use uuid::Uuid;

use super::engine::{Draft, Engine};
use super::volumes;
use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::Places;

/// Reads a configuration. What keeps the domain from being defined as it is becomes a warning: who converts means to
/// change the document anyway.
///
/// # Errors
/// `NotSupported` for a format that is not known, `InvalidArgument` with the place for text that is not of the format.
pub fn read(format: &str, config: &str) -> Result<Draft> {
    let format = known(format)?;
    let converted = native::read(format, config)
        .map_err(|error| Error::new(ErrorKind::InvalidArgument, format!("this cannot be read as {format}: {error}")))?;
    let mut warnings: Vec<_> = converted.warnings.iter().map(ToString::to_string).collect();
    if let Err(problems) = converted.domain.validate() {
        warnings.extend(problems.iter().map(|problem| format!("before it can be defined: {problem}")));
    }
    Ok(Draft { domain: converted.domain, warnings })
}

fn known(format: &str) -> Result<Format> {
    Format::parse(format).ok_or_else(|| {
        let known: Vec<_> = Format::ALL.iter().map(|format| format.as_str()).collect();
        Error::new(ErrorKind::NotSupported, format!("there is no format '{format}'; use one of {}", known.join(", ")))
    })
}

impl Engine {
    /// Writes a document as a configuration.
    ///
    /// # Errors
    /// `NotSupported` for a format that is not known or cannot say what the document says, and those of
    /// [`Driver::complete`](crate::hypervisors::Driver::complete).
    pub async fn to_native(&self, format: &str, draft: Draft) -> Result<Written> {
        let format = known(format)?;
        let Draft { domain, warnings } = self.with_known_uuid(draft);
        let refuse = |error: WriteError| Error::new(ErrorKind::NotSupported, error.to_string());
        let written = match format {
            Format::QemuArgv => self.command_line(domain).await?,
            Format::XenXm => xen_xm::write(&domain).map_err(refuse)?,
            Format::XenXl => xen_xl::write(&domain).map_err(refuse)?,
            Format::XenSxpr => xen_sxpr::write(&domain).map_err(refuse)?,
        };
        Ok(Written { text: written.text, warnings: warnings.into_iter().chain(written.warnings).collect() })
    }

    async fn command_line(&self, mut domain: Domain) -> Result<Written> {
        if !matches!(domain.kind, DomainType::Qemu | DomainType::Kvm) {
            let sentence = format!(
                "domain '{}' is of type '{}', and {} is for the types qemu and kvm: change <domain type='…'>, or choose another format",
                domain.name,
                domain.kind,
                Format::QemuArgv
            );
            return Err(Error::new(ErrorKind::NotSupported, sentence));
        }
        // What no started pool has stays as it is, and is refused with a sentence of the planner's.
        drop(volumes::resolve(&mut domain, &self.storage));
        domain.id = None;
        let uuid = *domain.uuid.get_or_insert_with(Uuid::new_v4);
        let sockets = self.store.layout().state.join("by-hand").join(&domain.name);
        let places = Places { sockets, nvram: self.nvram(uuid), tpm: self.tpm(uuid) };
        self.driver_of(&domain)?.command_line(domain, places).await
    }
}
