//! Pools on a kernel that has all that they are made of: the device mapper, iSCSI and NFS with real servers at the machine's own
//! address, partitions that udev sees. The installed service does the work, in its unit with everything that is closed there.

use lodge_dbus_interfaces::{BUS_NAME, STORAGE_POOL_INTERFACE, STORAGE_VOLUME_INTERFACE, paths};
use lodge_tests::hosts::{Host, Ran, Vm, VmKind};
use lodge_tests::staging;

/// Listings 8-9 and 8-12 in one document.
const LISTING: &str = include_str!("../fixtures/storage-pool/iscsi.xml");

/// A machine with the service, and daemons started that serve storage.
fn installed(daemons: &[&str]) -> Vm {
    let staged = tempfile::tempdir().unwrap();
    staging::install("/usr", staged.path().to_str().unwrap());
    let host = Vm::boot(VmKind::AppArmor);
    host.install_staged(staged.path());
    if !daemons.is_empty() {
        host.run(&[&["systemctl", "start"], daemons].concat()).success();
    }
    host
}

fn ctl(host: &Vm, arguments: &[&str]) -> Ran {
    host.run(&[&["lodgectl"], arguments].concat())
}

/// What lodgectl prints for a command line without blanks inside of words.
#[track_caller]
fn good(host: &Vm, line: &str) -> String {
    ctl(host, &line.split_whitespace().collect::<Vec<_>>()).success()
}

/// What it complains of.
#[track_caller]
fn refused(host: &Vm, line: &str, reason: &str) {
    let refusal = ctl(host, &line.split_whitespace().collect::<Vec<_>>()).failure();
    assert!(refusal.contains(reason), "{reason} in {refusal}");
}

/// Hands it a document.
#[track_caller]
fn with_document(host: &Vm, arguments: &[&str], document: &str) -> Ran {
    host.write("/tmp/document.xml", document);
    ctl(host, &[arguments, &["/tmp/document.xml"]].concat())
}

/// A loop device of some mebibytes.
fn device(host: &Vm, name: &str, mebibytes: u32) -> String {
    let file = format!("/var/lib/{name}");
    host.run(&["truncate", &format!("--size={mebibytes}M"), &file]).success();
    host.run(&["losetup", "--find", "--show", "--partscan", &file]).success()
}

/// A file with a mebibyte that is nowhere else.
fn content(host: &Vm) -> &'static str {
    host.run(&["dd", "if=/dev/urandom", "of=/tmp/content", "bs=1M", "count=1", "status=none"]).success();
    "/tmp/content"
}

/// Whether the first mebibyte of two files is the same.
fn same(host: &Vm, one: &str, other: &str) -> bool {
    host.run(&["cmp", "--silent", "--bytes=1048576", one, other]).status == 0
}

fn capacity(host: &Vm, pool: &str, volume: &str) -> u64 {
    let xml = good(host, &format!("vol-dumpxml {volume} --pool {pool}"));
    let (_, rest) = xml.split_once("<capacity unit='bytes'>").unwrap();
    rest.split_once('<').unwrap().0.parse().unwrap()
}

/// A guest that has a volume as its disk.
fn guest(pool: &str, volume: &str) -> String {
    format!(
        "<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
         <devices><disk type='volume' device='disk'><driver name='qemu' type='raw'/><source pool='{pool}' volume='{volume}'/>
         <target dev='vda' bus='virtio'/></disk></devices></domain>"
    )
}

