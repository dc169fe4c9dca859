//! `edit`, `net-edit`, `pool-edit`: the definition of a domain, a network or a pool in the person's editor.
//!
//! Invariants: what the person wrote is not lost unless the person says so, and where it cannot be asked about it is kept in
//! a file that is named. The file has passwords in it: only its owner can read it, and it lies where nothing survives a
//! restart, if there is such a place.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use clap::Subcommand;
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::BUS_NAME;
use lodge_dbus_interfaces::options::{DefineOptions, InactiveOptions, NoOptions, XmlOptions};
use lodge_dbus_interfaces::proxies::{DomainProxy, NetworkProxy, StoragePoolProxy};
use tempfile::NamedTempFile;

use super::complete::{domain_names, network_names, pool_names};
use super::failure::{Failure, Outcome, complain};
use super::network;
use super::output::{Output, warn};
use super::service::{Service, property};
use super::signals::Ending;
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Edit a domain's definition in $VISUAL or $EDITOR
    #[command(after_help = "\
A running domain goes on as it is; its new definition holds from the next start.

Examples:
  lodgectl edit demo
  EDITOR='code --wait' lodgectl edit demo")]
    Edit {
        /// The domain
        #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
        name: String,
    },
    /// Edit a network's definition in $VISUAL or $EDITOR
    #[command(after_help = "\
A network that runs goes on as it is; its new definition holds from the next start.

Example:
  lodgectl net-edit default")]
    NetEdit {
        /// The network: its name or UUID
        #[arg(value_name = "NETWORK", add = ArgValueCompleter::new(network_names))]
        name: String,
    },
    /// Edit a pool's definition in $VISUAL or $EDITOR
    #[command(after_help = "\
A pool that is started stays as it is; its new definition holds from the next start.

Example:
  lodgectl pool-edit images")]
    PoolEdit {
        /// The pool: its name or UUID
        #[arg(value_name = "POOL", add = ArgValueCompleter::new(pool_names))]
        name: String,
    },
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    let (name, object) = match command {
        Command::Edit { name } => {
            let domain = service.domain(&name).await?;
            (name, Defined::Domain(domain))
        }
        Command::NetEdit { name } => {
            let path = service.manager.get_network(&name).await?;
            (name, Defined::Network(network::at(&service, path).await?))
        }
        Command::PoolEdit { name } => {
            let pool = service.pool(&name).await?;
            (name, Defined::Pool(pool))
        }
    };
    let before = object.definition().await?;
    let file = write(&before).map_err(|error| format!("cannot write the definition to a temporary file: {error}"))?;
    // From here on signals end the program in good order, so that the file goes or is kept on purpose.
    let mut edit = Edit { service, object, name, before, over_others: false, ending: Ending::listen()? };
    match edit.until_defined(file.path(), output).await {
        Ok(()) => Ok(()),
        Err(End::Discarded(failure)) => Err(failure),
        Err(End::Unasked(failure)) => {
            let written = std::fs::read_to_string(file.path()).is_ok_and(|text| text != edit.before);
            if written && let Ok((_, path)) = file.keep() {
                complain("note", &format!("what you wrote is kept in {}", path.display()));
            }
            Err(failure)
        }
    }
}

/// Why there is no new definition.
enum End {
    /// The person gave it up, or never wrote anything.
    Discarded(Failure),
    /// The person could not be asked.
    Unasked(Failure),
}

impl<F: Into<Failure>> From<F> for End {
    fn from(failure: F) -> Self {
        Self::Unasked(failure.into())
    }
}

/// What the person says to an error.
enum Answer {
    EditAgain,
    Discard,
    Force,
}

