//! Devices: for each kind the attributes that are told, and the smallest device with each word.

use lodge_model::domain::devices::{
    BackendType, ChardevType, CryptoBackendModel, CryptoModel, CryptoType, DiskBus, DiskDevice, FilesystemDriverType, GraphicsType,
    HostdevMode, HubType, PanicModel, RngBackendModel, TpmBackendType, TpmModel, TpmVersion, VirtioModel,
};
use lodge_model::domain_capabilities::DeviceSupport;

use super::trial::{Attribute, Trial, words};
use crate::hypervisors::qemu::devices::video_models;

pub(super) fn support(trial: &Trial<'_>) -> DeviceSupport {
    let mut panic = trial.support(PANIC);
    if !trial.is_kvm() {
        // Only KVM shows the guest a Hyper-V that it could tell of its crash.
        panic.enums.iter_mut().for_each(|one| one.values.retain(|word| *word != PanicModel::Hyperv.as_str()));
    }
    DeviceSupport {
        disk: Some(trial.support(DISK)),
        graphics: Some(trial.support(GRAPHICS)),
        video: Some(trial.support(VIDEO)),
        hostdev: Some(trial.support(HOSTDEV)),
        rng: Some(trial.support(RNG)),
        filesystem: Some(trial.support(FILESYSTEM)),
        tpm: Some(trial.support(TPM)),
        redirdev: Some(trial.support(REDIRDEV)),
        channel: Some(trial.support(CHANNEL)),
        crypto: Some(trial.support(CRYPTO)),
        interface: Some(trial.support(INTERFACE)),
        panic: Some(panic),
        ..DeviceSupport::default()
    }
}

/// A domain with a device.
fn with(device: &str) -> String {
    format!("<devices>{device}</devices>")
}

pub(super) const DISK: &[Attribute] = &[
    Attribute {
        name: "diskDevice",
        words: words!(DiskDevice),
        elements: |word| {
            let (bus, dev) = match word {
                "disk" => ("virtio", "vda"),
                "floppy" => ("fdc", "fda"),
                _ => ("scsi", "sda"),
            };
            with(&format!("<disk type='block' device='{word}'><source dev='/trial'/><target dev='{dev}' bus='{bus}'/></disk>"))
        },
    },
    Attribute {
        name: "bus",
        words: words!(DiskBus),
        elements: |word| {
            let device = if word == "fdc" { "floppy" } else { "disk" };
            with(&format!("<disk type='file' device='{device}'><source file='/trial'/><target dev='sda' bus='{word}'/></disk>"))
        },
    },
    Attribute {
        name: "model",
        words: words!(VirtioModel),
        elements: |word| with(&format!("<disk type='file' model='{word}'><source file='/trial'/><target dev='vda' bus='virtio'/></disk>")),
    },
];

pub(super) const GRAPHICS: &[Attribute] =
    &[Attribute { name: "type", words: words!(GraphicsType), elements: |word| with(&format!("<graphics type='{word}'/>")) }];

pub(super) const VIDEO: &[Attribute] = &[Attribute {
    name: "modelType",
    words: || video_models().collect(),
    elements: |word| with(&format!("<video><model type='{word}'/></video>")),
}];

const HOSTDEV: &[Attribute] = &[
    Attribute {
        name: "mode",
        words: words!(HostdevMode),
        elements: |word| match word {
            "capabilities" => hostdev("mode='capabilities' type='storage'"),
            mode => hostdev(&format!("mode='{mode}' type='usb'")),
        },
    },
    Attribute {
        name: "subsysType",
        words: || vec!["usb", "pci", "scsi", "scsi_host", "mdev"],
        elements: |word| hostdev(&format!("mode='subsystem' type='{word}'")),
    },
    Attribute {
        name: "capsType",
        words: || vec!["storage", "misc", "net"],
        elements: |word| hostdev(&format!("mode='capabilities' type='{word}'")),
    },
];

