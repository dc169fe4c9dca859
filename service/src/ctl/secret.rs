//! `secret-...`: passphrases and keys, and their values.
//!
//! Invariant: a value is never an argument, which everybody on the machine can read; it comes from a file, standard input or
//! the terminal, without being shown there.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::SECRET_INTERFACE;
use lodge_dbus_interfaces::options::{DefineOptions, NoOptions};
use lodge_dbus_interfaces::proxies::SecretProxy;
use zbus::proxy::CacheProperties;
use zeroize::Zeroizing;

use super::complete::secret_uuids;
use super::failure::{Failure, Outcome};
use super::input;
use super::inventory::{self, Object};
use super::json;
use super::output::{Output, warn};
use super::service::{Service, property};
use super::table::Table;
use super::terminal::Mode;
use super::uri::Bus;

/// Longest value that is read, in bytes: more than the service takes, so that it says what it takes.
const MAX_INPUT: u64 = 1 << 20;

/// Commands of this group.
#[derive(Subcommand)]
#[allow(clippy::enum_variant_names, reason = "the commands are named so")]
pub enum Command {
    /// List secrets
    #[command(after_help = "Examples:\n  lodgectl secret-list\n  lodgectl secret-list --json")]
    SecretList {
        /// Print all properties as JSON, named as on the bus
        #[arg(long)]
        json: bool,
    },
    /// Store a secret, without its value; or give a secret a new definition
    #[command(after_help = "\
Examples:
  lodgectl secret-define secret.xml
  lodgectl secret-define - <<< \"<secret private='yes'><usage type='volume'><volume>/srv/images/mail.qcow2</volume></usage></secret>\"")]
    SecretDefine {
        /// The secret document; - is standard input
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Print a secret's document, which does not have the value
    #[command(after_help = "Example:\n  lodgectl secret-dumpxml volume:/srv/images/mail.qcow2")]
    SecretDumpxml(Named),
    /// Give a secret its value
    #[command(after_help = "\
Without --file, the value is asked for in the terminal, or is one line of standard input.

Examples:
  lodgectl secret-set-value volume:/srv/images/mail.qcow2
  lodgectl secret-set-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f --file passphrase --plain")]
    SecretSetValue(SetValue),
    /// Print the value of a secret that is not private
    #[command(
        after_help = "Examples:\n  lodgectl secret-get-value UUID             in base64\n  lodgectl secret-get-value UUID --plain     as it is"
    )]
    SecretGetValue {
        #[command(flatten)]
        secret: Named,
        /// Print the value as it is, instead of in base64
        #[arg(long)]
        plain: bool,
    },
    /// Remove a secret and its value
    #[command(after_help = "\
What it opens can then be opened only by those who know the value.

Example:
  lodgectl secret-undefine 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f")]
    SecretUndefine(Named),
}

/// Which secret.
#[derive(Args)]
pub struct Named {
    /// The secret: its UUID, or what it is for, as in volume:/srv/images/mail.qcow2
    #[arg(value_name = "SECRET", add = ArgValueCompleter::new(secret_uuids))]
    secret: String,
}

