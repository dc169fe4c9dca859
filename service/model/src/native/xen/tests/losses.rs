//! What a text cannot say of a domain is told by name; what it says in another way is not.

use crate::document::Document;
use crate::domain::Domain;
use crate::native::xen::{self, Dialect};

fn warnings(devices: &str, rest: &str, dialect: Dialect) -> Vec<String> {
    let xml = format!(
        "<domain type='xen'><name>a</name><memory unit='MiB'>64</memory><os><type>linux</type></os>{rest}<devices>{devices}</devices></domain>"
    );
    let (domain, _) = Domain::parse(&xml).unwrap();
    xen::write(&domain, dialect).unwrap().warnings
}

#[test]
fn what_is_left_out_has_a_name() {
    for (devices, rest, dialect, words) in [
        ("", "<title>A</title>", Dialect::Xm, "title has no place"),
        ("", "<contraption/>", Dialect::Sxpr, "contraption has no place"),
        ("<disk type='network'><source protocol='rbd' name='a/b'/><target dev='xvda'/></disk>", "", Dialect::Xl, "disk[xvda] has no place"),
        ("<disk><source file='/a'/><target dev='xvda'/><serial>7</serial></disk>", "", Dialect::Xl, "disk[xvda]/serial has no place"),
        (
            "<disk><source file='/a'/><target dev='xvda' bus='sata'/></disk>",
            "",
            Dialect::Xm,
            "@bus is 'sata', but a file of xm can only say 'xen'",
        ),
        ("<disk><source file='/a'/><target dev='xvda'/><shareable/></disk>", "", Dialect::Xl, "disk[xvda]/shareable has no place"),
        ("<interface type='ethernet'/>", "", Dialect::Xm, "interface/@type is 'ethernet', but a file of xm can only say 'bridge'"),
        ("<watchdog model='i6300esb'/>", "", Dialect::Xl, "watchdog has no place"),
        ("<interface type='bridge'><source bridge='a,b'/></interface>", "", Dialect::Xl, "@bridge is 'a,b'"),
        ("<graphics type='spice' autoport='yes'/>", "", Dialect::Xl, "graphics[spice] has no place"),
    ] {
        let found = warnings(devices, rest, dialect);
        assert!(found.len() == 1 && found[0].contains(words), "{words}: {found:?}");
    }
}

#[test]
fn what_is_said_in_other_words_is_no_loss() {
    for devices in [
        "<disk><source file='/a'/><target dev='xvda'/></disk>",
        "<disk type='block' device='disk'><driver name='phy'/><source dev='/dev/a'/><target dev='xvda' bus='xen'/></disk>",
        "<graphics type='vnc'><listen type='address' address='::1'/></graphics>",
        "<console type='pty' tty='/dev/pts/1'><source path='/dev/pts/1'/><target type='xen' port='0'/></console>",
        "<input type='mouse' bus='xen'/><input type='keyboard' bus='xen'/><memballoon model='xen'/>",
    ] {
        for dialect in [Dialect::Xm, Dialect::Xl, Dialect::Sxpr] {
            assert_eq!(warnings(devices, "", dialect), Vec::<String>::new(), "{devices}");
        }
    }
}

#[test]
fn a_password_that_is_left_out_is_not_shown() {
    let found = warnings("<graphics type='sdl' passwd='geheim'/>", "", Dialect::Xm);
    assert!(found.len() == 1 && found[0].contains("@passwd") && !found[0].contains("geheim"), "{found:?}");
}
