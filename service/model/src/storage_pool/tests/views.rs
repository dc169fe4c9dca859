//! What each type needs, and what it is told when that is missing.

use super::*;
use crate::fibre_channel::AdapterParent;

/// A pool named `a` with a source and a target.
fn pool(kind: &str, source: &str, target: &str) -> String {
    format!("<pool type='{kind}'><name>a</name><source>{source}</source><target>{target}</target></pool>")
}

fn told(kind: &str, source: &str, target: &str, expected: &str) {
    are_told::<StoragePool>(&[(&pool(kind, source, target), expected)]);
}

/// Checks what is told of sources of a type whose target is right.
fn sources(kind: &str, cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        told(kind, source, "<path>/srv/a</path>", expected);
    }
}

#[test]
fn directories_need_a_path() {
    told("dir", "", "", "/pool/target/path: a pool of the type 'dir' needs a directory of the host; write <target><path>");
    told("dir", "", "<path>images</path>", "/pool/target/path: 'images' is not an absolute path");
    told("dir", "", "<path/>", "/pool/target/path: '' is not an absolute path");
    told("dir", "", "<path>/srv</path>", "");
}

#[test]
fn file_systems_need_a_device() {
    sources(
        "fs",
        &[
            ("<device path='/dev/sda1'/>", ""),
            ("", "/pool/source/device: needs a block device; write <device path='/dev/…'/>"),
            ("<device path='sda1'/>", "/pool/source/device/@path: not an absolute path"),
            (
                "<device path='/dev/sda1'/><device path='sdb1'/>",
                "/pool/source/device[2]/@path: not an absolute path
                 /pool/source/device: has one, here are 2; keep one",
            ),
            (
                "<device path='/dev/sda1'/><format type='nfs'/>",
                "/pool/source/format/@type: 'nfs' is not known here; write one of 'auto', 'ext2'",
            ),
        ],
    );
    let missing = "/pool/source/device: needs a block device
                   /pool/target/path: needs a directory";
    told("fs", "", "", missing);
    told("disk", "", "", missing);
}

#[test]
fn network_file_systems_need_a_server_and_its_directory() {
    sources(
        "netfs",
        &[
            ("<host name='a'/><dir path='/b'/>", ""),
            ("<dir path='/b'/>", "/pool/source/host: needs a server; write <host name='…'/>"),
            ("<host name='a'/>", "/pool/source/dir: needs the directory of the server; write <dir path='/…'/>"),
            ("<host name='a'/><dir path=''/>", "/pool/source/dir: needs the directory"),
            ("<host name='a'/><host name='b'/><dir path='/b'/>", "/pool/source/host: has one, here are 2; keep one"),
            ("<host name=''/><dir path='/b'/>", "/pool/source/host/@name: write its name or address"),
            ("<host name='nas:/export'/><dir path='/b'/>", "/pool/source/host/@name: write that alone"),
            ("<host name='-o'/><dir path='/b'/>", "/pool/source/host/@name: write that alone"),
            ("<host name='2001:db8::1'/><dir path='/b'/>", ""),
            ("<host name='a'/><dir path='b'/><format type='nfs'/>", "/pool/source/dir/@path: not an absolute path"),
            ("<host name='a'/><dir path='b'/><format type='cifs'/>", ""),
            ("<host name='a'/><dir path='/b'/><format type='cifs'/>", "/pool/source/dir/@path: write the name of the share without it"),
            ("<host name='a'/><dir path='b'/><format type='glusterfs'/>", ""),
            ("<host name='a'/><dir path='/b'/><format type='ext4'/>", "/pool/source/format/@type: write one of 'auto', 'nfs'"),
            ("<host name='a'/><dir path='/b'/><protocol ver='3'/>", ""),
            ("<host name='a'/><dir path='/b'/><protocol ver='4.2'/>", ""),
            ("<host name='a'/><dir path='/b'/><protocol ver='3,exec'/>", "/pool/source/protocol/@ver: no version of NFS"),
            ("<host name='a'/><dir path='/b'/><protocol ver='4.'/>", "/pool/source/protocol/@ver: no version of NFS"),
            ("<host name='a'/><dir path='b'/><format type='cifs'/><protocol ver='3'/>", "/pool/source/protocol: remove <protocol>"),
        ],
    );
    told(
        "netfs",
        "",
        "",
        "/pool/source/host: needs a server
         /pool/source/dir: needs the directory
         /pool/target/path: needs a directory",
    );
}

#[test]
fn partitions_need_a_disk() {
    sources(
        "disk",
        &[
            ("<device path='/dev/sda'/>", ""),
            ("<device path='sda'/>", "/pool/source/device/@path: not an absolute path"),
            ("<device path='/dev/sda'/><format type='ext4'/>", "/pool/source/format/@type: write one of 'dos', 'dvh', 'gpt'"),
        ],
    );
}

