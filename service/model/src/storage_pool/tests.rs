//! Pools: fixtures, errors with their place, and what is told.

mod generated;
mod views;

use super::*;
use crate::testing::problems::are_told;
use crate::testing::{damage, fixtures};

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<StoragePool>("storage-pool", 24);
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<StoragePool>("storage-pool");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<StoragePool>("storage-pool");
}

#[test]
fn every_type_has_a_fixture() {
    let texts: Vec<String> = fixtures::files("storage-pool").iter().map(|file| fixtures::text(file)).collect();
    for kind in PoolType::ALL {
        let written = |text: &String| StoragePool::parse(text).unwrap().0.kind == *kind;
        assert!(texts.iter().any(written), "no fixture of the type {kind}");
    }
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("<pool/>", "/pool, line 1, column 1: expected the attribute type (one of 'dir', 'fs', 'netfs', "),
        ("<pool type='tape'/>", "/pool/@type, line 1, column 7: expected one of 'dir', 'fs', 'netfs', "),
        ("<volume/>", "/volume, line 1, column 1: expected <pool>, found <volume>"),
        ("<pool type='dir'>\n<capacity unit='XB'>1</capacity></pool>", "/pool/capacity, line 2, column 1: expected a unit such as 'bytes'"),
        ("<pool type='dir'><capacity>-1</capacity></pool>", "/pool/capacity, line 1, column 18: expected a size as a whole number"),
        (
            "<pool type='dir'><target><permissions>\n  <mode>0799</mode></permissions></target></pool>",
            "/pool/target/permissions/mode, line 2, column 3: expected an octal mode from 0 to 7777, such as 0644, found '0799'",
        ),
        (
            "<pool type='dir'><target><permissions><owner>root</owner></permissions></target></pool>",
            "/pool/target/permissions/owner, line 1, column 39: expected a number from 0 to 4294967294, or -1 for the service's own",
        ),
        (
            "<pool type='netfs'><source><host name='a'/>\n <host name='b' port='65536'/></source></pool>",
            "/pool/source/host[2]/@port, line 2, column 17: expected a number from 0 to 65535, found '65536'",
        ),
        ("<pool type='disk'><source><device/></source></pool>", "/pool/source/device, line 1, column 27: expected the attribute path"),
        (
            "<pool type='disk'><source><device path='/d' part_separator='on'/></source></pool>",
            "/pool/source/device/@part_separator, line 1, column 45: expected 'yes' or 'no', found 'on'",
        ),
        (
            "<pool type='scsi'><source><adapter type='usb_host'/></source></pool>",
            "/pool/source/adapter/@type, line 1, column 36: expected one of 'scsi_host', 'fc_host', found 'usb_host'",
        ),
        (
            "<pool type='fs' xmlns:fs='urn:other'/>",
            "/pool/@xmlns:fs, line 1, column 17: expected http://libvirt.org/schemas/storagepool/fs/1.0",
        ),
        (
            "<pool type='rbd'><rbd:config_opts><rbd:option name='a'/></rbd:config_opts></pool>",
            "/pool/rbd:config_opts/rbd:option, line 1, column 35: expected the attribute value",
        ),
    ] {
        let error = StoragePool::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

#[test]
fn passwords_of_old_are_kept_and_do_not_slip_into_a_log() {
    let text = "<pool type='iscsi'><source><auth type='chap' login='a' passwd='s3cret'/></source></pool>";
    let (pool, warnings) = StoragePool::parse(text).unwrap();
    assert_eq!(warnings, vec![]);
    assert!(pool.to_xml().contains("<auth type='chap' login='a' passwd='s3cret'/>"), "{}", pool.to_xml());
    assert!(!format!("{pool:?} {:?}", pool.validate()).contains("s3cret"));
}

#[test]
fn what_belongs_to_no_type_in_particular_is_told() {
    are_told::<StoragePool>(&[
        ("<pool type='mpath'/>", "/pool/name: write <name>"),
        ("<pool type='mpath'><name/></pool>", "/pool/name: the name is empty"),
        ("<pool type='mpath'><name>a/b</name></pool>", "/pool/name: '/'"),
        ("<pool type='mpath'><name>a</name></pool>", ""),
        // The name of the source is a name for some types only.
        ("<pool type='zfs'><source><name>tank</name></source></pool>", ""),
        ("<pool type='zfs'><source><name>tank/vm</name></source></pool>", "/pool/source/name: '/'"),
        ("<pool type='zfs'><name>a</name><source><name>tank/vm</name></source></pool>", ""),
        ("<pool type='mpath'><source><name>tank</name></source></pool>", "/pool/name: write <name>"),
        (
            "<pool type='mpath'><name>a</name><features><cow state='no'/></features><refresh/></pool>",
            "/pool/features/cow: for pools of the type 'dir' and 'fs', and this one has 'mpath'; remove it
             /pool/refresh: for pools of the type 'rbd'",
        ),
        (
            "<pool type='mpath'><name>a</name><target><path>mapper</path><encryption/></target></pool>",
            "/pool/target/path: 'mapper' is not an absolute path; write the whole path
             /pool/target/encryption/@format: write format='luks'",
        ),
        (
            "<pool type='mpath'><name>a</name><fs:mount_opts><fs:option name=''/></fs:mount_opts></pool>",
            "/pool/fs:mount_opts: for pools of the type 'fs' and 'netfs'
             /pool/fs:mount_opts/fs:option/@name: such as name='sync'",
        ),
        (
            "<pool type='mpath'><name>a</name><rbd:config_opts><rbd:option name='a' value='b'/><rbd:option name='' value=''/>
             </rbd:config_opts></pool>",
            "/pool/rbd:config_opts: for pools of the type 'rbd'
             /pool/rbd:config_opts/rbd:option[2]/@name: write both
             /pool/rbd:config_opts/rbd:option[2]/@value: write both",
        ),
        (
            "<pool type='mpath'><name>a</name><source><device path='x'><freeExtent start='9' end='9'/><freeExtent start='9' end='8'/>
             </device></source></pool>",
            "/pool/source/device/freeExtent[2]/@end: exchange them",
        ),
    ]);
}
