//! Capabilities of domains: fixtures, errors with their place, and what is told.

mod generated;

use super::*;
use crate::testing::problems::are_told;
use crate::testing::{damage, fixtures};

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<DomainCapabilities>("domain-capabilities", 4);
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<DomainCapabilities>("domain-capabilities");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<DomainCapabilities>("domain-capabilities");
}

#[test]
fn models_and_what_keeps_them_from_use_stay_in_order() {
    let file = fixtures::files("domain-capabilities").into_iter().find(|file| fixtures::name(file) == "kvm-q35").unwrap();
    let (capabilities, _) = DomainCapabilities::parse(&fixtures::text(&file)).unwrap();
    let names: Vec<&str> = capabilities.cpu.as_ref().unwrap().modes[3].models.iter().map(crate::xml::Choice::name).collect();
    assert_eq!(names, ["model", "blockers", "model", "model", "model", "blockers"]);
}

#[test]
fn errors_say_where_and_what_was_expected() {
    let document = |inside: &str| format!("<domainCapabilities><domain>kvm</domain><arch>a</arch>{inside}</domainCapabilities>");
    for (text, expected) in [
        ("<capabilities/>".to_owned(), "/capabilities, line 1, column 1: expected <domainCapabilities>, found <capabilities>"),
        ("<domainCapabilities/>".to_owned(), "/domainCapabilities, line 1, column 1: expected the element <domain>"),
        (
            "<domainCapabilities><domain>dos</domain></domainCapabilities>".to_owned(),
            "/domainCapabilities/domain, line 1, column 21: expected one of ",
        ),
        ("<domainCapabilities><domain>kvm</domain></domainCapabilities>".to_owned(), "expected the element <arch>"),
        (document("<vcpu max='many'/>"), "/domainCapabilities/vcpu/@max, line 1, column 61: expected a number from 0 to"),
        (document("<iothreads/>"), "/domainCapabilities/iothreads, line 1, column 55: expected the attribute supported ('yes' or 'no')"),
        (
            document("<devices><disk supported='yes'><enum/></disk></devices>"),
            "/domainCapabilities/devices/disk/enum, line 1, column 86: expected the attribute name",
        ),
        (
            document("<cpu><mode name='host' supported='yes'/></cpu>"),
            "/domainCapabilities/cpu/mode/@name, line 1, column 66: expected one of 'custom', ",
        ),
    ] {
        let error = DomainCapabilities::parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

#[test]
fn contradictions_are_told() {
    const WORDS: &str = "<enum name='a'><value>b</value></enum>";
    for (inside, expected) in [
        (String::new(), ""),
        ("<path>qemu</path>".into(), "/domainCapabilities/path: not an absolute path"),
        ("<vcpu max='0'/>".into(), "/domainCapabilities/vcpu/@max: write how many"),
        ("<iothreads supported='no'><enum name='a'/></iothreads>".into(), ""),
        (
            format!("<iothreads supported='no'>{WORDS}</iothreads><memoryBacking supported='no'>{WORDS}</memoryBacking>"),
            "/domainCapabilities/iothreads/@supported: write supported='yes'
             /domainCapabilities/memoryBacking/@supported: write supported='yes'",
        ),
        (
            format!("<os supported='no'>{WORDS}<loader supported='no'><value>ovmf</value>{WORDS}</loader></os>"),
            "/domainCapabilities/os/@supported: write supported='yes'
             /domainCapabilities/os/loader/value: 'ovmf' is not an absolute path
             /domainCapabilities/os/loader/@supported: write supported='yes'",
        ),
        (
            format!("<devices><disk supported='yes'>{WORDS}{WORDS}</disk><panic supported='no'>{WORDS}</panic></devices>"),
            "/domainCapabilities/devices/disk/enum/@name: enum a is there twice
             /domainCapabilities/devices/panic/@supported: write supported='yes'",
        ),
        (
            "<features><hyperv supported='yes'><enum name='features'><value>a</value><value>a</value></enum></hyperv></features>".into(),
            "/domainCapabilities/features/hyperv/enum/value: value a is there twice",
        ),
        (
            "<cpu><mode name='custom' supported='no'/><mode name='custom' supported='yes'><model>a</model><model>a</model>
             <blockers model='b'/></mode></cpu>"
                .into(),
            "/domainCapabilities/cpu/mode[2]/model: model a is there twice
             /domainCapabilities/cpu/mode[2]/blockers/@model: there is no model 'b'
             /domainCapabilities/cpu/mode/@name: mode custom is there twice",
        ),
        (
            "<cpu><mode name='host-model' supported='yes'><model>a</model><model>b</model></mode></cpu>".into(),
            "/domainCapabilities/cpu/mode/model: keep one",
        ),
    ] {
        let text = format!("<domainCapabilities><domain>kvm</domain><arch>a</arch>{inside}</domainCapabilities>");
        are_told::<DomainCapabilities>(&[(&text, expected)]);
    }
}