/// Arguments of `secret-set-value`.
#[derive(Args)]
pub struct SetValue {
    #[command(flatten)]
    secret: Named,
    /// A file with the value in base64; - is standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, conflicts_with = "interactive")]
    file: Option<PathBuf>,
    /// The file has the value as it is, to the last byte
    #[arg(long, requires = "file")]
    plain: bool,
    /// Accepted for scripts: it is what happens without --file
    #[arg(long, hide = true)]
    interactive: bool,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    match command {
        Command::SecretList { json } => list(&service, json, output).await,
        Command::SecretDefine { file } => {
            let xml = input::read(&file)?;
            let (path, warnings) = service.manager.define_secret(&xml, &DefineOptions::default()).await?;
            warn(&warnings);
            let secret = SecretProxy::builder(&service.connection).path(path).cache_properties(CacheProperties::No).build().await?;
            let uuid: String = property(secret.inner(), "Uuid").await?;
            output.confirm(format_args!("Secret {uuid} defined from {}", file.display()))
        }
        Command::SecretDumpxml(named) => output.document(&named.find(&service).await?.get_xml(&NoOptions {}).await?),
        Command::SecretSetValue(SetValue { secret: named, file, plain, interactive: _ }) => {
            // Nobody types a passphrase for a secret that is not there.
            let secret = named.find(&service).await?;
            let value = match &file {
                Some(file) => from_file(file, plain)?,
                None => ask(&named.secret)?,
            };
            secret.set_value(&value, &NoOptions {}).await?;
            output.confirm("Secret value set")
        }
        Command::SecretGetValue { secret, plain } => {
            let value = Zeroizing::new(secret.find(&service).await?.get_value(&NoOptions {}).await?);
            if plain { output.text(&value) } else { output.line(&*Zeroizing::new(STANDARD.encode(&value))) }
        }
        Command::SecretUndefine(named) => {
            named.find(&service).await?.undefine(&NoOptions {}).await?;
            output.confirm(format_args!("Secret {} has been deleted", named.secret))
        }
    }
}

impl Named {
    async fn find(&self, service: &Service) -> Outcome<SecretProxy<'static>> {
        let path = service.manager.get_secret(&self.secret).await?;
        Ok(SecretProxy::builder(&service.connection).path(path).cache_properties(CacheProperties::No).build().await?)
    }
}

async fn list(service: &Service, json: bool, output: Output) -> Outcome {
    let mut secrets = inventory::objects(service, SECRET_INTERFACE).await?;
    secrets.sort_by_cached_key(|secret| secret.text("Uuid").to_owned());
    if json {
        return output.text(json::pretty(&secrets.iter().map(Object::json).collect()));
    }
    let mut table = Table::new(["UUID", "Usage", "Value"]);
    for secret in &secrets {
        let usage = match secret.text("UsageId") {
            "" => secret.text("Usage").to_owned(),
            id => format!("{} {id}", secret.text("Usage")),
        };
        table.row(vec![secret.text("Uuid").to_owned(), usage, if secret.flag("HasValue") { "set" } else { "-" }.to_owned()]);
    }
    output.text(table.render(output.quiet))
}

fn from_file(file: &Path, plain: bool) -> Outcome<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::new());
    let read = match file.as_os_str() == "-" {
        true => io::stdin().take(MAX_INPUT).read_to_end(&mut content),
        false => std::fs::File::open(file).and_then(|file| file.take(MAX_INPUT).read_to_end(&mut content)),
    };
    read.map_err(|error| Failure::from(format!("cannot read {}: {error}", file.display())))?;
    if plain {
        return Ok(content);
    }
    let encoded: Zeroizing<Vec<u8>> = Zeroizing::new(content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    let value = STANDARD.decode(&*encoded);
    // What is wrong is not quoted: it may be a passphrase.
    value.map(Zeroizing::new).map_err(|_| format!("{} is not base64; with --plain it is taken as it is", file.display()).into())
}

/// One line from the terminal, which does not show it, or from standard input.
fn ask(secret: &str) -> Outcome<Zeroizing<Vec<u8>>> {
    let failed = |error: io::Error| Failure::from(format!("cannot read the value: {error}"));
    let silence = io::stdin().is_terminal().then(Mode::silent).transpose().map_err(failed)?;
    if silence.is_some() {
        // Standard output may be a pipe.
        let _ = write!(io::stderr(), "Value of secret {secret}: ");
    }
    let mut line = Zeroizing::new(String::new());
    io::stdin().read_line(&mut line).map_err(failed)?;
    if silence.is_some() {
        let _ = writeln!(io::stderr());
    }
    let value = line.strip_suffix('\n').unwrap_or(&line);
    Ok(Zeroizing::new(value.as_bytes().to_vec()))
}
