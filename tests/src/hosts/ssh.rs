//! The way into a virtual machine: one connection by ssh, made once, which every command shares.
//!
//! A connection costs seconds in emulation, a command over it a tenth. Key and host key were made with the host, and nothing
//! of the person's own configuration counts.

use std::path::Path;
use std::process::{Command, Stdio};

use super::ran;
use crate::binaries;

/// An open connection; it ends with the machine.
pub struct Ssh {
    arguments: Vec<String>,
}

impl Ssh {
    /// Connects as root to a port of this machine, with the keys in a directory. The socket that is shared goes to another.
    ///
    /// # Errors
    /// It cannot; ssh's own words.
    pub fn connect(keys: &Path, directory: &Path, port: u16) -> Result<Self, String> {
        let options = [
            "BatchMode=yes".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            format!("UserKnownHostsFile={}", keys.join("known_hosts").display()),
            "HostKeyAlias=test-host".to_owned(),
            // The default of newer versions takes a second in emulation.
            "KexAlgorithms=curve25519-sha256".to_owned(),
            format!("ControlPath={}", directory.join("ssh").display()),
            "ServerAliveInterval=30".to_owned(),
            "LogLevel=ERROR".to_owned(),
        ];
        let mut arguments: Vec<String> = ["-F", "none", "-T", "-l", "root", "-i"].map(str::to_owned).to_vec();
        arguments.push(keys.join("key").display().to_string());
        arguments.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
        arguments.extend(["-p".to_owned(), port.to_string()]);
        let ssh = Self { arguments };
        let mut first = ssh.ssh(&["-o", "ControlMaster=yes", "-o", "ControlPersist=yes"]);
        first.arg("true");
        let connected = ran::wait(first, &["ssh"], Stdio::null())?;
        if connected.status == 0 { Ok(ssh) } else { Err(format!("ssh: {}", connected.stderr)) }
    }

    /// A command that runs a program there.
    pub fn command(&self, argv: &[&str]) -> Command {
        let mut command = self.ssh(&["-o", "ControlMaster=no"]);
        // A shell there splits what ssh joined with spaces.
        command.args(argv.iter().map(|word| quoted(word)));
        command
    }

    fn ssh(&self, further: &[&str]) -> Command {
        let mut command = binaries::command(binaries::installed("ssh", "openssh-client"));
        command.args(&self.arguments).args(further).args(["127.0.0.1", "--"]);
        command
    }
}

/// A word that a shell reads as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