#[test]
fn logical_volumes_are_made_copied_and_removed_and_a_guest_has_one() {
    let host = installed(&[]);
    let (one, two) = (device(&host, "one", 128), device(&host, "two", 128));
    let pool = format!(
        "<pool type='logical'><name>guests</name><source><device path='{one}'/><device path='{two}'/><name>guests</name></source></pool>"
    );
    with_document(&host, &["pool-define"], &pool).success();
    refused(&host, "pool-start guests", "build the pool to make it");
    good(&host, "pool-build guests");
    refused(&host, "pool-build guests", "there is something on");
    good(&host, "pool-start guests");

    good(&host, "vol-create-as guests root 16M");
    good(&host, &format!("vol-upload root {} --pool guests", content(&host)));
    good(&host, "vol-clone root copy --pool guests");
    assert!(same(&host, "/dev/guests/copy", "/tmp/content"));
    good(&host, "vol-resize root 32M --pool guests");
    assert_eq!(capacity(&host, "guests", "root"), 32 << 20);
    refused(&host, "vol-create-as guests large 1G", "needs 1073741824 bytes");

    parts_of_volumes(&host);
    a_guest_holds_its_volume(&host);

    good(&host, "vol-wipe root --pool guests");
    assert!(same(&host, "/dev/guests/root", "/dev/zero"));
    good(&host, "pool-destroy guests");
    host.run(&["test", "-e", "/dev/guests/root"]).failure();
    good(&host, "pool-start guests");
    host.run(&["test", "-b", "/dev/guests/root"]).success();
    // The service finds it as it was.
    host.run(&["systemctl", "restart", "lodged"]).success();
    assert_eq!(good(&host, "vol-list guests --name"), "copy\nroot");
    good(&host, "vol-delete copy --pool guests");
    good(&host, "vol-delete root --pool guests");
    good(&host, "pool-destroy guests");
    good(&host, "pool-delete guests");
    assert_eq!(host.run(&["pvs", "--noheadings"]).success(), "");
    good(&host, "pool-undefine guests");
}

/// Snapshots and sparse volumes: what a guest sees of them is more than they have.
fn parts_of_volumes(host: &Vm) {
    let snapshot = "<volume><name>before</name><capacity unit='MiB'>32</capacity><allocation unit='MiB'>8</allocation>
                    <backingStore><path>/dev/guests/root</path></backingStore></volume>";
    with_document(host, &["vol-create", "guests"], snapshot).success();
    good(host, "vol-create-as guests sparse 64M --allocation 8M");
    assert_eq!([capacity(host, "guests", "before"), capacity(host, "guests", "sparse")], [32 << 20, 64 << 20]);
    let xml = good(host, "vol-dumpxml before --pool guests");
    assert!(xml.contains("<path>/dev/guests/root</path>") && xml.contains("<allocation unit='bytes'>8388608<"), "{xml}");
    assert!(!good(host, "vol-dumpxml sparse --pool guests").contains("backingStore"));
    // It has what was there before.
    host.run(&["dd", "if=/dev/zero", "of=/dev/guests/root", "bs=1M", "count=1", "conv=fsync", "status=none"]).success();
    good(host, "vol-clone before whole --pool guests");
    assert!(same(host, "/dev/guests/whole", "/tmp/content"));
    good(host, "vol-delete whole --pool guests");
    refused(host, "vol-delete root --pool guests", "volume 'before' is a snapshot of it");
    refused(host, "vol-resize before 64M --pool guests", "has the size that it was made with");
    refused(host, "vol-wipe sparse --pool guests", "less room than its size");
    good(host, "vol-delete before --pool guests");
    good(host, "vol-delete sparse --pool guests");
}

fn a_guest_holds_its_volume(host: &Vm) {
    with_document(host, &["define"], &guest("guests", "root")).success();
    good(host, "start guest");
    let live = good(host, "dumpxml guest");
    assert!(live.contains("dev='/dev/guests/root'"), "{live}");
    let owner = ["stat", "--dereference", "--format=%U", "/dev/guests/root"];
    assert_eq!(host.run(&owner).success(), "lodge-qemu");
    for line in ["vol-delete root --pool guests", "vol-wipe root --pool guests", "vol-resize root 64M --pool guests", "pool-destroy guests"]
    {
        refused(host, line, "domain 'guest' uses");
    }
    good(host, "destroy guest");
    assert_eq!(host.run(&owner).success(), "root");
    good(host, "undefine guest");
}

