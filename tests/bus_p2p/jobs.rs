//! Work that is shown: without waiting, cancelled, failed, crashed.

use lodge_dbus_interfaces::options::StartOptions;
use lodge_dbus_interfaces::types::JobState;
use lodge_service::hypervisors::fake::Fault;

use super::service::{FORCE, NONE, START, Service, kind, uuid, xml};

const NO_WAIT: StartOptions = StartOptions { paused: false, no_wait: true };

#[tokio::test]
async fn a_start_without_waiting_answers_with_a_job_that_is_there_and_tells_the_outcome() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    service.driver.hold_starts(true);
    let (path, seen) = service.during(domain.start(&NO_WAIT)).await;
    assert_eq!(path.unwrap().as_str(), "/org/lodge/Lodge1/job/1");
    assert_eq!(seen, ["+ job/1 Job", "reply"]);
    let job = service.job(1).await;
    assert_eq!(job.operation().await.unwrap(), "domain-start");
    assert_eq!(job.state().await.unwrap(), JobState::Running);
    assert!(job.cancelable().await.unwrap());
    assert_eq!(job.objects().await.unwrap()[0].as_str(), "/org/lodge/Lodge1/domain/a");
    assert_eq!(job.started_by_uid().await.unwrap(), rustix::process::getuid().as_raw());
    let from = service.seen.len();
    service.driver.hold_starts(false);
    let seen = service.seen.until_line(from, "job/1.Completed").await;
    assert_eq!(seen.last().unwrap(), r#"job/1.Completed(true, "")"#);
    assert_eq!(domain.state().await.unwrap().as_str(), "running");
    assert_eq!(job.state().await.unwrap(), JobState::Succeeded);
    assert_eq!(kind(job.cancel(&NONE).await), "InvalidState");
}

