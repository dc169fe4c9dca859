//! Habits that a program can check: every file says what it is, no test is forgotten, nothing waits by
//! sleeping, nothing of one developer's machine is left behind.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_source_file_opens_with_what_it_is_for() {
    let silent: Vec<_> = files("rs").into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(name, _)| name).collect();
    assert!(silent.is_empty(), "these files do not begin with a //! line: {silent:#?}");
}

#[test]
fn nothing_of_one_machine_and_nothing_unfinished_is_in_the_repository() {
    // Put together here, so that this file does not contain them.
    let words = [
        format!("/{}/", "work"),
        format!("/tmp/{}/", "wt"),
        format!("/{}/.cargo", "root"),
        format!("{}!(", "todo"),
        format!("{}!(", "unimplemented"),
        format!("FIX{}", "ME"),
        format!("X{}", "XX:"),
        format!("{}!(", "dbg"),
    ];
    let mut found = Vec::new();
    for (name, text) in all_files() {
        for (number, line) in (1..).zip(text.lines()) {
            found.extend(words.iter().filter(|word| line.contains(*word)).map(|word| format!("{name}:{number}: {word}")));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_test_waits_by_sleeping() {
    let sleep = format!("{}(", "sleep");
    let mut found = Vec::new();
    for (name, text) in files("rs") {
        let in_tests = Path::new(&name).components().any(|part| part.as_os_str() == "tests") || name.ends_with("tests.rs");
        let from = if in_tests { 0 } else { text.find("#[cfg(test)]").unwrap_or(text.len()) };
        let first = text[..from].lines().count() + 1;
        for (number, line) in (first..).zip(text[from..].lines()) {
            if line.contains(&sleep) {
                found.push(format!("{name}:{number}: wait for the event instead: {}", line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_test_program_is_built() {
    let manifest = std::fs::read_to_string(root().join("tests/Cargo.toml")).unwrap();
    for entry in std::fs::read_dir(root().join("tests")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if entry.path().join("main.rs").exists() { format!("{name}/main.rs") } else { name.clone() };
        if path.ends_with(".rs") {
            assert!(manifest.contains(&format!("path = \"{path}\"")), "tests/{path} is in no [[test]] or [[bench]] of tests/Cargo.toml");
        }
    }
    for (name, text) in files("rs").into_iter().filter(|(name, _)| name.starts_with("tests/") && name.matches('/').count() > 1) {
        let path = Path::new(&name);
        // These are programs of a workspace of their own; tests/fuzz.rs knows them all.
        if path.starts_with("tests/fuzz/targets") {
            continue;
        }
        let (stem, folder) = (path.file_stem().unwrap().to_str().unwrap(), path.parent().unwrap());
        if ["main", "lib", "mod"].contains(&stem) {
            continue;
        }
        let parents = ["main.rs", "lib.rs", "mod.rs"]
            .map(|parent| root().join(folder).join(parent))
            .into_iter()
            .chain([root().join(folder).with_extension("rs")]);
        let declared =
            parents.filter_map(|parent| std::fs::read_to_string(parent).ok()).any(|parent| parent.contains(&format!("mod {stem};")));
        assert!(declared || text.is_empty(), "{name} is declared as a module nowhere");
    }
}

#[test]
fn every_fixture_is_used() {
    let sources: String = files("rs").into_iter().map(|(_, text)| text).collect();
    let fixtures = list().into_iter().filter(|name| name.starts_with("tests/fixtures/"));
    let unused: Vec<_> = fixtures
        .filter(|name| {
            // By its own name, or because a folder that it is in is read whole.
            let path = Path::new(name.trim_start_matches("tests/"));
            let folders = path.ancestors().skip(1).take_while(|folder| *folder != Path::new("fixtures"));
            let said = |folder: &Path| {
                let quoted = format!("\"{}\"", folder.file_name().unwrap().to_str().unwrap());
                sources.contains(folder.to_str().unwrap()) || sources.contains(&quoted)
            };
            !folders.into_iter().any(said) && !sources.contains(path.file_name().unwrap().to_str().unwrap())
        })
        .collect();
    assert!(unused.is_empty(), "no test uses these fixtures: {unused:#?}");
}

/// Every file of the repository by its path.
fn list() -> Vec<String> {
    #[allow(clippy::disallowed_methods, reason = "a test asks git which files there are")]
    let output = Command::new("git").arg("-C").arg(root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]).output();
    let output = output.expect("git cannot be run: install the package git");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn all_files() -> Vec<(String, String)> {
    list().into_iter().filter_map(|name| Some((name.clone(), std::fs::read_to_string(root().join(name)).ok()?))).collect()
}

fn files(extension: &str) -> Vec<(String, String)> {
    let wanted = |name: &str| Path::new(name).extension().is_some_and(|found| found == extension);
    all_files().into_iter().filter(|(name, _)| wanted(name)).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
