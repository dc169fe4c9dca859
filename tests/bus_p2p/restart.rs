//! The service dies at any moment and another one finds everything as it was.

use lodge_dbus_interfaces::options::{DefineOptions, StartOptions, UndefineOptions, XmlOptions};
use lodge_service::hypervisors::{ExitReason, MachineEvent};

use super::service::{FORCE, NONE, START, Service, kind, uuid, xml, xml_with};

#[tokio::test]
async fn running_guests_are_found_again_and_what_ended_meanwhile_is_lost() {
    let service = Service::new().await;
    let stays = service.started(&xml("stays", 1)).await;
    let title = lodge_dbus_interfaces::options::ChangeOptions { live: false, config: true };
    stays.set_title("pending", &title).await.unwrap();
    service.started(&xml("ends", 2)).await;
    service.create(&xml("transient", 3)).await.unwrap();
    service.create(&xml("short", 4)).await.unwrap();
    service.define(&xml("off", 5)).await;
    service.started(&xml("paused", 6)).await.suspend(&NONE).await.unwrap();
    let before = service.domain("stays").await.get_xml(&XmlOptions::default()).await.unwrap();

    let service = service
        .restart_after(|_, driver| {
            for number in [2, 4] {
                driver.lose(uuid(number))
            }
        })
        .await;
    let state = async |name: &str| {
        let domain = service.domain(name).await;
        format!("{} {} {}", domain.id().await.unwrap(), domain.state().await.unwrap(), domain.state_reason().await.unwrap())
    };
    assert_eq!(state("stays").await, "1 running booted");
    assert_eq!(state("ends").await, "0 shut-off lost");
    assert_eq!(state("transient").await, "3 running booted");
    assert_eq!(state("off").await, "0 shut-off unknown");
    assert_eq!(kind(service.manager().await.get_domain("short").await), "NotFound");
    let stays = service.domain("stays").await;
    assert_eq!(stays.get_xml(&XmlOptions::default()).await.unwrap(), before);
    assert!(stays.pending_changes().await.unwrap());
    assert!(!service.domain("transient").await.persistent().await.unwrap());
    // They are not only shown: their events come, commands reach them, new runs have new numbers.
    service.driver.happen(uuid(1), MachineEvent::Exited(ExitReason::Shutdown)).await;
    service.wait_for(r#"domain/stays: Id=0 PendingChanges=false State="shut-off" StateReason="shutdown""#).await;
    let (_, seen) = service.during(service.domain("transient").await.destroy(&FORCE)).await;
    assert!(seen.contains(&"- domain/transient Domain".to_owned()), "{seen:#?}");
    service.domain("off").await.start(&START).await.unwrap();
    assert_eq!(service.domain("off").await.id().await.unwrap(), 6);
}

#[tokio::test]
async fn a_start_that_the_service_died_in_is_a_failed_start() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    service.driver.hold_starts(true);
    domain.start(&StartOptions { paused: false, no_wait: true }).await.unwrap();
    service.driver.until_stuck().await;
    let service = service.restart_after(|_, driver| driver.hold_starts(false)).await;
    let domain = service.domain("a").await;
    assert_eq!(domain.state().await.unwrap().as_str(), "shut-off");
    assert!(!service.files().status(uuid(1)).exists());
    domain.start(&START).await.unwrap();
}

#[tokio::test]
async fn a_definition_that_cannot_be_read_is_left_alone_and_its_name_cannot_be_used() {
    let service = Service::new().await;
    service.define(&xml("broken", 1)).await;
    service.define(&xml("whole", 2)).await;
    let service = service
        .restart_after(|files, _| {
            std::fs::write(files.definition("broken"), "<domain").unwrap();
            // A copy made by hand has the name and the UUID of another.
            std::fs::copy(files.definition("whole"), files.definition("zcopy")).unwrap();
        })
        .await;
    let manager = service.manager().await;
    for name in ["broken", "zcopy"] {
        assert_eq!(kind(manager.get_domain(name).await), "NotFound");
        assert_eq!(kind(manager.define_domain(&xml(name, 7), &DefineOptions::default()).await), "AlreadyExists");
        assert_eq!(kind(service.create(&xml(name, 7)).await), "AlreadyExists");
        assert_eq!(kind(service.domain("whole").await.rename(name, &NONE).await), "AlreadyExists");
    }
    assert_eq!(std::fs::read_to_string(service.files().definition("broken")).unwrap(), "<domain");
    let paths: Vec<_> = service.objects().await.into_keys().filter(|path| path.contains("/domain/")).collect();
    assert_eq!(paths.iter().map(|path| path.as_str()).collect::<Vec<_>>(), ["/org/lodge/Lodge1/domain/whole"]);
}

