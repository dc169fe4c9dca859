//! What all networks of an instance use of the host.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use uuid::Uuid;

use super::addressing::Taken;
use super::backends::Surroundings;
use super::dnsmasq::Others;
use crate::error::{Error, ErrorKind, Result};
use crate::host::credentials;
use crate::host::firewalld::Firewalld;
use crate::host::netlink::{Netlink, NetlinkError};
use crate::host::nftables::NftablesError;

/// Who dnsmasq becomes, where there is such a user: the first that is there.
const USERS: [&str; 2] = ["dnsmasq", "nobody"];

/// The host, as networks see it.
#[derive(Debug, Clone)]
pub struct Host {
    /// The kernel's network.
    pub netlink: Netlink,
    /// The directory that holds one for each running network.
    directory: PathBuf,
    user: String,
    others: Others,
    firewalld: Arc<OnceLock<Firewalld>>,
}

impl Host {
    /// The host of an instance whose networks have their files below `directory`. `searchable` says whether other users get
    /// to files there by name.
    ///
    /// # Errors
    /// The kernel's network cannot be spoken to.
    pub fn new(directory: &Path, searchable: bool) -> Result<Self> {
        let own = || rustix::process::geteuid().as_raw();
        let user = match searchable {
            true => USERS.into_iter().find(|name| matches!(credentials::account(name), Ok(Some(_)))).map(str::to_owned),
            false => credentials::account_of(own()).ok().flatten().map(|account| account.name),
        };
        let others = if searchable { Others::Read } else { Others::Nothing };
        Ok(Self {
            netlink: Netlink::open()?,
            directory: directory.to_owned(),
            user: user.unwrap_or_else(|| "root".to_owned()),
            others,
            firewalld: Arc::default(),
        })
    }

    /// Where firewalld may be, if it is to be told.
    pub fn firewalld(&self) -> Option<&Firewalld> {
        self.firewalld.get()
    }

    /// Has it told from now on.
    pub fn set_firewalld(&self, firewalld: Firewalld) {
        // Said once, when the service starts.
        drop(self.firewalld.set(firewalld));
    }

    /// The directory of a network's files.
    pub fn directory(&self, uuid: Uuid) -> PathBuf {
        self.directory.join(uuid.to_string())
    }

    /// The directory of all.
    pub fn directories(&self) -> &Path {
        &self.directory
    }

    /// Who else gets to those files.
    pub fn others(&self) -> Others {
        self.others
    }

    /// What goes into a network's plan.
    pub fn surroundings<'a>(&'a self, directory: &'a Path) -> Surroundings<'a> {
        Surroundings { directory, user: &self.user }
    }

    /// What of the host's addresses is taken.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub async fn taken(&self) -> Result<Taken> {
        Ok(Taken { routes: self.netlink.routes().await?, links: self.netlink.links().await? })
    }
}

impl From<NetlinkError> for Error {
    fn from(error: NetlinkError) -> Self {
        let kind = if error.is_there_already() { ErrorKind::InUse } else { ErrorKind::HostFailed };
        Self::new(kind, error.to_string())
    }
}

impl From<NftablesError> for Error {
    fn from(error: NftablesError) -> Self {
        let kind = if matches!(error, NftablesError::Missing) { ErrorKind::NotSupported } else { ErrorKind::HostFailed };
        Self::new(kind, error.to_string())
    }
}
