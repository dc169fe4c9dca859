//! What QEMU tells by itself. The events the service acts on are typed; the rest is kept as it came, so that a new QEMU
//! with new events, or new fields in old ones, is no problem.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::Value;

/// An event of QEMU.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened by QEMU's clock; `None` if QEMU could not tell.
    pub time: Option<SystemTime>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened in QEMU or its guest. Names and fields are QEMU's (QEMU QMP Reference Manual).
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields have QEMU's names; the line above each variant tells what is not plain")]
pub enum EventKind {
    /// The machine was shut down, by the guest or from outside; `reason` as `guest-shutdown`, `host-qmp-quit`.
    Shutdown { guest: bool, reason: String },
    /// The machine was reset; `reason` as in `Shutdown`.
    Reset { guest: bool, reason: String },
    /// The processors stand still.
    Stop,
    /// The processors run again.
    Resume,
    /// The guest was asked by ACPI to shut down.
    Powerdown,
    /// The guest went to sleep in memory (S3).
    Suspend,
    /// The guest went to sleep on disk (S4).
    SuspendDisk,
    /// The guest woke up.
    Wakeup,
    /// The watchdog ran out; `action` as `reset`, `poweroff`, `pause`.
    Watchdog { action: String },
    /// The guest's kernel reported its own crash; `action` as `pause`, `poweroff`, `run`.
    GuestPanicked { action: String, info: Option<Value> },
    /// An error of a disk image; `action` as `stop`, `report`, `ignore`.
    BlockIoError {
        device: String,
        node_name: Option<String>,
        /// `read` or `write`.
        operation: String,
        action: String,
        no_space: bool,
        reason: String,
    },
    /// A device has been unplugged and is gone. Devices without an id have a path only.
    DeviceDeleted { device: Option<String>, path: String },
    /// The guest refused to let a device go.
    DeviceUnplugGuestError { device: Option<String>, path: String },
    /// The guest's memory has this size by now, in bytes.
    BalloonChange { actual: u64 },
    /// The guest set its clock; the offset to the initial one, in seconds.
    RtcChange { offset: i64 },
    /// A program in the guest opened or closed a virtio-serial port: the guest agent came or went.
    VserportChange { id: String, open: bool },
    /// So many events were lost, since they came faster than they were taken: what was learned from events must be
    /// asked for again.
    Missed { count: u64 },
    /// Any other event.
    Other { name: String, data: Value },
}

#[derive(Deserialize)]
struct Message {
    event: String,
    #[serde(default)]
    data: Value,
    timestamp: Option<Timestamp>,
}

/// Both are -1 when QEMU failed to read its clock.
#[derive(Deserialize)]
struct Timestamp {
    seconds: i64,
    microseconds: i64,
}

impl Event {
    /// Reads an event; `None` for those nobody wants to hear of: every connection of a display is told twice.
    pub(super) fn parse(line: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        let Message { event: name, data, timestamp } = serde_json::from_slice(line)?;
        if name.starts_with("VNC_") || name.starts_with("SPICE_") {
            return Ok(None);
        }
        let time = timestamp.and_then(|stamp| {
            let (seconds, micros) = (u64::try_from(stamp.seconds).ok()?, u64::try_from(stamp.microseconds).ok()?);
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?.checked_add(Duration::from_micros(micros))
        });
        let kind = EventKind::of(&name, &data).unwrap_or(EventKind::Other { name, data });
        Ok(Some(Self { time, kind }))
    }

    pub(super) fn missed(count: u64) -> Self {
        Self { time: Some(SystemTime::now()), kind: EventKind::Missed { count } }
    }
}

