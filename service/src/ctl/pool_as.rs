//! A pool's document from arguments, as `pool-define-as` and `pool-create-as` take them.

use clap::Args;
use lodge_model::domain::devices::{Initiator, Iqn, TypeName};
use lodge_model::encryption::SecretReference;
use lodge_model::storage_pool::{PoolAuth, PoolDevice, PoolDirectory, PoolHost, PoolSource, PoolTarget, PoolType, StoragePool};

use super::pool::Kind;

/// Arguments that describe a pool.
#[derive(Args)]
pub struct PoolAs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is made of
    #[arg(value_name = "TYPE", value_enum)]
    kind: Kind,
    /// Where the host sees the volumes
    #[arg(long, value_name = "DIRECTORY")]
    target: Option<String>,
    /// The device, or the name of the iSCSI target; may be said more than once
    #[arg(long, value_name = "DEVICE")]
    source_dev: Vec<String>,
    /// The server
    #[arg(long, value_name = "HOST")]
    source_host: Option<String>,
    /// The directory of the server
    #[arg(long, value_name = "DIRECTORY")]
    source_path: Option<String>,
    /// The volume group
    #[arg(long, value_name = "NAME")]
    source_name: Option<String>,
    /// The format of the file system or partition table
    #[arg(long, value_name = "FORMAT")]
    source_format: Option<String>,
    /// The name of this side of an iSCSI connection
    #[arg(long, value_name = "IQN")]
    source_initiator: Option<String>,
    /// The user of the server
    #[arg(long, value_name = "USER")]
    auth_username: Option<String>,
    /// How the server asks for the password: chap
    #[arg(long, value_name = "TYPE", requires = "auth_username")]
    auth_type: Option<String>,
    /// The secret with the password, by its use
    #[arg(long, value_name = "USAGE", requires = "auth_username")]
    secret_usage: Option<String>,
    /// The secret with the password, by its UUID
    #[arg(long, value_name = "UUID", requires = "auth_username", conflicts_with = "secret_usage")]
    secret_uuid: Option<uuid::Uuid>,
    /// Print the document, and do nothing
    #[arg(long)]
    pub print_xml: bool,
}

/// Arguments that say where to look for sources of pools.
#[derive(Args)]
pub struct SourcesAs {
    /// The type of the pools: logical, netfs or iscsi
    #[arg(value_name = "TYPE")]
    pub kind: String,
    /// The server
    #[arg(value_name = "HOST")]
    host: Option<String>,
    /// Its port
    #[arg(value_name = "PORT")]
    port: Option<u16>,
    /// The name of this side of an iSCSI connection
    #[arg(long, value_name = "IQN")]
    initiator: Option<String>,
}

impl SourcesAs {
    /// The document.
    pub fn document(&self) -> PoolSource {
        let host = self.host.clone().map(|name| PoolHost { name, port: self.port, ..Default::default() });
        PoolSource { hosts: host.into_iter().collect(), initiator: self.initiator.clone().map(initiator), ..Default::default() }
    }
}

impl PoolAs {
    /// The document.
    pub fn document(&self) -> StoragePool {
        let kind = match self.kind {
            Kind::Dir => PoolType::Dir,
            Kind::Fs => PoolType::Fs,
            Kind::Netfs => PoolType::Netfs,
            Kind::Disk => PoolType::Disk,
            Kind::Logical => PoolType::Logical,
            Kind::Iscsi => PoolType::Iscsi,
        };
        let target = self.target.clone().map(|path| PoolTarget { path: Some(path), ..Default::default() });
        StoragePool { kind, name: Some(self.name.clone()), source: self.source(), target, ..Default::default() }
    }

    fn source(&self) -> Option<PoolSource> {
        let host = |name: &String| PoolHost { name: name.clone(), ..Default::default() };
        let device = |path: &String| PoolDevice { path: path.clone(), ..Default::default() };
        let source = PoolSource {
            hosts: self.source_host.iter().map(host).collect(),
            devices: self.source_dev.iter().map(device).collect(),
            dir: self.source_path.clone().map(|path| PoolDirectory { path, ..Default::default() }),
            name: self.source_name.clone(),
            initiator: self.source_initiator.clone().map(initiator),
            auth: self.auth(),
            format: self.source_format.clone().map(|kind| TypeName { kind: Some(kind), ..Default::default() }),
            ..Default::default()
        };
        (source != PoolSource::default()).then_some(source)
    }

    fn auth(&self) -> Option<Box<PoolAuth>> {
        let username = self.auth_username.clone()?;
        let secret = SecretReference { uuid: self.secret_uuid, usage: self.secret_usage.clone(), ..Default::default() };
        Some(Box::new(PoolAuth {
            kind: Some(self.auth_type.clone().unwrap_or_else(|| "chap".to_owned())),
            username: Some(username),
            secret: (secret != SecretReference::default()).then_some(secret),
            ..Default::default()
        }))
    }
}

fn initiator(name: String) -> Initiator {
    Initiator { iqn: Some(Iqn { name, ..Default::default() }), ..Default::default() }
}