#[test]
fn iscsi_needs_a_server_and_a_target() {
    const AUTH: &str = "<host name='a'/><device path='iqn.2020-01.org.example:a'/>";
    let auth = |auth: &str| format!("{AUTH}{auth}");
    for (source, expected) in [
        (auth(""), ""),
        ("".into(), "/pool/source/host: needs a server\n/pool/source/device: needs the name of the target; write <device path='iqn.…'/>"),
        ("<host name='a'/><device path='demo-target'/>".into(), ""),
        ("<host name='a'/><device path='/dev/sda'/>".into(), "/pool/source/device/@path: '/dev/sda' is no name of iSCSI"),
        (auth("<initiator><iqn name='me and you'/></initiator>"), "/pool/source/initiator/iqn/@name: is no name of iSCSI"),
        (auth("<auth type='chap' username='u'><secret usage='s'/></auth>"), ""),
        (auth("<auth type='chap' username='u'><secret type='iscsi' usage='s'/></auth>"), ""),
        (auth("<auth type='ceph' username='u'><secret usage='s'/></auth>"), "/pool/source/auth/@type: credentials of type='chap'"),
        (
            auth("<auth/>"),
            "/pool/source/auth/@type: type='chap'
             /pool/source/auth/@username: write username='…'
             /pool/source/auth/secret: name the secret that holds it",
        ),
        (auth("<auth type='chap' username='u'><secret/></auth>"), "/pool/source/auth/secret/@uuid: no secret is named"),
        (
            auth("<auth type='chap' login='u' passwd='p'/>"),
            "/pool/source/auth/@passwd: define a secret
             /pool/source/auth/secret: nothing says the password",
        ),
        (auth("<auth type='chap' login='u' passwd='p'><secret usage='s'/></auth>"), "/pool/source/auth/@passwd: define a secret"),
    ] {
        sources("iscsi", &[(&source, expected)]);
    }
    let direct = "<initiator><iqn name='iqn.2020-01.org.example:b'/></initiator>";
    told("iscsi-direct", &auth(direct), "", "");
    let all = "/pool/source/host: needs a server
               /pool/source/device: needs the name of the target
               /pool/source/initiator: needs the name of this side";
    told("iscsi-direct", "", "", all);
    told("iscsi-direct", &auth("<initiator/>"), "", "/pool/source/initiator: needs the name of this side; write <initiator><iqn");
}

#[test]
fn volume_groups_have_names_of_their_own() {
    sources(
        "logical",
        &[
            ("", ""),
            ("<device path='/dev/sda'/><device path='/dev/sdb'/>", ""),
            ("<device path='/dev/sda'/><device path='sdb'/>", "/pool/source/device[2]/@path: not an absolute path"),
            ("<device path='/dev/sda'/><device path='/dev/sda'/>", "/pool/source/device/@path: device /dev/sda is there twice; remove one"),
            ("<name>vg+1_a.b-c</name>", ""),
            ("<name>-vg</name>", "/pool/source/name: '-vg' cannot be a volume group"),
            ("<name>a b</name>", "/pool/source/name: 'a b' cannot be a volume group"),
            ("<name>..</name>", "/pool/source/name: '..' cannot be a volume group"),
            ("<format type='lvm1'/>", "/pool/source/format/@type: write one of 'lvm2', 'unknown'"),
        ],
    );
    are_told::<StoragePool>(&[
        (
            "<pool type='logical'><name>my disks</name></pool>",
            "/pool/source/name: 'my disks' cannot be a volume group; write another into <source>",
        ),
        ("<pool type='logical'/>", "/pool/source/name: needs the name of what it is made of"),
    ]);
}

#[test]
fn adapters_are_said_in_one_way() {
    const WIDE: &str = "wwnn='5001a4a93526d0a1' wwpn='5001a4ace3ee047d'";
    let virtual_one = |attributes: &str| format!("<adapter type='fc_host' {attributes}/>");
    for (source, expected) in [
        ("".into(), "/pool/source/adapter: needs the adapter; write <adapter name='scsi_host1'/>"),
        ("<adapter/>".into(), "/pool/source/adapter: write name='scsi_host1', or <parentaddr>"),
        ("<adapter name='host0'/>".into(), ""),
        (
            "<adapter type='scsi_host'><parentaddr/></adapter>".into(),
            "/pool/source/adapter/parentaddr: has no address; write <address
             /pool/source/adapter/parentaddr/@unique_id: write unique_id='…'",
        ),
        ("<adapter name='host0'><parentaddr unique_id='1'/></adapter>".into(), "/pool/source/adapter/@name: keep <parentaddr>"),
        (virtual_one(WIDE), ""),
        (virtual_one(&format!("{WIDE} parent='scsi_host3'")), ""),
        (virtual_one(&format!("{WIDE} parent_fabric_wwn='2002000573de9a81'")), ""),
        (
            virtual_one("wwnn='5001'"),
            "/pool/source/adapter/@wwnn: '5001' is no world wide name; write 16
             /pool/source/adapter/@wwpn: a world wide name is missing here; write 16",
        ),
        (virtual_one(&format!("{WIDE} parent='a' parent_fabric_wwn='b'")), "/pool/source/adapter/@parent: said in several ways"),
        (virtual_one(&format!("{WIDE} parent_wwnn='20000025b5a0004f'")), "/pool/source/adapter/@parent_wwpn: is missing here; write 16"),
    ] {
        sources("scsi", &[(&source, expected)]);
    }
}

