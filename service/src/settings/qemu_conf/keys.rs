//! The keys: name, what may be written, what is meant when nothing is written, what it does. Parser, shipped file and tests
//! come from this table.
//!
//! Names and meanings are those of libvirt's `qemu.conf`. Keys that a libvirt of today has and this version has no use for are
//! here too, so that a file that was written for it is understood and its reader is told.

/// What may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 0 or 1.
    Switch,
    /// A number in this range.
    Number(i64, i64),
    /// A number of bytes, or `"unlimited"`.
    Bytes,
    /// A text.
    Text,
    /// An IP address.
    Address,
    /// Some of these words, as a text or a list.
    Words(&'static [&'static str]),
    /// A list of texts.
    List,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// What its help says.
    Has,
    /// Nothing in this version. It asks for protection, so only 0 may be written: nobody is to believe in what is not there.
    OnlyOff,
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// What it does.
    pub effect: Effect,
    /// What is meant when nothing is written, as it would be written.
    pub default: &'static str,
    /// What it does, in lines.
    pub help: &'static str,
}

const fn key(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { name, kind, effect: Effect::Has, default, help }
}

const fn only_off(name: &'static str) -> Key {
    Key { name, kind: Kind::Switch, effect: Effect::OnlyOff, default: "0", help: "" }
}

/// Security modules that can be asked for.
pub const DRIVERS: &[&str] = &["auto", "selinux", "apparmor", "none"];
/// Controllers of control groups.
pub const CONTROLLERS: &[&str] = &["cpu", "devices", "memory", "blkio", "cpuset", "cpuacct"];

/// All keys that do something, or may only be switched off, in the order of the shipped file.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("user", Kind::Text, "\"lodge-qemu\"", "The user that guests run as: a name, or a number after a '+'."),
    key("group", Kind::Text, "\"lodge-qemu\"", "The group that guests run as, likewise."),
    key("dynamic_ownership", Kind::Switch, "1", "Whether a guest's user owns the guest's files while it runs. With 0, make them usable for\nthat user yourself."),
    key("remember_owner", Kind::Switch, "1", "Whether the owner before is remembered with the file, which holds for files that several\nguests use and when the host goes down. With 0 it is remembered with the guest only."),
    key("security_driver", Kind::Words(DRIVERS), "\"auto\"", "The security module that confines guests: \"auto\" takes what is active on this host;\n\"selinux\" and \"apparmor\" must be; \"none\" leaves guests with what the other settings do."),
    key("security_default_confined", Kind::Switch, "1", "Whether the security module confines a guest that has no <seclabel>."),
    key("security_require_confined", Kind::Switch, "0", "Whether a guest that no security module confines is refused."),
    key("clear_emulator_capabilities", Kind::Switch, "1", "Whether all capabilities are taken from guests. A disk with rawio='yes' leaves one."),
    key("namespaces", Kind::Words(&["mount"]), "[ \"mount\" ]", "A guest has its own view of the host's files: a /dev with its devices only, and none of the\nservice's and other guests' files. [] switches that off."),
    key("seccomp_sandbox", Kind::Number(-1, 1), "1", "Whether system calls are forbidden that a guest's programs do not need, and QEMU shuts\nitself in (-sandbox). 0 switches that off; -1 means 1."),
    key("cgroup_controllers", Kind::Words(CONTROLLERS), "[ \"cpu\", \"devices\", \"memory\", \"blkio\", \"cpuset\", \"cpuacct\" ]", "Controllers of control groups that are used, where the host has them."),
    key("cgroup_device_acl", Kind::List, "[ \"/dev/null\", \"/dev/full\", \"/dev/zero\", \"/dev/random\", \"/dev/urandom\",\n  \"/dev/ptmx\", \"/dev/kvm\", \"/dev/rtc\", \"/dev/hpet\", \"/dev/net/tun\" ]", "Devices that every guest has, beside those of its definition."),
    key("max_processes", Kind::Number(0, u32::MAX as i64), "0", "Most processes and threads of the guests' user, all guests together. 0 leaves it open."),
    key("max_files", Kind::Number(0, u32::MAX as i64), "0", "Most open files of each program of a guest. 0 leaves it open."),
    key("max_core", Kind::Bytes, "\"unlimited\"", "Most bytes of a core dump of QEMU, or \"unlimited\": as many as the service may have."),
    key("dump_guest_core", Kind::Switch, "0", "Whether a core dump of QEMU holds the guest's memory, unless the definition says (dumpCore)."),
    key("vnc_listen", Kind::Address, "\"127.0.0.1\"", "The address that VNC listens on, unless the definition names one."),
    key("vnc_password", Kind::Text, "\"\"", "The password of VNC displays that have none; \"\" is none. Keep this file unreadable for others\nwhen you set it."),
    key("spice_listen", Kind::Address, "\"127.0.0.1\"", "The address that SPICE listens on, unless the definition names one."),
    key("spice_password", Kind::Text, "\"\"", "The password of SPICE displays that have none, likewise."),
    key("remote_display_port_min", Kind::Number(5900, 65535), "5900", "The first port for displays."),
    key("remote_display_port_max", Kind::Number(5900, 65535), "6899", "The last port for displays."),
    key("remote_websocket_port_min", Kind::Number(5700, 65535), "5700", "The first port for VNC over WebSocket."),
    key("remote_websocket_port_max", Kind::Number(5700, 65535), "5799", "The last port for VNC over WebSocket."),
    key("nvram", Kind::List, "[]", "Firmware beside what packages describe, each as \"CODE:VARIABLES\"."),
    key("log_timestamp", Kind::Switch, "1", "Whether QEMU's messages have times."),
    only_off("vnc_tls"),
    only_off("vnc_tls_x509_verify"),
    only_off("vnc_sasl"),
    only_off("vnc_auto_unix_socket"),
    only_off("spice_tls"),
    only_off("spice_sasl"),
    only_off("spice_auto_unix_socket"),
    only_off("chardev_tls"),
    only_off("chardev_tls_x509_verify"),
    only_off("nbd_tls"),
    only_off("vxhs_tls"),
    only_off("migrate_tls_force"),
    only_off("mac_filter"),
];