/// The name of the target in the listing.
const TARGET: &str = "demo-target";

/// Serves two units of 32 MiB at a target that a user with a password may use.
fn serve_target(host: &Vm) {
    let tgtadm = |arguments: &[&str]| host.run(&[&["tgtadm", "--lld", "iscsi", "--op"], arguments].concat()).success();
    tgtadm(&["new", "--mode", "target", "--tid", "1", "--targetname", TARGET]);
    for (number, file) in [("1", "/var/lib/unit-1"), ("2", "/var/lib/unit-2")] {
        host.run(&["truncate", "--size=32M", file]).success();
        tgtadm(&["new", "--mode", "logicalunit", "--tid", "1", "--lun", number, "--backing-store", file]);
    }
    tgtadm(&["bind", "--mode", "target", "--tid", "1", "--initiator-address", "ALL"]);
    tgtadm(&["new", "--mode", "account", "--user", "lodge", "--password", "correct horse"]);
    tgtadm(&["bind", "--mode", "account", "--tid", "1", "--user", "lodge"]);
}

/// The listing with a server that exists, and who logs in there.
fn target(auth: &str) -> String {
    LISTING.replace("iscsi.example.com", "localhost").replace("</source>", &format!("{auth}</source>"))
}

fn set_password(host: &Vm, password: &str) {
    host.write("/tmp/password", password);
    good(host, "secret-set-value iscsi:disks --plain --file /tmp/password");
}

/// What open-iscsi has a record of, and is logged into: nothing.
fn is_logged_out(host: &Vm) {
    for mode in ["session", "node"] {
        let nothing = host.run(&["iscsiadm", "--mode", mode]).failure();
        assert!(nothing.contains("No "), "{nothing}");
    }
    assert_eq!(host.run(&["sh", "-c", "ls /dev/disk/by-path | grep iscsi"]).stdout, "");
    host.run(&["grep", "--recursive", "--quiet", "correct horse", "/etc/iscsi"]).failure();
}

#[test]
fn a_target_of_iscsi_is_logged_into_with_the_password_of_a_secret() {
    let host = installed(&["tgt", "iscsid.socket"]);
    serve_target(&host);
    with_document(&host, &["pool-define"], &target("")).success();
    refused(&host, "pool-start virtimages", "refuses the login; write a user and a secret into <auth>");
    let auth = "<auth type='chap' username='lodge'><secret usage='disks'/></auth>";
    with_document(&host, &["pool-define"], &target(auth)).success();
    refused(&host, "pool-start virtimages", "secret");
    with_document(&host, &["secret-define"], "<secret private='yes'><usage type='iscsi'><target>disks</target></usage></secret>").success();
    set_password(&host, "wrong horse");
    refused(&host, "pool-start virtimages", "refuses the login; check that user 'lodge' has the password");
    is_logged_out(&host);
    with_document(&host, &["pool-define"], &target(auth).replace(TARGET, "no-target")).success();
    refused(&host, "pool-start virtimages", "has no target 'no-target'");
    with_document(&host, &["pool-define"], &target(auth)).success();
    set_password(&host, "correct horse");
    good(&host, "pool-start virtimages");

    assert_eq!(good(&host, "vol-list virtimages --name"), "unit:0:0:1\nunit:0:0:2");
    assert_eq!(capacity(&host, "virtimages", "unit:0:0:2"), 32 << 20);
    let info = good(&host, "pool-info virtimages");
    assert!(info.contains("Capacity:    64.00 MiB"), "{info}");
    good(&host, &format!("vol-upload unit:0:0:1 {} --pool virtimages", content(&host)));
    assert!(same(&host, "/var/lib/unit-1", "/tmp/content"));
    refused(&host, "vol-create-as virtimages more 1M", "made, resized and removed on its server");
    // The service finds it as it was.
    host.run(&["systemctl", "restart", "lodged"]).success();
    assert_eq!(good(&host, "vol-list virtimages --name"), "unit:0:0:1\nunit:0:0:2");
    good(&host, "vol-wipe unit:0:0:1 --pool virtimages");
    assert!(same(&host, "/var/lib/unit-1", "/dev/zero"));
    good(&host, "pool-destroy virtimages");
    is_logged_out(&host);
    // As somebody else than the host is otherwise.
    let initiator = format!("{auth}<initiator><iqn name='iqn.2026-11.org.example:guests'/></initiator>");
    with_document(&host, &["pool-define"], &target(&initiator)).success();
    good(&host, "pool-start virtimages");
    let initiators = host.run(&["tgtadm", "--lld", "iscsi", "--op", "show", "--mode", "target"]).success();
    assert!(initiators.contains("Initiator: iqn.2026-11.org.example:guests"), "{initiators}");
    assert_eq!(good(&host, "vol-list virtimages --name"), "unit:0:0:1\nunit:0:0:2");
    good(&host, "pool-destroy virtimages");
    is_logged_out(&host);
    by_busctl_alone(&host);
    is_logged_out(&host);
}

