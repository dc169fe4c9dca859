//! Name, identity, memory, and what happens when the guest stops.

use super::Dialect;
use super::input::Input;
use super::output::Output;
use crate::domain::lifecycle::LifecycleAction;
use crate::domain::memory::{CurrentMemory, Memory};
use crate::domain::{Domain, GenerationId};
use crate::native::ReadError;
use crate::units::MIB;
use crate::xml::{Position, Value};

/// The actions and their defaults where nothing is said: those of xm and xend, and those of xl.
const ACTIONS: [(&str, LifecycleAction, LifecycleAction); 3] = [
    ("on_poweroff", LifecycleAction::Destroy, LifecycleAction::Destroy),
    ("on_reboot", LifecycleAction::Restart, LifecycleAction::Restart),
    ("on_crash", LifecycleAction::Restart, LifecycleAction::Destroy),
];

/// What the setting `restart` of early xm means, for the three events.
const RESTART: [(&str, [LifecycleAction; 3]); 3] = [
    ("onreboot", [LifecycleAction::Destroy, LifecycleAction::Restart, LifecycleAction::Destroy]),
    ("always", [LifecycleAction::Restart, LifecycleAction::Restart, LifecycleAction::Restart]),
    ("never", [LifecycleAction::Destroy, LifecycleAction::Destroy, LifecycleAction::Destroy]),
];

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    if input.dialect == Dialect::Sxpr {
        domain.id = input.number("domid", "the number of a domain")?;
    }
    let missing = || {
        let reason = "expected a setting 'name', found none; say what the domain is called".to_owned();
        ReadError { position: Position { line: 1, column: 1 }, reason }
    };
    domain.name = input.text("name")?.ok_or_else(missing)?;
    domain.uuid = input.word("uuid")?;
    genid(input, domain)?;
    memory(input, domain)?;
    lifecycle(input, domain)
}

fn memory(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let position = input.position("memory");
    let now = megabytes(input, "memory", 1)?;
    let limit = input.position("maxmem");
    let mut max = megabytes(input, "maxmem", 0)?;
    if let (Some(0), Some(limit)) = (max, limit) {
        input.warn(limit, "'maxmem' is 0, which says nothing, and is left out".into());
        max = None;
    }
    if let (Some(now), Some(max), Some(position)) = (now, max, position)
        && now > max
    {
        let reason = format!("expected a 'memory' of at most the {} MiB of 'maxmem', found {}", max / MIB, now / MIB);
        return Err(ReadError { position, reason });
    }
    domain.memory = max.or(now).map(Memory::new);
    domain.current_memory = now.filter(|now| max.is_some_and(|max| max != *now)).map(CurrentMemory::new);
    Ok(())
}

/// An amount of memory in bytes, of at least so many MiB.
fn megabytes(input: &mut Input, key: &str, least: u64) -> Result<Option<u64>, ReadError> {
    let Some(item) = input.take(key) else { return Ok(None) };
    let expected = "a number of MiB";
    let count: u64 = item.number(key, expected)?;
    Some(count)
        .filter(|count| *count >= least)
        .and_then(|count| count.checked_mul(MIB))
        .map(Some)
        .ok_or_else(|| item.unexpected(key, expected))
}

fn genid(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let Some(item) = input.take("ms_vm_genid") else { return Ok(()) };
    match item.text("ms_vm_genid")?.as_str() {
        "generate" => domain.genid = Some(GenerationId(None)),
        "none" => {}
        _ => return Err(item.unexpected("ms_vm_genid", "'generate' or 'none'")),
    }
    Ok(())
}

fn lifecycle(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let mut defaults = ACTIONS.map(|(_, xm, xl)| if input.dialect == Dialect::Xl { xl } else { xm });
    if let Some(item) = input.take("restart") {
        let word = item.text("restart")?;
        let meaning = RESTART.iter().find(|(name, _)| *name == word);
        defaults = meaning.ok_or_else(|| item.unexpected("restart", "'onreboot', 'always' or 'never'"))?.1;
        if ACTIONS.iter().any(|(key, ..)| input.has(key)) {
            input.warn(item.position, "'restart' does not count for events that have a setting of their own".into());
        }
    }
    let mut actions = defaults;
    for ((key, ..), action) in ACTIONS.iter().zip(&mut actions) {
        let Some(item) = input.take(key) else { continue };
        let word = item.text(key)?;
        let for_crashes = word.starts_with("coredump-") && *key != "on_crash";
        if word == "soft-reset" || for_crashes {
            input.warn(item.position, format!("'{key}' cannot be '{word}' in a domain; it is left out and becomes '{action}'"));
        } else {
            *action = LifecycleAction::parse(&word).ok_or_else(|| item.unexpected(key, LifecycleAction::EXPECTED))?;
        }
    }
    [domain.on_poweroff, domain.on_reboot, domain.on_crash] = actions.map(Some);
    Ok(())
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    if output.dialect == Dialect::Sxpr {
        output.number("domid", domain.id);
    }
    output.text("name", Some(&domain.name));
    output.text("uuid", domain.uuid.map(|uuid| uuid.hyphenated().to_string()));
    output.number("maxmem", Some(domain.memory_bytes().div_ceil(MIB)).filter(|size| *size > 0));
    output.number("memory", Some(domain.current_memory_bytes().div_ceil(MIB)).filter(|size| *size > 0));
    if output.dialect == Dialect::Xl {
        output.text("ms_vm_genid", domain.genid.map(|_| "generate"));
    }
}

/// Writes what happens when the guest stops. An element that is absent means the same everywhere,
/// but a setting that is absent does not; so the settings are always there.
pub(super) fn write_lifecycle(domain: &Domain, output: &mut Output) {
    let actions = [domain.on_poweroff, domain.on_reboot, domain.on_crash];
    for ((key, _, absent), action) in ACTIONS.into_iter().zip(actions) {
        output.text(key, Some(action.unwrap_or(absent).as_str()));
    }
}
