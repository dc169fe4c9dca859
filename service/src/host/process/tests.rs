//! Tests of starting and following processes, with programs every Debian system has.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::*;

fn shell(script: &str) -> ProcessSpec {
    ProcessSpec::new("/bin/sh").arguments(["-c", script])
}

async fn output_of(spec: ProcessSpec) -> String {
    let output = run(spec, b"", Limits::default()).await.unwrap().require_success().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_process_inherits_only_what_the_spec_names() {
    let mut spec = ProcessSpec::new("/bin/ls").arguments(["/proc/self/fd"]);
    // Not close-on-exec, as a careless library might leave it.
    let stray = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
    let named = spec.inherit(OwnedFd::from(File::open("/dev/zero").unwrap()));
    let listing = output_of(spec).await;
    let numbers: Vec<i32> = listing.lines().map(|line| line.parse().unwrap()).collect();
    assert!(numbers.contains(&named), "{numbers:?}");
    // The three streams, the named one and the directory that ls reads.
    assert_eq!(numbers.len(), 5, "{numbers:?}, stray {}", stray.as_raw_fd());
}

#[tokio::test]
async fn environment_directory_session_and_signals_are_exactly_set() {
    let mut spec = ProcessSpec::new("/usr/bin/env");
    spec.environment.push(("LANG".into(), "C.UTF-8".into()));
    assert_eq!(output_of(spec).await, "LANG=C.UTF-8\n");
    assert_eq!(output_of(ProcessSpec::new("/bin/pwd")).await, "/\n");

    // Field 1 is the pid, 5 the group, 6 the session, 7 the terminal (proc(5)).
    let stat = output_of(ProcessSpec::new("/bin/cat").arguments(["/proc/self/stat"])).await;
    let fields: Vec<&str> = stat.split(' ').collect();
    assert_eq!((fields[4], fields[5], fields[6]), (fields[0], fields[0], "0"));

    let status = output_of(ProcessSpec::new("/bin/cat").arguments(["/proc/self/status"])).await;
    for line in ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"] {
        assert!(status.contains(line), "{line} is not in\n{status}");
    }
}

#[tokio::test]
async fn a_missing_program_is_an_error_with_its_package() {
    let error = launch(ProcessSpec::new("/nowhere/qemu-system-x86_64")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot execute /nowhere/qemu-system-x86_64: No such file or directory (os error 2); install it (package \
         qemu-system-x86 on Debian)"
    );
    let error = launch(ProcessSpec::new("/etc/passwd")).await.unwrap_err();
    assert!(error.to_string().contains("check that it is a program"), "{error}");
}

#[tokio::test]
async fn a_failed_step_is_named() {
    let mut spec = shell("exit 0");
    spec.steps.push(ChildStep::new("do nothing", || Ok(())));
    spec.steps.push(ChildStep::new("become user 7", || Err(io::Error::from_raw_os_error(libc::EPERM))));
    let error = launch(spec).await.unwrap_err();
    assert!(matches!(error, ProcessError::Step { step: "become user 7", .. }), "{error:?}");
    assert!(error.to_string().contains("cannot become user 7 in the new process: Operation not permitted"), "{error}");
}

#[tokio::test]
async fn steps_run_in_the_child_in_order() {
    let mut spec = ProcessSpec::new("/bin/pwd").arguments(["-P"]);
    for directory in ["/usr", "share"] {
        let directory = std::ffi::CString::new(directory).unwrap();
        spec.steps.push(ChildStep::new("change directory", move || Ok(rustix::process::chdir(&*directory)?)));
    }
    assert_eq!(output_of(spec).await, "/usr/share\n");
}

#[tokio::test]
async fn the_end_of_a_child_is_seen_by_every_waiter_and_reaped() {
    let process = launch(shell("exit 7")).await.unwrap();
    let clone = process.clone();
    let (first, second) = tokio::join!(process.exited(), clone.exited());
    assert_eq!((first, second), (Exit::Code(7), Exit::Code(7)));
    assert_eq!(process.exit(), Some(Exit::Code(7)));
    assert!(!std::path::Path::new(&format!("/proc/{}", process.pid())).exists(), "a zombie is left");
    process.signal(Signal::TERM).unwrap();
}