/// What is defined by a document.
enum Defined {
    Domain(DomainProxy<'static>),
    Network(NetworkProxy<'static>),
    Pool(StoragePoolProxy<'static>),
}

impl Defined {
    /// What it is, to begin a sentence.
    fn kind(&self) -> &'static str {
        match self {
            Self::Domain(_) => "Domain",
            Self::Network(_) => "Network",
            Self::Pool(_) => "Pool",
        }
    }

    fn object(&self) -> &zbus::Proxy<'static> {
        match self {
            Self::Domain(domain) => domain.inner(),
            Self::Network(network) => network.inner(),
            Self::Pool(pool) => pool.inner(),
        }
    }

    /// What defining it would need: the stored definition with its passwords.
    async fn definition(&self) -> Outcome<String> {
        Ok(match self {
            Self::Domain(domain) => domain.get_xml(&XmlOptions { inactive: true, secure: true }).await?,
            Self::Network(network) => network.get_xml(&InactiveOptions { inactive: true }).await?,
            Self::Pool(pool) => pool.get_xml(&InactiveOptions { inactive: true }).await?,
        })
    }

    /// Defines it anew; answers with the path of what was defined.
    async fn define(&self, service: &Service, text: &str) -> Outcome<zbus::OwnedObjectPath> {
        match self {
            Self::Domain(_) => Ok(service.manager.define_domain(text, &DefineOptions::default()).await?.0),
            Self::Network(_) => {
                let (path, warnings) = service.manager.define_network(text, &DefineOptions::default()).await?;
                warn(&warnings);
                Ok(path)
            }
            Self::Pool(_) => {
                let (path, warnings) = service.manager.define_pool(text, &DefineOptions::default()).await?;
                warn(&warnings);
                Ok(path)
            }
        }
    }
}

struct Edit {
    service: Service,
    object: Defined,
    name: String,
    /// The definition that the person saw.
    before: String,
    /// Whether the person wants it whatever others changed meanwhile.
    over_others: bool,
    ending: Ending,
}

impl Edit {
    async fn until_defined(&mut self, file: &Path, output: Output) -> Result<(), End> {
        let mut text = self.edited(file).await?;
        loop {
            if text == self.before {
                return Ok(output.confirm(format_args!("{} '{}' XML configuration not changed", self.object.kind(), self.name))?);
            }
            match self.define(&text).await {
                Ok(()) => return Ok(output.confirm(format_args!("{} '{}' XML configuration edited", self.object.kind(), self.name))?),
                Err(Failure::Sentence(sentence)) => complain("error", &sentence),
                Err(other) => return Err(other.into()),
            }
            match self.ask().await? {
                Answer::EditAgain => text = self.edited(file).await?,
                Answer::Force => self.over_others = true,
                Answer::Discard => return Err(End::Discarded(format!("the definition of {} was not changed", self.what()).into())),
            }
        }
    }

    /// What the file holds when the editor has ended.
    async fn edited(&mut self, file: &Path) -> Result<String, End> {
        let path = file.to_owned();
        let editor = tokio::task::spawn_blocking(move || run_editor(&path));
        let ran = tokio::select! {
            ran = editor => ran,
            signal = self.ending.recv_untyped() => return Err(Failure::Signal(signal).into()),
        };
        ran.map_err(|error| format!("the editor could not be followed: {error}"))??;
        Ok(std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?)
    }

    fn what(&self) -> String {
        format!("{} '{}'", self.object.kind().to_lowercase(), self.name)
    }

    async fn define(&mut self, text: &str) -> Outcome {
        if let Defined::Domain(_) = self.object {
            let (_, warnings) = self.service.manager.validate_domain(text, &NoOptions {}).await?;
            warn(&warnings);
        }
        if !self.over_others && self.object.definition().await? != self.before {
            return Err(format!("somebody changed the definition of {} meanwhile; f replaces it by yours", self.what()).into());
        }
        let path = self.object.define(&self.service, text).await?;
        if path.as_str() != self.object.object().path().as_str() {
            let other = zbus::Proxy::new(&self.service.connection, BUS_NAME, path, self.object.object().interface().to_owned()).await?;
            let other: String = property(&other, "Name").await?;
            let kind = self.object.kind().to_lowercase();
            complain("warning", &format!("this defined another {kind}, '{other}'; {} stays as it was", self.what()));
        }
        Ok(())
    }

