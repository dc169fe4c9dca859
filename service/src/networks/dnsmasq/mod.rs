//! dnsmasq beside a network: one process, which gives out addresses and answers questions for names.
//!
//! It outlives the service. All its files are in a directory of its network's, which goes with it.
//!
//! Invariants: it is written down before it executes its first instruction; it is taken for started when it listens.

pub mod config;

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use config::Files;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use crate::error::{Error, ErrorKind, Result};
use crate::host::process::{Process, ProcessSpec, Signal, hold};
use crate::host::program;
use crate::host::sysctl::Parameter;

/// The most that is heard of what keeps it from starting, in bytes.
const MAX_MESSAGE: u64 = 1000;

/// Whether the program is there.
///
/// # Errors
/// `NotSupported`, with the package.
pub fn require_program() -> Result<std::path::PathBuf> {
    program::find("dnsmasq").ok_or_else(|| {
        let reason = "dnsmasq is not installed, and this network gives out addresses or names: install it (package dnsmasq-base on Debian), \
                      or take <dhcp> out and write <dns enable='no'/>";
        Error::new(ErrorKind::NotSupported, reason)
    })
}

/// Starts it in `directory`, which is made; `remember` writes down which process it is.
///
/// # Errors
/// It is not installed, or what it said when it gave up.
pub async fn start(directory: &Path, others: Others, files: &Files, remember: impl FnOnce(&Process) -> Result<()>) -> Result<Process> {
    let program = require_program()?;
    let failed =
        |what: &str, error: io::Error| Error::new(ErrorKind::HostFailed, format!("cannot {what} {}", directory.display())).caused_by(error);
    make_directory(directory, others).map_err(|error| failed("make the directory", error))?;
    write(directory, config::CONFIG, &files.config).map_err(|error| failed("write dnsmasq's configuration in", error))?;
    write_live(directory, &files.hosts, &files.names)?;
    let pid = directory.join(config::PID);
    // Of one that ended without taking it away.
    std::fs::remove_file(&pid).or_else(not_there).map_err(|error| failed("remove what an earlier dnsmasq left in", error))?;
    let (words, output) = io::pipe().map_err(|error| failed("hear dnsmasq in", error))?;
    let words = Receiver::from_owned_fd(words.into()).map_err(|error| failed("hear dnsmasq in", error))?;
    let config = directory.join(config::CONFIG);
    // With the equals sign: the argument of this option may be left out, and is therefore taken no other way.
    let mut conf_file = std::ffi::OsString::from("--conf-file=");
    conf_file.push(&config);
    let mut spec = ProcessSpec::new(program).arguments(["--keep-in-foreground".into(), conf_file]);
    spec.environment.push(("LC_ALL".into(), "C.UTF-8".into()));
    spec.output = Some(output.into());
    let held = hold(spec).await?;
    remember(held.process())?;
    let process = held.release().await?;
    // It lets go of its standard error when it listens, or ends.
    let mut said = Vec::new();
    words.take(MAX_MESSAGE).read_to_end(&mut said).await.map_err(|error| failed("hear dnsmasq in", error))?;
    if !pid.exists() {
        let exit = process.exited().await;
        let said = String::from_utf8_lossy(&said);
        let limit = Parameter::inotify_instances().read().ok().flatten();
        let step = next_step(&said, limit.as_deref());
        return Err(Error::new(ErrorKind::HostFailed, format!("dnsmasq ended at once ({exit}): {}{step}", said.trim())));
    }
    Ok(process)
}

/// What to do about a limit of the host that dnsmasq has met: each that answers questions for names has an instance of inotify, and so
/// has much else that root runs.
fn next_step(said: &str, instances: Option<&str>) -> String {
    match said.contains("inotify") {
        true => format!(
            "; it met the limit fs.inotify.max_user_instances, which is {} for all processes of root together: raise it, as with sysctl \
             fs.inotify.max_user_instances=1024, or write <dns enable='no'/> into networks that need no names",
            instances.unwrap_or("not known")
        ),
        false => String::new(),
    }
}

/// Writes the files that it reads again when it is told to.
///
/// # Errors
/// The host refuses; the former files stay.
pub fn write_live(directory: &Path, hosts: &str, names: &str) -> Result<()> {
    for (name, text) in [(config::HOSTS, hosts), (config::NAMES, names)] {
        let written = write(directory, name, text);
        written.map_err(|error| {
            Error::new(ErrorKind::HostFailed, format!("cannot write {}", directory.join(name).display())).caused_by(error)
        })?;
    }
    Ok(())
}

/// Lets it read those files again.
///
/// # Errors
/// The kernel refuses.
pub fn reload(process: &Process) -> Result<()> {
    Ok(process.signal(Signal::HUP)?)
}

/// Ends it and waits until it is gone.
///
/// # Errors
/// The kernel refuses.
pub async fn stop(process: &Process) -> Result<()> {
    process.signal(Signal::TERM)?;
    if tokio::time::timeout(std::time::Duration::from_secs(5), process.exited()).await.is_err() {
        process.signal(Signal::KILL)?;
        process.exited().await;
    }
    Ok(())
}

/// Who else gets to the files: dnsmasq reads some of them as another user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Whoever knows their names.
    Read,
    /// Nobody: it stays the service's own user.
    Nothing,
}

fn make_directory(directory: &Path, others: Others) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mode = if others == Others::Read { 0o711 } else { 0o700 };
    // Whatever the umask of the service is. The one above was made by the store.
    for path in directory.parent().into_iter().chain([directory]) {
        std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Replaces a file in one step. Others may read it, as far as its directory lets them.
fn write(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(directory.join(name))?;
    Ok(())
}

fn not_there(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_dnsmasq_meets_is_named_with_its_value() {
        let step = next_step("dnsmasq: failed to create inotify: Too many open files", Some("128"));
        assert!(step.contains("fs.inotify.max_user_instances, which is 128"), "{step}");
        assert_eq!(next_step("dnsmasq: failed to bind listening socket: Address already in use", Some("128")), "");
    }
}
