//! Volumes: fixtures, errors with their place, and what is told.

mod generated;

use super::*;
use crate::testing::problems::are_told;
use crate::testing::{damage, fixtures};

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<StorageVolume>("storage-volume", 12);
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<StorageVolume>("storage-volume");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<StorageVolume>("storage-volume");
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("<volume/>", "/volume, line 1, column 1: expected the element <name> (text)"),
        ("<volume type='tape'><name>a</name></volume>", "/volume/@type, line 1, column 9: expected one of 'file', 'block', 'dir', "),
        ("<volume><name>a</name><capacity/></volume>", "/volume/capacity, line 1, column 23: expected a size as a whole number, found ''"),
        (
            "<volume><name>a</name>\n<capacity unit='E'>16</capacity></volume>",
            "/volume/capacity, line 2, column 1: the size 16 E is more than 2^64-1 bytes",
        ),
        (
            "<volume><name>a</name><target>\n <timestamps><atime>today</atime></timestamps></target></volume>",
            "/volume/target/timestamps/atime, line 2, column 14: expected seconds since 1970 such as 1341933637.273190990",
        ),
        (
            "<volume><name>a</name><source><device path='/a'/><device path='/b'><extent start='1'/></device></source></volume>",
            "/volume/source/device[2]/extent, line 1, column 68: expected the attribute end",
        ),
        (
            "<volume><name>a</name><backingStore><permissions><mode>rw</mode></permissions></backingStore></volume>",
            "/volume/backingStore/permissions/mode, line 1, column 50: expected an octal mode",
        ),
    ] {
        let error = StorageVolume::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

#[test]
fn sizes_of_every_unit_are_written_in_bytes() {
    for (unit, bytes) in [
        ("", 5),
        ("unit='b'", 5),
        ("unit='bytes'", 5),
        ("unit='KB'", 5_000),
        ("unit='k'", 5 << 10),
        ("unit='KiB'", 5 << 10),
        ("unit='MB'", 5_000_000),
        ("unit='M'", 5 << 20),
        ("unit='MiB'", 5 << 20),
        ("unit='GB'", 5_000_000_000),
        ("unit='G'", 5 << 30),
        ("unit='GiB'", 5 << 30),
        ("unit='TB'", 5_000_000_000_000),
        ("unit='T'", 5 << 40),
        ("unit='PB'", 5_000_000_000_000_000),
        ("unit='PiB'", 5 << 50),
        ("unit='EB'", 5_000_000_000_000_000_000),
        ("unit='E'", 5_u64 << 60),
        ("unit='EiB'", 5_u64 << 60),
    ] {
        let text = format!("<volume><name>a</name><capacity {unit}> 5 </capacity></volume>");
        let (volume, warnings) = StorageVolume::parse(&text).unwrap();
        assert_eq!(warnings, vec![], "{text}");
        assert!(volume.to_xml().contains(&format!("<capacity unit='bytes'>{bytes}</capacity>")), "{text} became {}", volume.to_xml());
    }
}

/// A volume of 1 GiB with a target and what else there is.
fn volume(target: &str, other: &str) -> String {
    format!("<volume type='file'><name>a</name><capacity unit='G'>1</capacity><target>{target}</target>{other}</volume>")
}

fn told(cases: &[(String, &str)]) {
    for (text, expected) in cases {
        are_told::<StorageVolume>(&[(text, expected)]);
    }
}

#[test]
fn names_are_file_names() {
    let long = "x".repeat(255);
    for (name, expected) in [
        (long.as_str(), ""),
        (&format!("{long}y"), "/volume/name: has 256 bytes; it becomes a file name and may have 255"),
        ("a b'c", ""),
        ("", "/volume/name: give the volume a name"),
        ("a/b", "/volume/name: '/'"),
        ("..", "/volume/name: means a directory"),
    ] {
        are_told::<StorageVolume>(&[(&format!("<volume><name>{name}</name><capacity>1</capacity></volume>"), expected)]);
    }
}

#[test]
fn sizes_that_storage_reports_are_right() {
    let sizes = |sizes: &str| format!("<volume><name>a</name>{sizes}</volume>");
    told(&[
        (sizes(""), "/volume/capacity: the size of the volume is not said; write it, such as <capacity unit='GiB'>20</capacity>"),
        (sizes("<backingStore/>"), "/volume/capacity: write it"),
        (sizes("<backingStore><path>/b.qcow2</path></backingStore>"), ""),
        (sizes("<capacity>0</capacity>"), ""),
        // Sparse, and with more metadata than it saves.
        (sizes("<capacity>9</capacity><allocation>0</allocation>"), ""),
        (sizes("<capacity>9</capacity><allocation>10</allocation><physical>10</physical>"), ""),
    ]);
}

#[test]
fn paths_are_absolute_or_addresses() {
    let path = |kind: &str, path: &str| {
        format!("<volume {kind}><name>a</name><capacity>1</capacity><target><path>{path}</path></target></volume>")
    };
    told(&[
        (path("type='file'", "/a"), ""),
        (path("type='file'", "a"), "/volume/target/path: 'a' is not an absolute path; write the whole path"),
        (path("type='block'", "rbd:a"), "/volume/target/path: not an absolute path"),
        (path("type='ploop'", "rbd:a"), "/volume/target/path: not an absolute path"),
        (path("type='network'", "rbd:pool/a"), ""),
        (path("type='network'", "pool/a"), "/volume/target/path: not an absolute path"),
        (path("", "gluster://host/volume/a"), ""),
        (path("", "a b:c"), "/volume/target/path: not an absolute path"),
        (path("", ""), "/volume/target/path: not an absolute path"),
        (
            volume("", "<source><device path='sda'><extent start='2' end='1'/></device></source>"),
            "/volume/source/device/@path: not an absolute path\n/volume/source/device/extent/@end: exchange them",
        ),
    ]);
}

#[test]
fn what_is_for_qcow2_is_told_of_other_formats() {
    told(&[
        (volume("<format type='qcow3'/>", ""), "/volume/target/format/@type: 'qcow3' is not known here; write one of 'raw', 'qcow2'"),
        (volume("<format/>", ""), "/volume/target/format/@type: or remove the element"),
        (volume("<format type='linux-swap'/>", ""), ""),
        (
            volume("<format type='raw'/><compat>1.1</compat><clusterSize>65536</clusterSize><features><lazy_refcounts/></features>", ""),
            "/volume/target/compat: for volumes of the format 'qcow2', and this one has 'raw'; remove it
             /volume/target/clusterSize: remove it
             /volume/target/features: remove it",
        ),
        (volume("<format type='raw'/><features/>", ""), ""),
        (volume("<compat>1.1</compat>", ""), ""),
        (volume("<compat>2.0</compat>", ""), "/volume/target/compat: '2.0' is no version of qcow2; write 0.10 or 1.1"),
        (volume("<compat>0.10</compat><features><lazy_refcounts/></features>", ""), "/volume/target/compat: write <compat>1.1</compat>"),
        (volume("<clusterSize unit='K'>65</clusterSize>", ""), "/volume/target/clusterSize: write a power of two from 512 to 2097152"),
        (volume("<clusterSize>256</clusterSize>", ""), "/volume/target/clusterSize: cannot have 256 bytes"),
        (volume("<clusterSize unit='M'>4</clusterSize>", ""), "/volume/target/clusterSize: cannot have 4194304 bytes"),
        (volume("<clusterSize>0</clusterSize>", ""), "/volume/target/clusterSize: cannot have 0 bytes"),
        (volume("<clusterSize unit='M'>2</clusterSize>", ""), ""),
        (volume("<features><extended_l2/></features>", ""), ""),
        (
            volume("<clusterSize unit='K'>8</clusterSize><features><extended_l2/></features>", ""),
            "/volume/target/clusterSize: write <clusterSize unit='KiB'>128</clusterSize>",
        ),
    ]);
}

#[test]
fn encryption_suits_the_format() {
    let encrypted = |format: &str, encryption: &str| {
        let secret = "<secret type='passphrase' usage='a'/>";
        volume(&format!("<format type='{format}'/><encryption format='{encryption}'>{secret}</encryption>"), "")
    };
    told(&[
        (encrypted("raw", "luks"), ""),
        (encrypted("luks", "luks"), ""),
        (encrypted("qcow2", "luks"), ""),
        (encrypted("qcow2", "qcow"), ""),
        (encrypted("vdi", "default"), ""),
        (encrypted("raw", "qcow"), "/volume/target/format/@type: 'raw' cannot be encrypted with 'qcow'; write format='qcow'"),
        (encrypted("vmdk", "luks"), "/volume/target/format/@type: 'vmdk' cannot be encrypted with 'luks'; write format='raw'"),
        (volume("<encryption format='luks'/>", ""), "/volume/target/encryption/secret: nothing opens the image"),
    ]);
}

#[test]
fn backing_suits_the_format() {
    let over =
        |format: &str, backing: &str| volume(&format!("<format type='{format}'/>"), &format!("<backingStore>{backing}</backingStore>"));
    told(&[
        (over("qcow2", "<path>/base</path><format type='raw'/>"), ""),
        (over("qcow2", "<path>nbd://host/base</path>"), ""),
        (over("qcow2", "<path>base</path>"), "/volume/backingStore/path: not an absolute path"),
        (over("qcow2", "<path>/base</path><format type='zip'/>"), "/volume/backingStore/format/@type: 'zip' is not known here"),
        (over("qcow2", "<format type='raw'/>"), "/volume/backingStore/path: write its <path>, or remove <backingStore>"),
        (over("qcow2", "<path>/base</path><encryption format='luks'/>"), "/volume/backingStore/encryption/secret: nothing opens"),
        (over("raw", "<path>/base</path>"), "/volume/backingStore/path: write <format type='qcow2'/>"),
        (over("raw", ""), ""),
        (over("raw", "<path>/base</path>").replace("type='file'", "type='block'"), ""),
    ]);
}
