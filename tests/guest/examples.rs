//! Documents as people have them, from define to running to shut off.

use std::path::Path;

use lodge_dbus_interfaces::options::{DestroyOptions, UndefineOptions};
use lodge_tests::binaries;

use crate::documents;
use crate::host::{Host, image};

#[tokio::test(flavor = "multi_thread")]
async fn old_documents_start_once_their_paths_exist() {
    let host = Host::new().await;
    for name in ["kvm-i686", "qemu-i686-cdrom", "qemu-i686-disk"] {
        let fixture = documents::root().join("tests/fixtures/domain").join(name).with_extension("xml");
        let document = with_paths_here(&std::fs::read_to_string(fixture).unwrap(), host.bus.directory());
        let guest = host.define(&document).await;
        guest.start().await;
        assert_eq!(guest.state().await, "running (booted)", "{name}");
        guest.qemu();
        guest.domain.destroy(&DestroyOptions::default()).await.unwrap();
        assert_eq!(guest.state().await, "shut-off (destroyed)", "{name}");
        assert_eq!(guest.processes(), [], "{name}");
        guest.domain.undefine(&UndefineOptions::default()).await.unwrap();
    }
}

/// The document with images and emulator that exist. Without KVM it is emulated.
fn with_paths_here(document: &str, directory: &Path) -> String {
    let emulator = binaries::installed("qemu-system-x86_64", "qemu-system-x86");
    let emulator = format!("<emulator>{}</emulator>", emulator.display());
    let mut document = document.to_owned();
    for old in ["/usr/bin/qemu-kvm", "/usr/bin/qemu"] {
        document = document.replace(&format!("<emulator>{old}</emulator>"), &emulator);
    }
    // A block device is made by administrators only; an image stands for it.
    document = document.replace("<disk type='block'", "<disk type='file'").replace("<source dev=", "<source file=");
    for old in ["/srv/images/demo2.img", "/srv/images/boot.iso", "/srv/images/fedora.img", "/dev/HostVG/QEMUGuest1"] {
        let file = directory.join(Path::new(old).file_name().unwrap());
        if !file.exists() {
            image(&file, "raw", "1M");
        }
        document = document.replace(old, file.to_str().unwrap());
    }
    let kvm = std::fs::File::options().read(true).write(true).open("/dev/kvm").is_ok();
    if kvm { document } else { document.replace("<domain type='kvm'>", "<domain type='qemu'>") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_virt_install_lives_its_life_by_lodgectl() {
    let host = Host::new().await;
    let (disk, file) = (host.bus.directory().join("debian12.qcow2"), host.bus.directory().join("debian12.xml"));
    image(&disk, "qcow2", "1G");
    std::fs::write(&file, documents::virt_install(&disk)).unwrap();
    let lodgectl = |arguments: &[&str]| {
        let ran = host.bus.command(binaries::built("lodgectl")).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success() && said.is_empty(), "{arguments:?}: {said}\n{}", host.bus.log());
        String::from_utf8(ran.stdout).unwrap()
    };
    lodgectl(&["define", file.to_str().unwrap()]);
    lodgectl(&["start", "debian12"]);
    assert_eq!(lodgectl(&["domstate", "debian12", "--reason"]), "running (booted)\n");
    let live = lodgectl(&["dumpxml", "debian12"]);
    for device in ["vda", "52:54:00:5b:1c:0d", "org.qemu.guest_agent.0", "libosinfo", "/dev/urandom", "pty"] {
        assert!(live.contains(device), "{device}\n{live}");
    }
    lodgectl(&["suspend", "debian12"]);
    assert_eq!(lodgectl(&["domstate", "debian12", "--reason"]), "paused (user)\n");
    lodgectl(&["resume", "debian12"]);
    lodgectl(&["reset", "debian12"]);
    assert_eq!(lodgectl(&["domstate", "debian12"]), "running\n");
    lodgectl(&["destroy", "debian12"]);
    assert_eq!(lodgectl(&["domstate", "debian12", "--reason"]), "shut off (destroyed)\n");
    lodgectl(&["undefine", "debian12"]);
    assert_eq!(lodgectl(&["list", "--all", "--name"]), "");
    assert!(disk.exists());
}
