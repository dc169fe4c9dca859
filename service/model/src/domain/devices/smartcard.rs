//! Smart cards of the guest.

use super::address::Address;
use super::chardev::{ChardevSource, ChardevSourceElement, ChardevType, Log, Protocol};
use super::parts::{Acpi, Alias};
use super::problem::Problem;
use crate::{element, keywords};

keywords! {
    /// Where a smart card is.
    pub enum SmartcardMode {
        /// In the host's reader.
        Host = "host",
        /// Made from certificates of the host.
        HostCertificates = "host-certificates",
        /// At the other end of a character device.
        Passthrough = "passthrough",
    }
}

element! {
    /// A smart card: `<smartcard>`.
    pub struct Smartcard {
        /// Where it is.
        required "mode" mode: SmartcardMode,
        /// What is at the other end, of mode passthrough.
        attr "type" kind: Option<ChardevType>,
        /// Where the bytes go.
        children "source" sources: Vec<ChardevSourceElement>,
        /// What is spoken on a TCP connection.
        child "protocol" protocol: Option<Protocol>,
        /// A copy of the traffic.
        child "log" log: Option<Log>,
        /// Names of three certificates.
        leaves "certificate" certificates: Vec<String>,
        /// Absolute path of the directory with the certificates.
        leaf "database" database: Option<String>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

/// Where a smart card is, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum SmartcardSource<'a> {
    /// In the host's reader.
    Host,
    /// Made from certificates of the host.
    Certificates {
        /// Names of the three certificates.
        certificates: [&'a str; 3],
        /// Absolute path of their directory; `/etc/pki/nssdb` when left out.
        database: &'a str,
    },
    /// At the other end of a character device.
    Passthrough(ChardevSource<'a>),
}

impl Smartcard {
    /// Where it is.
    ///
    /// # Errors
    /// Part of what the mode asks for is missing.
    pub fn source_view(&self) -> Result<SmartcardSource<'_>, Problem> {
        match self.mode {
            SmartcardMode::Host => Ok(SmartcardSource::Host),
            SmartcardMode::HostCertificates => match self.certificates.as_slice() {
                [first, second, third] => Ok(SmartcardSource::Certificates {
                    certificates: [first, second, third],
                    database: self.database.as_deref().unwrap_or("/etc/pki/nssdb"),
                }),
                others => {
                    let count = others.len();
                    Err(Problem(format!("<smartcard> of mode 'host-certificates' needs three <certificate> elements; there are {count}")))
                }
            },
            SmartcardMode::Passthrough if self.kind.is_none() => {
                Err(Problem::new("<smartcard> of mode 'passthrough' needs the attribute type='…', such as 'spicevmc'"))
            }
            SmartcardMode::Passthrough => {
                ChardevSource::of("smartcard", self.kind, &self.sources, self.protocol.as_ref()).map(SmartcardSource::Passthrough)
            }
        }
    }
}
