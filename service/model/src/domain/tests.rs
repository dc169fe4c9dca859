//! The domain format on whole documents: fixtures, spellings of old, and documents made up.

mod generated;
mod validation;

use super::*;
use crate::testing::{damage, fixtures};

fn read(text: &str) -> (Domain, Vec<String>) {
    let (domain, warnings) = Domain::parse(text).unwrap();
    (domain, warnings.iter().map(ToString::to_string).collect())
}

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<Domain>("domain", 14);
}

/// A document around elements, in which everything that must be there is there.
fn document(elements: &str) -> String {
    format!("<domain type='qemu'><name>a</name>{elements}</domain>")
}

#[test]
fn spellings_of_old_are_written_in_todays_form() {
    for (old, new) in [
        ("<uuid>4dea22b31d52d8f32516782e98ab3fa0</uuid>", "<uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>"),
        ("<uuid> 4DEA22B3-1d52-d8f3-2516-782e98ab3fa0 </uuid>", "<uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>"),
        ("<clock sync='localtime'/>", "<clock offset='localtime'/>"),
        ("<clock sync=\"utc\"/>", "<clock offset='utc'/>"),
        ("<os><type>linux</type></os>", "<type>linux</type>"),
        ("<os><type>xen</type></os>", "<type>linux</type>"),
        ("<memory>131072</memory>", "<memory unit='KiB'>131072</memory>"),
        ("<memory unit='bytes'>1025</memory>", "<memory unit='KiB'>2</memory>"),
        ("<memory unit='MB'>2</memory>", "<memory unit='KiB'>1954</memory>"),
        ("<currentMemory unit='g'>1</currentMemory>", "<currentMemory unit='KiB'>1048576</currentMemory>"),
        ("<vcpu>\n 2\n</vcpu>", "<vcpu>2</vcpu>"),
        ("<vcpu cpuset='0,1,2,^1'>2</vcpu>", "<vcpu cpuset='0,2'>2</vcpu>"),
        ("<genid/>", "<genid></genid>"),
        ("<bootloader/>", "<bootloader></bootloader>"),
        ("<features><smm state='on'><tseg>1</tseg></smm></features>", "<tseg unit='KiB'>1024</tseg>"),
        ("<on_reboot> restart </on_reboot>", "<on_reboot>restart</on_reboot>"),
    ] {
        let (domain, warnings) = read(&document(old));
        assert_eq!(warnings, Vec::<String>::new(), "{old}");
        let written = domain.to_xml();
        assert!(written.contains(new), "{old} became {written}");
        assert_eq!(read(&written).0, domain, "{old}");
    }
}

#[test]
fn both_names_of_the_clock_offset_are_odd() {
    let (domain, warnings) = read(&document("<clock offset='utc' sync='localtime'/>"));
    assert_eq!(warnings, ["/domain/clock/@sync, line 1, column 55: is not understood; it is kept as it is"]);
    assert!(domain.to_xml().contains("<clock offset='utc' sync='localtime'/>"));
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("<domain><name>a</name></domain>", "/domain, line 1, column 1: expected the attribute type (one of 'qemu', 'kvm', "),
        ("<domain type='vax'/>", "/domain/@type, line 1, column 9: expected one of 'qemu', 'kvm', "),
        ("<domain type='kvm'/>", "/domain, line 1, column 1: expected the element <name> (text)"),
        ("<network/>", "/network, line 1, column 1: expected <domain>, found <network>"),
        (&document("<uuid>4dea</uuid>"), "/domain/uuid, line 1, column 35: expected a UUID such as "),
        (&document("<memory unit='EiB'>16</memory>"), "/domain/memory, line 1, column 35: the size 16 EiB is more than 2^64-1 bytes"),
        (&document("<memory>much</memory>"), "/domain/memory, line 1, column 35: expected a size as a whole number, found 'much'"),
        (&document("<memory unit='stone'>1</memory>"), "/domain/memory, line 1, column 35: expected a unit such as "),
        (&document("<memory unit='b'>18446744073709551615</memory>"), "rounded up to whole KiB, is more than 2^64-1 bytes"),
        (&document("<vcpu>-1</vcpu>"), "/domain/vcpu, line 1, column 35: expected a number from 0 to 4294967295, found '-1'"),
        (&document("<vcpu cpuset='0-99999'>1</vcpu>"), "/domain/vcpu/@cpuset, line 1, column 41: expected a list of numbers"),
        (&document("<on_crash>explode</on_crash>"), "/domain/on_crash, line 1, column 35: expected one of 'destroy', 'restart', "),
    ] {
        let error = Domain::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

#[test]
fn what_is_absent_is_not_filled_in() {
    let (domain, _) = read(&document(""));
    assert_eq!(domain, Domain { name: "a".into(), ..Domain::default() });
    assert_eq!(domain.to_xml(), "<domain type='qemu'>\n  <name>a</name>\n</domain>\n");
    assert_eq!((domain.memory_bytes(), domain.max_vcpus(), domain.current_vcpus()), (0, 1, 1));
}

#[test]
fn elements_of_qemu_are_found_under_any_prefix() {
    const URI: &str = qemu::NAMESPACE.uri;
    let expected = format!(
        "<domain type='qemu' xmlns:qemu='{URI}'>\n  <name>a</name>\n  <qemu:commandline>\n    <qemu:arg value='-s'/>\n  </qemu:commandline>\n</domain>\n"
    );
    for text in [
        format!(
            "<domain type='qemu' xmlns:qemu='{URI}'><name>a</name><qemu:commandline><qemu:arg value='-s'/></qemu:commandline></domain>"
        ),
        document(&format!("<q:commandline xmlns:q='{URI}'><q:arg value='-s'/></q:commandline>")),
        document(&format!("<commandline xmlns='{URI}'><arg value='-s'/></commandline>")),
        document(&format!("<qemu:commandline xmlns:qemu='{URI}'><q:arg xmlns:q='{URI}' value='-s'/></qemu:commandline>")),
        // The declaration forgotten.
        document("<qemu:commandline><qemu:arg value='-s'/></qemu:commandline>"),
    ] {
        let (domain, warnings) = read(&text);
        assert_eq!(warnings, Vec::<String>::new(), "{text}");
        assert_eq!(domain.to_xml(), expected, "{text}");
    }
}

#[test]
fn the_prefix_of_qemu_cannot_mean_something_else() {
    let error = Domain::parse("<domain type='qemu' xmlns:qemu='urn:other'><name>a</name></domain>").unwrap_err().to_string();
    assert!(error.starts_with("/domain/@xmlns:qemu, line 1, column 21: expected http://"), "{error}");
}

#[test]
fn declarations_that_metadata_needs_stay() {
    const URI: &str = qemu::NAMESPACE.uri;
    let text =
        format!("<domain type='qemu' xmlns:qemu='{URI}' xmlns:x='urn:x'><name>a</name><metadata><x:y/><qemu:z  /></metadata></domain>");
    let written = read(&text).0.to_xml();
    for kept in [&format!("xmlns:qemu='{URI}'"), "xmlns:x='urn:x'", "<metadata><x:y/><qemu:z  /></metadata>"] {
        assert!(written.contains(kept), "{kept} in {written}");
    }
}
