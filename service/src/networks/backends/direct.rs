//! The modes on interfaces of the host: each guest gets a macvtap interface on one of them.

use lodge_model::domain::devices::DirectMode;
use lodge_model::network::{Network, Pool};

use super::Plan;
use crate::error::{Error, ErrorKind, Result};

/// Interfaces of the host that guests share, or of which each gets one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direct {
    /// How the frames of guests are treated.
    pub mode: DirectMode,
    /// The interfaces.
    pub interfaces: Vec<String>,
}

impl Direct {
    /// The interface for another guest, given those that are used already, each as often as it is.
    ///
    /// # Errors
    /// `InUse` when each guest gets one and none is left.
    pub fn choose(&self, network: &str, used: &[String]) -> Result<&str> {
        let uses = |interface: &&String| used.iter().filter(|used| used == interface).count();
        let least = self.interfaces.iter().min_by_key(uses);
        let fits = |interface: &&String| self.mode != DirectMode::Passthrough || uses(interface) == 0;
        least.filter(fits).map(String::as_str).ok_or_else(|| {
            let reason =
                format!("all interfaces of network '{network}' are used by guests: {}; stop one of those", self.interfaces.join(", "));
            Error::new(ErrorKind::InUse, reason)
        })
    }
}

pub(super) fn plan(network: &Network, mode: DirectMode, pool: &Pool<'_, &str>) -> Result<Plan> {
    match pool {
        Pool::Listed(listed) => {
            Ok(Plan::Direct(Direct { mode, interfaces: listed.iter().map(|interface| (*interface).to_owned()).collect() }))
        }
        Pool::FunctionsOf(dev) => {
            let reason = format!(
                "network '{}' uses the functions of {dev}, which this version does not look for: write <interface dev='…'/> for each",
                network.name
            );
            Err(Error::new(ErrorKind::NotSupported, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_share_the_least_used_interface_and_have_their_own_in_passthrough() {
        let interfaces = vec!["eth0".to_owned(), "eth1".to_owned()];
        let shared = Direct { mode: DirectMode::Bridge, interfaces: interfaces.clone() };
        assert_eq!(shared.choose("a", &[]).unwrap(), "eth0");
        assert_eq!(shared.choose("a", &["eth0".to_owned()]).unwrap(), "eth1");
        assert_eq!(shared.choose("a", &interfaces).unwrap(), "eth0");
        let own = Direct { mode: DirectMode::Passthrough, interfaces: interfaces.clone() };
        assert_eq!(own.choose("a", &["eth0".to_owned()]).unwrap(), "eth1");
        assert_eq!(own.choose("a", &interfaces).unwrap_err().kind(), ErrorKind::InUse);
    }
}
