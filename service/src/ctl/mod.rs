//! The command line: what there is, and what is called for it.
//!
//! One file per group of commands, each with a clap enum `Command` and a function `run`; the groups are flattened into one
//! list, in the order of `--help`. Beside them:
//!
//! | file | what |
//! |---|---|
//! | [`uri`] | which service is meant |
//! | [`service`] | the way to it, and to a domain by its name |
//! | [`agent`] | who asks for a password in the terminal |
//! | [`inventory`] | all objects from one call, as dictionaries of properties |
//! | [`failure`] | what goes wrong, and the exit codes |
//! | [`output`], [`table`], [`tree`], [`json`] | what is printed |
//! | [`input`] | files and standard input |
//! | [`size`] | sizes as people write them |
//! | [`progress`] | a job that is waited for |
//! | [`terminal`], [`signals`] | raw mode, and what must not interrupt it |
//!
//! Words: what people read has the contract's words with spaces (`shut off`), as virsh prints them; JSON has the contract's
//! own (`shut-off`); what people type may be either.

mod agent;
mod capabilities;
mod change;
mod complete;
mod console;
mod define;
mod edit;
mod events;
mod failure;
mod host;
mod input;
mod interfaces;
mod inventory;
mod jobs;
mod json;
mod life;
mod list;
mod native;
mod network;
mod node_device;
mod output;
mod pool;
mod pool_as;
mod pool_list;
mod progress;
mod secret;
mod service;
mod shell;
mod show;
mod signals;
mod size;
mod table;
mod terminal;
mod tree;
mod uri;
mod validate;
mod vol;
mod vol_list;
mod vol_make;
mod vol_transfer;
mod wait;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use failure::{Failure, Outcome};
use output::Output;
use uri::Bus;

/// Control virtual machines that Lodge runs
///
/// NAME is a domain's name, its UUID, or its id while it runs.
#[derive(Parser)]
#[command(name = "lodgectl", version, max_term_width = 100, after_help = EXAMPLES, subcommand_required = true)]
pub struct Arguments {
    /// Which service to speak to: qemu:///session (the user's own virtual machines) or qemu:///system. Default: the
    /// machine's for root, the user's own for others
    #[arg(short, long, global = true, value_name = "URI", env = "LODGE_URI", hide_env_values = true)]
    connect: Option<Bus>,
    /// The same as -c qemu:///session
    #[arg(long, global = true, conflicts_with = "system")]
    session: bool,
    /// The same as -c qemu:///system
    #[arg(long, global = true)]
    system: bool,
    /// Print only what was asked for: no confirmations, no headings
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  lodgectl define guest.xml               store a domain
  lodgectl start --console demo           start it and watch it boot; Ctrl+] leaves
  lodgectl list --all                     all domains and their states
  lodgectl shutdown demo                  ask it to power off
  lodgectl wait demo --state shut-off     until it has done so
  lodgectl --system list                  those of the machine's own service

`lodgectl COMMAND --help` has more. Exit status: 0 done, 1 failed, 2 wrong usage, 128+n ended by signal n.";

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    List(list::Command),
    #[command(flatten)]
    Define(define::Command),
    #[command(flatten)]
    Validate(validate::Command),
    #[command(flatten)]
    Edit(edit::Command),
    #[command(flatten)]
    Native(native::Command),
    #[command(flatten)]
    Life(life::Command),
    #[command(flatten)]
    Console(console::Command),
    #[command(flatten)]
    Show(show::Command),
    #[command(flatten)]
    Change(change::Command),
    #[command(flatten)]
    Wait(wait::Command),
    #[command(flatten)]
    Events(events::Command),
    #[command(flatten)]
    Jobs(jobs::Command),
    #[command(flatten)]
    Network(network::Command),
    #[command(flatten)]
    Interfaces(interfaces::Command),
    #[command(flatten)]
    Secret(secret::Command),
    #[command(flatten)]
    NodeDevice(node_device::Command),
    #[command(flatten)]
    Host(host::Command),
    #[command(flatten)]
    Capabilities(capabilities::Command),
    #[command(flatten)]
    Pool(pool::Command),
    #[command(flatten)]
    Vol(vol::Command),
    #[command(flatten)]
    Shell(shell::Command),
}

/// Runs the program and tells how it ended.
pub fn main() -> ExitCode {
    clap_complete::CompleteEnv::with_factory(Arguments::command).var(shell::COMPLETION_VARIABLE).complete();
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::from(format!("the system has no room for this program: {error}")).report(),
    };
    let outcome = runtime.block_on(run(arguments));
    // A thread may wait for input that never comes.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

impl Arguments {
    fn bus(&self) -> Bus {
        match (self.session, self.system) {
            (true, _) => Bus::Session,
            (_, true) => Bus::System,
            _ => self.connect.unwrap_or_default(),
        }
    }
}

async fn run(arguments: Arguments) -> Outcome {
    let connect = arguments.bus();
    let Arguments { quiet, command, .. } = arguments;
    let output = Output::new(quiet);
    let _agent = match command {
        // These ask no service.
        Command::Validate(_) | Command::Shell(_) => None,
        _ => agent::beside(connect).await,
    };
    match command {
        Command::List(command) => list::run(command, connect, output).await,
        Command::Define(command) => define::run(command, connect, output).await,
        Command::Validate(command) => validate::run(&command, output),
        Command::Edit(command) => edit::run(command, connect, output).await,
        Command::Native(command) => native::run(command, connect, output).await,
        Command::Life(command) => life::run(command, connect, output).await,
        Command::Console(command) => console::run(command, connect).await,
        Command::Show(command) => show::run(command, connect, output).await,
        Command::Change(command) => change::run(command, connect, output).await,
        Command::Wait(command) => wait::run(command, connect).await,
        Command::Events(command) => events::run(command, connect, output).await,
        Command::Jobs(command) => jobs::run(command, connect, output).await,
        Command::Network(command) => network::run(command, connect, output).await,
        Command::Interfaces(command) => interfaces::run(command, connect, output).await,
        Command::Secret(command) => secret::run(command, connect, output).await,
        Command::NodeDevice(command) => node_device::run(command, connect, output).await,
        Command::Host(command) => host::run(command, connect, output).await,
        Command::Capabilities(command) => capabilities::run(command, connect, output).await,
        Command::Pool(command) => pool::run(command, connect, output).await,
        Command::Vol(command) => vol::run(command, connect, output).await,
        Command::Shell(command) => shell::run(&command, output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_last_word_on_the_service_is_a_flag() {
        let bus = |words: &[&str]| Arguments::try_parse_from([&["lodgectl", "list"], words].concat()).map(|arguments| arguments.bus()).ok();
        assert_eq!(bus(&["--system"]), Some(Bus::System));
        assert_eq!(bus(&["--session"]), Some(Bus::Session));
        assert_eq!(bus(&["-c", "qemu:///system"]), Some(Bus::System));
        assert_eq!(bus(&["-c", "qemu:///session", "--system"]), Some(Bus::System));
        assert_eq!(bus(&["--session", "--system"]), None);
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Arguments::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(example.contains(&format!("lodgectl {}", command.get_name())), "{} has no example", command.get_name());
        }
    }
}
