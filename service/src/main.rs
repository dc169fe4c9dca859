//! `lodged`: the Lodge service.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};
use lodge_service::daemon::{self, Instance, Options};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

const MORE: &str = "\
Usually the message bus starts it when somebody calls it; see lodgectl(1). It leaves by itself when nobody needs it, and its \
guests never leave with it.

SIGHUP makes it read its settings again: /etc/lodge/lodged.toml, or ~/.config/lodge/lodged.toml with --session. Ones that \
cannot be meant are named in the journal and change nothing. SIGTERM and SIGINT end it.

What callers of the system instance may do is decided by polkit(8), by the actions org.lodge.Lodge1.*; members of the group \
lodge may see and use all virtual machines.";

/// Runs virtual machines and publishes them on the message bus as org.lodge.Lodge1.
#[derive(Parser)]
#[command(version, after_help = "Usually the message bus starts it when somebody calls it; see lodgectl(1).", after_long_help = MORE)]
struct Arguments {
    /// Serve the user's own virtual machines on the session bus. This is the default for everybody but root.
    #[arg(long, conflicts_with = "system")]
    session: bool,
    /// Serve the machine's virtual machines on the system bus, to whom polkit allows. This is the default for root.
    #[arg(long)]
    system: bool,
    /// Keep all files below DIR instead of the usual directories. The system instance then runs without root, too.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print this program's manual page.
    #[arg(long, hide = true)]
    manual: bool,
    /// Leave after SECONDS without running guests, clients or jobs, instead of what the settings say; 0 means never.
    #[arg(long, value_name = "SECONDS")]
    idle_timeout: Option<u64>,
}

impl Arguments {
    fn instance(&self) -> Instance {
        let is_root = rustix::process::geteuid().is_root();
        match self.system || (is_root && !self.session) {
            true => Instance::System,
            false => Instance::Session,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.manual {
        let written = clap_mangen::Man::new(Arguments::command()).section("8").render(&mut std::io::stdout());
        return if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    log_to_journal_or_terminal();
    // Two threads: one may be busy with a file or a large document while the other serves.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let options = Options { instance: arguments.instance(), root: arguments.root, idle_timeout: arguments.idle_timeout };
    let result = match runtime {
        Ok(runtime) => runtime.block_on(daemon::run(options)),
        Err(error) => {
            tracing::error!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The journal when the service manager connected us to it, else standard error.
fn log_to_journal_or_terminal() {
    let filter = EnvFilter::try_from_env("LODGE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    let terminal = journal.is_none().then(|| {
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false)
    });
    tracing_subscriber::registry().with(filter).with(journal).with(terminal).init();
}