/// The pool of the listing, for a client that knows nothing of it.
fn by_busctl_alone(host: &Vm) {
    let (pool, unit) = (paths::pool("virtimages"), paths::volume("virtimages", "unit:0:0:1"));
    let busctl = |words: &[&str]| host.run(&[&["busctl", "--timeout=120"], words].concat()).success();
    let call = |method| busctl(&["call", BUS_NAME, pool.as_str(), STORAGE_POOL_INTERFACE, method, "a{sv}", "0"]);
    call("Start");
    assert_eq!(busctl(&["get-property", BUS_NAME, unit.as_str(), STORAGE_VOLUME_INTERFACE, "Capacity"]), "t 33554432");
    call("Stop");
    assert_eq!(busctl(&["get-property", BUS_NAME, pool.as_str(), STORAGE_POOL_INTERFACE, "Active"]), "b false");
    call("Undefine");
}

/// What is mounted at the target of the pool.
fn mounted(host: &Vm) -> String {
    host.run(&["findmnt", "--noheadings", "--output=SOURCE,FSTYPE", "/var/lib/nas"]).stdout
}

#[test]
fn a_directory_of_an_nfs_server_is_mounted_for_the_host() {
    let host = installed(&[]);
    host.run(&["mkdir", "--parents", "/srv/images"]).success();
    host.write("/etc/exports", "/srv/images localhost(rw,no_root_squash,no_subtree_check)\n");
    let pool = "<pool type='netfs'><name>nas</name><source><host name='127.0.0.1'/><dir path='/srv/images'/><format type='nfs'/></source>
                <target><path>/var/lib/nas</path></target></pool>";
    with_document(&host, &["pool-define"], pool).success();
    refused(&host, "pool-start nas", "there is no directory /var/lib/nas; build the pool");
    good(&host, "pool-build nas");
    host.run(&["systemctl", "stop", "nfs-server"]).success();
    refused(&host, "pool-start nas", "cannot mount 127.0.0.1:/srv/images");
    assert_eq!(mounted(&host), "");
    host.run(&["systemctl", "start", "nfs-server"]).success();
    let elsewhere = pool.replace("/srv/images", "/srv/elsewhere");
    with_document(&host, &["pool-define"], &elsewhere).success();
    refused(&host, "pool-start nas", "cannot mount 127.0.0.1:/srv/elsewhere");
    assert_eq!(mounted(&host), "");
    with_document(&host, &["pool-define"], pool).success();
    good(&host, "pool-start nas");
    assert!(mounted(&host).starts_with("127.0.0.1:/srv/images nfs4"), "{}", mounted(&host));

    good(&host, "vol-create-as nas plain.img 2M");
    good(&host, &format!("vol-upload plain.img {} --pool nas", content(&host)));
    // Who makes it and qemu-img lock the file on the server.
    good(&host, "vol-create-as nas image.qcow2 4M --format qcow2");
    good(&host, "vol-clone image.qcow2 copy.qcow2 --pool nas");
    good(&host, "vol-resize copy.qcow2 8M --pool nas");
    assert_eq!(capacity(&host, "nas", "copy.qcow2"), 8 << 20);
    assert_eq!(host.run(&["ls", "-A", "/srv/images"]).success(), "copy.qcow2\nimage.qcow2\nplain.img");
    assert!(same(&host, "/srv/images/plain.img", "/tmp/content"));
    good(&host, "vol-delete copy.qcow2 --pool nas");

    with_document(&host, &["define"], &guest("nas", "plain.img")).success();
    good(&host, "start guest");
    refused(&host, "pool-destroy nas", "domain 'guest' uses");
    good(&host, "destroy guest");
    // The service finds it as it was.
    host.run(&["systemctl", "restart", "lodged"]).success();
    assert_eq!(good(&host, "vol-list nas --name"), "image.qcow2\nplain.img");
    good(&host, "pool-destroy nas");
    assert_eq!(mounted(&host), "");
    assert_eq!(host.run(&["ls", "-A", "/var/lib/nas"]).success(), "");
    good(&host, "pool-delete nas");
}

