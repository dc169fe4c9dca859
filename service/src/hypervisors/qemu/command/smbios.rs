//! Firmware tables that the guest sees: `-smbios`, `-fw_cfg`.

use lodge_model::domain::os::SmbiosMode;
use lodge_model::domain::sysinfo::{Entries, Sysinfo, SysinfoType};

use super::draft::Draft;
use crate::hypervisors::qemu::props::{Options, Props};
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::resources::{Access, LabelClass};

/// Adds the tables.
///
/// # Errors
/// The host's own are asked for, or there are none.
pub fn add(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let domain = draft.domain;
    match domain.os.smbios.as_ref().map(|smbios| smbios.mode) {
        None | Some(SmbiosMode::Emulate) => {}
        Some(SmbiosMode::Host) => {
            return Err(Refusal::unsupported(
                "<smbios mode='host'/> cannot be in this version: use mode='sysinfo' with a <sysinfo type='smbios'>",
            ));
        }
        Some(SmbiosMode::Sysinfo) => {
            let Some(tables) = domain.sysinfo.iter().find(|sysinfo| sysinfo.kind == SysinfoType::Smbios) else {
                return Err(Refusal::invalid("<smbios mode='sysinfo'/> needs a <sysinfo type='smbios'>: add it, or take <smbios> out"));
            };
            add_tables(draft, tables);
        }
    }
    if let Some(genid) = &domain.genid {
        let id = genid.0.map_or_else(|| "auto".to_owned(), |id| id.hyphenated().to_string());
        draft.device("<genid>", Props::device("vmgenid").with("guid", id).with("id", "vmgenid0"))?;
    }
    for entry in domain.sysinfo.iter().filter(|sysinfo| sysinfo.kind == SysinfoType::FwCfg).flat_map(|sysinfo| &sysinfo.entries) {
        let options = Options::of("name", &entry.name);
        let options = match &entry.file {
            Some(file) => {
                draft.resource(file, Access::Read, LabelClass::Kernel);
                options.with("file", file)
            }
            None => options.with("string", entry.value.clone().unwrap_or_default()),
        };
        draft.option("-fw_cfg", options.render());
    }
    Ok(())
}

fn add_tables(draft: &mut Draft<'_>, tables: &Sysinfo) {
    let none = Entries::default();
    let blocks = [(0, tables.bios.as_ref()), (1, tables.system.as_ref())];
    let boards = tables.base_boards.iter().map(|board| (2, Some(board)));
    let chassis = [(3, tables.chassis.as_ref())];
    for (number, block) in blocks.into_iter().chain(boards).chain(chassis) {
        let block = block.unwrap_or(&none);
        if block.entries.is_empty() {
            continue;
        }
        let options = block.entries.iter().fold(Options::of("type", number), |options, entry| {
            options.with(&entry.name, entry.value.as_deref().unwrap_or_default().trim())
        });
        draft.option("-smbios", options.render());
    }
    if let Some(strings) = tables.oem_strings.as_ref().filter(|strings| !strings.entries.is_empty()) {
        let options = strings.entries.iter().fold(Options::of("type", 11), |options, text| options.with("value", text));
        draft.option("-smbios", options.render());
    }
}
