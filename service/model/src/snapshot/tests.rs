//! Snapshots: fixtures, errors with their place, and what is told.

mod generated;

use super::*;
use crate::testing::problems::are_told;
use crate::testing::{damage, fixtures};

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<Snapshot>("snapshot", 8);
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<Snapshot>("snapshot");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<Snapshot>("snapshot");
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("<snapshot/>", "/snapshot, line 1, column 1: expected <domainsnapshot>, found <snapshot>"),
        ("<domainsnapshot><state>asleep</state></domainsnapshot>", "/domainsnapshot/state, line 1, column 17: expected one of 'running', "),
        (
            "<domainsnapshot>\n<creationTime>now</creationTime></domainsnapshot>",
            "/domainsnapshot/creationTime, line 2, column 1: expected a number",
        ),
        ("<domainsnapshot><active>2</active></domainsnapshot>", "/domainsnapshot/active, line 1, column 17: expected one of '0', '1'"),
        ("<domainsnapshot><parent/></domainsnapshot>", "/domainsnapshot/parent, line 1, column 17: expected the element <name>"),
        (
            "<domainsnapshot><disks><disk name='a'/><disk/></disks></domainsnapshot>",
            "/domainsnapshot/disks/disk[2], line 1, column 40: expected the attribute name",
        ),
        (
            "<domainsnapshot><memory snapshot='maybe'/></domainsnapshot>",
            "/domainsnapshot/memory/@snapshot, line 1, column 25: expected one of 'no', 'internal', 'external', 'manual'",
        ),
        (
            "<domainsnapshot>\n <domain type='kvm'/></domainsnapshot>",
            "/domainsnapshot/domain, line 2, column 2: expected the element <name>",
        ),
        (
            "<domainsnapshot><inactiveDomain/></domainsnapshot>",
            "/domainsnapshot/inactiveDomain, line 1, column 17: expected the attribute type",
        ),
    ] {
        let error = Snapshot::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

#[test]
fn a_new_image_or_a_file_means_external() {
    let parse = |text: &str| Snapshot::parse(&format!("<domainsnapshot>{text}</domainsnapshot>")).unwrap().0;
    for (attributes, expected) in [
        ("", None),
        ("file='/a'", Some(DiskSnapshot::External)),
        ("snapshot='no'", Some(DiskSnapshot::No)),
        ("snapshot='internal'", Some(DiskSnapshot::Internal)),
    ] {
        assert_eq!(parse(&format!("<memory {attributes}/>")).memory.unwrap().location(), expected, "{attributes}");
    }
    for (disk, expected) in [
        ("<disk name='a'/>", None),
        ("<disk name='a' snapshot='manual'/>", Some(DiskSnapshot::Manual)),
        ("<disk name='a'><source file='/a'/></disk>", Some(DiskSnapshot::External)),
        ("<disk name='a'><driver type='qcow2'/></disk>", Some(DiskSnapshot::External)),
        ("<disk name='a' type='file'/>", Some(DiskSnapshot::External)),
    ] {
        assert_eq!(parse(&format!("<disks>{disk}</disks>")).disks.unwrap().disks[0].location(), expected, "{disk}");
    }
}

/// Checks what is told of snapshots with these elements.
fn told(cases: &[(&str, &str)]) {
    for (elements, expected) in cases {
        are_told::<Snapshot>(&[(&format!("<domainsnapshot>{elements}</domainsnapshot>"), expected)]);
    }
}

#[test]
fn names_become_file_names() {
    told(&[
        ("", ""),
        ("<name>a b</name>", ""),
        ("<name/>", "/domainsnapshot/name: give the snapshot a name"),
        ("<name>a/b</name>", "/domainsnapshot/name: '/'"),
        ("<name>a</name><parent><name>b</name></parent>", ""),
        ("<name>a</name><parent><name>..</name></parent>", "/domainsnapshot/parent/name: means a directory"),
        ("<name>a</name><parent><name>a</name></parent>", "/domainsnapshot/parent/name: cannot come after itself"),
    ]);
}

#[test]
fn memory_is_saved_where_it_can_be() {
    const FILE: &str = "/domainsnapshot/memory/@file";
    const LOCATION: &str = "/domainsnapshot/memory/@snapshot";
    told(&[
        ("<memory/>", ""),
        ("<memory snapshot='no'/>", ""),
        ("<memory snapshot='internal'/>", ""),
        ("<memory file='/a'/>", ""),
        ("<memory snapshot='external' file='/a'/>", ""),
        ("<memory snapshot='external'/>", &format!("{FILE}: write the absolute path of a new file")),
        ("<memory file='a'/>", &format!("{FILE}: 'a' is not an absolute path")),
        ("<memory snapshot='external' file=''/>", &format!("{FILE}: '' is not an absolute path")),
        ("<memory snapshot='no' file='/a'/>", &format!("{FILE}: here it is 'no'; remove one")),
        ("<memory snapshot='internal' file='/a'/>", &format!("{FILE}: here it is 'internal'")),
        ("<memory snapshot='manual'/>", &format!("{LOCATION}: write one of 'no', 'internal', 'external'")),
        ("<state>running</state><memory snapshot='internal'/>", ""),
        ("<state>shutoff</state><memory snapshot='no'/>", ""),
        ("<state>shutoff</state><memory snapshot='internal'/>", &format!("{LOCATION}: 'shutoff' there is no memory to save")),
        ("<state>disk-snapshot</state><memory file='/a'/>", &format!("{LOCATION}: 'disk-snapshot' there is no memory to save")),
    ]);
}

/// Checks what is told of snapshots with these disks.
fn told_of_disks(cases: &[(&str, &str)]) {
    for (disks, expected) in cases {
        told(&[(&format!("<disks>{disks}</disks>"), expected)]);
    }
}

#[test]
fn new_images_are_for_external_snapshots() {
    const DISK: &str = "/domainsnapshot/disks/disk";
    told_of_disks(&[
        ("", ""),
        ("<disk name='vda'/><disk name='vdb' snapshot='manual'/>", ""),
        ("<disk name='vda'/><disk name='vda'/>", &format!("{DISK}/@name: disk vda is there twice")),
        ("<disk name=''/>", &format!("{DISK}/@name: such as name='vda'")),
        ("<disk name='images/a'/>", &format!("{DISK}/@name: not an absolute path")),
        ("<disk name='/images/a'/>", ""),
        (
            "<disk name='a' snapshot='no' type='file'><driver/><source/></disk>",
            &format!(
                "{DISK}/@type: this disk has 'no'; remove it
                 {DISK}/driver: remove it
                 {DISK}/source: remove it"
            ),
        ),
        ("<disk name='a'/><disk name='b' snapshot='internal'><source file='/b'/></disk>", &format!("{DISK}[2]/source: remove it")),
        ("<disk name='a' snapshot='external'/>", ""),
        ("<disk name='a'><driver type='qcow2'/></disk>", ""),
        ("<disk name='a'><driver type='new'/></disk>", ""),
        ("<disk name='a'><driver type='raw'/></disk>", &format!("{DISK}/driver/@type: 'raw' cannot be laid over the old one")),
        ("<disk name='a'><source/></disk>", ""),
        ("<disk name='a'><source file='b'/></disk>", &format!("{DISK}/source/@file: not an absolute path")),
        ("<disk name='a' type='block'><source dev='/dev/b'/></disk>", ""),
        ("<disk name='a' type='block'><source dev='b'/></disk>", &format!("{DISK}/source/@dev: not an absolute path")),
        ("<disk name='a' type='block'><source file='/b'/></disk>", &format!("{DISK}/source: needs <source dev='…'/>")),
        ("<disk name='a' type='block'/>", &format!("{DISK}/source: needs <source dev='…'/>")),
        ("<disk name='a' type='network'/>", &format!("{DISK}/source: needs <source protocol='…' name='…'/>")),
        ("<disk name='a' type='network'><source name='b'/></disk>", &format!("{DISK}/source: needs <source protocol='…' name='…'/>")),
        ("<disk name='a' type='network'><source protocol='rbd' name='b'/></disk>", ""),
        ("<disk name='a' type='volume'/>", &format!("{DISK}/@type: write one of 'file', 'block', 'network'")),
    ]);
}

#[test]
fn disks_are_those_of_the_domain() {
    const DOMAIN: &str = "<domain type='qemu'><name>a</name><memory>1</memory><devices>
        <disk><source file='/a'/><target dev='vda'/></disk>
        <disk type='block'><source dev='/dev/b'/><target dev='vdb'/></disk>
        <disk><source file='/c'/><target dev='vdc'/></disk>
        <disk><source file='/c'/><target dev='vdd'/></disk>
    </devices></domain>";
    for (disks, expected) in [
        ("<disk name='vda'/><disk name='/dev/b'/>", ""),
        ("<disk name='vdc'/><disk name='vdd'/>", ""),
        ("<disk name='vdz'/>", "/domainsnapshot/disks/disk/@name: the domain has no disk 'vdz'"),
        ("<disk name='/b'/>", "/domainsnapshot/disks/disk/@name: the domain has no disk '/b'; write the name of a target"),
        ("<disk name='/c'/>", "/domainsnapshot/disks/disk/@name: 2 disks of the domain have the image '/c'"),
        ("<disk name='vda'/><disk name='/a'/>", "/domainsnapshot/disks/disk[2]/@name: '/a' is the same disk as 'vda'"),
        ("<disk name='vda'/><disk name='vda'/>", "/domainsnapshot/disks/disk/@name: disk vda is there twice"),
        ("<disk name=''/>", "/domainsnapshot/disks/disk/@name: it is not said which disk"),
    ] {
        told(&[(&format!("<disks>{disks}</disks>{DOMAIN}"), expected)]);
        let revert = expected.replace("/disks/", "/revertDisks/");
        told(&[(&format!("<revertDisks>{disks}</revertDisks>{DOMAIN}"), &revert)]);
    }
}

#[test]
fn domains_in_a_snapshot_are_checked_as_domains() {
    told(&[
        ("<domain><uuid>6d1f35e06c0c4e0b9c1e0f2f8f6b7a10</uuid></domain>", ""),
        ("<domain/>", "/domainsnapshot/domain/uuid: write its <uuid>, or the whole definition"),
        (
            "<domain type='kvm'><name>a/b</name></domain><inactiveDomain type='kvm'><name>a</name></inactiveDomain>",
            "/domainsnapshot/domain/name: '/'
             /domainsnapshot/domain/memory: has no memory
             /domainsnapshot/inactiveDomain/memory: has no memory",
        ),
    ]);
}