#[test]
fn partitions_are_volumes_and_one_has_a_file_system_with_more() {
    let host = installed(&[]);
    let disk = device(&host, "disk", 256);
    let name = disk.rsplit_once('/').unwrap().1;
    let partition = |number: u32| format!("{name}p{number}");
    let pool = format!(
        "<pool type='disk'><name>disk</name><source><device path='{disk}'/><format type='gpt'/></source>
         <target><path>/dev</path></target></pool>"
    );
    with_document(&host, &["pool-define"], &pool).success();
    good(&host, "pool-build disk");
    good(&host, "pool-start disk");
    good(&host, &format!("vol-create-as disk {} 128M", partition(1)));
    good(&host, &format!("vol-create-as disk {} 16M", partition(2)));
    good(&host, &format!("vol-upload {} {} --pool disk", partition(2), content(&host)));
    good(&host, &format!("vol-resize {} 32M --pool disk", partition(2)));
    let sizes = ["lsblk", "--bytes", "--noheadings", "--raw", "--output=NAME,SIZE", &disk];
    let seen = host.run(&sizes).success();
    assert!(seen.contains(&format!("{} {}", partition(2), 32 << 20)), "{seen}");

    let files = format!(
        "<pool type='fs'><name>files</name><source><device path='{disk}p1'/><format type='ext4'/></source>
         <target><path>/var/lib/files</path></target></pool>"
    );
    with_document(&host, &["pool-define"], &files).success();
    good(&host, "pool-build files --no-overwrite");
    refused(&host, "pool-build files --no-overwrite", "(ext4)");
    good(&host, "pool-start files");
    good(&host, "vol-create-as files image.qcow2 1G --format qcow2");
    for verb in ["vol-delete", "vol-wipe"] {
        refused(&host, &format!("{verb} {} --pool disk", partition(1)), "it is mounted");
    }
    // Mounted for everybody, and while the service is away.
    host.run(&["systemctl", "restart", "lodged"]).success();
    host.run(&["test", "-f", "/var/lib/files/image.qcow2"]).success();
    assert!(good(&host, "vol-list files --name").contains("image.qcow2"));
    good(&host, "pool-destroy files");
    host.run(&["findmnt", "/var/lib/files"]).failure();

    assert!(same(&host, &format!("{disk}p2"), "/tmp/content"));
    good(&host, &format!("vol-delete {} --pool disk", partition(1)));
    good(&host, &format!("vol-delete {} --pool disk", partition(2)));
    assert!(!host.run(&sizes).success().contains(&partition(1)));
    good(&host, "pool-destroy disk");
    good(&host, "pool-delete disk");
}