#[test]
fn clusters_need_servers_and_a_name() {
    const HOSTS: &str = "<host name='a'/><host name='b'/>";
    for (kind, source, expected) in [
        ("rbd", "", "/pool/source/host: needs a server"),
        ("rbd", HOSTS, ""),
        ("rbd", "<name> </name><host name='a'/>", "/pool/source/name: write <name>…</name> into <source>"),
        ("rbd", "<host name='a'/><host name='b c'/>", "/pool/source/host[2]/@name: write that alone"),
        (
            "rbd",
            "<host name='a'/><auth type='chap' username='u'><secret usage='s'/></auth>",
            "/pool/source/auth/@type: a pool of the type 'rbd' has credentials of type='ceph'; write that",
        ),
        ("sheepdog", "", "/pool/source/host: needs a server"),
        ("sheepdog", HOSTS, ""),
        ("gluster", HOSTS, "/pool/source/host: has one, here are 2"),
        ("gluster", "<host name='a'/><name>v/b</name>", "/pool/source/name: write the directory in it as <dir"),
        ("gluster", "<host name='a'/><dir path='b'/>", "/pool/source/dir/@path: not an absolute path"),
        ("zfs", "<device path='ada1'/>", ""),
    ] {
        told(kind, source, "", expected);
    }
    told("vstorage", "", "", "/pool/target/path: needs a directory");
}

#[test]
fn views_fill_in_what_holds_when_nothing_is_written() {
    let parse = |text: &str| StoragePool::parse(text).unwrap().0;
    let netfs = parse(&pool("netfs", "<host name='h'/><dir path='/d'/>", "<path>/p</path>"));
    let host = &netfs.source.as_ref().unwrap().hosts[0];
    assert_eq!(netfs.view(), Ok(PoolView::Netfs { host, dir: "/d", format: NetfsFormat::Auto, version: None, path: "/p" }));
    let disk = parse(&pool("disk", "<device path='/dev/sda'/>", "<path>/dev</path>"));
    let device = &disk.source.as_ref().unwrap().devices[0];
    assert_eq!(disk.view(), Ok(PoolView::Disk { device, format: DiskFormat::Dos, path: "/dev" }));
    let logical = parse("<pool type='logical'><name>vg</name></pool>");
    assert_eq!(logical.view(), Ok(PoolView::Logical { group: "vg", devices: &[] }));
    let scsi = parse(&pool("scsi", "<adapter type='fc_host' wwnn='5001a4a93526d0a1' wwpn='5001a4ace3ee047d'/>", "<path>/dev</path>"));
    let (wwnn, wwpn) = ("5001a4a93526d0a1", "5001a4ace3ee047d");
    let adapter = AdapterView::Virtual { wwnn, wwpn, parent: AdapterParent::Any, managed: false };
    assert_eq!(scsi.view(), Ok(PoolView::Scsi { adapter, path: "/dev" }));
}

#[test]
fn views_tell_what_the_check_tells_of_them() {
    let (empty, _) = StoragePool::parse("<pool type='fs'/>").unwrap();
    let paths = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.path).collect::<Vec<_>>();
    assert_eq!(paths(empty.view().unwrap_err()), ["/pool/source/device", "/pool/target/path"]);
    assert_eq!(paths(empty.validate().unwrap_err()), ["/pool/name", "/pool/source/device", "/pool/target/path"]);
    let (relative, _) = StoragePool::parse(&pool("dir", "", "<path>a</path>")).unwrap();
    assert_eq!(paths(relative.view().unwrap_err()), ["/pool/target/path"]);
}

#[test]
fn every_valid_pool_has_a_view() {
    for file in fixtures::files("storage-pool") {
        let (pool, _) = StoragePool::parse(&fixtures::text(&file)).unwrap();
        assert!(pool.view().is_ok(), "{}: {:?}", file.display(), pool.view());
    }
}
