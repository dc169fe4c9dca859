//! What a script says, and what it says beside it.

use std::path::Path;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_model::native::Written;

use super::{bare, recorded, script};
use crate::error::{ErrorKind, Result};
use crate::hypervisors::qemu::script::shell::word;

fn domain(kind: &str, os: &str, devices: &str) -> Domain {
    let text = format!(
        "<domain type='{kind}'><name>it's a guest</name><uuid>7a2c1a1e-0d6c-4f0e-9f3e-6f1b8a6d2c10</uuid>\
         <memory unit='MiB'>64</memory><os>{os}</os><devices>{devices}</devices></domain>"
    );
    Domain::parse(&text).unwrap().0
}

fn written(domain: &Domain) -> Result<Written> {
    script(domain, &recorded("10.0"), Path::new("/home/user/lodge"))
}

fn with_devices(devices: &str) -> Written {
    written(&domain("qemu", "<type>hvm</type>", devices)).unwrap()
}

#[test]
fn words_are_quoted_where_a_shell_would_read_more_into_them() {
    for (text, expected) in [
        ("-machine", "-machine"),
        ("pc,usb=off", "pc,usb=off"),
        ("", "''"),
        ("two words", "'two words'"),
        ("$HOME", "'$HOME'"),
        ("it's", r"'it'\''s'"),
        (r#"{"a":1}"#, r#"'{"a":1}'"#),
        ("~", "'~'"),
        ("ü\n", "'ü\n'"),
    ] {
        assert_eq!(word(text), expected);
    }
}

#[test]
fn what_only_the_service_needs_is_not_there() {
    let Written { text, warnings } = with_devices("<graphics type='vnc'/>");
    for option in ["-S \\", "-mon", "-qmp", "-sandbox", "-trace", "-msg", "fd="] {
        assert!(!text.contains(option), "{option}\n{text}");
    }
    assert!(text.contains("-vnc 127.0.0.1:0"), "{text}");
    assert!(text.starts_with("/usr/bin/qemu-system-x86_64 \\\n  -name 'guest=it'\\''s a guest,debug-threads=on' \\\n"), "{text}");
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn displays_get_ports_that_do_not_depend_on_the_host() {
    for (devices, expected) in [
        ("<graphics type='vnc'/><graphics type='spice'/>", ["-vnc 127.0.0.1:0", "-spice port=5901"]),
        ("<graphics type='vnc' port='5900'/><graphics type='spice' autoport='yes'/>", ["-vnc 127.0.0.1:0", "-spice port=5901"]),
        ("<graphics type='vnc' websocket='-1'/>", ["-vnc 127.0.0.1:0,websocket=5700", ""]),
    ] {
        let text = with_devices(devices).text;
        assert!(expected.iter().all(|option| text.contains(option)), "{devices}\n{text}");
    }
}

#[test]
fn a_password_is_in_a_file_that_a_warning_names() {
    for kind in ["vnc", "spice"] {
        let Written { text, warnings } = with_devices(&format!("<graphics type='{kind}' passwd='geheim'/>"));
        let path = format!("/home/user/lodge/by-hand/it's a guest/{kind}-password");
        assert!(!text.contains("geheim") && warnings.iter().all(|warning| !warning.contains("geheim")), "{text}");
        assert!(text.contains(&format!("password-secret={kind}-password")) && !text.contains("password=on"), "{text}");
        assert!(text.starts_with("mkdir -p -m 700 '/home/user/lodge/by-hand/it'\\''s a guest'\n"), "{text}");
        assert!(warnings.len() == 1 && warnings[0].contains(&path), "{warnings:?}");
    }
}

#[test]
fn networks_of_the_host_are_used_where_a_person_can() {
    let interface = |kind: &str, more: &str| with_devices(&format!("<interface type='{kind}'>{more}</interface>"));
    for (written, option, said) in [
        (interface("bridge", "<source bridge='br0'/>"), r#""type":"bridge","br":"br0""#, "allow br0"),
        (interface("ethernet", "<target dev='tap7'/>"), r#""type":"tap","ifname":"tap7""#, "ip tuntap add dev tap7"),
        (interface("network", "<source network='lab'/>"), r#""type":"user""#, "network 'lab'"),
        (interface("direct", "<source dev='eth0'/>"), r#""type":"user""#, "'eth0' of the host"),
    ] {
        assert!(written.text.contains(option), "{option}\n{}", written.text);
        assert!(written.warnings.len() == 1 && written.warnings[0].contains(said), "{said}: {:?}", written.warnings);
    }
}

#[test]
fn what_a_person_has_and_a_service_has_not_is_used() {
    let text = with_devices("<serial type='stdio'/><graphics type='sdl' display=':1' fullscreen='yes'/>").text;
    assert!(text.starts_with("DISPLAY=:1 \\\n/usr/bin/qemu"), "{text}");
    assert!(text.contains("-chardev stdio,id=charserial0"), "{text}");
    assert!(text.contains(r#"-display '{"type":"sdl","full-screen":true}'"#), "{text}");
}

#[test]
fn programs_beside_qemu_come_first_and_are_waited_for() {
    let text = with_devices("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>").text;
    let lines: Vec<_> = text.lines().collect();
    let socket = r"'/home/user/lodge/by-hand/it'\''s a guest/tpm0.sock'";
    assert_eq!(lines[0], r"mkdir -p -m 700 '/home/user/lodge/by-hand/it'\''s a guest'");
    assert_eq!(lines[1], r"mkdir -p -m 700 '/home/user/lodge/tpm/it'\''s a guest'");
    assert_eq!(lines[2], format!("rm -f {socket}"));
    assert!(lines[3].starts_with("/usr/bin/swtpm socket --ctrl ") && lines[3].ends_with(" &"), "{text}");
    assert_eq!(lines[4], format!("while kill -0 $! && ! test -S {socket}; do sleep 0.1; done"));
    assert_eq!(lines[5], "/usr/bin/qemu-system-x86_64 \\");
}

#[test]
fn firmware_variables_are_made_once() {
    let text = written(&domain(
        "qemu",
        "<type machine='q35'>hvm</type><loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>",
        "",
    ))
    .unwrap()
    .text;
    let path = r"'/home/user/lodge/nvram/it'\''s a guest.qcow2'";
    let temporary = r"'/home/user/lodge/nvram/it'\''s a guest.qcow2.new'";
    let convert = format!("/usr/bin/qemu-img convert -f raw -O qcow2 /usr/share/OVMF/OVMF_VARS_4M.fd {temporary}");
    assert!(text.contains(&format!("test -e {path} || {{ {convert} && mv {temporary} {path}; }}\n")), "{text}");
}

#[test]
fn firmware_that_the_guest_writes_has_its_variables_in_it() {
    let loader = "<type machine='q35'>hvm</type><loader readonly='no' type='pflash'>/srv/OVMF.fd</loader>";
    let text = written(&domain("qemu", loader, "")).unwrap().text;
    assert!(text.contains("pflash0=firmware") && !text.contains("pflash1") && !text.contains("nvram"), "{text}");
}

#[test]
fn what_the_host_lacks_is_assumed_and_told() {
    let uefi = domain(
        "kvm",
        "<type machine='q35'>hvm</type>",
        "<filesystem><driver type='virtiofs'/><source dir='/srv'/><target dir='t'/></filesystem>",
    );
    let Written { text, warnings } = script(&uefi, &bare(&uefi), Path::new("/home/user/lodge")).unwrap();
    assert!(text.contains("\n/usr/libexec/virtiofsd "), "{text}");
    assert!(text.contains("-machine q35,") && text.contains("-accel kvm"), "{text}");
    assert!(warnings.iter().any(|warning| warning.contains("needs virtiofsd, which is not installed")), "{warnings:?}");

    // A host without KVM, and a machine that its QEMU has no more.
    let mut host = recorded("10.0");
    std::sync::Arc::make_mut(&mut host.capabilities).kvm.usable = false;
    for (definition, said) in [
        (domain("kvm", "<type>hvm</type>", ""), "needs /dev/kvm"),
        (domain("qemu", "<type machine='pc-i440fx-1.0'>hvm</type>", ""), "pc-i440fx-1.0"),
    ] {
        let warnings = script(&definition, &host, Path::new("/")).unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(said), "{said}: {warnings:?}");
    }
}

#[test]
fn what_nobody_can_run_is_refused() {
    for (definition, kind) in [
        (domain("qemu", "<type arch='aarch64'>hvm</type>", ""), ErrorKind::NotSupported),
        (
            domain("qemu", "<type>hvm</type>", "<disk type='volume'><source pool='p' volume='v'/><target dev='hda'/></disk>"),
            ErrorKind::NotSupported,
        ),
        (domain("qemu", "<type>hvm</type>", "<interface type='mcast'><source port='5'/></interface>"), ErrorKind::InvalidXml),
    ] {
        let error = written(&definition).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}
