//! A plan in the language of sh(1) (POSIX.1-2024, XCU 2, Shell Command Language).

use std::borrow::Cow;
use std::path::Path;

use crate::hypervisors::qemu::plan::{Argument, Companion, LaunchPlan, Preparation};

/// The script, and the names of variables that a shell cannot set. `sockets` is made if the plan has anything in it.
pub fn script(plan: &LaunchPlan, sockets: &Path) -> (String, Vec<String>) {
    let mut lines = Vec::new();
    if plan.resources.iter().any(|resource| resource.path.starts_with(sockets)) {
        lines.push(directory(sockets));
    }
    lines.extend(plan.preparations.iter().map(preparation));
    lines.extend(plan.companions.iter().map(companion));
    let (variables, odd): (Vec<_>, Vec<_>) = plan.environment.iter().partition(|(name, _)| is_name(name));
    let variables = variables.iter().map(|(name, value)| format!("{name}={}", word(value)));
    lines.push(qemu(variables.collect(), plan));
    let text = lines.join("\n") + "\n";
    (text, odd.into_iter().map(|(name, _)| name.clone()).collect())
}

fn preparation(preparation: &Preparation) -> String {
    match preparation {
        Preparation::Directory(path) => directory(path),
        Preparation::Log(path) => format!("touch {}", path_word(path)),
        Preparation::File { path, temporary, program, arguments } => {
            let (path, temporary) = (path_word(path), path_word(temporary));
            let make = command(program, arguments);
            format!("test -e {path} || {{ {make} && mv {temporary} {path}; }}")
        }
    }
}

fn directory(path: &Path) -> String {
    format!("mkdir -p -m 700 {}", path_word(path))
}

/// Starts it, and waits until it listens or is gone.
fn companion(companion: &Companion) -> String {
    let socket = path_word(&companion.socket);
    let start = command(&companion.program, &companion.arguments);
    format!("rm -f {socket}\n{start} &\nwhile kill -0 $! && ! test -S {socket}; do sleep 0.1; done")
}

fn command(program: &Path, arguments: &[String]) -> String {
    let words = arguments.iter().map(|argument| word(argument).into_owned());
    std::iter::once(path_word(program)).chain(words).collect::<Vec<_>>().join(" ")
}

/// An option a line, with its value.
fn qemu(variables: Vec<String>, plan: &LaunchPlan) -> String {
    let mut lines = variables;
    lines.push(path_word(&plan.program));
    for argument in &plan.arguments {
        // Nothing is inherited from a person's shell, and nothing of a person's plan has a number in it.
        let text = argument.render(|_| -1);
        match lines.last_mut().filter(|_| !is_option(argument)) {
            Some(option) => option.extend([" ", &word(&text)]),
            None => lines.push(format!("  {}", word(&text))),
        }
    }
    lines.join(" \\\n")
}

fn is_option(argument: &Argument) -> bool {
    matches!(argument, Argument::Text(text) if text.starts_with('-'))
}

fn path_word(path: &Path) -> String {
    word(&path.to_string_lossy()).into_owned()
}

/// The text as one word, in quotes only where it needs them.
pub fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

/// Whether it can stand before `=` (XBD 3.216, Name).
fn is_name(text: &str) -> bool {
    !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
