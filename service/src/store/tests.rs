//! The store on a real file system, with what other processes, crashes and full disks do to it.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use uuid::Uuid;

use super::atomic::{self, Durability};
use super::directory::{Directory, Mode};
use super::*;

/// A store below a directory of its own.
struct Fixture {
    store: Store,
    root: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { store: Store::open(Layout::under(root.path())).unwrap(), root }
    }

    fn definition(&self, file: &str) -> PathBuf {
        self.root.path().join("config/domains").join(file)
    }

    fn link(&self, file: &str) -> PathBuf {
        self.root.path().join("config/autostart").join(file)
    }

    /// All definitions, errors as their text.
    fn loaded(&self) -> Vec<(String, Result<String, String>)> {
        let loaded = self.store.definitions().load_all().unwrap();
        loaded.into_iter().map(|(name, xml)| (name, xml.map_err(|error| error.to_string()))).collect()
    }

    fn reopen(self) -> Self {
        let Self { store, root } = self;
        drop(store);
        Self { store: Store::open(Layout::under(root.path())).unwrap(), root }
    }
}

fn ok(name: &str, xml: &str) -> (String, Result<String, String>) {
    (name.to_owned(), Ok(xml.to_owned()))
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn file_names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Runs `action` on a thread that file modes apply to, also when the tests run as root.
fn without_privilege<T: Send>(action: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let run = || {
            // For this thread only (setfsuid(2)); without effect for an ordinary user, who needs no such help.
            nix::unistd::setfsuid(65534.into());
            action()
        };
        scope.spawn(run).join().unwrap()
    })
}

#[test]
fn the_second_store_is_refused_and_told_who_has_the_first() {
    let fixture = Fixture::new();
    let error = Store::open(Layout::under(fixture.root.path())).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, StoreError::Locked { holder: Some(pid), .. } if pid == std::process::id()), "{message}");
    assert!(message.contains(fixture.root.path().join("config").to_str().unwrap()), "{message}");

    let same_runtime = Layout { config: fixture.root.path().join("other"), ..Layout::under(fixture.root.path()) };
    let error = Store::open(same_runtime).unwrap_err();
    assert!(matches!(&error, StoreError::Locked { directory, .. } if directory.ends_with("run")), "{error}");

    fixture.reopen();
}

#[test]
fn a_refused_store_leaves_the_owner_named_and_a_link_is_no_lock() {
    let fixture = Fixture::new();
    let lock = fixture.root.path().join("config/lock");
    Store::open(Layout::under(fixture.root.path())).unwrap_err();
    assert_eq!(fs::read_to_string(&lock).unwrap(), format!("{}\n", std::process::id()));

    let Fixture { store, root } = fixture;
    drop(store);
    fs::remove_file(&lock).unwrap();
    symlink(root.path().join("elsewhere"), &lock).unwrap();
    let error = Store::open(Layout::under(root.path())).unwrap_err();
    assert!(matches!(error, StoreError::NotAFile { .. }), "{error}");
    assert!(!root.path().join("elsewhere").exists());
}

#[test]
fn no_descriptor_passes_to_a_guest() {
    let fixture = Fixture::new();
    let inside = |target: &Path| target.starts_with(fixture.root.path());
    let mut seen = 0;
    for entry in fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        let Ok(target) = fs::read_link(&path) else { continue };
        if !inside(&target) {
            continue;
        }
        let number: i32 = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let flags = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
        let octal = flags.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        let flags = u32::from_str_radix(octal, 8).unwrap();
        assert_ne!(flags & rustix::fs::OFlags::CLOEXEC.bits(), 0, "{}", target.display());
        seen += 1;
    }
    assert!(seen >= 5, "two locks and three directories are open, {seen} seen");
}

#[test]
fn directories_and_files_are_for_the_owner_only() {
    let fixture = Fixture::new();
    let root = fixture.root.path();
    let uuid = Uuid::from_u128(7);
    fixture.store.definitions().save("a", "<domain/>").unwrap();
    fixture.store.status().save(uuid, &1).unwrap();
    let runtime = fixture.store.layout().domain_runtime(uuid);
    for directory in
        ["config", "config/domains", "config/autostart", "data/nvram", "state", "cache/capabilities", "run", "run/domains", "log"]
    {
        assert_eq!(mode(&root.join(directory)), 0o700, "{directory}");
    }
    assert_eq!(mode(&runtime), 0o700);
    assert_eq!(mode(&runtime.join("status.json")), 0o600);
    assert_eq!(mode(&fixture.definition("a.xml")), 0o600);
}