impl EventKind {
    /// `None` when the event is not one of ours or does not look as documented.
    fn of(name: &str, data: &Value) -> Option<Self> {
        let text = |key: &str| data.get(key).and_then(Value::as_str).map(str::to_owned);
        let flag = |key: &str| data.get(key).and_then(Value::as_bool);
        Some(match name {
            "SHUTDOWN" => Self::Shutdown { guest: flag("guest")?, reason: text("reason").unwrap_or_default() },
            "RESET" => Self::Reset { guest: flag("guest")?, reason: text("reason").unwrap_or_default() },
            "STOP" => Self::Stop,
            "RESUME" => Self::Resume,
            "POWERDOWN" => Self::Powerdown,
            "SUSPEND" => Self::Suspend,
            "SUSPEND_DISK" => Self::SuspendDisk,
            "WAKEUP" => Self::Wakeup,
            "WATCHDOG" => Self::Watchdog { action: text("action")? },
            "GUEST_PANICKED" => Self::GuestPanicked { action: text("action")?, info: data.get("info").cloned() },
            "BLOCK_IO_ERROR" => Self::BlockIoError {
                device: text("device").unwrap_or_default(),
                node_name: text("node-name"),
                operation: text("operation")?,
                action: text("action")?,
                no_space: flag("nospace").unwrap_or(false),
                reason: text("reason").unwrap_or_default(),
            },
            "DEVICE_DELETED" => Self::DeviceDeleted { device: text("device"), path: text("path")? },
            "DEVICE_UNPLUG_GUEST_ERROR" => Self::DeviceUnplugGuestError { device: text("device"), path: text("path")? },
            "BALLOON_CHANGE" => Self::BalloonChange { actual: data.get("actual")?.as_u64()? },
            "RTC_CHANGE" => Self::RtcChange { offset: data.get("offset")?.as_i64()? },
            "VSERPORT_CHANGE" => Self::VserportChange { id: text("id")?, open: flag("open")? },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<EventKind> {
        Event::parse(text.as_bytes()).unwrap().map(|event| event.kind)
    }

    #[test]
    fn documented_events_are_read() {
        let cases = [
            (
                r#"{"event":"SHUTDOWN","data":{"guest":true,"reason":"guest-shutdown"}}"#,
                EventKind::Shutdown { guest: true, reason: "guest-shutdown".into() },
            ),
            (r#"{"event":"STOP"}"#, EventKind::Stop),
            (r#"{"event":"WATCHDOG","data":{"action":"reset"}}"#, EventKind::Watchdog { action: "reset".into() }),
            (r#"{"event":"RTC_CHANGE","data":{"offset":-78,"qom-path":"/x"}}"#, EventKind::RtcChange { offset: -78 }),
            (
                r#"{"event":"DEVICE_DELETED","data":{"path":"/machine/peripheral/net0/virtio-backend"}}"#,
                EventKind::DeviceDeleted { device: None, path: "/machine/peripheral/net0/virtio-backend".into() },
            ),
            (
                r#"{"event":"VSERPORT_CHANGE","data":{"id":"channel0","open":true}}"#,
                EventKind::VserportChange { id: "channel0".into(), open: true },
            ),
            (
                r#"{"event":"BLOCK_IO_ERROR","data":{"device":"","node-name":"disk0","operation":"write","action":"stop","nospace":true,"reason":"No space left on device"}}"#,
                EventKind::BlockIoError {
                    device: String::new(),
                    node_name: Some("disk0".into()),
                    operation: "write".into(),
                    action: "stop".into(),
                    no_space: true,
                    reason: "No space left on device".into(),
                },
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(kind(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_new_or_odd_is_kept_as_it_came() {
        for text in [
            r#"{"event":"OF_THE_FUTURE","data":{"x":[1]}}"#,
            r#"{"event":"SHUTDOWN","data":{"guest":"perhaps"}}"#,
            r#"{"event":"BALLOON_CHANGE"}"#,
        ] {
            assert!(matches!(kind(text), Some(EventKind::Other { .. })), "{text}");
        }
        assert_eq!(kind(r#"{"event":"VNC_CONNECTED","data":{}}"#), None);
        assert_eq!(kind(r#"{"event":"SPICE_INITIALIZED","data":{}}"#), None);
    }

    #[test]
    fn the_time_is_qemus_unless_its_clock_failed() {
        let at = |seconds: i64| {
            let text = format!(
                r#"{{"event":"STOP","timestamp":{{"seconds":{seconds},"microseconds":{}}}}}"#,
                if seconds < 0 { -1 } else { 250_000 }
            );
            Event::parse(text.as_bytes()).unwrap().unwrap().time
        };
        assert_eq!(at(10), Some(SystemTime::UNIX_EPOCH + Duration::from_millis(10_250)));
        assert_eq!(at(-1), None);
    }
}
