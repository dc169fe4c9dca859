//! Firmware.

use lodge_model::domain::os::{Firmware, LoaderType};
use lodge_model::domain_capabilities::{LoaderSupport, OsSupport};
use lodge_model::xml::YesNo;

use super::trial::{Attribute, Trial, words};
use crate::hypervisors::qemu::command::is_q35;
use crate::hypervisors::qemu::firmware::{FirmwareDescriptor, Mapping, Wish};

const FIRMWARE: Attribute = Attribute { name: "firmware", words: words!(Firmware), elements: |word| format!("<os firmware='{word}'/>") };

const LOADER: &[Attribute] = &[
    Attribute {
        name: "type",
        words: words!(LoaderType),
        elements: |word| format!("<os><loader readonly='yes' type='{word}'>/trial</loader></os>"),
    },
    Attribute {
        name: "readonly",
        words: || vec!["yes", "no"],
        elements: |word| format!("<os><loader readonly='{word}' type='pflash'>/trial</loader></os>"),
    },
    Attribute {
        name: "secure",
        words: || vec!["yes", "no"],
        elements: |word| match word {
            // Whether there is such an image is known of those that are chosen by their descriptions.
            "yes" => "<os firmware='efi'><loader secure='yes'/></os>".to_owned(),
            word => format!("<os><loader readonly='yes' secure='{word}' type='pflash'>/trial</loader></os>"),
        },
    },
];

pub(super) fn support(trial: &Trial<'_>) -> OsSupport {
    let enums = LOADER.iter().map(|attribute| trial.words(attribute)).collect();
    let loader = LoaderSupport { supported: YesNo(true), paths: images(trial), enums, ..LoaderSupport::default() };
    OsSupport { supported: YesNo(true), enums: vec![trial.words(&FIRMWARE)], loader: Some(loader), ..OsSupport::default() }
}

/// Paths of the images that suit the machine, in the order in which they are chosen.
fn images(trial: &Trial<'_>) -> Vec<String> {
    let machine = &trial.machine().name;
    let architecture = trial.arch().qemu_name();
    let wish = Wish { architecture, machine, secure_boot: None, enrolled_keys: None, smm: is_q35(machine) };
    let image = |descriptor: &FirmwareDescriptor| match &descriptor.mapping {
        Mapping::Flash { executable, .. } if descriptor.suits(&wish) => Some(executable.filename.clone()),
        _ => None,
    };
    let mut images: Vec<String> = Vec::new();
    for image in trial.host().firmware.iter().filter_map(image) {
        if !images.contains(&image) {
            images.push(image);
        }
    }
    images
}
