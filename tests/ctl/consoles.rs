//! `console` at a terminal and in a pipe.
//!
//! These tests have several threads: one may wait for the program while the mock answers it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::lodgectl;
use crate::mock::Mock;

/// A person at a terminal with a console open.
struct Person {
    /// What the person sees and types.
    screen: File,
    /// The terminal, as the program has it.
    terminal: OwnedFd,
    program: Child,
    guest: UnixStream,
    mock: Mock,
}

impl Person {
    async fn at_console() -> Self {
        let mut mock = Mock::start().await;
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let path = ptsname(&screen, Vec::new()).unwrap();
        let terminal = File::options().read(true).write(true).open(path.to_str().unwrap()).unwrap();
        let program = lodgectl(&mock.bus, &["console", "demo"])
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (device, guest) = mock.consoles.recv().await.unwrap();
        assert_eq!(device, "");
        let mut person = Self { screen: screen.into(), terminal: terminal.into(), program, guest, mock };
        person.guest.write_all(b"login: ").await.unwrap();
        person.sees("login: ");
        assert!(person.is_raw());
        person
    }

    fn mode(&self) -> LocalModes {
        tcgetattr(self.terminal.as_fd()).unwrap().local_modes
    }

    fn is_raw(&self) -> bool {
        !self.mode().intersects(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    fn sees(&mut self, text: &str) {
        let mut seen = vec![0; text.len()];
        self.screen.read_exact(&mut seen).unwrap();
        assert_eq!(String::from_utf8(seen).unwrap(), text);
    }

    /// Waits for the program's end; the terminal is as it was before. Answers with exit code and messages.
    fn leaves(mut self) -> (Option<i32>, String) {
        let status = self.program.wait().unwrap();
        assert!(self.mode().contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
        let mut messages = String::new();
        self.program.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
        drop(self.mock);
        (status.code(), messages)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_to_the_guest_until_the_escape() {
    let mut person = Person::at_console().await;
    // Ctrl+C is the guest's.
    person.screen.write_all(b"root\r\x03\x1dnot this").unwrap();
    let mut typed = Vec::new();
    person.guest.read_to_end(&mut typed).await.unwrap();
    assert_eq!(typed, b"root\r\x03");
    let (code, messages) = person.leaves();
    assert_eq!(code, Some(0));
    assert_eq!(messages, "Connected to domain 'demo'\nEscape character is ^] (Ctrl + ])\n\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_is_put_back_when_the_guest_ends() {
    let mut person = Person::at_console().await;
    person.guest.shutdown().await.unwrap();
    assert_eq!(person.leaves().0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_is_put_back_by_signals() {
    for (signal, number) in [(Signal::TERM, 15), (Signal::HUP, 1), (Signal::INT, 2)] {
        let person = Person::at_console().await;
        kill_process(Pid::from_child(&person.program), signal).unwrap();
        assert_eq!(person.leaves().0, Some(128 + number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_sees_all_output_though_it_has_no_input() {
    let mut mock = Mock::start().await;
    let mut program = lodgectl(&mock.bus, &["console", "demo", "serial1"]);
    let program = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = tokio::task::spawn_blocking(|| program.wait_with_output().unwrap());
    let (device, mut guest) = mock.consoles.recv().await.unwrap();
    assert_eq!(device, "serial1");
    guest.write_all(b"one\r\n").await.unwrap();
    guest.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
    drop(guest);
    let output = output.await.unwrap();
    assert!(output.status.success());
    assert_eq!(output.stderr, b"");
    assert_eq!(output.stdout.len(), 5 + (1 << 20));
    assert!(output.stdout.starts_with(b"one\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_types_what_it_has() {
    let mut mock = Mock::start().await;
    let mut program = lodgectl(&mock.bus, &["console", "demo"]);
    let mut program = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (_, mut guest) = mock.consoles.recv().await.unwrap();
    // The escape is a byte like any other here.
    program.stdin.take().unwrap().write_all(b"halt\x1d\r").unwrap();
    let mut typed = [0; 6];
    guest.read_exact(&mut typed).await.unwrap();
    assert_eq!(&typed, b"halt\x1d\r");
    guest.write_all(b"bye").await.unwrap();
    drop(guest);
    assert_eq!(program.wait_with_output().unwrap().stdout, b"bye");
}
