//! Domains from define to undefine, and the messages and exit codes on the way.

use std::process::Stdio;

use lodge_tests::binaries;
use lodge_tests::bus::PrivateBus;

use crate::{document, lodgectl, run};

#[test]
fn a_domains_whole_life() {
    let bus = PrivateBus::with_lodged(&[]);
    let file = document(&bus, "demo");
    assert_eq!(run(&bus, &["define", &file]).good(), format!("Domain 'demo' defined from {file}\n"));
    assert_eq!(run(&bus, &["list"]).good(), " Id   Name   State\n-------------------\n");
    assert_eq!(run(&bus, &["list", "--all"]).good(), " Id   Name   State\n----------------------\n -    demo   shut off\n");
    assert_eq!(run(&bus, &["start", "demo"]).good(), "Domain 'demo' started\n");
    assert_eq!(run(&bus, &["domstate", "demo", "--reason"]).good(), "running (booted)\n");
    assert_eq!(run(&bus, &["-q", "list", "--title"]).good(), " 1   demo   running   A test\n");
    assert_eq!(run(&bus, &["suspend", "1"]).good(), "Domain '1' suspended\n");
    assert_eq!(run(&bus, &["list", "--state", "paused", "--name"]).good(), "demo\n");
    assert_eq!(run(&bus, &["-q", "resume", "demo"]).good(), "");
    assert_eq!(run(&bus, &["destroy", "demo"]).good(), "Domain 'demo' destroyed\n");
    assert_eq!(run(&bus, &["wait", "demo", "--state", "shut off"]).good(), "");
    assert_eq!(run(&bus, &["domstate", "demo"]).good(), "shut off\n");
    assert_eq!(run(&bus, &["domrename", "demo", "web"]).good(), "Domain successfully renamed\n");
    assert_eq!(run(&bus, &["domid", "web"]).good(), "-\n");
    assert_eq!(run(&bus, &["undefine", "web", "--nvram"]).good(), "Domain 'web' has been undefined\n");
    assert_eq!(run(&bus, &["list", "--all", "--name"]).good(), "");
}

#[test]
fn a_transient_domain_vanishes() {
    let bus = PrivateBus::with_lodged(&[]);
    let file = document(&bus, "passing");
    assert_eq!(run(&bus, &["create", &file, "--paused"]).good(), format!("Domain 'passing' created from {file}\n"));
    assert_eq!(run(&bus, &["list", "--transient", "--name"]).good(), "passing\n");
    assert_eq!(run(&bus, &["domstate", "passing"]).good(), "paused\n");
    run(&bus, &["destroy", "passing"]).good();
    assert!(run(&bus, &["domstate", "passing"]).failed().contains("passing"));
}

