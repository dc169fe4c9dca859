//! What is checked of a definition as a whole before it is planned. What concerns one device is checked where it is
//! planned.

use std::collections::BTreeMap;

use lodge_model::domain::devices::{Device, GraphicsType};
use lodge_model::domain::os::OsKind;
use lodge_model::domain::{Domain, DomainType};

use super::input::PlanInput;
use super::refusal::Refusal;

/// Checks a definition whose devices have their aliases. Returns the machine type's own name.
///
/// # Errors
/// The first thing that keeps it from starting, with what to change.
pub fn domain<'a>(domain: &Domain, input: &PlanInput<'a>) -> Result<&'a str, Refusal> {
    check_type(domain, input)?;
    check_os(domain)?;
    let machine = machine(domain, input)?;
    check_sizes(domain, input, machine)?;
    check_boot(domain)?;
    check_unique(domain)?;
    check_displays(domain)?;
    check_unsupported(domain)?;
    Ok(machine)
}

fn check_type(domain: &Domain, input: &PlanInput<'_>) -> Result<(), Refusal> {
    let emulator = input.capabilities.emulator.display();
    match domain.kind {
        DomainType::Qemu => Ok(()),
        DomainType::Kvm if input.capabilities.kvm.usable => Ok(()),
        DomainType::Kvm if !input.capabilities.kvm.built_in => {
            Err(Refusal::unsupported(format!("<domain type='kvm'> needs KVM, which {emulator} was built without: use type='qemu'")))
        }
        DomainType::Kvm => Err(Refusal::unsupported(
            "<domain type='kvm'> needs /dev/kvm, which cannot be opened: turn on virtualization in the firmware's set-up and join the group \
             kvm, or use type='qemu', which is slower",
        )),
        other => Err(Refusal::unsupported(format!("<domain type='{other}'> is not run by QEMU: use type='kvm' or type='qemu'"))),
    }
}

fn check_os(domain: &Domain) -> Result<(), Refusal> {
    let os_type = domain.os.os_type.as_ref();
    match os_type.and_then(|os_type| os_type.kind).unwrap_or_default() {
        OsKind::Hvm => {}
        other => {
            return Err(Refusal::unsupported(format!("<os> has the type '{other}', which is not run by QEMU: use <type>hvm</type>")));
        }
    }
    match os_type.and_then(|os_type| os_type.arch.as_deref()) {
        None | Some("x86_64" | "i686") => Ok(()),
        Some(other) => {
            Err(Refusal::unsupported(format!("<type arch='{other}'> is not supported by this version: use arch='x86_64' or arch='i686'")))
        }
    }
}

fn machine<'a>(domain: &Domain, input: &PlanInput<'a>) -> Result<&'a str, Refusal> {
    let capabilities = input.capabilities;
    let written = domain.os.os_type.as_ref().and_then(|os_type| os_type.machine.as_deref());
    let found = match written {
        Some(name) => capabilities.machine(name),
        None => capabilities.default_machine(),
    };
    let Some(machine) = found else {
        return Err(Refusal::unsupported(format!(
            "<type machine='{}'> is a machine that {} (version {}) does not have: use machine='q35' or machine='pc'",
            written.unwrap_or_default(),
            capabilities.emulator.display(),
            capabilities.version.qemu
        )));
    };
    let name = machine.name.as_str();
    match knows_machine(name) {
        true => Ok(name),
        false => Err(Refusal::unsupported(format!(
            "<type machine='{name}'> is not supported by this version: use machine='q35' or machine='pc'"
        ))),
    }
}

/// Whether this version knows how to use a machine, by the machine's own name.
pub fn knows_machine(name: &str) -> bool {
    name.starts_with("pc-q35-") || name.starts_with("pc-i440fx-") || matches!(name, "q35" | "pc")
}

