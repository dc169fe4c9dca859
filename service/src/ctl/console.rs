//! `console`: a guest's text console on the person's terminal, or in a pipe.
//!
//! At a terminal every key goes to the guest but Ctrl+], which leaves. Without a terminal, input is copied while there is
//! some and output until the console ends, so that scripts can watch a guest with nothing to say to it.

use std::io::{IsTerminal as _, Write as _, stderr, stdin};
use std::os::unix::net::UnixStream as StdStream;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::options::ConsoleOptions;
use lodge_dbus_interfaces::proxies::DomainProxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::complete::domain_names;
use super::failure::{Failure, Outcome};
use super::output::unwritten;
use super::service;
use super::signals::Ending;
use super::terminal::Mode;
use super::uri::Bus;

/// What Ctrl+] types (ASCII GS), as in virsh and telnet.
const ESCAPE: u8 = 0x1d;
/// Bytes copied at once.
const CHUNK: usize = 16 << 10;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Show a running domain's text console; Ctrl+] leaves it
    #[command(after_help = "\
It begins with the last output, so that a boot can be read afterwards.

Examples:
  lodgectl console demo
  lodgectl console demo serial1
  lodgectl console demo --no-replay < /dev/null | grep -m1 login:")]
    Console(Console),
}

/// Arguments of `console`.
#[derive(Args)]
pub struct Console {
    /// The domain
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
    name: String,
    /// The alias of a serial port, console or channel, as in dumpxml; otherwise the first console or serial port
    #[arg(value_name = "DEVICE", default_value = "", hide_default_value = true)]
    device: String,
    /// Begin with what the guest prints from now on
    #[arg(long)]
    no_replay: bool,
}

/// Runs a command of this group.
pub async fn run(Command::Console(console): Command, bus: Bus) -> Outcome {
    let domain = service::domain(bus, &console.name).await?;
    show(&domain, &console.name, &console.device, console.no_replay).await
}

/// Shows a console until the person leaves or it ends.
///
/// # Errors
/// There is no console, output cannot be written, or a signal says to end.
pub async fn show(domain: &DomainProxy<'_>, name: &str, device: &str, no_replay: bool) -> Outcome {
    let stream = domain.open_console(device, &ConsoleOptions { no_replay }).await?;
    let stream = StdStream::from(std::os::fd::OwnedFd::from(stream));
    let stream = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream)).map_err(broken)?;
    let (from_guest, to_guest) = stream.into_split();
    if !stdin().is_terminal() {
        return in_pipe(from_guest, to_guest).await;
    }
    say(&format!("Connected to domain '{name}'\nEscape character is ^] (Ctrl + ])\n"));
    let mut ending = Ending::listen()?;
    let raw = Mode::raw().map_err(|error| format!("cannot use the terminal: {error}"))?;
    let outcome = tokio::select! {
        outcome = print(from_guest) => outcome,
        outcome = type_keys(to_guest) => outcome,
        signal = ending.recv() => Err(Failure::Signal(signal)),
    };
    drop(raw);
    say("\n");
    outcome
}

async fn in_pipe(from_guest: OwnedReadHalf, mut to_guest: OwnedWriteHalf) -> Outcome {
    let copy_input = async {
        // When there is no more input, or nobody who takes it, there may still be output.
        let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut to_guest).await;
        std::future::pending().await
    };
    tokio::select! {
        outcome = print(from_guest) => outcome,
        never = copy_input => never,
    }
}

/// Prints what the guest prints, until the console ends.
async fn print(mut from_guest: OwnedReadHalf) -> Outcome {
    let mut chunk = vec![0; CHUNK];
    let mut stdout = tokio::io::stdout();
    loop {
        let length = match from_guest.read(&mut chunk).await {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) => return Err(broken(error)),
        };
        stdout.write_all(&chunk[..length]).await.map_err(unwritten)?;
        stdout.flush().await.map_err(unwritten)?;
    }
}

/// Passes keys on until one is the escape character or the terminal hangs up.
async fn type_keys(mut to_guest: OwnedWriteHalf) -> Outcome {
    let mut chunk = vec![0; CHUNK];
    let mut stdin = tokio::io::stdin();
    loop {
        let length = stdin.read(&mut chunk).await.map_err(|error| format!("cannot read the terminal: {error}"))?;
        let typed = &chunk[..length];
        let keys = typed.iter().position(|key| *key == ESCAPE).map_or(typed, |end| &typed[..end]);
        to_guest.write_all(keys).await.map_err(broken)?;
        if keys.len() < typed.len() || typed.is_empty() {
            return Ok(());
        }
    }
}

/// For the person at the terminal; not part of what the guest prints.
fn say(text: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = stderr().write_all(text.as_bytes());
}

fn broken(error: std::io::Error) -> Failure {
    format!("the console broke off: {error}; open it again").into()
}
