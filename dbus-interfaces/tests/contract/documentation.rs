//! The interface files hold what their users rely on: every member and argument documented with `since`, types and
//! annotations that are well-formed, and the words and keys that the Rust side has.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::interface_files::{Doc, Member, interfaces};
use lodge_dbus_interfaces::options as o;
use lodge_dbus_interfaces::types::{
    InstanceKind, IoErrorAction, IoErrorReason, IoOperation, JobState, PanicAction, ShutdownMode, State, StateReason, WatchdogAction,
};
use zbus::Signature;

const EMITS_CHANGED: &str = "org.freedesktop.DBus.Property.EmitsChangedSignal";

#[test]
fn everything_is_documented() {
    for interface in interfaces() {
        check_doc(&interface.name, &interface.name, &interface.doc);
        for member in &interface.members {
            let place = format!("{}.{}", interface.name, member.name);
            check_doc(&place, &member.name, &member.doc);
            let documented: Vec<_> = member.doc.args.iter().map(|(name, _)| name).collect();
            let declared: Vec<_> = member.args.iter().map(|arg| &arg.name).collect();
            assert_eq!(documented, declared, "{place}: documented arguments");
            assert!(member.doc.args.iter().all(|(_, text)| !text.is_empty()), "{place}");
        }
    }
}

fn check_doc(place: &str, name: &str, doc: &Doc) {
    assert_eq!(doc.member, name, "{place}: the comment before it begins with its name");
    let numbers: Vec<_> = doc.since.split('.').map(str::parse::<u32>).collect();
    assert!(numbers.len() == 2 && numbers.iter().all(Result::is_ok), "{place}: since: {:?}", doc.since);
    assert!(doc.text.trim_end().ends_with('.'), "{place}: a text that ends with a full stop");
}

#[test]
fn members_are_well_formed() {
    for interface in interfaces() {
        let file_names = lodge_dbus_interfaces::INTERFACE_FILES.map(|(name, _)| name);
        assert!(file_names.contains(&interface.name.as_str()), "{} is in its own file", interface.name);
        let mut names = BTreeSet::new();
        for member in &interface.members {
            let place = format!("{}.{}", interface.name, member.name);
            assert!(names.insert(&member.name), "{place} is there once");
            check_types(&place, member);
            for (name, value) in &member.annotations {
                assert_eq!((name.as_str(), member.kind.as_str()), (EMITS_CHANGED, "property"), "{place}");
                assert!(["const", "invalidates", "false"].contains(&value.as_str()), "{place}: {value}");
            }
        }
    }
}

fn check_types(place: &str, member: &Member) {
    let valid = |signature: &str| Signature::try_from(signature).is_ok();
    if member.kind == "property" {
        assert!(valid(&member.signature) && !member.signature.is_empty(), "{place}: type");
        assert!(["read", "readwrite"].contains(&member.access.as_str()), "{place}: access");
    }
    for arg in &member.args {
        assert!(valid(&arg.signature) && !arg.signature.is_empty(), "{place}.{}: type", arg.name);
        let directions: &[_] = if member.kind == "method" { &["in", "out"] } else { &[""] };
        assert!(directions.contains(&arg.direction.as_str()), "{place}.{}: direction", arg.name);
    }
    // Finding by name is complete as it is; everything else has room to grow.
    if member.kind == "method" && !["GetDomain", "GetNetwork", "GetPool", "GetSecret", "GetVolume"].contains(&member.name.as_str()) {
        assert!(member.signature("in").ends_with("a{sv}"), "{place}: options at the end");
    }
}

