//! Files that others write, or that an earlier or later version of the service has written.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_model::storage_volume::VolumeFormat;
use lodge_service::domains::Status;
use lodge_service::hypervisors::qemu::firmware::{FirmwareDescriptor, Wish, choose};
use lodge_service::hypervisors::qemu::log::RunLog;
use lodge_service::hypervisors::qemu::record::Record;
use lodge_service::settings::{Settings, SettingsError};
use lodge_service::storage::formats;
use tempfile::NamedTempFile;

/// The settings file.
pub fn settings(text: &str) {
    let lines = text.split('\n').count();
    match Settings::read(Path::new("/lodged.toml"), text) {
        Ok((settings, unknown)) => {
            assert!(settings.start_timeout_seconds > 0 && settings.console.ring_size_bytes >= 4096, "{settings:?}");
            assert!(unknown.iter().all(|key| (1..=lines).contains(&key.line)), "{unknown:?}");
        }
        Err(SettingsError::Invalid { line, reason, .. }) => assert!((1..=lines).contains(&line) && !reason.is_empty(), "{line}: {reason}"),
        Err(error) => panic!("{error}"),
    }
}

/// The header of an image.
pub fn images(data: &[u8]) {
    let header = formats::read(data, data.len() as u64).expect("memory can be read");
    if let Some((name, _)) = &header.backing {
        // As many characters as there may be bytes, of which each may be no text.
        assert!(!name.is_empty() && name.chars().count() <= 20 << 10 && !name.contains(char::is_control), "{name:?}");
    }
    let raw = formats::read_as(VolumeFormat::Raw, data, data.len() as u64).expect("memory can be read");
    assert_eq!(raw, formats::Header::of(VolumeFormat::Raw));
    let same = formats::read_as(header.format, data, data.len() as u64).expect("memory can be read");
    assert!(header.format == VolumeFormat::Raw || same == header, "{header:?} {same:?}");
}

/// The status file of a running guest, with the record of its machine.
pub fn status(data: &[u8]) {
    let Ok(status) = serde_json::from_slice::<Status>(data) else { return };
    let written = serde_json::to_vec(&status).expect("what was read can be written");
    let again: Status = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(serde_json::to_vec(&again).ok(), Some(written));
    if let Ok((domain, _)) = Domain::parse(&status.live) {
        super::documents::comes_back(&domain, &domain.to_xml());
    }
    if let Ok(record) = serde_json::from_value::<Record>(status.machine) {
        let written = record.to_json().expect("what was read can be written");
        assert_eq!(serde_json::from_value::<Record>(written).ok(), Some(record));
    }
}

/// A description of firmware, for machines of every name in it.
pub fn firmware(text: &str) {
    let Ok(descriptor) = FirmwareDescriptor::parse(text) else { return };
    let installed = [descriptor];
    let patterns = installed[0].targets.iter().flat_map(|target| &target.machines);
    let machines: Vec<String> = patterns.map(|pattern| pattern.replace('*', "a")).collect();
    for machine in machines.iter().map(String::as_str).chain(["pc-q35-10.0"]) {
        for (secure_boot, smm) in [(None, true), (Some(true), true), (Some(false), false)] {
            choose(&installed, &Wish { architecture: "x86_64", machine, secure_boot, enrolled_keys: secure_boot, smm });
        }
    }
}

thread_local! {
    static LOG: NamedTempFile = NamedTempFile::new().expect("a temporary file can be made");
}

/// What QEMU and its companions have printed.
pub fn qemu_log(data: &[u8]) {
    LOG.with(|file| {
        file.as_file().set_len(0).expect("the log can be emptied");
        let (log, output) = RunLog::begin(file.path(), "headline").expect("the log can be begun");
        File::from(output).write_all(data).expect("the log can be written");
        let words = log.last_words();
        assert!(words.len() <= 3 * data.len() + 16, "{words:?}");
        log.exit_reason();
    });
}
