//! What pools there can be, and of which formats: what the backends say of themselves. Pure.

use lodge_model::domain::devices::TypeName;
use lodge_model::domain_capabilities::SupportEnum;
use lodge_model::storage_pool::{FormatOptions, FsFormat, LogicalFormat, NetfsFormat, PoolCapabilities, PoolType, PoolTypeCapabilities};
use lodge_model::storage_volume::VolumeFormat;
use lodge_model::xml::YesNo;

use super::backends::{TYPES, disk};
use super::image;

/// What pools this service can use.
pub fn capabilities() -> PoolCapabilities {
    PoolCapabilities { pools: PoolType::ALL.iter().map(|kind| of(*kind)).collect(), ..Default::default() }
}

fn of(kind: PoolType) -> PoolTypeCapabilities {
    let supported = TYPES.contains(&kind);
    let words = if supported { sources(kind) } else { Vec::new() };
    let volumes = if supported { volumes(kind) } else { Vec::new() };
    PoolTypeCapabilities {
        kind,
        supported: YesNo(supported),
        sources: options("sourceFormatType", &words),
        volumes: options("targetFormatType", &volumes),
        ..Default::default()
    }
}

/// Formats of the sources of a type; the first is the one without a word.
fn sources(kind: PoolType) -> Vec<&'static str> {
    match kind {
        PoolType::Fs => FsFormat::ALL.iter().map(|format| format.as_str()).collect(),
        PoolType::Netfs => NetfsFormat::ALL.iter().map(|format| format.as_str()).collect(),
        PoolType::Disk => disk::TABLES.iter().map(|format| format.as_str()).collect(),
        PoolType::Logical => vec![LogicalFormat::Lvm2.as_str()],
        _ => Vec::new(),
    }
}

/// The same of new volumes.
fn volumes(kind: PoolType) -> Vec<&'static str> {
    match kind {
        PoolType::Dir | PoolType::Fs | PoolType::Netfs => {
            let made = VolumeFormat::ALL.iter().filter(|format| image::can_be_made(**format));
            let others = made.filter(|format| **format != VolumeFormat::Raw);
            [VolumeFormat::Raw].iter().chain(others).map(|format| format.as_str()).collect()
        }
        PoolType::Disk => disk::FORMATS.iter().map(|format| format.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn options(attribute: &str, words: &[&str]) -> Option<FormatOptions> {
    let values: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let default = values.first().map(|word| TypeName { kind: Some(word.clone()), ..Default::default() })?;
    let all = SupportEnum { name: attribute.to_owned(), values, ..Default::default() };
    Some(FormatOptions { default: Some(default), enums: vec![all], ..Default::default() })
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    #[test]
    fn each_type_is_told_with_its_formats() {
        let document = capabilities();
        document.validate().unwrap();
        let xml = document.to_xml();
        for part in
            ["<pool type='dir' supported='yes'>", "<pool type='rbd' supported='no'/>", "<defaultFormat type='raw'/>", "<value>gpt</value>"]
        {
            assert!(xml.contains(part), "{part} in {xml}");
        }
        assert!(!xml.contains("<value>iso</value>"), "{xml}");
    }
}