#[test]
fn definitions_are_saved_replaced_and_removed() {
    let fixture = Fixture::new();
    let definitions = fixture.store.definitions();
    definitions.save("b", "first").unwrap();
    definitions.save("a-b", "äöü").unwrap();
    definitions.save("a", "other").unwrap();
    definitions.save("b", "2nd").unwrap();
    let fixture = fixture.reopen();
    assert_eq!(fixture.loaded(), [ok("a", "other"), ok("a-b", "äöü"), ok("b", "2nd")]);
    fixture.store.definitions().remove("a").unwrap();
    fixture.store.definitions().remove("a").unwrap();
    assert_eq!(fixture.loaded(), [ok("a-b", "äöü"), ok("b", "2nd")]);
    assert_eq!(file_names(&fixture.root.path().join("config/domains")), ["a-b.xml", "b.xml"]);
}

#[test]
fn bad_names_reach_no_file() {
    let fixture = Fixture::new();
    fs::write(fixture.root.path().join("config/x.xml"), "outside").unwrap();
    for name in ["", ".", "..", "../x", "a/b", "a\0b", &"x".repeat(201)] {
        let refused = [
            fixture.store.definitions().save(name, "x").unwrap_err(),
            fixture.store.definitions().remove(name).unwrap_err(),
            fixture.store.definitions().rename(name, "b", "x").unwrap_err(),
            fixture.store.autostart().set(name, true).unwrap_err(),
        ];
        assert!(refused.iter().all(|error| matches!(error, StoreError::InvalidName { .. })), "{name:?}: {refused:?}");
        assert!(!fixture.store.autostart().is_set(name));
    }
    assert!(fixture.root.path().join("config/x.xml").exists());
    assert_eq!(fixture.loaded(), []);
    fixture.store.definitions().save(&"x".repeat(200), "x").unwrap();
}

#[test]
fn one_bad_definition_does_not_stop_the_others() {
    let fixture = Fixture::new();
    fixture.store.definitions().save("good", "text").unwrap();
    fs::File::create(fixture.definition("big.xml")).unwrap().set_len(MAX_DEFINITION_BYTES + 1).unwrap();
    fs::create_dir(fixture.definition("directory.xml")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, fixture.definition("fifo.xml"), 0o600.into()).unwrap();
    symlink(fixture.definition("good.xml"), fixture.definition("link.xml")).unwrap();
    UnixListener::bind(fixture.definition("socket.xml")).unwrap();
    fs::write(fixture.definition("text.xml"), b"ab\xff").unwrap();
    fs::write(fixture.definition("notes.txt"), "not ours").unwrap();

    let loaded = fixture.loaded();
    let expected = [
        ("big", "at most 4194304 bytes"),
        ("directory", "is not a plain file"),
        ("fifo", "is not a plain file"),
        ("link", "is not a plain file"),
        ("socket", "is not a plain file"),
        ("text", "not UTF-8 text (first bad byte at offset 2)"),
    ];
    let (errors, good): (Vec<_>, Vec<_>) = loaded.into_iter().partition(|(_, xml)| xml.is_err());
    assert_eq!(good, [ok("good", "text")]);
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
    for ((name, error), (expected_name, expected)) in errors.iter().zip(expected) {
        let message = error.as_ref().unwrap_err();
        assert!(name == expected_name && message.contains(expected) && message.contains(&format!("{name}.xml")), "{message}");
    }
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let fixture = Fixture::new();
    let definitions = fixture.store.definitions();
    let largest = "x".repeat(MAX_DEFINITION_BYTES.try_into().unwrap());
    definitions.save("a", &largest).unwrap();
    assert_eq!(fixture.loaded(), [ok("a", &largest)]);
    assert!(matches!(definitions.save("a", &format!("{largest}x")), Err(StoreError::TooLarge { .. })));
    assert_eq!(fixture.loaded(), [ok("a", &largest)]);
}

#[test]
fn leftovers_of_a_crash_are_removed_at_the_next_start() {
    let fixture = Fixture::new();
    fixture.store.definitions().save("a", "kept").unwrap();
    fixture.store.definitions().save(".x.tmp", "a name like any other").unwrap();
    fs::write(fixture.definition(".0.tmp"), "half").unwrap();
    fs::write(fixture.definition("mine.tmp"), "not ours").unwrap();
    assert_eq!(fixture.loaded().len(), 2);
    let fixture = fixture.reopen();
    assert_eq!(file_names(&fixture.root.path().join("config/domains")), [".x.tmp.xml", "a.xml", "mine.tmp"]);
}