#[test]
fn the_documented_options_are_those_that_are_read() {
    let table: &[(&str, &[&str])] = &[
        ("Manager.DefineDomain", o::DefineOptions::KEYS),
        ("Manager.DefineNetwork", o::DefineOptions::KEYS),
        ("Network.GetXml", o::InactiveOptions::KEYS),
        ("Network.Update", o::NetworkUpdateOptions::KEYS),
        ("Domain.GetInterfaceAddresses", o::AddressOptions::KEYS),
        ("Manager.DefineSecret", o::DefineOptions::KEYS),
        ("Manager.DefinePool", o::DefineOptions::KEYS),
        ("Manager.CreatePool", o::CreatePoolOptions::KEYS),
        ("StoragePool.GetXml", o::InactiveOptions::KEYS),
        ("StoragePool.Build", o::BuildOptions::KEYS),
        ("StoragePool.Start", o::PoolStartOptions::KEYS),
        ("StoragePool.CreateVolume", o::VolumeOptions::KEYS),
        ("StoragePool.CloneVolume", o::VolumeOptions::KEYS),
        ("StorageVolume.Resize", o::ResizeOptions::KEYS),
        ("StorageVolume.Wipe", o::WipeOptions::KEYS),
        ("StorageVolume.Upload", o::TransferOptions::KEYS),
        ("StorageVolume.Download", o::TransferOptions::KEYS),
        ("Manager.CreateDomain", o::CreateOptions::KEYS),
        ("Domain.Start", o::StartOptions::KEYS),
        ("Domain.Shutdown", o::ShutdownOptions::KEYS),
        ("Domain.Reboot", o::ShutdownOptions::KEYS),
        ("Domain.Destroy", o::DestroyOptions::KEYS),
        ("Domain.Undefine", o::UndefineOptions::KEYS),
        ("Domain.GetXml", o::XmlOptions::KEYS),
        ("Domain.GetMetadata", o::MetadataOptions::KEYS),
        ("Domain.OpenConsole", o::ConsoleOptions::KEYS),
        ("Hypervisor.GetDomainCapabilities", o::DomainCapabilitiesOptions::KEYS),
        ("Domain.SetMemory", o::ChangeOptions::KEYS),
        ("Domain.SetVcpus", o::ChangeOptions::KEYS),
        ("Domain.SetTitle", o::ChangeOptions::KEYS),
        ("Domain.SetDescription", o::ChangeOptions::KEYS),
        ("Domain.SetMetadata", o::ChangeOptions::KEYS),
    ];
    let interfaces = interfaces();
    let members = interfaces.iter().flat_map(|interface| interface.members.iter().map(move |member| (&interface.name, member)));
    for (interface, member) in members {
        let Some((_, text)) = member.doc.args.iter().find(|(name, _)| name == "options") else {
            continue;
        };
        let place = format!("{}.{}", interface.rsplit('.').next().unwrap(), member.name);
        let row = table.iter().find(|(name, _)| *name == place);
        let keys = row.map_or(o::NoOptions::KEYS, |(_, keys)| *keys);
        assert_eq!(documented_keys(text), keys, "{place}: {text}");
        assert_eq!(keys.is_empty(), text == "no keys yet", "{place}: {text}");
    }
}

/// The words in double quotes that a type follows: `"paused" b`.
fn documented_keys(text: &str) -> Vec<&str> {
    let parts: Vec<_> = text.split('"').collect();
    let quoted = parts.iter().skip(1).step_by(2).zip(parts.iter().skip(2).step_by(2));
    let typed = |after: &str| [" b", " s", " t", " u"].iter().any(|kind| after.starts_with(kind));
    quoted.filter(|(_, after)| typed(after)).map(|(word, _)| *word).collect()
}

#[test]
fn words_are_documented_where_they_are_used() {
    check_words("State", State::KNOWN, '`');
    check_words("StateReason", StateReason::KNOWN, '`');
    check_words("InstanceKind", InstanceKind::KNOWN, '"');
    check_words("Shutdown", ShutdownMode::KNOWN, '"');
    check_words("GuestPanicked", PanicAction::KNOWN, '"');
    check_words("WatchdogFired", WatchdogAction::KNOWN, '"');
    check_words("IoError", IoOperation::KNOWN, '"');
    check_words("IoError", IoErrorReason::KNOWN, '"');
    check_words("IoError", IoErrorAction::KNOWN, '"');
    let job = interfaces().into_iter().find(|interface| interface.name.ends_with("Job")).unwrap();
    let state = job.members.iter().find(|member| member.name == "State").unwrap();
    for word in JobState::KNOWN {
        assert!(state.doc.text.contains(&format!("\"{word}\"")), "Job.State: {word}");
    }
}

fn check_words(member: &str, words: &[impl Display], quote: char) {
    let interfaces = interfaces();
    let mut members = interfaces.iter().flat_map(|interface| &interface.members);
    let doc = &members.find(|candidate| candidate.name == member).unwrap().doc;
    let text = doc.args.iter().map(|(_, text)| text.as_str()).chain([doc.text.as_str()]).collect::<Vec<_>>().join("\n");
    for word in words {
        assert!(text.contains(&format!("{quote}{word}{quote}")), "{member}: {word}");
    }
}

#[test]
fn the_documented_reasons_are_those_of_the_state() {
    let interfaces = interfaces();
    let mut members = interfaces.iter().flat_map(|interface| &interface.members);
    let text = &members.find(|member| member.name == "StateReason").unwrap().doc.text;
    for state in State::KNOWN {
        // From "state: " to the next line that begins a state.
        let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with(&format!("{state}: ")));
        let first = lines.next().unwrap_or_else(|| panic!("{state} has a line"));
        let begins_state = |line: &&str| State::KNOWN.iter().any(|state| line.starts_with(&format!("{state}: ")));
        let rest = lines.take_while(|line| !begins_state(line));
        let paragraph = [first].into_iter().chain(rest).collect::<Vec<_>>().join(" ");
        let documented: Vec<_> = paragraph.split('`').skip(1).step_by(2).map(StateReason::from).collect();
        assert_eq!(documented, state.reasons(), "{state}");
    }
}
