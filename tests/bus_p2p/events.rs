//! What happens to a running guest by itself.

use lodge_service::hypervisors::{MachineEvent, PauseReason};

use super::service::{NONE, Service, kind, uuid, xml, xml_with};

#[tokio::test]
async fn each_event_of_a_machine_becomes_its_signal_and_state() {
    let io_error = |action: &str, no_space| MachineEvent::IoError {
        device: "virtio-disk0".into(),
        operation: "write".into(),
        no_space,
        action: action.into(),
        message: "full".into(),
    };
    let table: [(&str, Vec<MachineEvent>, &[&str]); 9] = [
        ("reboot", vec![MachineEvent::Rebooted], &["domain/a.Rebooted()"]),
        (
            "sleep and wake",
            vec![MachineEvent::Suspended, MachineEvent::Resumed],
            &[r#"domain/a: State="suspended" StateReason="guest""#, r#"domain/a: State="running" StateReason="woken""#],
        ),
        (
            "a full disk",
            vec![io_error("stop", true), MachineEvent::Paused(PauseReason::Unknown)],
            &[
                r#"domain/a.IoError("virtio-disk0", "write", "no-space", "pause", "full")"#,
                r#"domain/a: State="paused" StateReason="io-error""#,
            ],
        ),
        (
            "an error that the guest sees",
            vec![io_error("report", false)],
            &[r#"domain/a.IoError("virtio-disk0", "write", "failed", "report", "full")"#],
        ),
        (
            "a watchdog that pauses",
            vec![MachineEvent::WatchdogFired("pause".into()), MachineEvent::Paused(PauseReason::Unknown)],
            &[r#"domain/a.WatchdogFired("pause")"#, r#"domain/a: State="paused" StateReason="watchdog""#],
        ),
        ("a device that goes", vec![MachineEvent::DeviceRemoved("net0".into())], &[r#"domain/a.DeviceRemoved("net0")"#]),
        ("the guest's own shutdown", vec![MachineEvent::ShuttingDown], &[r#"domain/a: State="shutting-down" StateReason="guest""#]),
        (
            "a panic that is kept",
            vec![MachineEvent::Panicked],
            &[r#"domain/a.GuestPanicked("preserve", "")"#, r#"domain/a: State="crashed" StateReason="panicked""#],
        ),
        ("less memory", vec![MachineEvent::MemoryChanged(16 << 20)], &["domain/a: Memory=16777216", "domain/a.XmlChanged(false)"]),
    ];
    for (what, events, expected) in table {
        let service = Service::new().await;
        service.started(&xml_with("a", 1, "<on_crash>preserve</on_crash>")).await;
        let (_, seen) = service
            .during(async {
                let from = service.seen.len();
                for event in events {
                    service.driver.happen(uuid(1), event).await;
                }
                service.seen.until_line(from, expected.last().unwrap()).await;
            })
            .await;
        assert_eq!(seen, expected, "{what}");
    }
}

#[tokio::test]
async fn a_guest_that_crashed_can_only_be_reset_or_destroyed() {
    let service = Service::new().await;
    let domain = service.started(&xml_with("a", 1, "<on_crash>preserve</on_crash>")).await;
    service.driver.happen(uuid(1), MachineEvent::Panicked).await;
    service.wait_for(r#"domain/a: State="crashed""#).await;
    assert_eq!(kind(domain.suspend(&NONE).await), "InvalidState");
    assert_eq!(kind(domain.resume(&NONE).await), "InvalidState");
    let (_, seen) = service.during(domain.reset(&NONE)).await;
    assert_eq!(seen, ["domain/a.Rebooted()", r#"domain/a: State="running" StateReason="booted""#, "reply"]);
}

#[tokio::test]
async fn a_pause_after_resume_is_not_overwritten_by_the_answer_to_resume() {
    // The fake tells Resumed before it answers; a disk that fails in between must win.
    let service = Service::new().await;
    let domain = service.started(&xml("a", 1)).await;
    domain.suspend(&NONE).await.unwrap();
    service.driver.then(MachineEvent::Paused(PauseReason::IoError));
    domain.resume(&NONE).await.unwrap();
    assert_eq!(domain.state_reason().await.unwrap().as_str(), "io-error");
}