#[test]
fn waiting_ends_with_the_state_or_the_time() {
    let bus = PrivateBus::with_lodged(&[]);
    let file = document(&bus, "demo");
    run(&bus, &["define", &file]).good();
    let waiting = lodgectl(&bus, &["wait", "demo", "--state", "running"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    run(&bus, &["start", "demo"]).good();
    assert!(waiting.wait_with_output().unwrap().status.success());
    let complaint = run(&bus, &["wait", "demo", "--state", "crashed", "--timeout", "0"]).failed();
    assert_eq!(complaint, "error: domain 'demo' is still running after 0 s, not crashed\n");
    run(&bus, &["destroy", "demo"]).good();
}

#[test]
fn properties_as_text_and_json() {
    let bus = PrivateBus::with_lodged(&[]);
    run(&bus, &["define", &document(&bus, "demo")]).good();
    run(&bus, &["autostart", "demo"]).good();
    run(&bus, &["setmaxmem", "demo", "128M"]).good();
    run(&bus, &["setmem", "demo", "98304"]).good();
    run(&bus, &["desc", "demo", "two", "words"]).good();
    let info = run(&bus, &["dominfo", "demo"]).good();
    for line in ["Max memory:       131072 KiB", "Used memory:      98304 KiB", "Autostart:        enable", "Persistent:       yes"] {
        assert!(info.lines().any(|found| found == line), "{line}\n{info}");
    }
    let json: serde_json::Value = serde_json::from_str(&run(&bus, &["list", "--all", "--json"]).good()).unwrap();
    assert_eq!(json[0]["Description"], "two words");
    assert_eq!(json[0]["Memory"], 96 << 20);
    assert_eq!(json[0]["State"], "shut-off");
    assert_eq!(json[0]["Path"], "/org/lodge/Lodge1/domain/demo");
    let uuid = run(&bus, &["domuuid", "demo"]).good();
    assert_eq!(run(&bus, &["domname", uuid.trim()]).good(), "demo\n");
    assert_eq!(json[0]["Uuid"], uuid.trim());
    assert_eq!(run(&bus, &["desc", "demo"]).good(), "two words\n");
}

#[test]
fn metadata_comes_and_goes() {
    let bus = PrivateBus::with_lodged(&[]);
    run(&bus, &["define", &document(&bus, "demo")]).good();
    let uri = "http://example.org/app";
    run(&bus, &["metadata", "demo", uri, "--key", "app", "--set", "<note>nightly</note>"]).good();
    let element = run(&bus, &["metadata", "demo", uri]).good();
    assert!(element.contains("nightly") && element.contains(uri), "{element}");
    assert!(run(&bus, &["dumpxml", "demo"]).good().contains("nightly"));
    run(&bus, &["metadata", "demo", uri, "--remove"]).good();
    run(&bus, &["metadata", "demo", uri]).failed();
}

#[test]
fn what_is_not_understood_is_told() {
    let bus = PrivateBus::with_lodged(&[]);
    let file = document(&bus, "odd");
    let odd = std::fs::read_to_string(&file).unwrap().replace("<vcpu>", "<vpcu/>\n  <vcpu>");
    std::fs::write(&file, odd).unwrap();
    let refused = run(&bus, &["define", "--validate", &file]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.starts_with("warning: /domain/vpcu, line 5"), "{refused:?}");
    assert_eq!(run(&bus, &["list", "--all", "--name"]).good(), "");
    let defined = run(&bus, &["define", &file]);
    assert_eq!(defined.code, Some(0));
    assert!(defined.stderr.starts_with("warning: /domain/vpcu, line 5") && defined.stderr.lines().count() == 1, "{defined:?}");
    assert!(run(&bus, &["dumpxml", "odd", "--inactive"]).good().contains("<vpcu/>"));
}

#[test]
fn errors_are_sentences() {
    let bus = PrivateBus::with_lodged(&[]);
    run(&bus, &["define", &document(&bus, "demo")]).good();
    for (arguments, part) in [
        (&["start", "nobody"][..], "'nobody'"),
        (&["destroy", "demo"], "'demo'"),
        (&["define", "/nonexistent.xml"], "cannot read /nonexistent.xml: No such file"),
        (&["job-cancel", "99"], "there is no job 99"),
        (&["desc", "demo", "--live"], "give one"),
    ] {
        let complaint = run(&bus, arguments).failed();
        assert!(complaint.contains(part) && complaint.lines().count() == 1, "{complaint}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let bus = PrivateBus::start();
    for (arguments, part) in [
        (&["-c", "xen:///", "list"][..], "not supported yet: Xen"),
        (&["-c", "qemu+ssh://host/system", "list"], "not supported yet: other machines"),
        (&["setmem", "demo", "1X"], "there is no unit 'X'"),
        (&["wait", "demo", "--state", "off"], "there is no such state"),
        (&["list", "--frobnicate"], "--frobnicate"),
    ] {
        let ran = run(&bus, arguments);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(part), "{ran:?}");
    }
}

#[test]
fn a_service_that_cannot_be_reached_is_explained() {
    let bus = PrivateBus::start();
    assert!(run(&bus, &["--session", "list"]).failed().contains("lodged --session"));
    let mut nowhere = lodgectl(&bus, &["--session", "list"]);
    nowhere.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    let complaint = crate::Ran::from(nowhere.output().unwrap()).failed();
    assert!(complaint.contains("cannot reach the session bus") && complaint.contains("dbus-run-session"), "{complaint}");
}

#[test]
fn output_that_nobody_reads_is_no_panic() {
    let bus = PrivateBus::with_lodged(&[]);
    run(&bus, &["define", &document(&bus, "demo")]).good();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran: crate::Ran = lodgectl(&bus, &["list", "--all"]).stdout(writer).stderr(Stdio::piped()).output().unwrap().into();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(141), ""));
}

#[test]
fn completion_knows_the_domains_and_starts_nothing() {
    let bus = PrivateBus::with_lodged(&[]);
    let complete = || {
        let mut command = lodgectl(&bus, &["--", "lodgectl", "start", ""]);
        command.env("LODGECTL_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2");
        crate::Ran::from(command.output().unwrap()).good()
    };
    assert!(!complete().contains("demo"));
    assert!(!bus.lodge_root().exists());
    run(&bus, &["define", &document(&bus, "demo")]).good();
    assert_eq!(complete().split(['\n', '\u{b}']).next(), Some("demo"));
    assert!(run(&bus, &["completions", "bash"]).good().contains("LODGECTL_COMPLETE"));
}

#[test]
fn every_command_has_a_manual_page() {
    let bus = PrivateBus::start();
    let directory = bus.directory().join("man");
    run(&bus, &["man", directory.to_str().unwrap()]).good();
    let mut help = binaries::command(binaries::built("lodgectl"));
    let help = String::from_utf8(help.arg("help").output().unwrap().stdout).unwrap();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A long explanation goes on in the next line.
    let commands = commands.filter(|line| !line.starts_with("   "));
    let mut pages = 0;
    for command in commands.filter_map(|line| line.split_whitespace().next()).filter(|command| *command != "help") {
        let page = std::fs::read_to_string(directory.join(format!("lodgectl-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
        pages += 1;
    }
    assert!(pages > 30, "{help}");
    assert!(directory.join("lodgectl.1").is_file());
}