/// Keys of libvirt's file that do nothing here.
#[rustfmt::skip]
pub const WITHOUT_EFFECT: &[&str] = &[
    "auto_dump_bypass_cache", "auto_dump_max_size", "auto_dump_path", "auto_save_bypass_cache", "auto_shutdown_poweroff", "auto_shutdown_restore",
    "auto_shutdown_try_save", "auto_shutdown_try_shutdown", "auto_shutdown_wait", "auto_start_bypass_cache", "auto_start_delay", "backup_port_max",
    "backup_port_min", "backup_tls_priority", "backup_tls_x509_cert_dir", "backup_tls_x509_secret_uuid", "backup_tls_x509_verify", "bridge_helper",
    "capability_filters", "chardev_tls_priority", "chardev_tls_x509_cert_dir", "chardev_tls_x509_secret_uuid", "dbus_daemon",
    "default_cpu_deprecated_features", "default_tls_priority", "default_tls_x509_cert_dir", "default_tls_x509_secret_uuid",
    "default_tls_x509_verify", "deprecation_behavior", "dump_image_format", "gluster_debug_level", "hugetlbfs_mount", "keepalive_count",
    "keepalive_interval", "lock_manager", "max_queued", "max_threads_per_process", "memory_backing_dir", "migrate_tls_priority",
    "migrate_tls_x509_cert_dir", "migrate_tls_x509_secret_uuid", "migrate_tls_x509_verify", "migration_address", "migration_host",
    "migration_port_max", "migration_port_min", "nbd_tls_priority", "nbd_tls_x509_cert_dir", "nbd_tls_x509_secret_uuid",
    "nographics_allow_host_audio", "pr_helper", "qemu_rdp", "qemu_vnc", "rdp_listen", "rdp_password", "rdp_tls_x509_cert_dir", "rdp_username",
    "relaxed_acs_check", "save_image_format", "sched_core", "set_process_name", "shared_filesystems", "slirp_helper", "snapshot_image_format",
    "spice_sasl_dir", "spice_tls_x509_cert_dir", "stdio_handler", "storage_use_nbdkit", "swtpm_group", "swtpm_user", "virtiofsd_debug",
    "vnc_allow_host_audio", "vnc_sasl_dir", "vnc_tls_priority", "vnc_tls_x509_cert_dir", "vnc_tls_x509_secret_uuid",
    "vxhs_tls_x509_cert_dir", "vxhs_tls_x509_secret_uuid",
];

/// Every key with its default, commented out.
pub fn shipped() -> String {
    let comment = |text: &str| text.lines().map(|line| format!("# {line}\n")).collect::<String>();
    let mut text = comment(
        "Settings of the system instance for guests that QEMU runs.\n\nKeys and syntax are those of libvirt's qemu.conf. Each key is shown with what it is when nothing\nis written. After a change: systemctl reload lodged; guests that run keep what they have.",
    );
    for key in KEYS.iter().filter(|key| key.effect == Effect::Has) {
        let setting: String = format!("{} = {}", key.name, key.default).lines().map(|line| format!("#{line}\n")).collect();
        text += &format!("\n{}{setting}", comment(key.help));
    }
    let only_off: Vec<_> = KEYS.iter().filter(|key| key.effect == Effect::OnlyOff).map(|key| key.name).collect();
    text += &format!("\n# This version cannot do what these ask for, and refuses them with any value but 0:\n{}", wrapped(&only_off));
    text += &format!("\n# These have no effect in this version, which the journal tells of:\n{}", wrapped(WITHOUT_EFFECT));
    text
}

fn wrapped(words: &[&str]) -> String {
    let mut lines = vec![String::from("#")];
    for word in words {
        match lines.last_mut().filter(|line| line.len() + word.len() < 98) {
            Some(line) => line.extend([" ", word]),
            None => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n") + "\n"
}
