//! Everything that the service sends, in the order of its arrival, as lines that a test can state.
//!
//! | line | message |
//! |---|---|
//! | `+ domain/a Domain` | InterfacesAdded |
//! | `- domain/a Domain` | InterfacesRemoved |
//! | `domain/a: Id=1 State="running"` | PropertiesChanged, by name |
//! | `domain/a.XmlChanged(true)` | any other signal |
//! | `reply`, `error NotFound` | the answer to a call |

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use lodge_dbus_interfaces::ROOT_PATH;
use tokio::sync::watch;
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, OwnedObjectPath, OwnedVariant, Structure};

/// What was seen, with the serial number of the call that it answers, if it does.
type Line = (Option<u32>, String);

/// The record of one connection.
#[derive(Clone)]
pub struct Seen {
    lines: Arc<Mutex<Vec<Line>>>,
    count: watch::Receiver<usize>,
}

impl Seen {
    /// Records from now on.
    pub fn on(connection: &Connection) -> Self {
        let mut messages = MessageStream::from(connection);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (counter, count) = watch::channel(0);
        let record = lines.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                let reply_to = message.header().reply_serial().map(std::num::NonZeroU32::get);
                record.lock().unwrap().push((reply_to, line(&message)));
                counter.send_modify(|count| *count += 1);
            }
        });
        Self { lines, count }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// The lines from `start` up to the reply to a call.
    pub async fn until_reply(&self, start: usize, serial: u32) -> Vec<String> {
        self.until(start, |reply_to, _| reply_to == Some(serial)).await.1
    }

    /// The lines from `start` up to and with one that begins with `prefix`.
    pub async fn until_line(&self, start: usize, prefix: &str) -> Vec<String> {
        let (last, mut lines) = self.until(start, |_, line| line.starts_with(prefix)).await;
        lines.push(last);
        lines
    }

    async fn until(&self, start: usize, is_last: impl Fn(Option<u32>, &str) -> bool) -> (String, Vec<String>) {
        let mut count = self.count.clone();
        let wait = async {
            loop {
                count.borrow_and_update();
                {
                    let lines = self.lines.lock().unwrap();
                    if let Some(end) = lines.iter().skip(start).position(|(reply_to, line)| is_last(*reply_to, line)) {
                        let before = lines.iter().skip(start).take(end).map(|(_, line)| line.clone()).collect();
                        return (lines[start + end].1.clone(), before);
                    }
                }
                count.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(super::service::PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => panic!("this never came; seen since: {:#?}", &self.lines.lock().unwrap()[start..]),
        }
    }
}

fn line(message: &Message) -> String {
    let header = message.header();
    let place = header.path().map(|path| short(path.as_str()));
    let place = place.unwrap_or_default();
    match message.message_type() {
        Type::MethodCall => format!("call {place}"),
        Type::MethodReturn => "reply".to_owned(),
        Type::Error => format!("error {}", header.error_name().unwrap().rsplit('.').next().unwrap()),
        Type::Signal => match header.member().unwrap().as_str() {
            "InterfacesAdded" => {
                let (path, interfaces): (OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>) =
                    message.body().deserialize().unwrap();
                format!("+ {} {}", short(path.as_str()), names(interfaces.keys()))
            }
            "InterfacesRemoved" => {
                let (path, interfaces): (OwnedObjectPath, Vec<String>) = message.body().deserialize().unwrap();
                format!("- {} {}", short(path.as_str()), names(interfaces.iter()))
            }
            "PropertiesChanged" => {
                let (_, changed, invalidated): (String, BTreeMap<String, OwnedVariant>, Vec<String>) =
                    message.body().deserialize().unwrap();
                assert!(invalidated.is_empty(), "{invalidated:?}");
                let values: Vec<_> = changed.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
                format!("{place}: {}", values.join(" "))
            }
            other => format!("{place}.{other}({})", arguments(message)),
        },
    }
}

fn names<'a>(interfaces: impl Iterator<Item = &'a String>) -> String {
    let mut names: Vec<_> = interfaces.map(|name| name.rsplit('.').next().unwrap().to_owned()).collect();
    names.sort();
    names.join(" ")
}

/// A path below the root.
fn short(path: &str) -> String {
    path.strip_prefix(ROOT_PATH).unwrap_or(path).trim_start_matches('/').to_owned()
}

/// A value without the type in front of it.
fn plain(value: &zbus::Variant<'_>) -> String {
    if let zbus::Variant::F64(number) = value {
        return format!("{number:?}");
    }
    let text = value.to_string();
    match text.split_once(' ') {
        Some(("uint16" | "uint32" | "uint64" | "@as" | "@ao", rest)) => rest.to_owned(),
        _ => text,
    }
}

fn arguments(message: &Message) -> String {
    let body = message.body();
    if body.signature().to_string().is_empty() {
        return String::new();
    }
    let body: Structure<'_> = body.deserialize().unwrap();
    body.fields().iter().map(plain).collect::<Vec<_>>().join(", ")
}
