//! Pools and volumes by `lodgectl`: the verbs of virsh, and what they print.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use lodge_dbus_interfaces::{BUS_NAME, DOMAIN_INTERFACE, MANAGER_INTERFACE, ROOT_PATH, STORAGE_POOL_INTERFACE, paths};
use lodge_tests::binaries::installed;
use lodge_tests::bus::PrivateBus;

use crate::{lodgectl, run};

#[test]
fn the_default_pool_is_there_from_the_first_call() {
    let bus = PrivateBus::with_lodged(&[]);
    let heading = " Name      State    Autostart\n------------------------------\n";
    assert_eq!(run(&bus, &["pool-list"]).good(), format!("{heading} default   active   yes\n"));
    let path = bus.lodge_root().join("data/images");
    assert!(path.is_dir());
    let xml = run(&bus, &["pool-dumpxml", "default"]).good();
    assert!(xml.contains(&format!("<path>{}</path>", path.display())), "{xml}");
    // Whoever removes it does not get it back.
    run(&bus, &["pool-destroy", "default"]).good();
    assert_eq!(run(&bus, &["pool-undefine", "default"]).good(), "Pool 'default' has been undefined\n");
    assert_eq!(run(&bus, &["-q", "pool-list", "--all"]).good(), "");
}

#[test]
fn a_pools_and_its_volumes_whole_life() {
    let bus = PrivateBus::with_lodged(&[]);
    let path = bus.directory().join("srv images").display().to_string();
    let defined = run(&bus, &["pool-define-as", "images", "dir", "--target", &path]).good();
    assert_eq!(defined, "Pool 'images' defined\n");
    assert_eq!(run(&bus, &["pool-build", "images"]).good(), "Pool 'images' built\n");
    assert_eq!(run(&bus, &["pool-start", "images"]).good(), "Pool 'images' started\n");
    assert_eq!(run(&bus, &["pool-autostart", "images"]).good(), "Pool 'images' marked as autostarted\n");
    let info = run(&bus, &["pool-info", "images"]).good();
    assert!(info.contains("State:       running") && info.contains("Available:"), "{info}");
    let made = run(&bus, &["vol-create-as", "images", "disk.qcow2", "1G", "--format", "qcow2"]).good();
    assert_eq!(made, "Vol 'disk.qcow2' created\n");
    let file = format!("{path}/disk.qcow2");
    assert_eq!(run(&bus, &["vol-path", "disk.qcow2", "--pool", "images"]).good(), format!("{file}\n"));
    assert_eq!(run(&bus, &["vol-pool", &file]).good(), "images\n");
    assert_eq!(run(&bus, &["vol-name", &file]).good(), "disk.qcow2\n");
    assert_eq!(
        run(&bus, &["vol-clone", "disk.qcow2", "copy.qcow2", "--pool", "images"]).good(),
        "Vol 'copy.qcow2' cloned from 'disk.qcow2'\n"
    );
    assert_eq!(run(&bus, &["vol-list", "images", "--name"]).good(), "copy.qcow2\ndisk.qcow2\n");
    run(&bus, &["vol-resize", "disk.qcow2", "1G", "--delta", "--pool", "images"]).good();
    let info = run(&bus, &["vol-info", "disk.qcow2", "--pool", "images"]).good();
    assert!(info.contains("Capacity:    2.00 GiB") && info.contains("Format:      qcow2"), "{info}");
    assert!(run(&bus, &["vol-resize", "disk.qcow2", "1", "--pool", "images"]).failed().contains("shrink"));
    let top = ["vol-create-as", "images", "top.qcow2", "2G", "--format", "qcow2", "--backing-vol", "disk.qcow2"];
    run(&bus, &top).good();
    assert!(run(&bus, &["vol-dumpxml", "top.qcow2", "--pool", "images"]).good().contains(&format!("<path>{file}</path>")));
    for name in ["copy.qcow2", "top.qcow2", "disk.qcow2"] {
        assert_eq!(run(&bus, &["vol-delete", name, "--pool", "images"]).good(), format!("Vol '{name}' deleted\n"));
    }
    run(&bus, &["pool-destroy", "images"]).good();
    assert_eq!(run(&bus, &["pool-delete", "images"]).good(), "Pool 'images' deleted\n");
    run(&bus, &["pool-undefine", "images"]).good();
    assert!(run(&bus, &["pool-info", "images"]).failed().contains("there is no pool"));
}

