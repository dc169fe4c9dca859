//! Whole command lines: golden ones, those that the service makes itself, lines made up, and what is lost of them.

mod lost;

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::document::Document as _;
use crate::domain::Domain;
use crate::testing::fixtures;
use crate::xml::Choice as _;

#[test]
fn lines_of_all_ages_become_the_expected_documents() {
    let files = fixtures::with_extension("native/qemu-argv", "args");
    assert!(files.len() >= 8, "only {} fixtures", files.len());
    for file in files {
        let name = fixtures::name(&file);
        let converted = read(&fixtures::text(&file)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let warnings: Vec<String> = converted.warnings.iter().map(ToString::to_string).collect();
        fixtures::expect(&file.with_extension("xml"), &converted.domain.to_xml());
        fixtures::expect(&file.with_extension("warnings"), &(warnings.join("\n") + "\n"));
        assert_eq!(converted.domain.validate(), Ok(()), "{name}");
    }
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The command line of a golden file of the planner: a word on each line, then what else is planned.
fn planned(file: &Path) -> String {
    let text = fixtures::text(file);
    let lines = text.lines().take_while(|line| !["first ", "beside ", "uses ", "warns "].iter().any(|word| line.starts_with(word)));
    lines.map(quoted).collect::<Vec<_>>().join(" ")
}

/// How many devices there are of each kind at each place.
fn places(domain: &Domain) -> BTreeMap<String, usize> {
    let mut places = BTreeMap::new();
    for device in &domain.devices.list {
        let address = device.address().map(|address| format!("{address:?}")).unwrap_or_default();
        *places.entry(format!("{} {address}", device.name())).or_default() += 1;
    }
    places
}

/// What a command line does not have since the board has it, or since it is refused.
const WITHOUT_A_WORD: &[&str] = &["console ", "controller ", "input ", "shmem ", "video ", "audio "];

#[test]
fn what_the_service_makes_comes_back() {
    for file in fixtures::with_extension("qemu/10.0", "argv") {
        let name = fixtures::name(&file);
        let converted = read(&planned(&file)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let completed = file.with_file_name("../../completed").join(format!("{name}.xml"));
        let (original, _) = Domain::parse(&fixtures::text(&completed)).unwrap();
        let found = places(&converted.domain);
        for (place, count) in places(&original) {
            let on_the_board = WITHOUT_A_WORD.iter().any(|word| place.starts_with(word)) && !place.contains("bus: Some(Hex(1))");
            assert!(on_the_board || found.get(&place) == Some(&count), "{name}: {place} is lost; found {found:#?}");
        }
        assert_eq!(converted.domain.uuid, original.uuid, "{name}");
        assert_eq!(converted.domain.name, original.name);
        // The planner rounds memory up for NUMA cells.
        let more = converted.domain.memory_bytes().checked_sub(original.memory_bytes());
        assert!(more.is_some_and(|more| more < 128 * crate::units::MIB), "{name}: {more:?}");
        assert_eq!(converted.domain.max_vcpus(), original.max_vcpus(), "{name}");
        let disks = |domain: &Domain| domain.devices.disks().map(|disk| (disk.device, disk.address.clone())).collect::<Vec<_>>();
        let listed = disks(&converted.domain);
        assert!(disks(&original).iter().all(|disk| listed.contains(disk)), "{name}: {listed:#?}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, expected) in [
        ("", "line 1, column 1: there is no command"),
        ("A=b", "line 1, column 1: there is no program"),
        ("qemu -m", "line 1, column 6: the option -m has no value"),
        ("qemu\n -m lots", "line 2, column 2: -m: expected a size such as 512M or 4G, found 'lots'"),
        ("qemu -smp many", "line 1, column 6: -smp: expected a number of processors, found 'many'"),
        ("qemu -device '{\"driver\":'", "line 1, column 6: -device: the value begins as JSON and is none"),
        ("qemu -netdev user,id=a -netdev user,id=a", "line 1, column 24: the id 'a' is there already (line 1, column 6)"),
        ("qemu -uuid none", "line 1, column 6: -uuid: expected a UUID such as"),
        ("qemu -m 2G,slots=some,maxmem=4G", "line 1, column 6: -m: expected a number of slots, found 'some'"),
        ("qemu-system-x86_64 \"${args[@]}\"", "line 1, column 20: '${args[@]}' stands for options that are elsewhere in the script"),
        ("qemu 'x", "line 1, column 6: the quote ' has no end"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error} for {text}");
    }
}

#[test]
fn what_a_kept_option_names_is_kept_with_it() {
    let text = "qemu-system-x86_64 -nodefaults -device pcie-root-port,id=rp,bus=pcie.0,chassis=1 -device strange-device,bus=rp -M q35";
    let converted = read(text).unwrap();
    let args: Vec<String> = converted.domain.qemu_command_line.iter().flat_map(|line| &line.args).map(|arg| arg.value.clone()).collect();
    assert_eq!(args, ["-device", "pcie-root-port,id=rp,bus=pcie.0,chassis=1", "-device", "strange-device,bus=rp"]);
    assert_eq!(converted.domain.devices.controllers().filter(|controller| controller.model.is_some()).count(), 1, "only USB's absence");
}

#[test]
fn long_lines_take_no_long_time() {
    for piece in [" -device e1000,netdev=x", " -drive file=a,if=none,id=", " {", " -x", " '", "\\\n", " -smbios type=11,value=a", " -M q35"]
    {
        let text = format!("qemu{}", piece.repeat(100_000 / piece.len()));
        drop(read(&text));
    }
}

fn option() -> impl Strategy<Value = String> {
    let name = proptest::sample::select(vec![
        "-m",
        "-smp",
        "-drive",
        "-device",
        "-netdev",
        "-chardev",
        "-machine",
        "-cpu",
        "-boot",
        "-vnc",
        "-spice",
        "-serial",
        "-blockdev",
        "-object",
        "-rtc",
        "-smbios",
        "-global",
        "-net",
        "-nic",
        "-name",
        "-usb",
        "-unknown",
        "-audiodev",
        "-display",
    ]);
    let value = prop_oneof![
        "[a-z0-9=,.:/-]{0,20}",
        "(virtio-blk-pci|e1000|qemu-xhci|scsi-hd|isa-serial),(id|bus|drive|netdev|chardev)=[ab]",
        "(user|tap|pty|file|socket),id=[ab](,path=/x)?",
        "\\{\"driver\":\"[a-z]{1,5}\",\"node-name\":\"[ab]\"\\}",
    ];
    (name, value).prop_map(|(name, value)| format!("{name} {}", quoted(&value)))
}

proptest! {
    #[test]
    fn every_option_is_in_the_document_or_told(options in proptest::collection::vec(option(), 0..12)) {
        let text = format!("/usr/bin/qemu-system-x86_64 {}", options.join(" "));
        if let Ok(converted) = read(&text) {
            let written = converted.domain.to_xml();
            let (again, warnings) = Domain::parse(&written).map_err(|error| TestCaseError::fail(format!("{error} in {written}")))?;
            prop_assert_eq!(warnings, vec![], "{}", &written);
            prop_assert_eq!(again, converted.domain);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        drop(read(&text));
    }
}
