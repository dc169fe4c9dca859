//! `domxml-from-native`, `domxml-to-native`: domain documents from and to hypervisors' own configurations.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::options::{NoOptions, XmlOptions};

use super::complete::domain_names;
use super::failure::Outcome;
use super::input;
use super::output::{Output, warn};
use super::service::{Service, property};
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Print the domain document for a hypervisor's own configuration
    #[command(after_help = "\
What the document cannot say is told on standard error. Nothing of the configuration is executed.

Examples:
  lodgectl domxml-from-native qemu-argv demo.args > demo.xml
  lodgectl domxml-from-native xen-xl /etc/xen/demo.cfg | lodgectl define -
  echo 'qemu-system-x86_64 -m 1G -hda disk.img' | lodgectl domxml-from-native qemu-argv -")]
    DomxmlFromNative {
        /// What FILE is written in
        #[arg(value_name = "FORMAT")]
        format: Format,
        /// The configuration; - is standard input
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Print a hypervisor's own configuration for a domain document
    #[command(
        override_usage = "lodgectl domxml-to-native [OPTIONS] <FORMAT> <FILE|--domain <NAME>>",
        after_help = "\
What the configuration cannot say, and what to do before it is used, is told on standard error.

Examples:
  lodgectl domxml-to-native qemu-argv demo.xml > demo.sh      and without Lodge: sh demo.sh
  lodgectl domxml-to-native xen-xl --domain demo"
    )]
    DomxmlToNative(ToNative),
}

/// Arguments of `domxml-to-native`.
#[derive(Args)]
pub struct ToNative {
    /// What to write
    #[arg(value_name = "FORMAT")]
    format: Format,
    #[command(flatten)]
    document: Document,
}

/// Where a document comes from.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Document {
    /// The domain document; - is standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// Accepted for scripts: another way to say FILE
    #[arg(long, value_name = "FILE", hide = true)]
    xml: Option<PathBuf>,
    /// Take the document of a domain: its definition, if it has one
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
    domain: Option<String>,
}

/// A format of native configurations.
#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// A command line of QEMU; written as a script for sh
    QemuArgv,
    /// Configuration files of xl (xl.cfg)
    XenXl,
    /// Configuration files of xm (xmdomain.cfg)
    XenXm,
    /// S-expressions of xend
    XenSxpr,
}

impl Format {
    /// The contract's word.
    const fn word(self) -> &'static str {
        match self {
            Self::QemuArgv => "qemu-argv",
            Self::XenXl => "xen-xl",
            Self::XenXm => "xen-xm",
            Self::XenSxpr => "xen-sxpr",
        }
    }
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let (converted, warnings) = match command {
        Command::DomxmlFromNative { format, file } => {
            let config = input::read(&file)?;
            Service::connect(bus).await?.manager.domain_from_native(format.word(), &config, &NoOptions {}).await?
        }
        Command::DomxmlToNative(ToNative { format, document }) => {
            let service = Service::connect(bus).await?;
            let xml = document.text(&service).await?;
            service.manager.domain_to_native(format.word(), &xml, &NoOptions {}).await?
        }
    };
    warn(&warnings);
    output.document(&converted)
}

impl Document {
    async fn text(self, service: &Service) -> Outcome<String> {
        if let Some(name) = self.domain {
            let domain = service.domain(&name).await?;
            // With passwords: without them a display that has one would be written as open to everybody.
            let options = XmlOptions { inactive: property(domain.inner(), "Persistent").await?, secure: true };
            return Ok(domain.get_xml(&options).await?);
        }
        input::read(&self.file.or(self.xml).unwrap_or_else(|| "-".into()))
    }
}