#[tokio::test]
async fn a_guest_that_cannot_be_found_again_cannot_be_started_twice() {
    let service = Service::new().await;
    service.started(&xml("unclear", 1)).await;
    let service = service.restart_after(|files, _| std::fs::write(files.status(uuid(1)).join("status.json"), "{").unwrap()).await;
    let manager = service.manager().await;
    let error = manager.get_domain("unclear").await.unwrap_err().to_string();
    assert!(error.contains("domain 'unclear' is left alone: its guest may still run out of reach"), "{error}");
    assert_eq!(kind(service.create(&xml("unclear", 1)).await), "AlreadyExists");
    assert!(service.driver.has(uuid(1)), "the guest is left running");
    // Its end made sure by a person, who removed what is told of it.
    let service = service.restart_after(|files, _| std::fs::remove_dir_all(files.status(uuid(1))).unwrap()).await;
    service.domain("unclear").await.start(&START).await.unwrap();
}

#[tokio::test]
async fn a_guest_whose_definition_was_broken_meanwhile_is_still_in_reach() {
    let service = Service::new().await;
    service.started(&xml("a", 1)).await;
    let service = service.restart_after(|files, _| std::fs::write(files.definition("a"), "<domain").unwrap()).await;
    let domain = service.domain("a").await;
    assert_eq!(domain.state().await.unwrap().as_str(), "running");
    assert_eq!(kind(service.manager().await.define_domain(&xml("a", 1), &DefineOptions::default()).await), "AlreadyExists");
    domain.destroy(&FORCE).await.unwrap();
    assert_eq!(std::fs::read_to_string(service.files().definition("a")).unwrap(), "<domain");
    assert_eq!(kind(service.manager().await.define_domain(&xml("a", 1), &DefineOptions::default()).await), "AlreadyExists");
}

#[tokio::test]
async fn autostart_happens_at_the_first_run_only() {
    let service = Service::new().await;
    service.define(&xml("auto", 1)).await.set_autostart(true).await.unwrap();
    service.define(&xml("manual", 2)).await;
    // The same runtime directory: somebody may have shut it down on purpose.
    let service = service.crash_and_restart().await;
    assert_eq!(service.domain("auto").await.state().await.unwrap().as_str(), "shut-off");
    // Another login.
    let service = service.restart_after(|files, _| files.forget_the_run()).await;
    service.wait_for("job/1.Completed(true").await;
    assert_eq!(service.domain("auto").await.state().await.unwrap().as_str(), "running");
    assert_eq!(service.domain("manual").await.state().await.unwrap().as_str(), "shut-off");
    assert_eq!(service.job(1).await.started_by_uid().await.unwrap(), rustix::process::getuid().as_raw());
}

#[tokio::test]
async fn an_undefined_running_domain_survives_a_restart_as_a_transient_one() {
    let service = Service::new().await;
    let domain = service.started(&xml_with("a", 1, "<title>t</title>")).await;
    domain.set_autostart(true).await.unwrap();
    let (_, seen) = service.during(domain.undefine(&UndefineOptions::default())).await;
    assert_eq!(seen, ["domain/a: Autostart=false Persistent=false", "domain/a.XmlChanged(true)", "reply"]);
    let service = service.crash_and_restart().await;
    let domain = service.domain("a").await;
    assert!(!domain.persistent().await.unwrap());
    // And becomes a persistent one by its own document.
    let text = domain.get_xml(&XmlOptions { inactive: false, secure: true }).await.unwrap();
    service.manager().await.define_domain(&text, &DefineOptions::default()).await.unwrap();
    assert!(domain.persistent().await.unwrap());
}
