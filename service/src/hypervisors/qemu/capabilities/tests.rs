//! The real QEMU is asked, and what is kept of it is taken up again or not.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::host::process::{Limits, ProcessSpec, run};
use crate::hypervisors::confine::Unconfined;

fn emulator() -> PathBuf {
    find_emulator(Arch::X86_64).expect("install qemu-system-x86")
}

/// A program in the place of an emulator. Another process writes it: a file that this one has open for writing could be
/// so in a child that another test is just starting, and then cannot be executed.
async fn script(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("emulator");
    let write = ProcessSpec::new("/bin/sh").arguments(["-c", "cat > \"$0\" && chmod 755 \"$0\""]).arguments([&path]);
    let text = format!("#!/bin/sh\n{text}\n");
    run(write, text.as_bytes(), Limits::default()).await.unwrap().require_success().unwrap();
    path
}

/// An emulator that notes that it was asked, and is the real one otherwise. Its answers come from one call of `-mon`.
async fn counted(directory: &Path) -> (PathBuf, PathBuf) {
    let log = directory.join("asked");
    let real = emulator();
    let text = format!("case \"$*\" in *mode=control*) echo asked >> {};; esac\nexec {} \"$@\"", log.display(), real.display());
    (script(directory, &text).await, log)
}

fn times_asked(log: &Path) -> usize {
    std::fs::read_to_string(log).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn the_installed_qemu_answers() {
    let found = probe(&emulator(), kvm_usable(), &Unconfined).await.unwrap();
    assert_eq!(found.target, "x86_64");
    let q35 = found.machine("q35").unwrap();
    assert!(q35.name.starts_with("pc-q35-") && q35.cpu_max >= 255, "{q35:?}");
    assert_eq!(found.machine(&q35.name), Some(q35));
    assert_eq!(found.default_machine(), found.machine("pc"));
    assert_eq!(found.machine("vax"), None);
    for device in ["virtio-net-pci", "virtio-blk-pci", "ide-hd", "qemu-xhci", "VGA", "tpm-crb", "virtio-serial-pci"] {
        assert!(found.has_device(device), "{device}");
    }
    assert!(!found.has_device("pci-device"), "an abstract type is no device");
    assert!(!found.has_device("x86_64-cpu"));
    for object in ["rng-random", "secret", "memory-backend-memfd", "iothread"] {
        assert!(found.has_object(object), "{object}");
    }
    for (known, what) in [
        (found.has_chardev("socket") && found.has_chardev("pty"), "chardevs"),
        (found.has_netdev("user") && found.has_netdev("stream"), "netdevs"),
        (found.has_display("none"), "displays"),
        (found.has_audiodev("none"), "audiodevs"),
        (found.has_block_driver("qcow2") && found.has_block_driver("luks"), "block drivers"),
        (found.has_command("blockdev-add") && !found.has_command("STOP"), "commands"),
        (found.has_vnc(), "vnc"),
        (found.has_sandbox() && found.has_option_parameter("sandbox", "spawn"), "sandbox"),
        (found.kvm.built_in && found.kvm.usable == found.kvm.max_vcpus.is_some(), "kvm"),
        (found.has_cpu_model("qemu64") && found.cpu_models.get("max").is_some_and(CpuModel::is_usable), "models"),
    ] {
        assert!(known, "{what}: {found:#?}");
    }
}

#[tokio::test]
async fn an_emulator_is_asked_once_and_again_when_it_changed() {
    let directory = tempfile::tempdir().unwrap();
    let (emulator, log) = counted(directory.path()).await;
    let kept = directory.path().join("cache/capabilities");
    let cache = Cache::new(&kept);
    let (first, second) = tokio::join!(cache.get(&emulator, &Unconfined), cache.get(&emulator, &Unconfined));
    let first = first.unwrap();
    assert!(Arc::ptr_eq(&first, &second.unwrap()), "two callers at once, two answers");
    assert_eq!(times_asked(&log), 1);

    // The next start of the daemon.
    let loaded = Cache::new(&kept).get(&emulator, &Unconfined).await.unwrap();
    assert_eq!((loaded, times_asked(&log)), (first, 1));

    let entry = std::fs::read_dir(&kept).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::metadata(&entry).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read(&entry).unwrap();
    std::fs::write(&entry, &text[..text.len() / 2]).unwrap();
    Cache::new(&kept).get(&emulator, &Unconfined).await.unwrap();
    assert_eq!(times_asked(&log), 2, "half an entry was believed");

    let real = std::fs::read_to_string(&emulator).unwrap();
    script(directory.path(), &format!("# another build\n{real}")).await;
    cache.get(&emulator, &Unconfined).await.unwrap();
    assert_eq!(times_asked(&log), 3, "the binary has changed");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_no_failure() {
    let directory = tempfile::tempdir().unwrap();
    let (emulator, log) = counted(directory.path()).await;
    let in_the_way = directory.path().join("file");
    std::fs::write(&in_the_way, "").unwrap();
    let cache = Cache::new(in_the_way.join("cache"));
    cache.get(&emulator, &Unconfined).await.unwrap();
    cache.get(&emulator, &Unconfined).await.unwrap();
    assert_eq!(times_asked(&log), 1);
}

#[tokio::test]
async fn what_is_no_qemu_is_told_with_its_own_words() {
    let directory = tempfile::tempdir().unwrap();
    let emulator = script(directory.path(), "echo I am a teapot >&2; exit 1").await;
    let error = probe(&emulator, false, &Unconfined).await.unwrap_err().to_string();
    assert!(error.contains("before the greeting was answered"), "{error}");
    assert!(error.ends_with("it said: I am a teapot"), "{error}");
}
