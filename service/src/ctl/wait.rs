//! `wait`: until a domain has a state.
//!
//! It listens before it looks, so that no change is missed, and it never polls.

use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use futures_util::StreamExt as _;
use lodge_dbus_interfaces::proxies::DomainProxy;
use lodge_dbus_interfaces::types::State;
use lodge_dbus_interfaces::{BUS_NAME, ROOT_PATH};
use zbus::fdo::{ObjectManagerProxy, PropertiesProxy};

use super::complete::domain_names;
use super::failure::Outcome;
use super::inventory::words;
use super::service::{Service, property};
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Wait until a domain has a state
    #[command(after_help = "\
A transient domain that vanishes is shut off.

Examples:
  lodgectl wait demo --state shut-off
  lodgectl wait demo --state running --timeout 30 || lodgectl domstate demo --reason")]
    Wait(Wait),
}

/// Arguments of `wait`.
#[derive(Args)]
pub struct Wait {
    /// The domain
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(domain_names))]
    name: String,
    /// running, paused, shutting-down, shut-off, crashed or suspended
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    state: State,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// A state that this version knows, with dashes or with spaces.
///
/// # Errors
/// The words that there are.
pub fn parse_state(text: &str) -> Result<State, String> {
    let state = State::from(text.replace(' ', "-").as_str());
    if State::KNOWN.contains(&state) {
        return Ok(state);
    }
    let known: Vec<&str> = State::KNOWN.iter().map(State::as_str).collect();
    Err(format!("there is no such state; there are {}", known.join(", ")))
}

/// Runs a command of this group.
pub async fn run(Command::Wait(wait): Command, bus: Bus) -> Outcome {
    let service = Service::connect(bus).await?;
    let domain = service.domain(&wait.name).await?;
    let reached = until(&service, &domain, &wait);
    let Some(seconds) = wait.timeout else { return reached.await };
    match tokio::time::timeout(Duration::from_secs(seconds), reached).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let state = state_of(&domain).await?;
            Err(format!("domain '{}' is still {} after {seconds} s, not {}", wait.name, words(state.as_str()), words(wait.state.as_str()))
                .into())
        }
    }
}

async fn until(service: &Service, domain: &DomainProxy<'_>, wait: &Wait) -> Outcome {
    let path = domain.inner().path().clone();
    let properties = PropertiesProxy::builder(&service.connection).destination(BUS_NAME).path(path.clone()).build().await?;
    let mut changes = properties.receive_properties_changed().await?;
    let objects = ObjectManagerProxy::builder(&service.connection).destination(BUS_NAME).path(ROOT_PATH).build().await?;
    let mut removals = objects.receive_interfaces_removed().await?;
    let mut owners = objects.inner().receive_owner_changed().await?;
    let mut state = state_of(domain).await?;
    while state != wait.state {
        tokio::select! {
            change = changes.next() => {
                let change = change.ok_or("the bus went away")?;
                if let Some(word) = change.args()?.changed_properties().get("State") {
                    state = State::from(<&str>::try_from(word).unwrap_or_default());
                }
            }
            removal = removals.next() => {
                let removal = removal.ok_or("the bus went away")?;
                if *removal.args()?.object_path() == path {
                    return gone(wait);
                }
            }
            owner = owners.next() => {
                let gone = owner.flatten().is_none();
                if gone {
                    return Err("Lodge went away; its guests go on, so wait again".into());
                }
            }
        }
    }
    Ok(())
}

async fn state_of(domain: &DomainProxy<'_>) -> Outcome<State> {
    Ok(State::from(property::<String>(domain.inner(), "State").await?.as_str()))
}

fn gone(wait: &Wait) -> Outcome {
    match wait.state {
        State::ShutOff => Ok(()),
        _ => Err(format!("domain '{}' is gone: it was removed or renamed", wait.name).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_may_have_spaces() {
        assert_eq!(parse_state("shut off"), Ok(State::ShutOff));
        assert_eq!(parse_state("shut-off"), Ok(State::ShutOff));
        assert!(parse_state("off").unwrap_err().contains("shut-off"));
    }
}
