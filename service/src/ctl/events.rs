//! `events`: what happens, as it happens.
//!
//! One subscription to every signal of the service, so that events come in the order in which they happened.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use futures_util::StreamExt as _;
use lodge_dbus_interfaces::{BUS_NAME, DOMAIN_INTERFACE, JOB_INTERFACE, ROOT_PATH, paths};
use serde_json::{Map, Value, json};
use zbus::message::Type;
use zbus::{MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant, Structure};

use super::complete::domain_names;
use super::failure::Outcome;
use super::inventory::words;
use super::output::Output;
use super::service::{Service, property};
use super::uri::Bus;
use super::{jobs, json, table};

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Print what happens to domains and jobs until interrupted
    #[command(after_help = "\
Examples:
  lodgectl events
  lodgectl events demo --timeout 60
  lodgectl events --json | jq 'select(.event == \"GuestPanicked\")'")]
    Events(Events),
}

/// Arguments of `events`.
#[derive(Args)]
pub struct Events {
    /// Only what happens to this domain
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
    name: Option<String>,
    /// Print one JSON object on each line, named as on the bus
    #[arg(long)]
    json: bool,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// Runs a command of this group.
pub async fn run(Command::Events(events): Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    let rule = MatchRule::builder().msg_type(Type::Signal).sender(BUS_NAME).path_namespace(ROOT_PATH).build()?;
    let mut messages = MessageStream::for_match_rule(rule, &service.connection, None).await?;
    let mut filter = Filter::default();
    if let Some(name) = &events.name {
        filter.only = Some(service.manager.get_domain(name).await?);
    } else {
        // So that the service runs, and a missing one is noticed.
        property::<String>(service.manager.inner(), "Version").await?;
    }
    let follow = async {
        while let Some(message) = messages.next().await {
            for event in read(&message?).into_iter().filter(|event| filter.wants(event)) {
                output.line(if events.json { event.json().to_string() } else { event.sentence() })?;
            }
        }
        Err("the bus went away".into())
    };
    match events.timeout {
        None => follow.await,
        Some(seconds) => tokio::time::timeout(Duration::from_secs(seconds), follow).await.unwrap_or(Ok(())),
    }
}

/// Something that happened to an object.
#[derive(Debug)]
struct Event {
    path: OwnedObjectPath,
    /// The signal's name.
    name: String,
    /// What it carries.
    details: Map<String, Value>,
}

/// The arguments of the contract's signals, which the bus carries without names.
const ARGUMENTS: [(&str, &[&str]); 6] = [
    ("XmlChanged", &["Inactive"]),
    ("GuestPanicked", &["Action", "Message"]),
    ("WatchdogFired", &["Action"]),
    ("IoError", &["Device", "Operation", "Reason", "Action", "Message"]),
    ("DeviceRemoved", &["Device"]),
    ("Completed", &["Success", "Message"]),
];

type Properties = HashMap<String, OwnedVariant>;

/// The events that a signal stands for. One that is not a domain's or a job's, or that cannot be read, stands for none.
fn read(message: &Message) -> Vec<Event> {
    let header = message.header();
    let (Some(path), Some(member)) = (header.path(), header.member()) else { return Vec::new() };
    let event = |path: OwnedObjectPath, details| Event { path, name: member.to_string(), details };
    let body = message.body();
    match member.as_str() {
        "InterfacesAdded" => {
            let Ok((path, mut interfaces)) = body.deserialize::<(OwnedObjectPath, HashMap<String, Properties>)>() else {
                return Vec::new();
            };
            let properties = [DOMAIN_INTERFACE, JOB_INTERFACE].into_iter().find_map(|interface| interfaces.remove(interface));
            properties.map(|properties| event(path, named(&properties))).into_iter().collect()
        }
        "InterfacesRemoved" => {
            let Ok((path, interfaces)) = body.deserialize::<(OwnedObjectPath, Vec<String>)>() else { return Vec::new() };
            let ours = interfaces.iter().any(|interface| [DOMAIN_INTERFACE, JOB_INTERFACE].contains(&interface.as_str()));
            ours.then(|| event(path, Map::new())).into_iter().collect()
        }
        "PropertiesChanged" => {
            let Ok((_, changed, _)) = body.deserialize::<(String, Properties, Vec<String>)>() else { return Vec::new() };
            vec![event(path.to_owned().into(), named(&changed))]
        }
        signal => {
            let names = ARGUMENTS.iter().find(|(name, _)| *name == signal).map_or(&[][..], |(_, names)| *names);
            let values = body.deserialize::<Structure<'_>>();
            let values = values.iter().flat_map(|structure| structure.fields()).map(json::value);
            vec![event(path.to_owned().into(), names.iter().map(|name| (*name).to_owned()).zip(values).collect())]
        }
    }
}

fn named(properties: &Properties) -> Map<String, Value> {
    json::object(properties.iter().map(|(name, value)| (name, &**value)))
}

impl Event {
    fn json(&self) -> Value {
        let mut event = Map::new();
        event.insert("event".to_owned(), self.name.clone().into());
        event.insert("path".to_owned(), self.path.as_str().into());
        if let Some(domain) = paths::domain_name(self.path.as_str()) {
            event.insert("domain".to_owned(), domain.into());
        } else {
            event.insert("job".to_owned(), jobs::number(self.path.as_str()).into());
        }
        event.insert("details".to_owned(), json!(self.details));
        event.into()
    }