#[tokio::test]
async fn a_signal_ends_a_process() {
    let process = launch(ProcessSpec::new("/bin/sleep").arguments(["1000"])).await.unwrap();
    assert_eq!(process.exit(), None);
    process.signal(Signal::KILL).unwrap();
    assert_eq!(process.exited().await, Exit::Signal(libc::SIGKILL));
}

#[tokio::test]
async fn a_recorded_process_is_reopened_only_while_it_is_the_same() {
    let process = launch(ProcessSpec::new("/bin/sleep").arguments(["1000"])).await.unwrap();
    let (pid, start_time) = (process.pid(), process.start_time());
    assert!(Process::reopen(pid, start_time + 1).unwrap().is_none(), "another process with this id was accepted");
    let again = Process::reopen(pid, start_time).unwrap().expect("the process runs");
    again.signal(Signal::TERM).unwrap();
    assert_eq!(again.exited().await, Exit::Unknown);
    assert_eq!(process.exited().await, Exit::Signal(libc::SIGTERM));
    assert!(Process::reopen(pid, start_time).unwrap().is_none());
    assert!(Process::reopen(0, 0).unwrap().is_none());
    assert!(Process::reopen(-1, 0).unwrap().is_none());
}

#[tokio::test]
async fn output_goes_to_the_log_file() {
    let mut log = tempfile::tempfile().unwrap();
    let mut spec = shell("echo out; echo err >&2");
    spec.output = Some(log.try_clone().unwrap().into());
    launch(spec).await.unwrap().exited().await;
    log.rewind().unwrap();
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    assert_eq!(text, "out\nerr\n");
}

#[tokio::test]
async fn run_feeds_captures_and_caps() {
    let limits = Limits { output_bytes: 5, ..Limits::default() };
    let output = run(ProcessSpec::new("/bin/cat"), b"0123456789", limits).await.unwrap();
    assert_eq!((output.stdout.as_slice(), output.truncated), (b"01234".as_slice(), true));

    let error = run(shell("echo no such image >&2; exit 1"), b"", Limits::default()).await.unwrap().require_success();
    assert_eq!(error.unwrap_err().to_string(), "/bin/sh failed (exit status 1): no such image");
    // It ends without reading its input, which fills the pipe.
    run(shell("exit 0"), &vec![0; 1 << 20], Limits::default()).await.unwrap().require_success().unwrap();
}

#[tokio::test]
async fn run_kills_the_whole_group_at_its_time_limit() {
    let limits = Limits { timeout: Duration::from_millis(100), ..Limits::default() };
    let mut spec = ProcessSpec::new("/bin/sh");
    let (mut reader, writer) = io::pipe().unwrap();
    let number = spec.inherit(writer.into());
    spec.arguments = vec!["-c".into(), format!("sleep 1000 & echo $! > /proc/self/fd/{number}; wait").into()];
    let error = run(spec, b"", limits).await.unwrap_err();
    assert_eq!(error.to_string(), "/bin/sh did not finish within 0.1 s and was stopped");
    // The pipe ends only when the grandchild, which holds it as well, has ended too.
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    let text = tokio::time::timeout(Duration::from_secs(10), read).await.expect("the grandchild lives").unwrap().unwrap();
    text.trim().parse::<i32>().expect("the grandchild's pid");
}

#[test]
fn a_process_bound_to_the_service_outlives_the_threads_that_asked_for_it() {
    let ask = || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let spec = ProcessSpec { life: Life::OfTheService, ..ProcessSpec::new("/bin/sleep").arguments(["1000"]) };
        let process = runtime.block_on(launch(spec)).unwrap();
        (process.pid(), process.start_time())
    };
    // The runtime is gone with all of its threads.
    let (pid, start_time) = std::thread::spawn(ask).join().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let process = Process::reopen(pid, start_time).unwrap().expect("it runs on");
        process.signal(Signal::KILL).unwrap();
        process.exited().await;
    });
}
