//! A target of iSCSI, which open-iscsi logs the host into. Its units are volumes, found by the links that udev makes.
//!
//! - Units are the target's to make, resize and remove; here they are only used.
//! - Of what the server has, only the target gets a record, under the name that the pool has for the server. It is removed with the
//!   logout, and when no login comes about.
//! - The password of CHAP goes into that record, which only root can read, and never onto a command line (iscsiadm(8) takes it
//!   there only).

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use lodge_model::encryption::SecretReference;
use lodge_model::storage_pool::{PoolView, StoragePool};

use super::blocks::{TakeBack, Undoing};
use super::dir::{nothing_to_format, unfit};
use super::{Backend, Contents, Host, NewSize, NewVolume, Overwrite, Volumes, blocking, blocks, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::Purpose;
use crate::host::process::Exit;
use crate::storage::image::{Place, Report};
use crate::storage::modules;
use crate::storage::passphrases::Passphrase;
use crate::storage::tool::Tool;
use crate::storage::volume::Volume;

/// The port of targets (RFC 7143).
const PORT: u16 = 3260;
/// Where open-iscsi keeps the records of nodes, by distribution.
const RECORDS: [&str; 2] = ["/etc/iscsi/nodes", "/var/lib/iscsi/nodes"];
/// iscsiadm's exit status for "there is no such session or record" (iscsiadm(8)).
const NO_OBJECTS: i32 = 21;
/// The one for a login that the target refuses (iscsiadm(8)).
const NOT_AUTHORIZED: i32 = 24;

/// A pool of the type `iscsi`.
pub struct Iscsi {
    target: PathBuf,
    portal: String,
    name: String,
    initiator: Option<String>,
    credentials: Option<(String, SecretReference)>,
    host: Host,
    undoing: Arc<Undoing>,
}

impl Iscsi {
    /// The pool that a document describes.
    ///
    /// # Errors
    /// The document has problems.
    pub fn new(pool: &StoragePool, host: &Host) -> Result<Self> {
        match pool.view() {
            Ok(PoolView::Iscsi { target, path }) => Ok(Self {
                target: path.into(),
                portal: portal(&target.host.name, target.host.port),
                name: target.name.to_owned(),
                initiator: target.initiator.map(str::to_owned),
                credentials: target.auth.map(|auth| (auth.username.to_owned(), auth.secret.clone())),
                host: host.clone(),
                undoing: Arc::default(),
            }),
            other => Err(unfit(other)),
        }
    }

    /// Arguments that name the node, behind the mode.
    fn node(&self) -> [&str; 6] {
        ["--mode", "node", "--targetname", &self.name, "--portal", &self.portal]
    }

    async fn has_session(&self) -> Result<bool> {
        let output = Tool::new("iscsiadm").args(["--mode", "session"]).run().await?;
        // "tcp: [1] 192.0.2.1:3260,1 iqn.2013-06.com.example:disks (non-flash)"
        Ok(String::from_utf8_lossy(&output.stdout).lines().any(|line| line.split_whitespace().any(|word| word == self.name)))
    }

    /// Fails unless the server has the target.
    async fn discover(&self, through: &[&str]) -> Result<()> {
        // Not persistent: a record of everything that the server has would be logged into by whoever logs into all of them.
        let discovery = ["--mode", "discovery", "--type", "sendtargets", "--portal", &self.portal, "--op", "nonpersistent"];
        let found = Tool::new("iscsiadm").args(discovery).args(through).done().await.map_err(|error| {
            let message = format!("cannot ask {} for its targets", self.portal);
            Error::new(error.kind(), message).caused_by(error)
        })?;
        // "192.0.2.1:3260,1 iqn.2013-06.com.example:disks"
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        let targets: Vec<_> = found.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        if targets.contains(&self.name.as_str()) {
            return Ok(());
        }
        let message = format!("{} has no target '{}'; write one of those it has into <device path='…'/>", self.portal, self.name);
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// Makes the host's record of the node and logs in. No record stays unless that succeeds.
    async fn log_in(&self, through: &[&str]) -> Result<()> {
        Tool::new("iscsiadm").args(self.node()).args(through).args(["--op", "new"]).done().await?;
        let undo = [["--logout"].as_slice(), &["--op", "delete"]].map(|what| Tool::new("iscsiadm").args(self.node()).args(what));
        let take_back = TakeBack::new(&self.undoing, format!("the record of target '{}'", self.name), undo.into());
        let logged_in = self.use_record(through).await;
        match logged_in {
            Ok(()) => take_back.keep(),
            Err(_) => {
                drop(take_back);
                self.undoing.settle().await;
            }
        }
        logged_in
    }

    /// Logs in as the host's record of the node says, after completing that.
    async fn use_record(&self, through: &[&str]) -> Result<()> {
        self.authenticate().await?;
        // Logging in with the host is the pool's affair, not that of every start of the host.
        let manual = ["--op", "update", "--name", "node.startup", "--value", "manual"];
        Tool::new("iscsiadm").args(self.node()).args(manual).done().await?;
        // It gives up by itself; when it were killed, iscsid(8) would go on.
        let login = Tool::new("iscsiadm").args(self.node()).args(through).args(["--login"]).patiently().run().await?;
        if login.exit == Exit::Code(NOT_AUTHORIZED) {
            let next = match &self.credentials {
                Some((user, _)) => format!("check that user '{user}' has the password there that its secret has here"),
                None => "write a user and a secret into <auth>".to_owned(),
            };
            return Err(Error::new(ErrorKind::HostFailed, format!("target '{}' of {} refuses the login; {next}", self.name, self.portal)));
        }
        login.require_success().map(drop).map_err(crate::storage::tool::error)
    }

    /// Writes the credentials into the record of the node.
    async fn authenticate(&self) -> Result<()> {
        let Some((username, reference)) = &self.credentials else { return Ok(()) };
        let value = self.host.secrets.value("iscsi", reference).await?;
        let refused = || Error::new(ErrorKind::InvalidArgument, "a user or password of CHAP has a line end in it; set another one");
        let password = String::from_utf8(value.0.to_vec()).map_err(|_| refused())?;
        if username.contains(['\n', '\r']) || password.contains(['\n', '\r']) {
            return Err(refused());
        }
        let directory = self.name.clone();
        let settings = [
            ("node.session.auth.authmethod", "CHAP".to_owned()),
            ("node.session.auth.username", username.clone()),
            ("node.session.auth.password", password),
        ];
        blocking(move || {
            let records = RECORDS.iter().map(|records| Path::new(records).join(&directory)).find(|path| path.is_dir());
            let Some(records) = records else {
                return Err(Error::new(ErrorKind::HostFailed, format!("open-iscsi has no record of target '{directory}'")));
            };
            for record in files_below(&records) {
                set_in_record(&record, &settings).map_err(|error| failed(format_args!("write {}", record.display()), error))?;
            }
            Ok(())
        })
        .await
    }
}

/// An interface of open-iscsi that has the initiator's name. It stays: pools with the same initiator have it in common.
///
/// # Errors
/// Those of iscsiadm.
pub async fn interface(initiator: &str) -> Result<String> {
    let name = format!("lodge-{:016x}", short_hash(initiator));
    let iface = ["--mode", "iface", "--interface", &name];
    let made = Tool::new("iscsiadm").args(iface).args(["--op", "new"]).run().await?;
    tracing::debug!("interface {name}: {}", made.exit);
    let set = ["--op", "update", "--name", "iface.initiatorname", "--value", initiator];
    Tool::new("iscsiadm").args(iface).args(set).done().await?;
    Ok(name)
}

/// Address and port as iscsiadm has them.
pub fn portal(server: &str, port: Option<u16>) -> String {
    let port = port.filter(|port| *port != 0).unwrap_or(PORT);
    if server.contains(':') && !server.starts_with('[') { format!("[{server}]:{port}") } else { format!("{server}:{port}") }
}

/// A number that stays the same for the same text (FNV-1a).
fn short_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The records of a target: one file for each portal and interface.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => files_below(&path),
                Ok(kind) if kind.is_file() => vec![path],
                _ => Vec::new(),
            }
        })
        .collect()
}

