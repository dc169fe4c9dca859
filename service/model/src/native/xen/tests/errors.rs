//! What is refused, at which place, and what is said about it.

use crate::document::Document;
use crate::domain::Domain;
use crate::native::xen::{self, Dialect};

/// Checks that a text is refused at a place with words in the reason.
fn refused(dialect: Dialect, text: &str, line: u32, column: u32, words: &str) {
    let error = xen::read(text, dialect).map(|converted| converted.domain.to_xml()).expect_err(text);
    assert!(error.reason.contains(words), "{text}: {error}");
    assert_eq!((error.position.line, error.position.column), (line, column), "{text}: {error}");
}

#[test]
fn texts_that_are_no_settings() {
    for (text, line, column, words) in [
        ("name", 1, 5, "expected '=' behind 'name'"),
        ("import os, re", 1, 8, "expected '=' behind 'import'"),
        ("name = ", 1, 8, "expected a string, a whole number or a list for 'name', found the end of the text"),
        ("name = 'x", 1, 9, "no ' at its end"),
        ("name = 'x\nmemory = 1", 1, 10, "found the end of the line"),
        ("name = x", 1, 8, "found x (the file is read, never executed"),
        ("name = 'a' + 'b'", 1, 12, "expected the end of the line behind the value of 'name'"),
        ("name = 'vm%d' % vmid", 1, 15, "never executed"),
        ("a = os.uname()[4]", 1, 5, "found os.uname"),
        ("memory = 1.5", 1, 10, "found 1.5"),
        ("memory = 2 * 64", 1, 12, "write down the value itself"),
        ("disk = [ 'a' 'b'\n  ; ]", 2, 3, "expected ',' or ']' in the list of 'disk'"),
        ("disk = [ 'a',\n", 2, 1, "found the end of the text"),
        ("disk = ( 'a' )", 1, 8, "found '('"),
        ("= 3", 1, 1, "expected the name of a setting, found '='"),
        ("3a = 3", 1, 1, "expected the name of a setting, found '3a'"),
        ("# ok\n\n  ünknown = 3", 3, 3, "expected the name of a setting"),
        ("name = 'a\u{1}'", 1, 10, "control character"),
        ("name = 'a\\x01'", 1, 14, "character 1"),
        ("name = 'a\\xg'", 1, 12, "two hexadecimal digits"),
        ("a = 1\na += 'x'", 2, 6, "'+=' adds to it"),
    ] {
        refused(Dialect::Xl, text, line, column, words);
    }
}