#[test]
fn files_go_in_and_out_and_are_wiped() {
    let bus = PrivateBus::with_lodged(&[]);
    let (file, back) = (bus.directory().join("in"), bus.directory().join("out"));
    let bytes: Vec<u8> = (0..1 << 20).map(|at: u32| at.to_le_bytes()[1]).collect();
    std::fs::write(&file, &bytes).unwrap();
    run(&bus, &["vol-create-as", "default", "a.img", "1M", "--allocation", "0"]).good();
    let upload = ["vol-upload", "a.img", file.to_str().unwrap(), "--pool", "default"];
    run(&bus, &upload).good();
    let download = ["vol-download", "a.img", back.to_str().unwrap(), "--pool", "default"];
    run(&bus, &download).good();
    assert!(std::fs::read(&back).unwrap() == bytes);
    assert_eq!(run(&bus, &["vol-wipe", "a.img", "--pool", "default"]).good(), "Vol 'a.img' wiped\n");
    run(&bus, &download).good();
    assert!(std::fs::read(&back).unwrap() == vec![0; 1 << 20]);
    std::fs::write(&file, vec![1; (1 << 20) + 1]).unwrap();
    assert!(run(&bus, &upload).failed().contains("not in it"));
}

#[test]
fn a_guest_has_volumes_as_disks_and_an_encrypted_one_is_opened_for_it() {
    let bus = PrivateBus::with_lodged(&[]);
    run(&bus, &["vol-create-as", "default", "plain.qcow2", "16M", "--format", "qcow2"]).good();
    let encrypted = bus.directory().join("volume.xml");
    let volume = "<volume><name>secret.qcow2</name><capacity unit='MiB'>16</capacity><target><format type='qcow2'/>\
                  <encryption format='default'/></target></volume>";
    std::fs::write(&encrypted, volume).unwrap();
    run(&bus, &["vol-create", "default", encrypted.to_str().unwrap()]).good();
    let disk = |name: &str, dev: &str| {
        format!(
            "<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='default' volume='{name}'/>\
             <target dev='{dev}' bus='virtio'/></disk>"
        )
    };
    let file = bus.directory().join("guest.xml");
    let xml = format!(
        "<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>\
         <devices>{}{}</devices></domain>",
        disk("plain.qcow2", "vda"),
        disk("secret.qcow2", "vdb")
    );
    std::fs::write(&file, xml).unwrap();
    run(&bus, &["define", file.to_str().unwrap()]).good();
    run(&bus, &["start", "guest"]).good();
    let live = run(&bus, &["dumpxml", "guest"]).good();
    let images = bus.lodge_root().join("data/images");
    assert!(live.contains(&format!("file='{}'", images.join("plain.qcow2").display())), "{live}");
    assert!(live.contains("<encryption format='luks'>"), "{live}");
    for verb in ["vol-delete", "vol-wipe"] {
        assert!(run(&bus, &[verb, "secret.qcow2", "--pool", "default"]).failed().contains("domain 'guest' uses it"));
    }
    run(&bus, &["destroy", "guest"]).good();
    run(&bus, &["vol-delete", "secret.qcow2", "--pool", "default"]).good();
    assert!(run(&bus, &["start", "guest"]).failed().contains("secret.qcow2"));
}

/// What a guest writes on its first serial port that boots from [`boot_sector`].
const GREETING: &str = "booted from an encrypted volume";

/// A boot sector for a BIOS, of 16-bit code at 0x7c00 that writes [`GREETING`] to the port at 0x3f8.
fn boot_sector() -> Vec<u8> {
    let mut sector = vec![
        0x31, 0xc0, // xor ax, ax
        0x8e, 0xd8, // mov ds, ax
        0xbe, 0x15, 0x7c, // mov si, the text
        0xac, // next: lodsb
        0x84, 0xc0, // test al, al
        0x74, 0x06, // jz end
        0xba, 0xf8, 0x03, // mov dx, 0x3f8
        0xee, // out dx, al
        0xeb, 0xf5, // jmp next
        0xf4, // end: hlt
        0xeb, 0xfd, // jmp end
    ];
    sector.extend(format!("{GREETING}\r\n\0").bytes());
    sector.resize(510, 0);
    sector.extend([0x55, 0xaa]);
    sector
}