/// Sets lines `KEY = VALUE` of a record, in one step.
fn set_in_record(path: &Path, settings: &[(&str, String)]) -> std::io::Result<()> {
    let text = std::fs::read_to_string(path)?;
    let is_set = |line: &&str| settings.iter().any(|(key, _)| line.split('=').next().is_some_and(|word| word.trim() == *key));
    let mut lines: Vec<String> = text.lines().filter(|line| !is_set(line)).map(str::to_owned).collect();
    let end = lines.iter().position(|line| line.trim() == "# END RECORD").unwrap_or(lines.len());
    lines.splice(end..end, settings.iter().map(|(key, value)| format!("{key} = {value}")));
    let temporary = path.with_extension("lodge");
    drop(std::fs::remove_file(&temporary));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all((lines.join("\n") + "\n").as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

/// The number of the unit that a link of udev leads to: `ip-ADDRESS:PORT-iscsi-TARGET-lun-NUMBER` (persistent names of udev).
fn unit(link: &str, target: &str) -> Option<u32> {
    let (_, rest) = link.split_once("-iscsi-")?;
    rest.strip_prefix(target)?.strip_prefix("-lun-")?.parse().ok()
}

fn belongs_to_target() -> Error {
    Error::new(
        ErrorKind::NotSupported,
        "units of an iSCSI target are made, resized and removed on its server; do it there and refresh the pool",
    )
}

#[async_trait]
impl Backend for Iscsi {
    fn target(&self) -> &Path {
        &self.target
    }

    async fn is_active(&self) -> Result<bool> {
        self.has_session().await
    }

    async fn build(&self, overwrite: Overwrite) -> Result<()> {
        nothing_to_format(overwrite, "iscsi")
    }

    async fn start(&self) -> Result<()> {
        if self.has_session().await? {
            return Ok(());
        }
        modules::load("iscsi_tcp").await;
        let interface = match &self.initiator {
            Some(initiator) => Some(interface(initiator).await?),
            None => None,
        };
        let through: Vec<&str> = interface.iter().flat_map(|interface| ["--interface", interface]).collect();
        self.discover(&through).await?;
        self.log_in(&through).await
    }

    async fn refresh(&self, _: &Volumes) -> Result<Contents> {
        let rescan = Tool::new("iscsiadm").args(self.node()).args(["--rescan"]).run().await?;
        tracing::debug!("looked for units of {}: {}", self.name, rescan.exit);
        // The kernel has the units now; udev makes their links meanwhile.
        blocks::settle().await;
        let (target, name, host) = (self.target.clone(), self.name.clone(), self.host.clone());
        blocking(move || {
            let mut contents = Contents::default();
            let links = std::fs::read_dir(&target).map_err(|error| failed(format_args!("list {}", target.display()), error))?;
            for link in links.flatten() {
                let Some(number) = link.file_name().to_str().and_then(|link| unit(link, &name)) else { continue };
                let path = link.path().to_string_lossy().into_owned();
                match blocks::size(&path) {
                    Ok(size) => {
                        contents.capacity = contents.capacity.saturating_add(size);
                        let volume = format!("unit:0:0:{number}");
                        contents.volumes.insert(volume.clone(), blocks::volume(&volume, &path, size, &host.secrets).into());
                    }
                    Err(error) => tracing::warn!("{error}"),
                }
            }
            contents.allocation = contents.capacity;
            Ok(contents)
        })
        .await
    }

    async fn stop(&self) -> Result<()> {
        let logout = Tool::new("iscsiadm").args(self.node()).args(["--logout"]).run().await?;
        if logout.exit != Exit::Code(NO_OBJECTS) {
            logout.require_success().map_err(crate::storage::tool::error)?;
        }
        let removed = Tool::new("iscsiadm").args(self.node()).args(["--op", "delete"]).run().await?;
        tracing::debug!("the record of {} was removed: {}", self.name, removed.exit);
        Ok(())
    }

    async fn delete(&self) -> Result<()> {
        Err(belongs_to_target())
    }

    async fn create(&self, _: NewVolume, _: Report<'_>) -> Result<()> {
        Err(belongs_to_target())
    }

    async fn resize(&self, _: &Volume, _: NewSize) -> Result<()> {
        Err(belongs_to_target())
    }

    async fn remove(&self, _: &Volume) -> Result<()> {
        Err(belongs_to_target())
    }

    fn open(&self, volume: &Volume, purpose: Purpose) -> Result<File> {
        blocks::open(&volume.path, purpose)
    }

    fn place(&self, volume: &Volume) -> Result<Place> {
        drop(blocks::open(&volume.path, Purpose::Read)?);
        Ok(Place::Device(volume.path.clone()))
    }

    async fn renew(&self, volume: &Volume, passphrase: Option<Passphrase>) -> Result<()> {
        blocks::renew(volume, passphrase).await
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn portals_and_units_are_read() {
        assert_eq!(portal("iscsi.example.com", None), "iscsi.example.com:3260");
        assert_eq!(portal("fd00::1", Some(860)), "[fd00::1]:860");
        let target = "iqn.2013-06.com.example:disks";
        assert_eq!(unit("ip-192.0.2.1:3260-iscsi-iqn.2013-06.com.example:disks-lun-12", target), Some(12));
        for other in [
            "ip-192.0.2.1:3260-iscsi-iqn.2013-06.com.example:disks-lun-1-part1",
            "ip-192.0.2.1:3260-iscsi-iqn.2013-06.com.example:disks2-lun-1",
            "pci-0000:00:1f.2-ata-1",
        ] {
            assert_eq!(unit(other, target), None, "{other}");
        }
    }

    #[test]
    fn credentials_go_into_the_record_which_only_root_can_read() {
        let directory = tempfile::tempdir().unwrap();
        let record = directory.path().join("192.0.2.1,3260,1/default");
        std::fs::create_dir_all(record.parent().unwrap()).unwrap();
        std::fs::write(&record, "# BEGIN RECORD 2.1.8\nnode.name = iqn.a\nnode.session.auth.authmethod = None\n# END RECORD\n").unwrap();
        assert_eq!(files_below(directory.path()), std::slice::from_ref(&record));
        let settings = [("node.session.auth.authmethod", "CHAP".to_owned()), ("node.session.auth.password", "s3cret".to_owned())];
        set_in_record(&record, &settings).unwrap();
        let expected = "# BEGIN RECORD 2.1.8\nnode.name = iqn.a\nnode.session.auth.authmethod = CHAP\nnode.session.auth.password = s3cret\n# END RECORD\n";
        assert_eq!(std::fs::read_to_string(&record).unwrap(), expected);
        assert_eq!(std::fs::metadata(&record).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
