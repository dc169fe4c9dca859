//! What hosts with more and with less are said to offer.

mod real;

use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::domain_capabilities::{CpuModelEntry, DeviceSupport, SupportEnum};
use lodge_model::xml::YesNo;

use super::*;
use crate::error::ErrorKind;
use crate::hypervisors::qemu::capabilities::{Arch, Capabilities};
use crate::hypervisors::qemu::command::tests::{self as planner, fixtures, read};

/// A host that has everything, with the QEMU of the recorded version, KVM and all that KVM can do.
fn host(version: &str) -> Host {
    let planner::Host { mut capabilities, firmware, programs, facts, .. } = planner::Host::recorded(version);
    capabilities.kvm.usable = true;
    capabilities.kvm.max_vcpus = Some(1024);
    capabilities.hyperv = ["hv-relaxed", "hv-vapic", "hv-spinlocks", "hv-vendor-id", "hv-xmm-input", "hv-crash"].map(str::to_owned).into();
    Host { capabilities: Arc::new(capabilities), firmware, programs, devices: facts }
}

fn without(host: &Host, change: impl Fn(&mut Capabilities)) -> Host {
    let mut capabilities = (*host.capabilities).clone();
    change(&mut capabilities);
    Host { capabilities: Arc::new(capabilities), ..host.clone() }
}

/// The host with a QEMU that lacks a part, whatever kind of part that is.
fn lacking(host: &Host, part: &str) -> Host {
    without(host, |qemu| {
        for parts in [&mut qemu.devices, &mut qemu.objects, &mut qemu.chardevs, &mut qemu.netdevs, &mut qemu.displays] {
            parts.remove(part);
        }
        qemu.options.remove(part);
    })
}

fn kind(domain_type: DomainType, machine: &str) -> Kind {
    Kind { domain_type, arch: Arch::X86_64, machine: Some(machine.to_owned()), session: true }
}

fn offered(kind: &Kind, host: &Host) -> DomainCapabilities {
    let capabilities = domain_capabilities(kind, host).unwrap();
    assert_eq!(capabilities.validate(), Ok(()), "{}", capabilities.to_xml());
    capabilities
}

/// The words of an attribute, in a line.
fn words(support: &Option<Support>, name: &str) -> String {
    let enums: &[SupportEnum] = support.as_ref().map_or(&[], |support| &support.enums);
    enums.iter().find(|one| one.name == name).map(|one| one.values.join(" ")).unwrap_or_default()
}

#[test]
fn offers_are_as_expected() {
    let i686 = Kind { arch: Arch::I686, machine: None, ..kind(DomainType::Qemu, "") };
    for (name, kind, version) in [
        ("10.0-kvm-q35", kind(DomainType::Kvm, "q35"), "10.0"),
        ("10.0-qemu-pc", kind(DomainType::Qemu, "pc"), "10.0"),
        ("7.2-qemu-q35", kind(DomainType::Qemu, "q35"), "7.2"),
        ("10.0-qemu-i686", i686, "10.0"),
    ] {
        let mut capabilities = offered(&kind, &host(version));
        // Of the many models those that are of use for a look.
        for mode in capabilities.cpu.iter_mut().flat_map(|cpu| &mut cpu.modes) {
            mode.models.retain(|entry| matches!(entry, CpuModelEntry::Model(model) if model.name.as_deref() == Some("qemu64")));
        }
        let file = fixtures().join(format!("qemu/offered/{name}.xml"));
        let written = capabilities.to_xml();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&file, &written).unwrap();
        }
        assert_eq!(written, read(&file), "{}; UPDATE_EXPECT=1 writes it", file.display());
    }
}

#[test]
fn what_the_host_lacks_is_not_offered() {
    let kind = kind(DomainType::Kvm, "q35");
    let everything = host("10.0");
    let whole = offered(&kind, &everything).devices.unwrap();
    assert_eq!(words(&whole.tpm, "backendModel"), "emulator passthrough external");
    assert_eq!(words(&whole.hostdev, "subsysType"), "usb pci scsi mdev");
    assert_eq!(words(&whole.interface, "backendType"), "default passt");
    assert!(words(&whole.filesystem, "driverType").contains("virtiofs"));

    let bare = Host { firmware: Vec::new(), programs: Default::default(), devices: Default::default(), ..everything.clone() };
    let capabilities = offered(&kind, &bare);
    let devices = capabilities.devices.unwrap();
    assert_eq!(words(&devices.tpm, "backendModel"), "passthrough external");
    assert_eq!(words(&devices.tpm, "backendVersion"), "");
    assert_eq!(words(&devices.tpm, "model"), words(&whole.tpm, "model"));
    assert_eq!(words(&devices.hostdev, "subsysType"), "usb scsi");
    assert_eq!(words(&devices.interface, "backendType"), "default");
    assert_eq!(words(&devices.filesystem, "driverType"), "path");
    let os = capabilities.os.unwrap();
    assert_eq!(os.enums[0].values, ["bios"]);
    assert_eq!(os.loader.unwrap().paths, Vec::<String>::new());
}

