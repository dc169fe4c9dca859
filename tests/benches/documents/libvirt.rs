//! libvirt's side: a small program in C, built with the compiler that is there, which is asked line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use lodge_tests::binaries;
use lodge_tests::report::Result;
use tempfile::TempDir;

/// The program. Ends when its input does.
pub struct Libvirt {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// The version of the library.
    pub version: String,
    _home: TempDir,
}

impl Libvirt {
    /// Builds and starts it, in a home of its own.
    pub fn start() -> Result<Self> {
        let home = tempfile::tempdir()?;
        let program = home.path().join("define");
        let flags = answer("pkg-config", "pkgconf and libvirt-dev", &["--cflags", "--libs", "libvirt"])?;
        let version = answer("pkg-config", "pkgconf and libvirt-dev", &["--modversion", "libvirt"])?;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/documents/define.c");
        let mut compiler = binaries::command("gcc");
        compiler.args(["-O2", "-Wall", "-o"]).arg(&program).arg(source).args(flags.split_whitespace());
        if !compiler.status().map_err(|error| format!("gcc: {error}; install the package gcc"))?.success() {
            return Err("gcc cannot build the client of libvirt".into());
        }
        let mut command = binaries::command(&program);
        command.env_clear().env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or("the client has no output")?);
        Ok(Self { child, input, output, version: version.trim().to_owned(), _home: home })
    }

    /// Defines and prints a document so many times; `None` when libvirt does not take it.
    pub fn define(&mut self, document: &Path, calls: u32) -> Result<Option<Duration>> {
        let input = self.input.as_mut().ok_or("the client has no input")?;
        writeln!(input, "{calls} {}", document.display())?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match line.trim() {
            "" => Err("the client of libvirt has ended".into()),
            refused if refused.starts_with("refused") => Ok(None),
            nanoseconds => Ok(Some(Duration::from_nanos(nanoseconds.parse()?))),
        }
    }
}

impl Drop for Libvirt {
    fn drop(&mut self) {
        self.input = None;
        drop(self.child.wait());
    }
}

fn answer(program: &str, package: &str, arguments: &[&str]) -> Result<String> {
    let output = binaries::command(program).args(arguments).output().map_err(|error| format!("{program}: {error}; install {package}"))?;
    if !output.status.success() {
        return Err(format!("{program}: {}; install {package}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