    async fn ask(&mut self) -> Result<Answer, End> {
        if !io::stdin().is_terminal() {
            return Err("the definition was not changed, and there is no terminal to ask what to do".into());
        }
        loop {
            let question = tokio::task::spawn_blocking(|| prompt("Failed. Try again? [y,n,f,?]: "));
            let answer = tokio::select! {
                answer = question => answer.map_err(|error| format!("cannot ask: {error}"))?,
                signal = self.ending.recv() => {
                    let failure = Failure::Signal(signal);
                    return Err(if Ending::is_typed(signal) { End::Discarded(failure) } else { End::Unasked(failure) });
                }
            };
            match answer.map_err(|error| format!("cannot read the terminal: {error}"))?.as_deref() {
                Some("y" | "Y" | "") => return Ok(Answer::EditAgain),
                Some("n" | "N") => return Ok(Answer::Discard),
                Some("f" | "F") => return Ok(Answer::Force),
                Some(_) => say("y - edit again\nn - throw away what you wrote\nf - try again as it is, over what others changed\n"),
                None => return Err("the definition was not changed".into()),
            }
        }
    }
}

fn write(text: &str) -> io::Result<NamedTempFile> {
    let runtime_directory = std::env::var_os("XDG_RUNTIME_DIR").filter(|directory| Path::new(directory).is_dir());
    let directory = runtime_directory.map_or_else(std::env::temp_dir, Into::into);
    // It is made with mode 0600.
    let mut file = tempfile::Builder::new().prefix("lodgectl-").suffix(".xml").tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}

/// Runs the person's editor on a file until it ends.
#[allow(
    clippy::disallowed_methods,
    reason = "the person's editor needs the person's terminal and environment, which the service never has"
)]
fn run_editor(file: &Path) -> Outcome {
    let words = editor_words(|name| std::env::var_os(name));
    let (program, arguments) = words.split_first().ok_or("no editor is set; set EDITOR")?;
    let status = std::process::Command::new(program)
        .args(arguments)
        .arg(file)
        .status()
        .map_err(|error| format!("cannot run the editor {}: {error}; set EDITOR to another", program.display()))?;
    if status.success() { Ok(()) } else { Err(format!("the editor {} failed: {status}", program.display()).into()) }
}

/// The words of `VISUAL` or `EDITOR`, else Debian's choice for the person. No shell takes them apart: blanks separate them.
fn editor_words(variable: impl Fn(&str) -> Option<OsString>) -> Vec<OsString> {
    let words = |value: OsString| match value.to_str() {
        Some(text) => text.split_whitespace().map(OsString::from).collect(),
        None => vec![value],
    };
    let set = ["VISUAL", "EDITOR"].into_iter().filter_map(variable).map(words).find(|words| !words.is_empty());
    set.unwrap_or_else(|| vec!["sensible-editor".into()])
}

/// Asks for a line; `None` at the end of input.
fn prompt(question: &str) -> io::Result<Option<String>> {
    say(question);
    let mut line = String::new();
    let length = io::stdin().read_line(&mut line)?;
    Ok((length > 0).then(|| line.trim().to_owned()))
}

fn say(text: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editor_is_the_words_of_a_variable() {
        for (visual, editor, expected) in [
            (Some("vim"), Some("nano"), vec!["vim"]),
            (None, Some("code --wait"), vec!["code", "--wait"]),
            (Some(" "), Some("nano"), vec!["nano"]),
            (None, None, vec!["sensible-editor"]),
        ] {
            let variable = |name: &str| if name == "VISUAL" { visual } else { editor }.map(OsString::from);
            assert_eq!(editor_words(variable), expected);
        }
    }

    #[test]
    fn only_the_owner_reads_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = write("<domain/>").unwrap();
        assert_eq!(file.as_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