#[tokio::test]
async fn a_cancelled_start_leaves_the_domain_as_it_was_and_nothing_behind() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    service.driver.hold_starts(true);
    domain.start(&NO_WAIT).await.unwrap();
    let from = service.seen.len();
    service.job(1).await.cancel(&NONE).await.unwrap();
    let seen = service.seen.until_line(from, "job/1.Completed").await;
    assert!(
        seen.contains(&r#"job/1: Cancelable=false Message="" Progress=0.0 ProgressValid=false State="cancelled""#.to_owned()),
        "{seen:#?}"
    );
    assert_eq!(seen.last().unwrap(), r#"job/1.Completed(false, "")"#);
    assert_eq!((domain.state().await.unwrap().as_str(), domain.state_reason().await.unwrap().as_str()), ("shut-off", "unknown"));
    assert!(!service.files().status(uuid(1)).exists());
    service.driver.hold_starts(false);
    domain.start(&START).await.unwrap();
}

#[tokio::test]
async fn a_failed_start_is_an_error_a_failed_job_and_a_reason() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    service.driver.inject(Fault::Start);
    let (result, seen) = service.during(domain.start(&START)).await;
    let message = "cannot start domain 'a': the fake was told to fail";
    assert_eq!(
        seen,
        [
            "+ job/1 Job".to_owned(),
            r#"domain/a: StateReason="failed""#.to_owned(),
            format!(r#"job/1: Cancelable=false Message="{message}" Progress=0.0 ProgressValid=false State="failed""#),
            format!(r#"job/1.Completed(false, "{message}")"#),
            "error HypervisorFailed".to_owned()
        ]
    );
    assert_eq!(result.unwrap_err().to_string(), message);
    assert!(!service.files().status(uuid(1)).exists());
}

#[tokio::test]
async fn a_transient_domain_that_cannot_start_leaves_nothing_when_create_answers() {
    for fault in [Fault::Start, Fault::Panic] {
        let service = Service::new().await;
        service.driver.inject(fault);
        let (result, seen) = service.during(service.create(&xml("t", 1))).await;
        assert!(result.is_err());
        let removed = seen.iter().position(|line| line == "- domain/t Domain");
        let answered = seen.iter().position(|line| line.starts_with("error "));
        assert!(removed.is_some() && removed < answered, "{seen:#?}");
        assert_eq!(kind(service.manager().await.get_domain("t").await), "NotFound");
        service.create(&xml("t", 1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_driver_that_panics_is_an_error_and_the_domain_lives() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    service.driver.inject(Fault::Panic);
    assert_eq!(kind(domain.start(&START).await), "Internal");
    assert_eq!((domain.state().await.unwrap().as_str(), domain.state_reason().await.unwrap().as_str()), ("shut-off", "failed"));
    assert!(!service.files().status(uuid(1)).exists());
    domain.start(&START).await.unwrap();
    assert_eq!(domain.state().await.unwrap().as_str(), "running");
}

#[tokio::test]
async fn of_two_starts_at_once_one_is_busy() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    service.driver.hold_starts(true);
    domain.start(&NO_WAIT).await.unwrap();
    assert_eq!(kind(domain.start(&START).await), "Busy");
    assert_eq!(kind(domain.suspend(&NONE).await), "Busy");
    service.driver.hold_starts(false);
    service.wait_for("job/1.Completed(true").await;
    assert_eq!(kind(domain.start(&START).await), "InvalidState");
}

#[tokio::test]
async fn destroy_during_a_start_ends_the_start_first() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    service.driver.hold_starts(true);
    let starter = domain.clone();
    let starting = tokio::spawn(async move { starter.start(&START).await });
    service.wait_for("+ job/1 Job").await;
    service.driver.until_stuck().await;
    let (destroyed, _) = service.during(domain.destroy(&FORCE)).await;
    destroyed.unwrap();
    assert_eq!(kind(starting.await.unwrap()), "Cancelled");
    assert_eq!((domain.state().await.unwrap().as_str(), domain.state_reason().await.unwrap().as_str()), ("shut-off", "destroyed"));
    assert!(!service.driver.has(uuid(1)) && !service.files().status(uuid(1)).exists());
    assert_eq!(service.job(1).await.state().await.unwrap(), JobState::Cancelled);
    service.driver.hold_starts(false);
    domain.start(&START).await.unwrap();
}

#[tokio::test]
async fn destroy_outranks_a_command_that_is_not_answered() {
    let service = Service::new().await;
    let domain = service.started(&xml("a", 1)).await;
    service.driver.inject(Fault::Hang);
    let stuck = domain.clone();
    let suspending = tokio::spawn(async move { stuck.suspend(&NONE).await });
    service.driver.until_stuck().await;
    domain.destroy(&FORCE).await.unwrap();
    assert_eq!(kind(suspending.await.unwrap()), "Cancelled");
    assert_eq!(domain.state().await.unwrap().as_str(), "shut-off");
    domain.start(&START).await.unwrap();
}

#[tokio::test]
async fn a_guest_that_ends_by_itself_frees_a_command_that_is_not_answered() {
    use lodge_service::hypervisors::{ExitReason, MachineEvent};
    let service = Service::new().await;
    let domain = service.started(&xml("a", 1)).await;
    service.driver.inject(Fault::Hang);
    let stuck = domain.clone();
    let resetting = tokio::spawn(async move { stuck.reset(&NONE).await });
    service.driver.until_stuck().await;
    service.driver.happen(uuid(1), MachineEvent::Exited(ExitReason::Failed("killed by the kernel".into()))).await;
    assert_eq!(kind(resetting.await.unwrap()), "Cancelled");
    assert_eq!(domain.state_reason().await.unwrap().as_str(), "failed");
    domain.start(&START).await.unwrap();
}

#[tokio::test]
async fn two_destroys_at_once_both_succeed_or_find_it_off() {
    let service = Service::new().await;
    let domain = service.started(&xml("a", 1)).await;
    let (first, second) = tokio::join!(domain.destroy(&FORCE), domain.destroy(&FORCE));
    assert!(first.is_ok() || second.is_ok());
    for result in [first, second] {
        assert!(result.is_ok() || kind(result) == "InvalidState");
    }
}

#[tokio::test]
async fn ended_jobs_beyond_the_limit_vanish_oldest_first() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    for _ in 0..66 {
        service.driver.inject(Fault::Start);
        domain.start(&START).await.unwrap_err();
    }
    service.wait_for("- job/2 Job").await;
    let jobs = service.objects().await.keys().filter(|path| path.contains("/job/")).count();
    assert_eq!(jobs, 64);
}
