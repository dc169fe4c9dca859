//! Domains whose definitions are kept and never run: what ran them is gone, or is none of Lodge's business. Who brings such
//! definitions along finds them as they were, and hears at the start what to use instead.

use async_trait::async_trait;
use lodge_model::domain::{Domain, DomainType};
use lodge_model::domain_capabilities::DomainCapabilities;
use lodge_model::native::Written;

use super::{Driver, ExitReason, HypervisorView, Launch, Offer, Places, Reconnected, Started, Wanted};
use crate::error::{Error, ErrorKind, Result};

/// Types of domains that are kept, each with the reason and what to use instead.
const KEPT: &[(DomainType, &str)] = &[
    (
        DomainType::Kqemu,
        "QEMU has had no kqemu since version 0.12 of 2009: write type='kvm', or type='qemu' on a host without virtualization in its processor",
    ),
    (DomainType::Lxc, "Lodge runs virtual machines and no containers: use systemd-nspawn with machinectl, podman, or lxc itself"),
];

/// Why domains of a type are kept without ever being run; `None` for those that a hypervisor runs.
pub fn why_never_run(kind: DomainType) -> Option<String> {
    let (_, why) = KEPT.iter().find(|(kept, _)| *kept == kind)?;
    Some(format!("domains of type '{kind}' are kept and cannot be started: {why}"))
}

/// The driver of domains that are kept and never run.
#[derive(Debug, Clone, Copy)]
pub struct Kept;

fn refusal(kind: DomainType) -> Error {
    Error::new(ErrorKind::NotSupported, why_never_run(kind).unwrap_or_default())
}

#[async_trait]
impl Driver for Kept {
    fn name(&self) -> &'static str {
        "none"
    }

    fn runs(&self, kind: DomainType) -> bool {
        why_never_run(kind).is_some()
    }

    async fn complete(&self, _domain: &mut Domain) -> Result<()> {
        Ok(())
    }

    async fn start(&self, launch: Launch) -> Result<Started> {
        Err(refusal(launch.domain.kind))
    }

    async fn reconnect(&self, _launch: Launch, _record: serde_json::Value) -> Result<Reconnected> {
        Ok(Reconnected::Gone(ExitReason::Unknown))
    }

    async fn command_line(&self, domain: Domain, _places: Places) -> Result<Written> {
        Err(refusal(domain.kind))
    }

    async fn domain_capabilities(&self, wanted: Wanted) -> Result<DomainCapabilities> {
        Err(refusal(wanted.kind.unwrap_or_default()))
    }

    async fn offer(&self) -> Offer {
        Offer::default()
    }

    async fn describe(&self) -> HypervisorView {
        HypervisorView::default()
    }
}
