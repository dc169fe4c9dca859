//! `start`, `shutdown`, `reboot`, `reset`, `destroy`, `suspend`, `resume`: what a machine's buttons do.

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::options::{DestroyOptions, NoOptions, ShutdownOptions, StartOptions};
use lodge_dbus_interfaces::types::ShutdownMode;

use super::complete::domain_names;
use super::console;
use super::failure::Outcome;
use super::output::Output;
use super::service;
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Start a domain
    #[command(after_help = "Examples:\n  lodgectl start demo\n  lodgectl start demo --console")]
    Start(Start),
    /// Ask a domain to power off
    #[command(after_help = "\
The guest may take its time or ignore it.

Examples:
  lodgectl shutdown demo
  lodgectl shutdown demo && lodgectl wait demo --state shut-off --timeout 60")]
    Shutdown(Ask),
    /// Ask a domain to restart
    #[command(after_help = "Example:\n  lodgectl reboot demo")]
    Reboot(Ask),
    /// Press a domain's reset button: it loses what it had not written
    #[command(after_help = "Example:\n  lodgectl reset demo")]
    Reset(Target),
    /// Pull a domain's plug: it loses what it had not written
    #[command(after_help = "\
The definition and the disks stay; a transient domain vanishes.

Examples:
  lodgectl destroy demo
  lodgectl destroy demo --graceful")]
    Destroy {
        /// The domain
        #[command(flatten)]
        target: Target,
        /// Let the hypervisor finish writing to disks, and never kill it
        #[arg(long)]
        graceful: bool,
    },
    /// Stop a domain's processors; it keeps its memory and its devices
    #[command(after_help = "Example:\n  lodgectl suspend demo")]
    Suspend(Target),
    /// Let a suspended domain go on
    #[command(after_help = "Example:\n  lodgectl resume demo")]
    Resume(Target),
}

/// Arguments of `start`.
#[derive(Args)]
pub struct Start {
    #[command(flatten)]
    target: Target,
    /// Stop before its first instruction; `resume` lets it go
    #[arg(long)]
    paused: bool,
    /// Show its console
    #[arg(long)]
    console: bool,
}

/// Arguments of `shutdown` and `reboot`.
#[derive(Args)]
pub struct Ask {
    #[command(flatten)]
    target: Target,
    /// How to ask: the power button, the guest agent, or the agent where it answers and else the button
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
}

/// A domain.
#[derive(Args)]
pub struct Target {
    /// The domain
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
    name: String,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Mode {
    #[default]
    Auto,
    Acpi,
    Agent,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let Target { name } = command.target();
    let name = name.clone();
    let domain = service::domain(bus, &name).await?;
    let done = match command {
        Command::Start(Start { paused, console, .. }) => {
            domain.start(&StartOptions { paused, no_wait: false }).await?;
            output.confirm(format_args!("Domain '{name}' started"))?;
            return if console { console::show(&domain, &name, "", false).await } else { Ok(()) };
        }
        Command::Shutdown(ask) => {
            domain.shutdown(&ask.options()).await?;
            "is being shutdown"
        }
        Command::Reboot(ask) => {
            domain.reboot(&ask.options()).await?;
            "is being rebooted"
        }
        Command::Reset(_) => {
            domain.reset(&NoOptions {}).await?;
            "was reset"
        }
        Command::Destroy { graceful, .. } => {
            domain.destroy(&DestroyOptions { graceful }).await?;
            "destroyed"
        }
        Command::Suspend(_) => {
            domain.suspend(&NoOptions {}).await?;
            "suspended"
        }
        Command::Resume(_) => {
            domain.resume(&NoOptions {}).await?;
            "resumed"
        }
    };
    output.confirm(format_args!("Domain '{name}' {done}"))
}

impl Command {
    const fn target(&self) -> &Target {
        match self {
            Self::Start(start) => &start.target,
            Self::Shutdown(ask) | Self::Reboot(ask) => &ask.target,
            Self::Destroy { target, .. } | Self::Reset(target) | Self::Suspend(target) | Self::Resume(target) => target,
        }
    }
}

impl Ask {
    const fn options(&self) -> ShutdownOptions {
        let mode = match self.mode {
            Mode::Auto => ShutdownMode::Auto,
            Mode::Acpi => ShutdownMode::Acpi,
            Mode::Agent => ShutdownMode::Agent,
        };
        ShutdownOptions { mode }
    }
}