    fn sentence(&self) -> String {
        let subject = match paths::domain_name(self.path.as_str()) {
            Some(domain) => format!("domain '{domain}'"),
            None => format!("job {}", jobs::number(self.path.as_str())),
        };
        table::one_line(&format!("{subject}: {}", self.predicate()))
    }

    fn predicate(&self) -> String {
        match self.name.as_str() {
            "InterfacesAdded" => format!("added, {}", self.standing()),
            "InterfacesRemoved" => "removed".to_owned(),
            "PropertiesChanged" => {
                let mut changes: Vec<String> = Vec::new();
                if self.details.contains_key("State") {
                    changes.push(self.standing());
                }
                let others = self.details.iter().filter(|(name, _)| !["State", "StateReason", "Message"].contains(&name.as_str()));
                changes.extend(others.map(|(name, value)| format!("{name} is {}", plain(value))));
                changes.join(", ")
            }
            signal => {
                let details = self.details.iter().filter(|(_, value)| **value != json!(""));
                let details: Vec<String> = details.map(|(name, value)| format!("{name} {}", plain(value))).collect();
                [words_of(signal), details.join(", ")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
            }
        }
    }

    /// The state, as far as it is told: with the reason of a domain's, the operation and the message of a job's.
    fn standing(&self) -> String {
        let text = |name: &str| self.details.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let mut standing = text("Operation").map(|operation| format!("{operation} ")).unwrap_or_default();
        standing.push_str(&words(text("State").unwrap_or("unknown")));
        for note in [text("StateReason").map(words), text("Message").map(str::to_owned)].into_iter().flatten() {
            standing.push_str(&format!(" ({note})"));
        }
        standing
    }
}

/// `GuestPanicked` is `guest panicked`.
fn words_of(signal: &str) -> String {
    let mut text = String::new();
    for character in signal.chars() {
        if character.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Which events are wanted.
#[derive(Default)]
struct Filter {
    /// The domain; `None` is all.
    only: Option<OwnedObjectPath>,
    /// Jobs that work on it.
    jobs: HashSet<OwnedObjectPath>,
}

impl Filter {
    fn wants(&mut self, event: &Event) -> bool {
        let Some(domain) = &self.only else { return true };
        let works_on_it = |objects: &Value| objects.as_array().is_some_and(|paths| paths.iter().any(|path| path == domain.as_str()));
        if event.name == "InterfacesAdded" && event.details.get("Objects").is_some_and(works_on_it) {
            self.jobs.insert(event.path.clone());
        }
        event.path == *domain || self.jobs.contains(&event.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(path: &OwnedObjectPath, name: &str, details: Value) -> Event {
        let Value::Object(details) = details else { panic!("{details}") };
        Event { path: path.clone(), name: name.to_owned(), details }
    }

    #[test]
    fn sentences() {
        let (domain, job) = (paths::domain("a-b"), paths::job(3));
        for (path, name, details, sentence) in [
            (&domain, "InterfacesAdded", json!({"State": "shut-off", "StateReason": "unknown"}), "domain 'a-b': added, shut off (unknown)"),
            (&domain, "InterfacesRemoved", json!({}), "domain 'a-b': removed"),
            (
                &domain,
                "PropertiesChanged",
                json!({"Id": 4, "State": "running", "StateReason": "booted"}),
                "domain 'a-b': running (booted), Id is 4",
            ),
            (&domain, "Rebooted", json!({}), "domain 'a-b': rebooted"),
            (&domain, "GuestPanicked", json!({"Action": "destroy", "Message": ""}), "domain 'a-b': guest panicked: Action destroy"),
            (&job, "InterfacesAdded", json!({"Operation": "domain-start", "State": "running"}), "job 3: added, domain-start running"),
            (&job, "PropertiesChanged", json!({"State": "failed", "Message": "no room"}), "job 3: failed (no room)"),
        ] {
            assert_eq!(event(path, name, details).sentence(), sentence);
        }
    }

    #[test]
    fn a_domains_events_are_its_own_and_its_jobs() {
        let mut filter = Filter { only: Some(paths::domain("a")), jobs: HashSet::new() };
        assert!(filter.wants(&event(&paths::domain("a"), "Rebooted", json!({}))));
        assert!(!filter.wants(&event(&paths::domain("b"), "Rebooted", json!({}))));
        assert!(filter.wants(&event(&paths::job(1), "InterfacesAdded", json!({"Objects": [paths::domain("a").as_str()]}))));
        assert!(filter.wants(&event(&paths::job(1), "Completed", json!({}))));
        assert!(!filter.wants(&event(&paths::job(2), "Completed", json!({}))));
    }

    #[test]
    fn every_signal_of_the_contract_has_its_arguments_named() {
        for (_, file) in lodge_dbus_interfaces::INTERFACE_FILES {
            for signal in file.split("<signal name=\"").skip(1) {
                let (name, rest) = signal.split_once('"').unwrap();
                let end = if rest.trim_start().starts_with('>') { rest.find("</signal>").unwrap() } else { 0 };
                let count = rest[..end].matches("<arg ").count();
                let named = ARGUMENTS.iter().find(|(known, _)| *known == name).map_or(0, |(_, names)| names.len());
                assert_eq!(named, count, "{name}");
            }
        }
    }
}