#[test]
fn what_qemu_lacks_is_not_offered() {
    let kind = kind(DomainType::Kvm, "q35");
    let everything = host("10.0");
    let whole = offered(&kind, &everything);
    for (part, attribute, word, of) in [
        ("qxl-vga", "modelType", "qxl", (|devices| &devices.video) as fn(&DeviceSupport) -> &Option<Support>),
        ("rng-egd", "backendModel", "egd", |devices| &devices.rng),
        ("tpm-crb", "model", "tpm-crb", |devices| &devices.tpm),
        ("qemu-vdagent", "type", "qemu-vdagent", |devices| &devices.channel),
        ("spicevmc", "type", "spicevmc", |devices| &devices.channel),
        ("user", "backendType", "default", |devices| &devices.interface),
        ("dbus", "type", "dbus", |devices| &devices.graphics),
        ("vnc", "type", "vnc", |devices| &devices.graphics),
    ] {
        let less = offered(&kind, &lacking(&everything, part));
        let [whole, less] = [&whole, &less].map(|all| words(of(all.devices.as_ref().unwrap()), attribute));
        let has = |words: &str| words.split(' ').any(|found| found == word);
        assert!(has(&whole) && !has(&less), "{attribute} {word}: {whole}, and without {part}: {less}");
    }
    assert_eq!(words(&whole.memory_backing, "sourceType"), "anonymous memfd");
    assert_eq!(words(&offered(&kind, &lacking(&everything, "memory-backend-memfd")).memory_backing, "sourceType"), "anonymous");
    let none = Some(Support::new(false));
    assert_eq!(offered(&kind, &lacking(&everything, "iothread")).io_threads, none);
    assert_eq!(offered(&kind, &lacking(&everything, "virtio-crypto-pci")).devices.unwrap().crypto, none);
    assert_eq!(offered(&kind, &lacking(&everything, "vmgenid")).features.unwrap().genid, none);
    assert_eq!(offered(&kind, &lacking(&everything, "vmcoreinfo")).features.unwrap().vmcoreinfo, none);
}

#[test]
fn enlightenments_are_those_of_kvm() {
    let features = |domain_type| offered(&kind(domain_type, "q35"), &host("10.0")).features.unwrap().hyperv;
    assert_eq!(words(&features(DomainType::Kvm), "features"), "relaxed vapic spinlocks vendor_id xmm_input");
    assert_eq!(features(DomainType::Qemu), Some(Support::new(false)));
    let none = without(&host("10.0"), |qemu| qemu.hyperv.clear());
    assert_eq!(offered(&kind(DomainType::Kvm, "q35"), &none).features.unwrap().hyperv, Some(Support::new(false)));
    let panic = |host: &Host| words(&offered(&kind(DomainType::Kvm, "q35"), host).devices.unwrap().panic, "model");
    assert_eq!((panic(&host("10.0")), panic(&none)), ("isa pvpanic hyperv".to_owned(), "isa pvpanic".to_owned()));
    // What is asked for is what domains know.
    for word in features::HYPERV {
        let text = format!("<domain type='kvm'><name>a</name><features><hyperv><{word} state='on'/></hyperv></features></domain>");
        let (_, warnings) = lodge_model::domain::Domain::parse(&text).unwrap();
        assert_eq!(warnings, vec![], "{word}");
    }
}