#[test]
fn a_link_in_place_of_a_definition_is_refused_and_its_target_untouched() {
    let fixture = Fixture::new();
    let target = fixture.root.path().join("precious");
    fs::write(&target, "precious").unwrap();
    symlink(&target, fixture.definition("a.xml")).unwrap();
    symlink(fixture.root.path().join("nothing"), fixture.definition("dangling.xml")).unwrap();
    for name in ["a", "dangling"] {
        assert!(matches!(fixture.store.definitions().save(name, "x"), Err(StoreError::NotAFile { .. })));
        assert!(matches!(fixture.store.definitions().rename(name, "b", "x"), Err(StoreError::NotAFile { .. })));
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(!fixture.root.path().join("nothing").exists());
    assert_eq!(file_names(&fixture.root.path().join("config/domains")), ["a.xml", "dangling.xml"]);
}

#[test]
fn a_link_in_place_of_a_directory_is_refused() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("elsewhere")).unwrap();
    fs::create_dir(root.path().join("config")).unwrap();
    symlink("../elsewhere", root.path().join("config/domains")).unwrap();
    let error = Store::open(Layout::under(root.path())).unwrap_err();
    assert!(matches!(&error, StoreError::NotADirectory { path } if path.ends_with("config/domains")), "{error}");
}

#[test]
fn a_read_only_directory_keeps_the_old_content() {
    let fixture = Fixture::new();
    let definitions = fixture.store.definitions();
    definitions.save("a", "old").unwrap();
    let directory = fixture.root.path().join("config/domains");
    fs::set_permissions(&directory, Permissions::from_mode(0o555)).unwrap();
    let errors = without_privilege(|| {
        [definitions.save("a", "new"), definitions.save("b", "new"), definitions.remove("a"), definitions.rename("a", "b", "new")]
    });
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
    for result in errors {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error}");
        assert!(error.to_string().contains(directory.to_str().unwrap()), "{error}");
    }
    assert_eq!(fixture.loaded(), [ok("a", "old")]);
    assert_eq!(file_names(&directory), ["a.xml"]);
}

#[test]
fn a_write_that_fails_half_way_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let directory = Directory::create(root.path(), Mode::Owner).unwrap();
    atomic::write(&directory, "a", b"old", Durability::Durable).unwrap();
    let full = |file: &mut fs::File| file.write_all(b"ne").and(Err(io::Error::from(Errno::NOSPC)));
    let error = atomic::prepare(&directory, "a", Durability::Durable, full).unwrap_err();
    assert!(matches!(error, StoreError::NoSpace { .. }), "{error}");
    assert_eq!(file_names(root.path()), ["a"]);
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"old");
}

#[test]
fn a_leftover_temporary_file_is_in_nobodys_way() {
    let root = tempfile::tempdir().unwrap();
    let directory = Directory::create(root.path(), Mode::Owner).unwrap();
    // The counter is shared with the other tests: occupy more numbers than those can use up meanwhile.
    let first = atomic::prepare(&directory, "a", Durability::Volatile, |_| Ok(())).unwrap();
    let number: u64 = first.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    (number + 1..number + 2000).for_each(|n| fs::write(root.path().join(format!(".{n}.tmp")), "leftover").unwrap());
    atomic::write(&directory, "a", b"new", Durability::Volatile).unwrap();
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"new");
}

#[test]
fn rename_moves_the_definition_or_changes_nothing() {
    let fixture = Fixture::new();
    let definitions = fixture.store.definitions();
    definitions.save("a", "text a").unwrap();
    definitions.save("b", "text b").unwrap();
    assert!(matches!(definitions.rename("a", "b", "x"), Err(StoreError::AlreadyExists { .. })));
    assert!(matches!(definitions.rename("a", "a", "x"), Err(StoreError::AlreadyExists { .. })));
    assert!(matches!(definitions.rename("none", "c", "x"), Err(StoreError::NotFound { path }) if path.ends_with("none.xml")));
    assert_eq!(fixture.loaded(), [ok("a", "text a"), ok("b", "text b")]);
    definitions.rename("a", "c", "text c").unwrap();
    assert_eq!(fixture.loaded(), [ok("b", "text b"), ok("c", "text c")]);
    assert_eq!(file_names(&fixture.root.path().join("config/domains")), ["b.xml", "c.xml"]);
}

#[test]
fn writers_of_different_domains_do_not_disturb_each_other() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || (0..25).for_each(|n| store.definitions().save(&format!("d{thread}"), &format!("{n}")).unwrap()));
        }
    });
    let expected: Vec<_> = (0..8).map(|thread| ok(&format!("d{thread}"), "24")).collect();
    assert_eq!(fixture.loaded(), expected);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Status {
    pid: u32,
    xml: String,
}

