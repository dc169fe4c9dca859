//! Callers that get in each other's way.

use futures_util::future::join_all;
use lodge_dbus_interfaces::options::{ChangeOptions, DefineOptions, UndefineOptions};

use super::service::{FORCE, NONE, START, Service, kind, uuid, xml, xml_with};

#[tokio::test]
async fn of_many_definitions_of_one_name_at_once_one_wins_and_is_on_disk() {
    let service = Service::new().await;
    let manager = service.manager().await;
    let results = join_all((1..=12).map(|number| {
        let manager = manager.clone();
        async move { manager.define_domain(&xml("a", number), &DefineOptions::default()).await }
    }))
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results.into_iter().filter(Result::is_err) {
        assert_eq!(kind(result), "AlreadyExists");
    }
    let winner = service.domain("a").await.uuid().await.unwrap();
    assert!(std::fs::read_to_string(service.files().definition("a")).unwrap().contains(&winner));
    let service = service.crash_and_restart().await;
    assert_eq!(service.domain("a").await.uuid().await.unwrap(), winner);
}

#[tokio::test]
async fn the_same_definition_many_times_at_once_is_one_domain() {
    let service = Service::new().await;
    let manager = service.manager().await;
    let results = join_all((1..=12).map(|_| {
        let manager = manager.clone();
        async move { manager.define_domain(&xml("a", 1), &DefineOptions::default()).await }
    }))
    .await;
    assert!(results.iter().any(Result::is_ok));
    for result in results.into_iter().filter(Result::is_err) {
        assert_eq!(kind(result), "Busy");
    }
    assert_eq!(service.objects().await.keys().filter(|path| path.contains("/domain/")).count(), 1);
}

#[tokio::test]
async fn renames_to_one_name_at_once_have_one_winner_and_the_inventory_never_shows_a_domain_twice() {
    let service = Service::new().await;
    let names: Vec<_> = (1..=8).map(|number| format!("n{number}")).collect();
    for (number, name) in (1..).zip(&names) {
        service.define(&xml(name, number)).await;
    }
    let renames = join_all(names.iter().map(|name| async { service.domain(name).await.rename("same", &NONE).await }));
    let looks = join_all((0..32).map(|_| service.objects()));
    let (results, inventories) = tokio::join!(renames, looks);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for objects in inventories {
        assert_eq!(objects.keys().filter(|path| path.contains("/domain/")).count(), 8);
    }
    for result in results.into_iter().filter(Result::is_err) {
        assert_eq!(kind(result), "AlreadyExists");
    }
    let files = service.files().definitions();
    assert_eq!(files.len(), 8, "{files:?}");
    // The names that were not taken are where they were, and the one given up is free.
    service.define(&xml(names.iter().find(|name| !files.contains(&format!("{name}.xml"))).unwrap(), 99)).await;
}

#[tokio::test]
async fn a_flood_of_requests_is_answered_one_by_one_or_busy() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    let titles = join_all((0..64).map(|number| {
        let domain = domain.clone();
        async move { domain.set_title(&format!("t{number}"), &ChangeOptions::default()).await }
    }))
    .await;
    assert!(titles.iter().any(Result::is_ok));
    for result in titles.into_iter().filter(Result::is_err) {
        assert_eq!(kind(result), "Busy");
    }
    let stored = std::fs::read_to_string(service.files().definition("a")).unwrap();
    assert!(stored.contains(&format!("<title>{}</title>", domain.title().await.unwrap())), "{stored}");
}

#[tokio::test]
async fn destroy_while_a_definition_is_written_keeps_view_and_disk_the_same() {
    let service = Service::new().await;
    for round in 0..16_u64 {
        let domain = service.started(&xml_with("a", 1, "<title>old</title>")).await;
        let text = xml_with("a", 1, &format!("<title>new{round}</title>"));
        let (manager, define) = (service.manager().await, DefineOptions::default());
        let (defined, destroyed) = tokio::join!(manager.define_domain(&text, &define), domain.destroy(&FORCE));
        destroyed.unwrap();
        let stored = std::fs::read_to_string(service.files().definition("a")).unwrap();
        let title = domain.title().await.unwrap();
        assert!(stored.contains(&format!("<title>{title}</title>")), "round {round}: {title}, {stored}");
        match defined {
            Ok(_) => assert_eq!(title, format!("new{round}")),
            Err(error) => assert_eq!(kind::<()>(Err(error)), "Busy"),
        }
    }
}

#[tokio::test]
async fn whoever_touches_a_transient_domain_before_its_start_does_not_end_it() {
    let service = Service::new().await;
    let domain = service.domain("t").await;
    let document = xml("t", 1);
    let meddling = async {
        // From the first moment at which it is there.
        service.wait_for("+ domain/t Domain").await;
        join_all((0..4).map(|_| domain.suspend(&NONE))).await
    };
    let (created, _) = tokio::join!(service.create(&document), meddling);
    created.unwrap();
    assert!(service.driver.has(uuid(1)));
}

#[tokio::test]
async fn start_stop_and_redefine_at_once_end_in_one_truth() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    for _ in 0..8 {
        let manager = service.manager().await;
        let (document, define) = (xml("a", 1), DefineOptions::default());
        let _ = tokio::join!(domain.start(&START), domain.destroy(&FORCE), manager.define_domain(&document, &define), domain.start(&START));
        let running = domain.state().await.unwrap().as_str() == "running";
        assert_eq!(running, service.driver.has(uuid(1)));
        if running {
            domain.destroy(&FORCE).await.unwrap();
        }
        assert!(!service.files().status(uuid(1)).exists());
    }
    domain.undefine(&UndefineOptions::default()).await.unwrap();
    let gone = domain.start(&START).await.unwrap_err();
    assert!(format!("{gone:?}").contains("UnknownObject"), "{gone:?}");
}
