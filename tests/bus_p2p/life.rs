//! The life of a domain, as signals and answers.

use lodge_dbus_interfaces::options::{AddressOptions, ShutdownOptions, StartOptions, UndefineOptions};
use lodge_service::hypervisors::{ExitReason, MachineEvent};

use super::service::{FORCE, NONE, START, Service, kind, uuid, xml};

#[tokio::test]
async fn a_defined_domain_goes_through_its_life_and_every_signal_comes_before_the_answer() {
    let service = Service::new().await;
    let (domain, seen) = service.during(service.define(&xml("a", 1))).await;
    assert_eq!(seen, ["+ domain/a Domain", "reply"]);

    let (started, seen) = service.during(domain.start(&START)).await;
    assert_eq!(started.unwrap().as_str(), "/org/lodge/Lodge1/job/1");
    assert_eq!(
        seen,
        [
            "+ job/1 Job",
            r#"domain/a: Id=1 State="running" StateReason="booted""#,
            "domain/a.XmlChanged(false)",
            r#"job/1: Cancelable=false Message="" Progress=1.0 ProgressValid=true State="succeeded""#,
            r#"job/1.Completed(true, "")"#,
            "reply"
        ]
    );

    let (suspended, seen) = service.during(domain.suspend(&NONE)).await;
    suspended.unwrap();
    assert_eq!(seen, [r#"domain/a: State="paused" StateReason="user""#, "reply"]);

    let (resumed, seen) = service.during(domain.resume(&NONE)).await;
    resumed.unwrap();
    assert_eq!(seen, [r#"domain/a: State="running" StateReason="unpaused""#, "reply"]);

    let (reset, seen) = service.during(domain.reset(&NONE)).await;
    reset.unwrap();
    assert_eq!(seen, ["domain/a.Rebooted()", "reply"]);

    let (asked, seen) = service.during(domain.shutdown(&ShutdownOptions::default())).await;
    asked.unwrap();
    assert_eq!(seen, ["reply"]);
    let from = service.seen.len();
    service.driver.happen(uuid(1), MachineEvent::ShuttingDown).await;
    service.driver.happen(uuid(1), MachineEvent::Exited(ExitReason::Shutdown)).await;
    assert_eq!(
        service.seen.until_line(from, "domain/a.XmlChanged").await,
        [
            r#"domain/a: State="shutting-down" StateReason="user""#,
            r#"domain/a: Id=0 State="shut-off" StateReason="shutdown""#,
            "domain/a.XmlChanged(false)"
        ]
    );

    let (undefined, seen) = service.during(domain.undefine(&UndefineOptions::default())).await;
    undefined.unwrap();
    assert_eq!(seen, ["domain/a: Persistent=false", "domain/a.XmlChanged(true)", "- domain/a Domain", "reply"]);
    assert_eq!(service.files().definitions(), Vec::<String>::new());
}

#[tokio::test]
async fn a_transient_domain_appears_with_its_start_and_vanishes_before_destroy_answers() {
    let service = Service::new().await;
    let (created, seen) = service.during(service.create(&xml("t", 2))).await;
    assert_eq!(created.unwrap().as_str(), "/org/lodge/Lodge1/domain/t");
    assert_eq!(seen[..2], ["+ domain/t Domain", "+ job/1 Job"]);
    assert!(seen[2].starts_with(r#"domain/t: Id=1 State="running""#), "{seen:#?}");
    assert_eq!(seen.last().unwrap(), "reply");
    let domain = service.domain("t").await;
    assert!(!domain.persistent().await.unwrap());

    let (destroyed, seen) = service.during(domain.destroy(&FORCE)).await;
    destroyed.unwrap();
    assert_eq!(
        seen,
        [r#"domain/t: Id=0 State="shut-off" StateReason="destroyed""#, "domain/t.XmlChanged(false)", "- domain/t Domain", "reply"]
    );
    assert!(!service.driver.has(uuid(2)));
}

#[tokio::test]
async fn a_domain_that_is_started_paused_waits_for_resume() {
    let service = Service::new().await;
    let domain = service.define(&xml("p", 3)).await;
    let (_, seen) = service.during(domain.start(&StartOptions { paused: true, no_wait: false })).await;
    assert_eq!(seen[1], r#"domain/p: Id=1 State="paused" StateReason="user""#);
    let (resumed, seen) = service.during(domain.resume(&NONE)).await;
    resumed.unwrap();
    assert_eq!(seen, [r#"domain/p: State="running" StateReason="unpaused""#, "reply"]);
}

#[tokio::test]
async fn a_running_guest_is_asked_for_its_addresses() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    let asked = |source: &str| AddressOptions { source: source.to_owned() };
    assert_eq!(kind(domain.get_interface_addresses(&asked("agent")).await), "InvalidState", "it does not run");
    domain.start(&START).await.unwrap();
    assert_eq!(kind(domain.get_interface_addresses(&asked("dns")).await), "InvalidOption");
    assert!(domain.get_interface_addresses(&asked("")).await.unwrap().is_empty(), "nothing is lent to it");
    let told = domain.get_interface_addresses(&asked("agent")).await.unwrap();
    let text = |of: usize, key: &str| told[of].get(key).map(|value| <&str>::try_from(&**value).unwrap().to_owned());
    let (addresses, prefixes) = (&told[1]["addresses"], &told[1]["prefixes"]);
    assert_eq!(told.len(), 2, "what has no address is left out: {told:?}");
    assert_eq!([text(0, "name"), text(1, "name")], [Some("lo".to_owned()), Some("eth0".to_owned())]);
    assert_eq!([text(0, "mac"), text(1, "mac")], [None, Some("52:54:00:00:00:01".to_owned())]);
    assert_eq!(Vec::<String>::try_from(addresses.clone()).unwrap(), ["192.0.2.7"]);
    assert_eq!(Vec::<u32>::try_from(prefixes.clone()).unwrap(), [24]);
}
