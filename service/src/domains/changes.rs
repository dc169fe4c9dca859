//! Changes of what the store holds: each is on disk, or undone, before the actor hears of it.

use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;

use super::actor::Actor;
use super::edit::Edit;
use super::engine::Engine;
use super::request::{Definition, Undefine};
use super::work::{CallOff, Change, LiveChange, Outcome, Work};
use crate::authorization::Subject;
use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::Machine;
use crate::scope::Scope;

impl Actor {
    fn stored(&self, verb: &'static str, change: impl FnOnce(&Engine) -> Result<Change> + Send + 'static) -> Work {
        let engine = self.engine.clone();
        Work::begin_blocking(verb, move || Outcome::Stored(change(&engine)))
    }

    pub(super) fn store_definition(&self, definition: Definition) -> Result<Work> {
        // Whoever asked looked at the name before the request came here.
        if definition.name != self.name {
            let message = format!("domain '{}' has just been renamed to '{}'; try again", definition.name, self.name);
            return Err(Error::new(ErrorKind::Busy, message));
        }
        Ok(self.stored("define", move |engine| {
            engine.store.definitions().save(&definition.name, &definition.xml)?;
            Ok(Change::Defined(definition))
        }))
    }

    pub(super) fn undefine(&self, what: Undefine) -> Work {
        let (name, uuid, autostart) = (self.name.clone(), self.uuid, self.autostart);
        self.stored("undefine", move |engine| {
            engine.store.autostart().set(&name, false)?;
            if let Err(error) = engine.store.definitions().remove(&name) {
                let undone = engine.store.autostart().set(&name, autostart);
                return Err(with_undo(error.into(), undone.map_err(Error::from)));
            }
            engine.remove_guest_state(uuid, what);
            Ok(Change::Undefined)
        })
    }

    pub(super) fn rename(&self, new: String) -> Result<Work> {
        let (mut domain, _) = Domain::parse(&self.definition.xml)?;
        domain.name.clone_from(&new);
        domain.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidArgument, &problems))?;
        let (before, after) = (self.definition.clone(), Definition::of(&domain, self.definition.warnings.clone()));
        let autostart = self.autostart;
        Ok(self.stored("rename", move |engine| {
            let definitions = engine.store.definitions();
            definitions.rename(&before.name, &new, &after.xml)?;
            if autostart && let Err(error) = engine.store.autostart().rename(&before.name, &new) {
                let undone = definitions.rename(&new, &before.name, &before.xml);
                return Err(with_undo(error.into(), undone.map_err(Error::from)));
            }
            Ok(Change::Renamed(after))
        }))
    }

    pub(super) fn set_autostart(&self, on: bool) -> Work {
        let name = self.name.clone();
        self.stored("set autostart of", move |engine| {
            engine.store.autostart().set(&name, on)?;
            Ok(Change::Autostart(on))
        })
    }

    pub(super) fn edit(&self, edit: &Edit, scope: Scope) -> Result<Work> {
        let (live, config) = scope.resolve(&Subject::Domain(self.name.clone()), self.live.is_some(), self.persistent)?;
        let changed = |xml: &str| -> Result<Domain> {
            let (mut domain, _) = Domain::parse(xml)?;
            edit.apply(&mut domain)?;
            Ok(domain)
        };
        // All documents are made before anything is changed.
        let definition = match config {
            true => Some(Definition::of(&changed(&self.definition.xml)?, self.definition.warnings.clone())),
            false => None,
        };
        let guest = match (&self.live, live) {
            (Some(live), true) => {
                let started_from = changed(&live.started_from)?.to_xml().into();
                let change = Box::new(LiveChange { document: changed(&live.xml)?, started_from });
                Some((live.machine.clone(), edit.live_memory()?, change))
            }
            _ => None,
        };
        let engine = self.engine.clone();
        Ok(Work::begin("change", |call_off| async move { Outcome::Stored(carry_out(engine, definition, guest, call_off).await) }))
    }
}

/// A running guest to change: its machine, the memory to tell it of, and what it then is.
type Guest = (Arc<dyn Machine>, Option<u64>, Box<LiveChange>);

/// Tells the guest first: it may refuse, and then the definition stays as it was.
async fn carry_out(engine: Arc<Engine>, definition: Option<Definition>, guest: Option<Guest>, call_off: CallOff) -> Result<Change> {
    if let Some((machine, Some(bytes), _)) = &guest {
        tokio::select! {
            biased;
            told = machine.set_memory(*bytes) => told?,
            () = call_off.heard() => return Err(ended_meanwhile()),
        }
    }
    if let Some(definition) = definition.clone() {
        engine.save(definition).await?;
    }
    Ok(Change::Edited { definition, live: guest.map(|(_, _, change)| change) })
}

/// What a command to a machine is answered that is gone before it answered.
pub(super) fn ended_meanwhile() -> Error {
    Error::new(ErrorKind::Cancelled, "the guest ended before it answered")
}

/// An error and what could not be undone after it.
fn with_undo(error: Error, undone: Result<()>) -> Error {
    match undone {
        Ok(()) => error,
        Err(undo) => error.in_context(format_args!("what was done before could not be undone ({undo})")),
    }
}