#[test]
fn status_comes_back_after_a_restart() {
    let fixture = Fixture::new();
    let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let status = Status { pid: 1, xml: "<domain>\n</domain>".into() };
    fixture.store.status().save(b, &Status { pid: 9, ..status.clone() }).unwrap();
    fixture.store.status().save(b, &status).unwrap();
    let path = fixture.store.status().prepare(a).unwrap();
    assert_eq!(path, fixture.store.layout().domain_runtime(a));
    assert_eq!(fixture.store.status().prepare(a).unwrap(), path);
    fs::write(fixture.root.path().join("run/domains/notes"), "not ours").unwrap();

    let fixture = fixture.reopen();
    let loaded = fixture.store.status().load_all::<Status>().unwrap();
    assert_eq!(loaded.len(), 2, "{loaded:?}");
    assert!(matches!(&loaded[0], (uuid, Err(StoreError::NotFound { .. })) if *uuid == a), "{loaded:?}");
    assert!(matches!(&loaded[1], (uuid, Ok(read)) if *uuid == b && *read == status), "{loaded:?}");
}

#[test]
fn a_broken_status_is_reported_with_its_file() {
    let fixture = Fixture::new();
    let uuid = Uuid::from_u128(1);
    let file = fixture.store.status().prepare(uuid).unwrap().join("status.json");
    fs::write(&file, "{\"pid\": 1").unwrap();
    let loaded = fixture.store.status().load_all::<Status>().unwrap();
    let message = loaded[0].1.as_ref().unwrap_err().to_string();
    assert!(message.contains(file.to_str().unwrap()), "{message}");
}

#[test]
fn removing_a_status_removes_all_of_the_domain_and_follows_no_link() {
    let fixture = Fixture::new();
    let uuid = Uuid::from_u128(1);
    let outside = fixture.root.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("precious"), "").unwrap();

    fixture.store.status().save(uuid, &1).unwrap();
    let runtime = fixture.store.layout().domain_runtime(uuid);
    UnixListener::bind(runtime.join("qmp.sock")).unwrap();
    assert!(fs::metadata(runtime.join("qmp.sock")).unwrap().file_type().is_socket());
    fs::create_dir_all(runtime.join("tpm/deep")).unwrap();
    fs::write(runtime.join("tpm/deep/file"), "").unwrap();
    symlink(&outside, runtime.join("tpm/link")).unwrap();

    fixture.store.status().remove(uuid).unwrap();
    assert!(!runtime.exists());
    assert!(outside.join("precious").exists());
    fixture.store.status().remove(uuid).unwrap();
}

#[test]
fn autostart_is_a_link_and_survives_rename_and_restart() {
    let fixture = Fixture::new();
    let autostart = fixture.store.autostart();
    assert!(!autostart.is_set("a"));
    autostart.set("a", false).unwrap();
    autostart.set("a", true).unwrap();
    autostart.set("a", true).unwrap();
    assert!(autostart.is_set("a"));
    assert_eq!(fs::read_link(fixture.link("a.xml")).unwrap(), Path::new("../domains/a.xml"));

    autostart.rename("a", "b").unwrap();
    assert_eq!((autostart.is_set("a"), autostart.is_set("b")), (false, true));
    assert_eq!(fs::read_link(fixture.link("b.xml")).unwrap(), Path::new("../domains/b.xml"));

    // A link that was left for the new name does not start a domain that was not to start.
    autostart.rename("never", "b").unwrap();
    assert!(!autostart.is_set("b"));

    autostart.set("b", true).unwrap();
    let fixture = fixture.reopen();
    assert!(fixture.store.autostart().is_set("b"));
    fixture.store.autostart().set("b", false).unwrap();
    assert_eq!(file_names(&fixture.root.path().join("config/autostart")), [""; 0]);
}

#[test]
fn a_file_in_place_of_an_autostart_link_is_kept_and_named() {
    let fixture = Fixture::new();
    fs::write(fixture.link("a.xml"), "mine").unwrap();
    for enabled in [true, false] {
        assert!(matches!(fixture.store.autostart().set("a", enabled), Err(StoreError::NotALink { .. })));
    }
    assert!(!fixture.store.autostart().is_set("a"));
    assert!(matches!(fixture.store.autostart().rename("b", "a"), Err(StoreError::NotALink { .. })));
    assert_eq!(fs::read_to_string(fixture.link("a.xml")).unwrap(), "mine");
}