#[test]
fn a_guest_boots_from_an_encrypted_volume() {
    let bus = PrivateBus::with_lodged(&[]);
    let write = |name: &str, bytes: &[u8]| {
        let file = bus.directory().join(name);
        std::fs::write(&file, bytes).unwrap();
        file.display().to_string()
    };
    let mut image = boot_sector();
    image.resize(1 << 20, 0);
    run(&bus, &["vol-create-as", "default", "plain.img", "1M"]).good();
    run(&bus, &["vol-upload", "plain.img", &write("image", &image), "--pool", "default"]).good();
    let volume = "<volume><name>boot.qcow2</name><capacity unit='MiB'>1</capacity><target><format type='qcow2'/>\
                  <encryption format='default'/></target></volume>";
    run(&bus, &["vol-create-from", "default", &write("volume.xml", volume.as_bytes()), "plain.img", "--inputpool", "default"]).good();
    run(&bus, &["vol-delete", "plain.img", "--pool", "default"]).good();
    let stored = std::fs::read(bus.lodge_root().join("data/images/boot.qcow2")).unwrap();
    assert!(!stored.windows(GREETING.len()).any(|part| part == GREETING.as_bytes()));

    let xml = "<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>\
               <devices><disk type='volume'><driver type='qcow2'/><source pool='default' volume='boot.qcow2'/>\
               <target dev='vda' bus='virtio'/></disk><serial type='pty'/></devices></domain>";
    run(&bus, &["define", &write("guest.xml", xml.as_bytes())]).good();
    run(&bus, &["start", "guest"]).good();
    let mut console = lodgectl(&bus, &["console", "guest"]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(console.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains(GREETING)), "the guest ended without a word");
    run(&bus, &["destroy", "guest"]).good();
    console.wait().unwrap();
}

/// The same by busctl alone, which knows nothing of Lodge.
#[test]
fn busctl_has_a_guest_boot_from_an_encrypted_volume() {
    let bus = PrivateBus::with_lodged(&[]);
    let call = |path: &str, interface: &str, method: &str, arguments: &[&str]| {
        let mut busctl = bus.command(installed("busctl", "systemd"));
        busctl.args(["--user", "call", BUS_NAME, path, interface, method]).args(arguments);
        let output = busctl.output().unwrap();
        assert!(output.status.success(), "{method}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let (pool, domain) = (paths::pool("default"), paths::domain("guest"));
    // The first call starts the service, which makes the pool.
    call(&pool, STORAGE_POOL_INTERFACE, "Refresh", &["a{sv}", "0"]);
    let images = bus.lodge_root().join("data/images");
    let mut image = boot_sector();
    image.resize(1 << 20, 0);
    std::fs::write(images.join("plain.img"), &image).unwrap();
    call(&pool, STORAGE_POOL_INTERFACE, "Refresh", &["a{sv}", "0"]);
    let volume = "<volume><name>boot.qcow2</name><target><format type='qcow2'/><encryption format='default'/></target></volume>";
    let plain = paths::volume("default", "plain.img");
    call(&pool, STORAGE_POOL_INTERFACE, "CloneVolume", &["soa{sv}", volume, &plain, "0"]);
    let stored = std::fs::read(images.join("boot.qcow2")).unwrap();
    assert!(!stored.windows(GREETING.len()).any(|part| part == GREETING.as_bytes()));

    let socket = bus.directory().join("serial");
    let serial = UnixListener::bind(&socket).unwrap();
    let xml = format!(
        "<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>\
         <devices><disk type='volume'><driver type='qcow2'/><source pool='default' volume='boot.qcow2'/>\
         <target dev='vda' bus='virtio'/></disk><serial type='unix'><source mode='connect' path='{}'/></serial></devices></domain>",
        socket.display()
    );
    call(ROOT_PATH, MANAGER_INTERFACE, "DefineDomain", &["sa{sv}", &xml, "0"]);
    call(&domain, DOMAIN_INTERFACE, "Start", &["a{sv}", "0"]);
    let lines = BufReader::new(serial.accept().unwrap().0).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains(GREETING)), "the guest ended without a word");
    call(&domain, DOMAIN_INTERFACE, "Destroy", &["a{sv}", "0"]);
}