/// A device of the host, with a source that has the parts of all types.
fn hostdev(attributes: &str) -> String {
    let mediated = if attributes.contains("mdev") { "model='vfio-pci'" } else { "" };
    let uuid = "00000000-0000-0000-0000-000000000001";
    with(&format!(
        "<hostdev {attributes} {mediated}><source><vendor id='0x1'/><product id='0x1'/><adapter name='scsi_host0'/>\
         <address domain='0x0' bus='0x1' slot='0x0' function='0x0' target='0' unit='0' uuid='{uuid}'/>\
         <block>/trial</block><char>/trial</char><interface>trial</interface></source></hostdev>"
    ))
}

pub(super) const RNG: &[Attribute] = &[
    Attribute {
        name: "model",
        words: words!(VirtioModel),
        elements: |word| with(&format!("<rng model='{word}'><backend model='random'>/dev/urandom</backend></rng>")),
    },
    Attribute {
        name: "backendModel",
        words: words!(RngBackendModel),
        elements: |word| {
            let backend = match word {
                "random" => "<backend model='random'>/dev/urandom</backend>".to_owned(),
                other => format!("<backend model='{other}' type='unix'><source mode='connect' path='/trial'/></backend>"),
            };
            with(&format!("<rng model='virtio'>{backend}</rng>"))
        },
    },
];

const FILESYSTEM: &[Attribute] = &[Attribute {
    name: "driverType",
    words: words!(FilesystemDriverType),
    elements: |word| {
        with(&format!("<filesystem type='mount'><driver type='{word}'/><source dir='/trial'/><target dir='trial'/></filesystem>"))
    },
}];

const TPM: &[Attribute] = &[
    // With the back end that takes no other program.
    Attribute {
        name: "model",
        words: words!(TpmModel),
        elements: |word| with(&format!("<tpm model='{word}'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>")),
    },
    Attribute {
        name: "backendModel",
        words: words!(TpmBackendType),
        elements: |word| {
            let inside = "<device path='/dev/tpm0'/><source type='unix' mode='connect' path='/trial'/>";
            let inside = if word == "emulator" { "" } else { inside };
            with(&format!("<tpm model='tpm-tis'><backend type='{word}'>{inside}</backend></tpm>"))
        },
    },
    Attribute {
        name: "backendVersion",
        words: words!(TpmVersion),
        elements: |word| with(&format!("<tpm model='tpm-tis'><backend type='emulator' version='{word}'/></tpm>")),
    },
];

const REDIRDEV: &[Attribute] = &[Attribute {
    name: "bus",
    words: words!(HubType),
    elements: |word| with(&format!("<redirdev bus='{word}' type='tcp'>{SOURCE}</redirdev>")),
}];

/// A source with what any type of character device asks for.
const SOURCE: &str =
    "<source mode='connect' host='localhost' service='4000' path='/trial' channel='org.example.trial.0' master='/trial' slave='/trial'/>";

pub(super) const CHANNEL: &[Attribute] = &[Attribute {
    name: "type",
    words: words!(ChardevType),
    elements: |word| {
        // Such a channel is one of the display's.
        let display = if word == "spiceport" { "<graphics type='spice'/>" } else { "" };
        with(&format!("<channel type='{word}'>{SOURCE}<target type='virtio' name='org.example.trial.0'/></channel>{display}"))
    },
}];

pub(super) const CRYPTO: &[Attribute] = &[
    Attribute {
        name: "model",
        words: words!(CryptoModel),
        elements: |word| with(&format!("<crypto model='{word}' type='qemu'><backend model='builtin'/></crypto>")),
    },
    Attribute {
        name: "type",
        words: words!(CryptoType),
        elements: |word| with(&format!("<crypto model='virtio' type='{word}'><backend model='builtin'/></crypto>")),
    },
    Attribute {
        name: "backendModel",
        words: words!(CryptoBackendModel),
        elements: |word| with(&format!("<crypto model='virtio' type='qemu'><backend model='{word}'/></crypto>")),
    },
];

const INTERFACE: &[Attribute] = &[Attribute {
    name: "backendType",
    words: words!(BackendType),
    elements: |word| with(&format!("<interface type='user'><model type='virtio'/><backend type='{word}'/></interface>")),
}];

pub(super) const PANIC: &[Attribute] =
    &[Attribute { name: "model", words: words!(PanicModel), elements: |word| with(&format!("<panic model='{word}'/>")) }];
