//! Zones of firewalld for our bridges: a bridge in no zone is in the default one, which refuses what guests need.
//!
//! What the zones let through stands in the files that are installed with the service (`firewalld/`). A definition may name another
//! zone; then firewalld has to run and to have it.

use crate::error::{Error, ErrorKind, Result};
use crate::host::firewalld::{Firewalld, FirewalldError};

/// The zone of guests that others do not reach: isolated ones and those behind the host.
pub const GUARDED: &str = "lodge";
/// The zone of guests that others reach.
pub const ROUTED: &str = "lodge-routed";

/// A zone for a bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// Whether the definition asks for it.
    pub said: bool,
}

impl Zone {
    /// One that the definition does not name.
    pub fn usual(name: &str) -> Self {
        Self { name: name.to_owned(), said: false }
    }

    /// One that the definition asks for.
    pub fn said(name: &str) -> Self {
        Self { name: name.to_owned(), said: true }
    }
}

/// Refuses a network whose zone there is not.
///
/// # Errors
/// `NotSupported` when a zone is asked for and firewalld does not run, `NotFound` when it has no such zone.
pub async fn check(firewalld: Option<&Firewalld>, network: &str, zone: &Zone) -> Result<()> {
    if !zone.said {
        return Ok(());
    }
    let zones = match firewalld {
        Some(firewalld) => firewalld.zones().await?,
        None => None,
    };
    refuse(network, &zone.name, zones.as_deref())
}

fn refuse(network: &str, zone: &str, zones: Option<&[String]>) -> Result<()> {
    match zones {
        Some(zones) if zones.iter().any(|there| there == zone) => Ok(()),
        Some(zones) => {
            let reason = format!(
                "firewalld has no zone '{zone}' for network '{network}', but {}; correct <bridge zone='…'/>, or make it: firewall-cmd \
                 --permanent --new-zone={zone}",
                zones.join(", ")
            );
            Err(Error::new(ErrorKind::NotFound, reason))
        }
        None => {
            let reason = format!(
                "network '{network}' is to be in the zone '{zone}' of firewalld, which does not run: systemctl start firewalld, or take zone out \
                 of <bridge>"
            );
            Err(Error::new(ErrorKind::NotSupported, reason))
        }
    }
}

/// Puts a bridge into its zone where firewalld runs; answers whether it is in one now. Of a zone that nobody asked for and that
/// is not there, guests may be cut off, which is told elsewhere.
///
/// # Errors
/// firewalld refuses.
pub async fn bind(firewalld: Option<&Firewalld>, bridge: &str, zone: &Zone) -> Result<bool> {
    let Some(firewalld) = firewalld else { return Ok(false) };
    let is_there = zone.said || firewalld.zones().await?.is_some_and(|zones| zones.contains(&zone.name));
    if !is_there {
        return Ok(false);
    }
    Ok(firewalld.bind(&zone.name, bridge).await?)
}

/// Takes a bridge out of its zone.
///
/// # Errors
/// firewalld refuses.
pub async fn unbind(firewalld: Option<&Firewalld>, bridge: &str) -> Result<()> {
    match firewalld {
        Some(firewalld) => Ok(firewalld.unbind(bridge).await?),
        None => Ok(()),
    }
}

impl From<FirewalldError> for Error {
    fn from(error: FirewalldError) -> Self {
        Self::new(ErrorKind::HostFailed, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_asked_for_has_to_be_there() {
        let zones = ["home".to_owned(), "public".to_owned()];
        assert!(refuse("a", "home", Some(&zones)).is_ok());
        let unknown = refuse("a", "lab", Some(&zones)).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NotFound);
        assert!(unknown.to_string().contains("no zone 'lab' for network 'a', but home, public"), "{unknown}");
        let absent = refuse("a", "home", None).unwrap_err();
        assert_eq!(absent.kind(), ErrorKind::NotSupported);
        assert!(absent.to_string().contains("systemctl start firewalld"), "{absent}");
    }
}
