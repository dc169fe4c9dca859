//! What stands outside of the devices: identity, memory, processors, life cycle, clock, boot order.

use lodge_model::domain::clock::{Clock, ClockOffset};
use lodge_model::domain::cpu::{CpuFeaturePolicy, Vcpus};
use lodge_model::domain::devices::Device;
use lodge_model::domain::lifecycle::LifecycleAction;
use lodge_model::domain::memory::{CurrentMemory, Memory};
use lodge_model::domain::numa::Placement;
use lodge_model::domain::os::{Boot, BootDevice};
use lodge_model::domain::{Domain, GenerationId};
use uuid::{Builder, Uuid};

use super::{Result, invalid};

pub(super) fn complete(domain: &mut Domain, random: &mut dyn FnMut() -> u32) -> Result<()> {
    domain.uuid.get_or_insert_with(|| random_uuid(random));
    if domain.genid == Some(GenerationId(None)) {
        domain.genid = Some(GenerationId(Some(random_uuid(random))));
    }
    memory(domain)?;
    let vcpus = domain.vcpu.get_or_insert_with(|| Vcpus::new(1));
    vcpus.count.get_or_insert(1);
    vcpus.placement.get_or_insert(Placement::Static);
    for feature in domain.cpu.iter_mut().flat_map(|cpu| &mut cpu.features) {
        feature.policy.get_or_insert(CpuFeaturePolicy::Require);
    }
    domain.on_poweroff.get_or_insert(LifecycleAction::Destroy);
    domain.on_reboot.get_or_insert(LifecycleAction::Restart);
    domain.on_crash.get_or_insert(LifecycleAction::Destroy);
    domain.clock.get_or_insert_with(Clock::default).offset.get_or_insert(ClockOffset::Utc);
    if domain.os.boot.is_empty() && !domain.devices.list.iter().any(has_boot_order) {
        domain.os.boot.push(Boot { dev: BootDevice::HardDisk, ..Boot::default() });
    }
    Ok(())
}

fn memory(domain: &mut Domain) -> Result<()> {
    let bytes = domain.memory_bytes();
    if bytes == 0 {
        return invalid("the domain has no memory; write <memory unit='MiB'>1024</memory>");
    }
    domain.memory.get_or_insert_with(|| Memory { bytes, ..Memory::default() });
    let current = domain.current_memory.get_or_insert_with(|| CurrentMemory { bytes, ..CurrentMemory::default() });
    // A balloon cannot give what the guest does not have; libvirt lowers it silently too.
    current.bytes = current.bytes.min(bytes);
    Ok(())
}

/// A random identity, version 4 of RFC 9562.
fn random_uuid(random: &mut dyn FnMut() -> u32) -> Uuid {
    let mut bytes = [0; 16];
    for word in bytes.chunks_exact_mut(4) {
        word.copy_from_slice(&random().to_be_bytes());
    }
    Builder::from_random_bytes(bytes).into_uuid()
}

fn has_boot_order(device: &Device) -> bool {
    let boot = match device {
        Device::Disk(disk) => disk.boot.as_ref(),
        Device::Interface(interface) => interface.boot.as_ref(),
        Device::Hostdev(hostdev) => hostdev.boot.as_ref(),
        Device::Redirdev(redirdev) => redirdev.boot.as_ref(),
        Device::Filesystem(filesystem) => filesystem.boot.as_ref(),
        _ => None,
    };
    boot.is_some_and(|boot| boot.order.is_some())
}