fn check_sizes(domain: &Domain, input: &PlanInput<'_>, machine: &str) -> Result<(), Refusal> {
    if domain.memory_bytes() == 0 {
        return Err(Refusal::invalid("<memory> is missing or 0: say how much the guest has, such as <memory unit='MiB'>1024</memory>"));
    }
    let (current, most) = (domain.current_vcpus(), domain.max_vcpus());
    if most == 0 || current == 0 || current > most {
        return Err(Refusal::invalid(format!(
            "<vcpu current='{current}'>{most}</vcpu> cannot be: current is from 1 to {most}, and that is at least 1"
        )));
    }
    let capabilities = input.capabilities;
    let limit = capabilities.machine(machine).map_or(u32::MAX, |machine| capabilities.max_vcpus(machine, domain.kind));
    if most > limit {
        return Err(Refusal::unsupported(format!("<vcpu> is {most}, and the machine {machine} can have {limit}: use fewer")));
    }
    match &domain.max_memory {
        Some(limit) if limit.bytes < domain.memory_bytes() => {
            Err(Refusal::invalid("<maxMemory> is less than <memory>: make it at least as much"))
        }
        _ => Ok(()),
    }
}

/// Kinds of devices in `<os>`, or places at devices.
fn check_boot(domain: &Domain) -> Result<(), Refusal> {
    let mut places = BTreeMap::new();
    for device in &domain.devices.list {
        let boot = match device {
            Device::Disk(disk) => disk.boot.as_ref(),
            Device::Interface(interface) => interface.boot.as_ref(),
            Device::Hostdev(hostdev) => hostdev.boot.as_ref(),
            Device::Redirdev(redirdev) => redirdev.boot.as_ref(),
            Device::Filesystem(filesystem) => filesystem.boot.as_ref(),
            _ => None,
        };
        let Some(order) = boot.and_then(|boot| boot.order) else { continue };
        let name = device.alias().unwrap_or_default();
        if order == 0 {
            return Err(Refusal::invalid(format!("{name} has <boot order='0'/>: places are counted from 1")));
        }
        if !domain.os.boot.is_empty() {
            return Err(Refusal::invalid(format!(
                "{name} has <boot order='{order}'/>, and <os> has <boot dev='{}'/>: use one way or the other",
                domain.os.boot[0].dev
            )));
        }
        if let Some(other) = places.insert(order, name) {
            return Err(Refusal::invalid(format!("{other} and {name} both have <boot order='{order}'/>: give each a place of its own")));
        }
    }
    Ok(())
}

fn check_unique(domain: &Domain) -> Result<(), Refusal> {
    let mut aliases = BTreeMap::new();
    let mut targets = BTreeMap::new();
    for device in &domain.devices.list {
        // A console shares the name of its serial port, a companion controller that of its master.
        let shares = match device {
            Device::Console(_) => true,
            Device::Controller(controller) => controller.master.is_some(),
            _ => false,
        };
        if let Some(alias) = device.alias().filter(|_| !shares)
            && aliases.insert(alias, ()).is_some()
        {
            return Err(Refusal::invalid(format!("two devices are called '{alias}': give them different targets, addresses or aliases")));
        }
        if let Device::Disk(disk) = device {
            let target = disk.target_dev();
            if target.is_empty() {
                return Err(Refusal::invalid("<disk> needs <target dev='…'/>, such as <target dev='vda' bus='virtio'/>: add it"));
            }
            if targets.insert(target, ()).is_some() {
                return Err(Refusal::invalid(format!("two disks have <target dev='{target}'/>: give each its own")));
            }
        }
    }
    Ok(())
}

fn check_displays(domain: &Domain) -> Result<(), Refusal> {
    for kind in [GraphicsType::Vnc, GraphicsType::Spice] {
        if domain.devices.graphics().filter(|graphics| graphics.kind == kind).count() > 1 {
            return Err(Refusal::invalid(format!("<graphics type='{kind}'> is there twice, and a guest can have one: take one out")));
        }
    }
    Ok(())
}

fn check_unsupported(domain: &Domain) -> Result<(), Refusal> {
    if let Some(security) = &domain.launch_security {
        let kind = security.kind;
        return Err(Refusal::unsupported(format!("<launchSecurity type='{kind}'> cannot be in this version: take the element out")));
    }
    Ok(())
}