#[test]
fn models_are_qemu_s_and_usable_as_it_says() {
    let models = |domain_type, host: &Host| {
        let modes = offered(&kind(domain_type, "q35"), host).cpu.unwrap().modes;
        modes.into_iter().find(|mode| mode.mode.as_str() == "custom").unwrap().models
    };
    let told = |models: &[CpuModelEntry], name: &str| {
        let at = models.iter().position(|entry| matches!(entry, CpuModelEntry::Model(model) if model.name.as_deref() == Some(name)));
        let CpuModelEntry::Model(model) = &models[at?] else { return None };
        let blockers = match models.get(at? + 1) {
            Some(CpuModelEntry::Blockers(blockers)) => {
                assert_eq!(blockers.model, name);
                blockers.features.iter().map(|feature| feature.name.clone()).collect()
            }
            _ => Vec::new(),
        };
        Some((model.usable?.as_str(), model.deprecated == Some(YesNo(true)), model.canonical.clone(), blockers.join(" ")))
    };
    let host = without(&host("10.0"), |qemu| {
        let model = |qemu: &mut Capabilities, name: &str, features: Option<&[&str]>| {
            let model = qemu.cpu_models.get_mut(name).unwrap();
            model.unavailable_features = features.map(|all| all.iter().map(|one| (*one).to_owned()).collect());
        };
        model(qemu, "qemu64", Some(&[]));
        model(qemu, "EPYC", Some(&["svm", "sha-ni"]));
        model(qemu, "Nehalem", None);
    });
    let known = models(DomainType::Kvm, &host);
    assert_eq!(told(&known, "qemu64"), Some(("yes", false, Some("qemu64-v1".to_owned()), String::new())));
    assert_eq!(told(&known, "EPYC"), Some(("no", false, Some("EPYC-v1".to_owned()), "svm sha-ni".to_owned())));
    assert_eq!(told(&known, "Nehalem").unwrap().0, "unknown");
    assert_eq!((told(&known, "host"), told(&known, "max")), (None, None));
    // QEMU was asked under KVM only.
    let unknown = models(DomainType::Qemu, &host);
    assert_eq!(told(&unknown, "EPYC"), Some(("unknown", false, Some("EPYC-v1".to_owned()), String::new())));
}

#[test]
fn processors_are_as_many_as_machine_and_kvm_can_have() {
    let host = host("10.0");
    for (domain_type, machine, most) in [(DomainType::Kvm, "q35", 1024), (DomainType::Qemu, "q35", 4096), (DomainType::Kvm, "pc", 255)] {
        let kind = kind(domain_type, machine);
        assert_eq!(offered(&kind, &host).vcpu.unwrap().max, most);
        let trial = Trial::new(&kind, &host).unwrap();
        let accepts = |vcpus| trial.accepts(&format!("<vcpu>{vcpus}</vcpu>"));
        assert!(accepts(most) && !accepts(most + 1), "{domain_type} {machine}");
    }
}

#[test]
fn what_cannot_be_at_all_says_why() {
    let kvm = host("10.0");
    let no_kvm = without(&kvm, |qemu| qemu.kvm.usable = false);
    for (kind, host, expected) in [
        (kind(DomainType::Xen, "q35"), &kvm, "<domain type='xen'> is not run by QEMU: use type='kvm' or type='qemu'"),
        (kind(DomainType::Kvm, "q35"), &no_kvm, "needs /dev/kvm"),
        (kind(DomainType::Kvm, "microvm"), &kvm, "the machine type 'microvm' cannot be used"),
        (kind(DomainType::Kvm, "pc-q35-99.0"), &kvm, "pc-q35-99.0"),
        (kind(DomainType::Kvm, "'/><evil a='"), &kvm, "cannot be used"),
    ] {
        let error = domain_capabilities(&kind, host).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!((default_type(&kvm), default_type(&no_kvm)), (DomainType::Kvm, DomainType::Qemu));
    assert_eq!(offered(&Kind { machine: None, ..kind(DomainType::Kvm, "") }, &kvm).machine.as_deref(), Some("pc-i440fx-10.0"));
}

#[test]
fn guests_have_the_machines_that_can_be_used() {
    let host = host("10.0");
    let guest = guest(Arch::X86_64, &host.capabilities);
    let arch = guest.arch.unwrap();
    let names: Vec<(Option<&str>, &str)> =
        arch.machines.iter().map(|machine| (machine.canonical.as_deref(), machine.name.as_deref().unwrap())).collect();
    assert!(names.contains(&(None, "pc-q35-10.0")) && names.contains(&(Some("pc-q35-10.0"), "q35")), "{names:?}");
    assert!(!names.iter().any(|(_, name)| matches!(*name, "microvm" | "none" | "isapc")), "{names:?}");
    for (_, name) in names {
        offered(&kind(DomainType::Kvm, name), &host);
    }
    let types = |capabilities: &Capabilities| {
        let domains = super::guest(Arch::I686, capabilities).arch.unwrap().domains;
        domains.iter().map(|domain| domain.kind.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(types(&host.capabilities), "qemu kvm");
    assert_eq!(types(&without(&host, |qemu| qemu.kvm.usable = false).capabilities), "qemu");
}
