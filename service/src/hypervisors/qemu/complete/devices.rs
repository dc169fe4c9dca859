//! Devices of which little is left open: input, sound, TPM, balloon, random numbers, watchdog, vsock and the like.

use lodge_model::domain::devices::{
    Cid, Device, Devices, Input, InputBus, InputType, Memballoon, PanicModel, RngBackend, RngBackendModel, ShmemModel, ShmemModelType, Tpm,
    TpmBackend, TpmBackendType, TpmModel, TpmVersion, VirtioModel, WatchdogAction,
};
use lodge_model::xml::YesNo;

use super::list::insert;
use super::machine::Machine;

pub(super) fn complete(devices: &mut Devices, machine: &Machine<'_>) {
    // `BalloonModel::Virtio` is the default; a guest without a balloon says so by the model 'none'.
    if devices.memballoons().next().is_none() {
        insert(devices, Memballoon::default());
    }
    for device in &mut devices.list {
        match device {
            Device::Input(input) if input.kind != InputType::Evdev => {
                let bus = input.bus();
                input.bus.get_or_insert(bus);
            }
            Device::Sound(sound) => {
                let model = if machine.is_q35() { "ich9" } else { "ich6" };
                sound.model.get_or_insert_with(|| model.to_owned());
            }
            Device::Rng(rng) => {
                rng.model.get_or_insert(VirtioModel::Virtio);
                let backend = rng.backend.get_or_insert_with(RngBackend::default);
                backend.model.get_or_insert(RngBackendModel::Random);
            }
            Device::Watchdog(watchdog) => {
                watchdog.action.get_or_insert(WatchdogAction::Reset);
            }
            Device::Tpm(tpm) => complete_tpm(tpm, machine),
            Device::Panic(panic) => {
                panic.model.get_or_insert(PanicModel::Isa);
            }
            Device::Redirdev(redirdev) => {
                redirdev.bus.get_or_insert_default();
            }
            Device::Filesystem(filesystem) => {
                filesystem.kind.get_or_insert_default();
            }
            Device::Vsock(vsock) => {
                vsock.model.get_or_insert(VirtioModel::Virtio);
                vsock.cid.get_or_insert_with(|| Cid { auto: Some(YesNo(true)), ..Cid::default() });
            }
            Device::Shmem(shmem) => {
                // The model that was both has left QEMU.
                let model = if shmem.server.is_some() { ShmemModelType::IvshmemDoorbell } else { ShmemModelType::IvshmemPlain };
                shmem.model.get_or_insert_with(|| ShmemModel { kind: model, ..ShmemModel::default() });
            }
            _ => {}
        }
    }
}

/// A module is emulated and of version 2.0 unless the definition says otherwise. Windows 11 takes either model; CRB is
/// the newer one, and 440FX machines keep the one that libvirt gives to all.
fn complete_tpm(tpm: &mut Tpm, machine: &Machine<'_>) {
    let choices: &[(_, _)] = if machine.is_q35() { &[("crb", "tpm-crb"), ("tis", "tpm-tis")] } else { &[("tis", "tpm-tis")] };
    let model = if machine.first_of(choices) == "crb" { TpmModel::Crb } else { TpmModel::Tis };
    tpm.model.get_or_insert(model);
    let backend = tpm.backend.get_or_insert_with(|| TpmBackend { kind: TpmBackendType::Emulator, ..TpmBackend::default() });
    if backend.kind == TpmBackendType::Emulator {
        backend.version.get_or_insert(TpmVersion::V2_0);
    }
}

/// The mouse and the keyboard that are on every PC's board.
pub(super) fn add_ps2(devices: &mut Devices) {
    for kind in [InputType::Mouse, InputType::Keyboard] {
        let there = devices.inputs().any(|input| input.kind == kind && input.bus() == InputBus::Ps2);
        if !there {
            insert(devices, Input { kind, bus: Some(InputBus::Ps2), ..Input::default() });
        }
    }
}
