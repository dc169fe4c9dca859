//! What is told of definitions that contradict themselves.

use super::*;
use crate::document::name_problem;

/// Path of each problem of a document, and the whole text for the failure message.
fn problems(text: &str) -> (Vec<String>, String) {
    let (domain, _) = read(text);
    let found = domain.validate().err().unwrap_or_default();
    let told = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    (found.into_iter().map(|problem| problem.path.trim_start_matches("/domain/").to_owned()).collect(), told)
}

#[test]
fn names_become_file_names() {
    let long = "x".repeat(201);
    for (name, expected) in [
        ("a", ""),
        ("Debian 12 (test) [1]*{}", ""),
        ("Größe-机器", ""),
        ("...", ""),
        (&long[1..], ""),
        (&long, "has 201 bytes"),
        ("", "is empty"),
        ("  ", "is empty"),
        (".", "means a directory"),
        ("..", "means a directory"),
        ("a/b", "'/'"),
        ("a\nb", r"'\n'"),
        ("a\u{7f}", "\\u{7f}"),
    ] {
        let problem = name_problem("domain", name).unwrap_or_default();
        assert!(problem.contains(expected) && problem.is_empty() == expected.is_empty(), "{name:?}: {problem}");
    }
}

#[test]
fn the_kind_of_guest_is_said_where_it_is_not_clear() {
    for (elements, paths) in [
        ("", "os/type"),
        ("<os><type arch='x86_64'/></os>", "os/type"),
        ("<os><type>hvm</type></os>", ""),
        ("<bootloader>/usr/bin/pygrub</bootloader>", ""),
    ] {
        let text = format!("<domain type='xen'><name>a</name><memory>1</memory>{elements}</domain>");
        let (found, told) = problems(&text);
        assert_eq!(found.join(" "), paths, "{elements}: {told}");
    }
}

#[test]
fn contradictions_are_told_with_their_path() {
    for (elements, paths) in [
        ("<memory>1</memory>", ""),
        ("", "memory"),
        ("<memory>0</memory>", "memory"),
        ("<cpu><numa><cell memory='512'/></numa></cpu>", ""),
        ("<memory>1</memory><title>a\nb</title>", "title"),
        ("<memory>1</memory><currentMemory>2</currentMemory>", "currentMemory"),
        ("<memory>4</memory><maxMemory slots='2'>3</maxMemory>", "maxMemory"),
        ("<memory>4</memory><maxMemory>8</maxMemory>", "maxMemory/@slots"),
        ("<memory>1</memory><vcpu>0</vcpu>", "vcpu"),
        ("<memory>1</memory><vcpu current='3'>2</vcpu>", "vcpu/@current"),
        ("<memory>1</memory><vcpu current='0'>2</vcpu>", "vcpu/@current"),
        ("<memory>1</memory><vcpu>4</vcpu><cpu><topology sockets='1' cores='2' threads='2'/></cpu>", ""),
        ("<memory>1</memory><vcpu>4</vcpu><cpu><topology sockets='1' cores='2' dies='2' threads='2'/></cpu>", "cpu/topology"),
        ("<memory>1</memory><vcpu>2</vcpu><vcpus><vcpu id='2' enabled='yes'/></vcpus>", "vcpus/vcpu/@id"),
        ("<memory>1</memory><vcpus><vcpu id='0' enabled='yes'/><vcpu id='0' enabled='no'/></vcpus>", "vcpus/vcpu/@id"),
        ("<memory>1</memory><iothreadids><iothread id='0'/></iothreadids>", "iothreadids/iothread/@id"),
        ("<memory>1</memory><iothreadids><iothread id='1'/><iothread id='1'/></iothreadids>", "iothreadids/iothread/@id"),
        ("<memory>1</memory><cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset='2'/></cputune>", "cputune/vcpupin/@vcpu"),
        ("<cpu><numa><cell id='0' cpus='0-1' memory='1'/><cell id='0' memory='1'/></numa></cpu>", "cpu/numa/cell/@id"),
        ("<cpu><numa><cell cpus='0-1' memory='1'/><cell cpus='1' memory='1'/></numa></cpu>", "cpu/numa/cell/@cpus"),
        ("<memory>1</memory><numatune><memnode cellid='1' mode='strict' nodeset='0'/></numatune>", "numatune/memnode/@cellid"),
        ("<memory>1</memory><os><smbios mode='sysinfo'/></os>", "os/smbios/@mode"),
        ("<memory>1</memory><cpu><feature name='vmx'/><feature name='vmx'/></cpu>", "cpu/feature/@name"),
        ("<memory>1</memory><clock><timer name='rtc'/><timer name='rtc'/></clock>", "clock/timer/@name"),
        ("<memory>1</memory><on_reboot>coredump-restart</on_reboot>", "on_reboot"),
        ("<memory>1</memory><on_crash>coredump-restart</on_crash>", ""),
        (
            "<memory>1</memory><devices><disk type='file'><target dev='vda'/></disk><disk type='block'><target dev='vda'/></disk></devices>",
            "devices/disk/target/@dev",
        ),
        ("<memory>1</memory><os><boot dev='hd'/></os><devices><disk type='file'><boot order='1'/></disk></devices>", "os/boot"),
        (
            "<memory>1</memory><devices><disk type='file'><boot order='1'/></disk><interface type='user'><boot order='1'/></interface></devices>",
            "devices/*/boot/@order",
        ),
        ("<memory>1</memory><seclabel model='dac'/><seclabel model='dac'/>", "seclabel/@model"),
        ("<vcpu current='3'>2</vcpu><on_reboot>coredump-restart</on_reboot>", "memory vcpu/@current on_reboot"),
    ] {
        let (found, told) = problems(&document(elements));
        assert_eq!(found.join(" "), paths, "{elements}: {told}");
    }
}