#[test]
fn values_that_a_setting_cannot_have() {
    for (setting, column, words) in [
        ("memory = 'much'", 10, "expected a number of MiB for 'memory', found 'much'"),
        ("memory = -1", 10, "found -1"),
        ("memory = 9223372036854775807", 10, "expected a number of MiB"),
        ("vcpus = 0", 9, "from 1 to 8192"),
        ("uuid = 'abc'", 8, "a UUID such as"),
        ("acpi = 'maybe'", 8, "expected 0 or 1 for 'acpi'"),
        ("kernel = ['a']", 10, "expected a string for 'kernel', found a list"),
        ("type = 'vserver'", 8, "'pv', 'pvh', 'hvm'"),
        ("boot = 'cx'", 8, "letters"),
        ("on_reboot = 'explode'", 13, "one of 'destroy', 'restart'"),
        ("cpus = '0-'", 8, "a list of numbers"),
        ("tsc_mode = 'fast'", 12, "'always_emulate'"),
        ("vga = 'voodoo'", 7, "'qxl'"),
        ("disk = [ 'file:/i/a.img' ]", 10, "its name in the guest"),
        ("disk = [ 'file:/i/a.img,hda,x' ]", 10, "as the format of a disk"),
        ("disk = [ 'vdev=hda,access=x,target=/i' ]", 10, "access of a disk, found 'x'"),
        ("disk = [ 'vdev=hda,format=iso,target=/i' ]", 10, "raw, qcow, qcow2"),
        ("disk = [ 'vdev=hda,vdev=hdb,target=/i' ]", 10, "found it twice"),
        ("disk = [ '/a,raw,hda,rw,more' ]", 10, "as the fifth"),
        ("vif = [ '', 'mac=1:2:3' ]", 13, "an Ethernet address"),
        ("vif = [ 'bridge=a,rate=fast' ]", 9, "a rate such as"),
        ("vif = [ 'bridge=a,type=magic' ]", 9, "'ioemu', 'vif' or 'netfront'"),
        ("vfb = [ 'vncdisplay=x' ]", 9, "the number of a display"),
        ("vncdisplay = 99999", 14, "the number of a display"),
        ("pci = [ '3:0' ]", 9, "the address of a PCI function"),
        ("usbdev = [ 'hostbus=1' ]", 12, "'hostbus' and 'hostaddr'"),
        ("usbctrl = [ 'type=qusb,version=3' ]", 13, "1, 2 or"),
        ("channel = [ 'connection=pty' ]", 13, "'name' of a channel"),
        ("passthrough = 'perhaps'", 15, "'sync_pt'"),
    ] {
        let kind = if setting.starts_with("type") { "" } else { "type = 'hvm'\n" };
        let kind = if setting.starts_with("vfb") { "type = 'pv'\n" } else { kind };
        let text = format!("name = 'x'\n{kind}{setting}\n");
        refused(Dialect::Xl, &text, if kind.is_empty() { 2 } else { 3 }, u32::try_from(column).unwrap(), words);
    }
    refused(Dialect::Xm, "memory = 64\n", 1, 1, "expected a setting 'name'");
}

#[test]
fn expressions_that_are_none() {
    for (text, line, column, words) in [
        ("", 1, 1, "expected '(domain …)', found the end of the text"),
        ("name = 'x'", 1, 1, "expected '(domain …)', found 'n'"),
        ("(domain (name x)", 1, 1, "no ')' at its end"),
        ("(domain\n (name x))\n)", 3, 1, "the end of the text behind the domain"),
        ("(machine (name x))", 1, 1, "begins with something else"),
        ("(domain name)", 1, 9, "expected '(NAME VALUE)'"),
        ("(domain (name 'x))", 1, 16, "no ' at its end"),
        ("(domain (name x)\n (image hvm))", 2, 9, "the kind of guest"),
        ("(domain (name x)\n (device (vif (mac 1))))", 2, 15, "an Ethernet address"),
        ("(domain (name x) (memory lots))", 1, 18, "found 'lots'"),
        ("(domain (name x) (device (vbd (uname file:/a) (dev hda) (mode q))))", 1, 57, "'r', 'w' or 'w!'"),
        ("(domain (name x) (device (pci (dev (bus 0x100)))))", 1, 36, "a number of a PCI address"),
    ] {
        refused(Dialect::Sxpr, text, line, column, words);
    }
}

#[test]
fn domains_that_no_configuration_can_describe() {
    for (xml, dialect, words) in [
        ("<domain type='kvm'><name>a</name><os><type>hvm</type></os></domain>", Dialect::Xl, "of type 'kvm'"),
        ("<domain type='xen'><name>a</name><os><type>exe</type></os></domain>", Dialect::Xl, "of type 'exe'"),
        ("<domain type='xen'><name>a</name><os><type>xenpvh</type></os></domain>", Dialect::Xm, "of type 'xenpvh'"),
        ("<domain type='xen'><name>a</name></domain>", Dialect::Sxpr, "does not say what kind of guest"),
        ("<domain type='xen'><name></name><os><type>hvm</type></os></domain>", Dialect::Xm, "cannot hold a value"),
    ] {
        let (domain, _) = Domain::parse(xml).unwrap();
        let error = xen::write(&domain, dialect).expect_err(xml);
        assert!(error.to_string().contains(words), "{xml}: {error}");
    }
}
