//! Native configurations: what is read becomes a domain whose document comes back, and what is written is read again.

use std::path::Path;
use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::domain::{Domain, DomainType};
use lodge_model::native::{self, Converted, Format, ReadError, WriteError, Written, xen_sxpr, xen_xl, xen_xm};
use lodge_service::error::ErrorKind;
use lodge_service::hypervisors::Places;
use lodge_service::hypervisors::qemu::complete::complete;
use lodge_service::hypervisors::qemu::input::Host;
use lodge_service::hypervisors::qemu::script::{self, Chances, assumed};

use super::documents::{comes_back, stands_in};

/// QEMU's command line.
pub fn qemu_argv(text: &str) {
    if let Some(domain) = read(Format::QemuArgv, text) {
        from_domain(&domain);
    }
}

/// Files of xm.
pub fn xen_xm(text: &str) {
    xen(Format::XenXm, xen_xm::write, text);
}

/// Files of xl.
pub fn xen_xl(text: &str) {
    xen(Format::XenXl, xen_xl::write, text);
}

/// S-expressions of xend.
pub fn xen_sxpr(text: &str) {
    xen(Format::XenSxpr, xen_sxpr::write, text);
}

type Write = fn(&Domain) -> Result<Written, WriteError>;

/// What was read and written once has a place in the format, so it stays what it is from then on.
fn xen(format: Format, write: Write, text: &str) {
    let Some(domain) = read(format, text) else { return };
    let Ok(written) = write(&domain) else { return };
    let once = read(format, &written.text).unwrap_or_else(|| panic!("what was written is not read:\n{}", written.text));
    let again = write(&once).unwrap_or_else(|error| panic!("{error}:\n{}", written.text));
    let twice = read(format, &again.text).unwrap_or_else(|| panic!("what was written is not read:\n{}", again.text));
    assert_eq!(twice.to_xml(), once.to_xml(), "\n{}\n{}", written.text, again.text);
    assert_eq!(again.warnings, Vec::<String>::new(), "\n{}\n{}", written.text, again.text);
}

/// Reads a configuration; what is told of it has its place.
fn read(format: Format, text: &str) -> Option<Domain> {
    match native::read(format, text) {
        Ok(Converted { domain, warnings }) => {
            comes_back(&domain, &domain.to_xml());
            for warning in &warnings {
                assert!(stands_in(warning.position, text) && !warning.reason.is_empty(), "{warning}");
            }
            assert!(warnings.len() <= 201, "{} warnings", warnings.len());
            Some(domain)
        }
        Err(error @ ReadError { position, .. }) => {
            assert!(stands_in(position, text) && !error.reason.is_empty(), "{error}");
            None
        }
    }
}

/// A domain in every format: written, or refused.
pub fn from_domain(domain: &Domain) {
    for write in [xen_xl::write, xen_xm::write, xen_sxpr::write] {
        let written = write(domain);
        assert!(domain.kind == DomainType::Xen || written.is_err(), "a domain of type {} was written for Xen", domain.kind);
    }
    if matches!(domain.kind, DomainType::Qemu | DomainType::Kvm) {
        completed_stays_complete(domain);
        script_is_read(domain);
    }
}

/// Numbers that look random and are the same in every run.
pub fn numbers() -> impl FnMut() -> u32 {
    let mut state = 0x9e37_79b9_u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    }
}

fn completed_stays_complete(domain: &Domain) {
    let mut completed = domain.clone();
    if complete(&mut completed, &assumed::capabilities(domain), &mut numbers()).is_ok() {
        comes_back(&completed, &completed.to_xml());
        let mut again = completed.clone();
        let outcome = complete(&mut again, &assumed::capabilities(domain), &mut numbers());
        assert_eq!(outcome, Ok(()), "{}", completed.to_xml());
        assert_eq!(again.to_xml(), completed.to_xml());
    } else {
        assert_eq!(&completed, domain, "an error has changed the definition");
    }
}

fn script_is_read(domain: &Domain) {
    let host = Host {
        capabilities: Arc::new(assumed::capabilities(domain)),
        firmware: Vec::new(),
        programs: Default::default(),
        devices: Default::default(),
    };
    let below = |folder: &str| Path::new("/by-hand").join(folder);
    let places = Places { sockets: below("sockets"), nvram: below("nvram.qcow2"), tpm: below("tpm") };
    let mut numbers = numbers();
    match script::write(domain, &places, &host, &mut Chances { random: &mut numbers, now: 1_700_000_000, vsock_cid: 3 }) {
        // What a person passes through to QEMU may be anything, even an option without its value.
        Ok(Written { text, .. }) if domain.qemu_command_line.is_none() => {
            native::read(Format::QemuArgv, &text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
        }
        Ok(_) => {}
        Err(error) => assert!(matches!(error.kind(), ErrorKind::InvalidXml | ErrorKind::NotSupported), "{error:?}"),
    }
}
