//! The table of keys, held against what reading the file does.

use super::*;

fn read(text: &str) -> Result<(QemuConf, Vec<String>), String> {
    let read = QemuConf::read(Path::new("/c/qemu.conf"), text);
    let (settings, told) = read.map_err(|Problem { line, reason }| format!("{line}: {reason}"))?;
    Ok((settings, told.iter().map(ToString::to_string).collect()))
}

#[test]
fn every_key_that_has_an_effect_changes_something_and_its_default_nothing() {
    for key in KEYS.iter().filter(|key| key.effect == Effect::Has) {
        let by_default = read(&format!("{} = {}", key.name, key.default)).unwrap();
        let mut unset = QemuConf::default();
        // What is left open is all that there is.
        unset.cgroup_controllers.clone_from(&by_default.0.cgroup_controllers);
        assert_eq!(by_default, (unset, Vec::new()), "{}", key.name);
        let other = match key.kind {
            Kind::Switch => if key.default == "0" { "1" } else { "0" }.to_owned(),
            Kind::Number(..) if key.name == "seccomp_sandbox" => "0".to_owned(),
            Kind::Number(_, most) => (most - 1).to_string(),
            Kind::Bytes => "4096".to_owned(),
            Kind::Text => "\"other\"".to_owned(),
            Kind::Address => "\"::1\"".to_owned(),
            Kind::Words(words) if key.name == "security_driver" => format!("\"{}\"", words[1]),
            Kind::Words(_) => "[]".to_owned(),
            Kind::List if key.name == "nvram" => "[ \"/a:/b\" ]".to_owned(),
            Kind::List => "[ \"/dev/null\" ]".to_owned(),
        };
        let text = format!("{} = {other}\nremote_display_port_max = 65535\nremote_websocket_port_max = 65535", key.name);
        let text = if key.name.ends_with("port_max") { text.lines().next().unwrap().to_owned() } else { text };
        let base = if key.name.ends_with("port_max") { String::new() } else { text.lines().skip(1).collect::<Vec<_>>().join("\n") };
        assert_ne!(read(&text).unwrap(), read(&base).unwrap(), "{} = {other}", key.name);
    }
}

#[test]
fn the_shipped_file_is_the_table_and_all_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/qemu.conf");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, QemuConf::shipped()).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, QemuConf::shipped(), "UPDATE_EXPECT=1 writes it");
    assert_eq!(QemuConf::load(&path).unwrap(), (QemuConf::default(), Vec::new()));
    // Uncommented it says the same.
    let uncommented: String = text
        .lines()
        .filter(|line| !line.starts_with("# ") || line.starts_with("#  "))
        .map(|line| format!("{}\n", line.trim_start_matches('#')))
        .collect();
    let (mut settings, told) = read(&uncommented).unwrap();
    settings.cgroup_controllers = None;
    assert_eq!((settings, told), (QemuConf::default(), Vec::new()));
}

#[test]
fn what_has_no_effect_is_told_with_its_line() {
    let (settings, told) = read("swtpm_user = \"tss\"\n\nvnc_tls = 0\nusr = 5\n").unwrap();
    assert_eq!(settings, QemuConf::default());
    let expected = [
        "/c/qemu.conf, line 1: swtpm_user has no effect in this version",
        "/c/qemu.conf, line 4: the key 'usr' is not known and has no effect",
    ];
    assert_eq!(told, expected);
    let both = KEYS.iter().filter(|key| WITHOUT_EFFECT.contains(&key.name)).count();
    assert_eq!(both, 0, "a key either has an effect or not");
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_is_allowed() {
    let table = [
        ("\ndynamic_ownership = 2", "2: dynamic_ownership may be 0 or 1"),
        ("dynamic_ownership = \"1\"", "1: dynamic_ownership may be 0 or 1"),
        ("user = 0", "1: user may be a text in quotes"),
        ("group = \" \"", "1: group is empty"),
        ("vnc_listen = \"localhost\"", "1: vnc_listen may be an IP address"),
        ("max_files = -1", "1: max_files may be a number from 0 to 4294967295"),
        ("max_core = \"much\"", "1: max_core may be a number of bytes, or \"unlimited\""),
        ("namespaces = [ \"net\" ]", "1: namespaces may be some of mount"),
        ("security_driver = \"tomoyo\"", "1: security_driver may be some of auto, selinux, apparmor, none"),
        ("security_driver = [ \"selinux\", \"none\" ]", "1: security_driver may have \"auto\" or \"none\" only by itself"),
        ("cgroup_device_acl = [ \"/dev/../etc\" ]", "1: cgroup_device_acl has '/dev/../etc'; it may have paths below /dev"),
        ("cgroup_device_acl = [ 1 ]", "1: cgroup_device_acl may be a list of texts"),
        ("nvram = [ \"/a\" ]", "1: nvram has '/a'"),
        ("vnc_tls = 1", "1: this version cannot do what vnc_tls asks for; it may be 0"),
        ("remote_display_port_min = 7000", "1: remote_display_port_min is 7000, above remote_display_port_max, which is 6899"),
        ("user", "1: '=' is expected"),
    ];
    for (text, expected) in table {
        let error = read(text).unwrap_err();
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn a_password_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("qemu.conf");
    assert_eq!(QemuConf::load(&path).unwrap(), (QemuConf::default(), Vec::new()));
    std::fs::write(&path, "vnc_password = \"sesame\"").unwrap();
    for (mode, told) in [(0o600, 0), (0o644, 1)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let (settings, found) = QemuConf::load(&path).unwrap();
        assert_eq!(found.len(), told, "{found:?}");
        assert!(!format!("{settings:?}").contains("sesame"));
    }
}
