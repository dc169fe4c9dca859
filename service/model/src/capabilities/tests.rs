//! Capabilities of hosts: fixtures, errors with their place, and what is told.

mod generated;

use super::*;
use crate::testing::problems::are_told;
use crate::testing::{damage, fixtures};

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<Capabilities>("capabilities", 4);
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<Capabilities>("capabilities");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<Capabilities>("capabilities");
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("<host/>", "/host, line 1, column 1: expected <capabilities>, found <host>"),
        (
            "<capabilities><host><uuid>0</uuid></host></capabilities>",
            "/capabilities/host/uuid, line 1, column 21: expected a UUID such as ",
        ),
        ("<capabilities><host>\n<cpu/></host></capabilities>", "/capabilities/host/cpu, line 2, column 1: expected the element <arch>"),
        (
            "<capabilities><host><cpu><arch>a</arch><pages size='4' unit='acre'/></cpu></host></capabilities>",
            "/capabilities/host/cpu/pages, line 1, column 40: expected a unit such as ",
        ),
        (
            "<capabilities><guest><os_type>dos</os_type></guest></capabilities>",
            "/capabilities/guest/os_type, line 1, column 22: expected one of 'hvm', 'xen', ",
        ),
        (
            "<capabilities><guest><os_type>hvm</os_type><arch name='a'><wordsize>64</wordsize><domain type='dos'/></arch></guest></capabilities>",
            "/capabilities/guest/arch/domain/@type, line 1, column 90: expected one of 'qemu', ",
        ),
        (
            "<capabilities><host><cache><bank id='0' level='3' type='all' size='1' cpus='0'/></cache></host></capabilities>",
            "/capabilities/host/cache/bank/@type, line 1, column 51: expected one of 'both', 'code', 'data'",
        ),
    ] {
        let error = Capabilities::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

const CPU: &str = "<cpu><arch>x86_64</arch></cpu>";

#[test]
fn contradictions_of_a_host_are_told() {
    for (host, expected) in [
        ("", ""),
        ("<topology/>", "/capabilities/host/topology/cells: write them, or remove <topology>"),
        ("<topology><cells num='0'/></topology>", ""),
        ("<topology><cells num='2'><cell id='0'/></cells></topology>", "/capabilities/host/topology/cells/@num: write num='1'"),
        (
            "<topology><cells num='2'><cell id='1'/><cell id='1'/></cells></topology>",
            "/capabilities/host/topology/cells/cell/@id: cell 1 is there twice",
        ),
        (
            "<topology><cells num='1'><cell id='0'><cpus num='1'/></cell></cells></topology>",
            "/capabilities/host/topology/cells/cell/cpus/@num: write num='0'",
        ),
        (
            "<topology><cells num='2'><cell id='0'><cpus num='1'><cpu id='3'/></cpus></cell><cell id='1'><cpus num='2'><cpu id='4' siblings='5-6'/>
             <cpu id='3'/></cpus></cell></cells></topology>",
            "/capabilities/host/topology/cells/cell[2]/cpus/cpu[1]/@siblings: processor 4 is not among
             /capabilities/host/topology/cells/cell/cpus/cpu/@id: processor 3 is there twice",
        ),
        (
            "<cache><bank id='0' level='3' type='both' size='1' cpus='0'/><bank id='0' level='2' type='both' size='1' cpus='0'/>
             <bank id='0' level='3' type='both' size='1' cpus='1'/></cache>",
            "/capabilities/host/cache/bank: the cache 0 of level 3 is there twice",
        ),
        (
            "<secmodel><model>dac</model><doi>0</doi></secmodel><secmodel><model>dac</model><doi/></secmodel>",
            "/capabilities/host/secmodel/model: model dac is there twice",
        ),
    ] {
        are_told::<Capabilities>(&[(&format!("<capabilities><host>{CPU}{host}</host></capabilities>"), expected)]);
    }
    are_told::<Capabilities>(&[("<capabilities/>", "/capabilities/host/cpu: write <cpu>")]);
}

#[test]
fn contradictions_of_guests_are_told() {
    let guest = |arch: &str| format!("<guest><os_type>hvm</os_type>{arch}</guest>");
    let arch = |inside: &str| guest(&format!("<arch name='a'>{inside}</arch>"));
    const PATH: &str = "/capabilities/guest/arch";
    for (guests, expected) in [
        (guest(""), "/capabilities/guest/arch: write <arch name='…'>".to_owned()),
        (arch("<wordsize>64</wordsize><domain type='kvm'/>"), String::new()),
        (arch("<wordsize>63</wordsize><domain type='kvm'/>"), format!("{PATH}/wordsize: write 31, 32 or 64")),
        (arch("<wordsize>64</wordsize>"), format!("{PATH}/domain: write <domain type='…'/>")),
        (arch("<wordsize>64</wordsize><domain type='kvm'/><domain type='kvm'/>"), format!("{PATH}/domain/@type: type kvm is there twice")),
        (
            arch("<wordsize>64</wordsize><emulator>qemu</emulator><loader>l</loader><domain type='kvm'><emulator>q</emulator></domain>"),
            format!(
                "{PATH}/emulator: 'qemu' is not an absolute path
                 {PATH}/loader: not an absolute path
                 {PATH}/domain/emulator: not an absolute path"
            ),
        ),
        (
            arch("<wordsize>64</wordsize><machine>q35</machine><machine/><machine>q35</machine><domain type='kvm'/>"),
            format!(
                "{PATH}/machine: a machine has no name
                 {PATH}/machine: machine q35 is there twice"
            ),
        ),
        (
            arch("<wordsize>64</wordsize><domain type='kvm'/>").repeat(2),
            "/capabilities/guest: the kind of guest hvm a is there twice".to_owned(),
        ),
    ] {
        are_told::<Capabilities>(&[(&format!("<capabilities><host>{CPU}</host>{guests}</capabilities>"), &expected)]);
    }
}
