//! The system instance and its authority: what is asked, when, and what happens without an answer.

use std::collections::HashMap;

use lodge_dbus_interfaces::options::{DefineOptions, NoOptions, StartOptions, XmlOptions};
use lodge_dbus_interfaces::proxies::DomainProxy;
use lodge_dbus_interfaces::{BUS_NAME, DOMAIN_INTERFACE, Error, ROOT_PATH};
use lodge_tests::polkit::{Answer, Authority, Question};
use rustix::process::Signal;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use super::lodged::{Lodged, PATIENCE, define, domain, xml};

type Objects = HashMap<OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>>;

const NONE: NoOptions = NoOptions {};

/// A service on a bus with an authority that answers so.
async fn served(rule: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> (Lodged, Authority) {
    let lodged = Lodged::system(&[]).await;
    let authority = Authority::on(lodged.bus.address(), rule).await;
    (lodged, authority)
}

async fn inventory(client: &Connection) -> Result<Vec<String>, zbus::Error> {
    let manager = Some("org.freedesktop.DBus.ObjectManager");
    let reply = client.call_method(Some(BUS_NAME), ROOT_PATH, manager, "GetManagedObjects", &()).await?;
    let objects: Objects = reply.body().deserialize()?;
    // But for what is there by itself: the network and the pool that are offered, and the devices of the host.
    let own = objects.keys().filter(|path| path.contains("/domain/") || path.contains("/hypervisor/"));
    let mut paths: Vec<_> = own.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect();
    paths.sort();
    Ok(paths)
}

/// The sentence of a refusal.
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.expect_err("it was not refused");
    assert!(format!("{error:?}").contains("NotAuthorized"), "{error:?}");
    error.to_string()
}

/// Fails the test when something that nothing may hold up is held up.
async fn at_once<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} waits for somebody else's answer"))
}

#[tokio::test]
async fn every_question_tells_who_what_and_about_what() {
    let (lodged, authority) = served(|_| Answer::Yes).await;
    let (client, manager) = lodged.client().await;
    let path = define(&manager, "web").await;
    let web = domain(&client, &path).await;
    let uuid = web.uuid().await.unwrap();
    web.set_autostart(true).await.unwrap();
    web.rename("shop", &NONE).await.unwrap();
    let me = ("system-bus-name".to_owned(), client.unique_name().unwrap().to_string());
    let asked: Vec<_> = authority
        .asked()
        .into_iter()
        .map(|question| {
            assert_eq!(question.subject, me);
            assert!(!question.interactive, "rules are asked before people: {question:?}");
            let known = if question.detail("domain.uuid") == uuid { "known" } else { question.detail("domain.uuid") };
            let action = question.action.strip_prefix("org.lodge.Lodge1.").unwrap();
            [action, question.detail("verb"), question.detail("domain.name"), known, question.detail("hypervisor")].join(" ")
        })
        .collect();
    let expected = [
        "domain.define DefineDomain web  qemu",
        "domain.view Get web known qemu",
        "domain.define SetAutostart web known qemu",
        "domain.define Rename web known qemu",
        "domain.define Rename shop known qemu",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn who_may_not_learns_nothing_and_changes_nothing() {
    let (lodged, authority) = served(|_| Answer::Yes).await;
    let (client, manager) = lodged.client().await;
    let path = define(&manager, "web").await;
    let web = domain(&client, &path).await;
    authority.answer(|_| Answer::No);
    let refusals = [
        refused(manager.define_domain(&xml("new"), &DefineOptions::default()).await),
        refused(manager.create_domain(&xml("new"), &Default::default()).await),
        refused(manager.get_domain("web").await),
        // Not even that there is none.
        refused(manager.get_domain("none").await),
        refused(manager.version().await),
        refused(web.start(&StartOptions::default()).await),
        refused(web.get_xml(&XmlOptions::default()).await),
        refused(web.set_autostart(true).await),
        refused(web.state().await),
    ];
    for refusal in refusals {
        assert!(refusal.contains("polkit refuses org.lodge.Lodge1."), "{refusal}");
    }
    let properties = Some("org.freedesktop.DBus.Properties");
    let all = client.call_method(Some(BUS_NAME), path.as_str(), properties, "GetAll", &DOMAIN_INTERFACE).await;
    assert!(all.unwrap_err().to_string().contains("polkit refuses"));
    let machines = client
        .call_method(
            Some(BUS_NAME),
            "/org/lodge/Lodge1/hypervisor/qemu",
            Some("org.lodge.Lodge1.Hypervisor"),
            "GetMachines",
            &("x86_64", HashMap::<&str, zbus::Variant<'_>>::new()),
        )
        .await;
    assert!(machines.unwrap_err().to_string().contains("polkit refuses org.lodge.Lodge1.hypervisor.view"));
    assert!(inventory(&client).await.unwrap_err().to_string().contains("polkit refuses org.lodge.Lodge1.domain.view"));
    let definitions: Vec<_> = std::fs::read_dir(lodged.bus.lodge_root().join("config/domains")).unwrap().collect();
    assert_eq!(definitions.len(), 1, "{definitions:?}");
    authority.answer(|_| Answer::Yes);
    assert!(!web.autostart().await.unwrap());
    assert_eq!(inventory(&client).await.unwrap(), ["qemu", "web"]);
}

#[tokio::test]
async fn whoever_may_see_one_domain_sees_that_one() {
    let (lodged, authority) = served(|_| Answer::Yes).await;
    let (client, manager) = lodged.client().await;
    for name in ["a", "b", "c"] {
        define(&manager, name).await;
    }
    authority.answer(|question| if question.detail("domain.name") == "b" { Answer::Yes } else { Answer::No });
    assert_eq!(inventory(&client).await.unwrap(), ["b"]);
    manager.get_domain("b").await.unwrap();
    refused(manager.get_domain("a").await);
    // A new document under that name is about that domain; one under another name is not.
    define(&manager, "b").await;
    refused(manager.define_domain(&xml("d"), &DefineOptions::default()).await);
    let b = domain(&client, "/org/lodge/Lodge1/domain/b").await;
    refused(b.rename("d", &NONE).await);
}

#[tokio::test]
async fn a_slow_answer_holds_up_nobody_else() {
    let (lodged, authority) = served(|_| Answer::Yes).await;
    let (_client, manager) = lodged.client().await;
    let path = define(&manager, "web").await;
    let slow = lodged.bus.connect().await;
    let name = slow.unique_name().unwrap().to_string();
    let silent = name.clone();
    authority.answer(move |question| if question.subject.1 == silent { Answer::Silence } else { Answer::Yes });
    // Every kind of call waits for its answer: a method, a property that is read, one that is set, and the inventory.
    let waiting: DomainProxy<'_> = domain(&slow, &path).await;
    let (starting, reading, setting) = (waiting.clone(), waiting.clone(), waiting.clone());
    let options = StartOptions::default();
    let work = async {
        drop(tokio::join!(starting.start(&options), reading.state(), setting.set_autostart(true), inventory(&slow)));
    };
    let others = async {
        for verb in ["Start", "Get", "SetAutostart", "GetManagedObjects"] {
            authority.until_asked(|question| question.subject.1 == name && question.detail("verb") == verb).await;
        }
        let (client, manager) = lodged.client().await;
        // New objects are put into the tree, and old ones read.
        let path = at_once("a definition", define(&manager, "other")).await;
        let other = domain(&client, &path).await;
        assert_eq!(at_once("a property", other.name()).await.unwrap(), "other");
        at_once("a setter", other.set_autostart(true)).await.unwrap();
        assert_eq!(at_once("the inventory", inventory(&client)).await.unwrap(), ["other", "qemu", "web"]);
        at_once("an end", other.undefine(&Default::default())).await.unwrap();
    };
    tokio::select! {
        () = work => panic!("a question was answered that was not"),
        () = others => {}
    }
}

#[tokio::test]
async fn whoever_leaves_takes_the_questions_back() {
    let (lodged, authority) = served(|_| Answer::Silence).await;
    let (client, manager) = lodged.client().await;
    let asking = manager.clone();
    let call = tokio::spawn(async move { asking.get_domain("a").await });
    authority.until_asked(|question| question.detail("verb") == "GetDomain").await;
    drop(manager);
    client.close().await.unwrap();
    authority.until_cancelled(1).await;
    call.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_person_is_asked_only_where_the_message_allows_it() {
    let (lodged, authority) = served(|_| Answer::Challenge).await;
    let (_client, manager) = lodged.client().await;
    // Without the flag the answer comes at once.
    let refusal = refused(manager.version().await);
    assert!(refusal.contains("needs an authentication, and the call does not allow to ask"), "{refusal}");
    let asked = authority.asked();
    assert!(asked.iter().all(|question| !question.interactive), "{asked:?}");
    // With it the question is put again, so that a person is asked.
    authority.answer(|question| if question.interactive { Answer::Dismissed } else { Answer::Challenge });
    let refusal = refused(manager.define_domain(&xml("a"), &DefineOptions::default()).await);
    assert!(refusal.contains("was dismissed"), "{refusal}");
    let asked: Vec<_> = authority.asked().iter().skip(asked.len()).map(|question| question.interactive).collect();
    assert_eq!(asked, [false, true]);
}

#[tokio::test]
async fn a_user_who_lets_questions_lie_has_so_many_of_them() {
    let (lodged, authority) = served(|_| Answer::Challenge).await;
    let (client, manager) = lodged.client().await;
    let (options, document) = (DefineOptions::default(), xml("a"));
    let asking = futures_util::future::join_all((0..4).map(|_| manager.define_domain(&document, &options)));
    let next = async {
        for count in 1..=4 {
            authority.until_asked(|_| authority.asked().iter().filter(|question| question.interactive).count() >= count).await;
        }
        let busy = manager.define_domain(&document, &options).await.unwrap_err();
        assert!(format!("{busy:?}").contains("Busy"), "{busy:?}");
        // Rules are still asked.
        let rules = |question: &Question| if question.interactive { Answer::Challenge } else { Answer::Yes };
        authority.answer(rules);
        assert_eq!(inventory(&client).await.unwrap(), ["qemu"]);
    };
    tokio::select! {
        _ = asking => panic!("a question was answered that was not"),
        () = next => {}
    }
}

#[tokio::test]
async fn without_an_authority_everything_is_refused_and_says_so() {
    let lodged = Lodged::system(&[]).await;
    let (client, manager) = lodged.client().await;
    let refusal = refused(manager.define_domain(&xml("a"), &DefineOptions::default()).await);
    assert!(refusal.contains("polkit cannot be asked") && refusal.contains("systemctl status polkit"), "{refusal}");
    assert!(inventory(&client).await.unwrap_err().to_string().contains("polkit cannot be asked"));

    // It comes, it dies while it is asked, and it comes again.
    let authority = Authority::on(lodged.bus.address(), |_| Answer::Yes).await;
    define(&manager, "a").await;
    authority.answer(|_| Answer::Silence);
    let call = tokio::spawn(async move { (refused(manager.define_domain(&xml("b"), &DefineOptions::default()).await), manager) });
    authority.until_asked(|question| question.detail("domain.name") == "b").await;
    authority.die().await;
    let (refusal, manager) = call.await.unwrap();
    assert!(refusal.contains("polkit cannot be asked"), "{refusal}");
    let _authority = Authority::on(lodged.bus.address(), |_| Answer::Yes).await;
    define(&manager, "c").await;
    assert_eq!(inventory(&client).await.unwrap(), ["a", "c", "qemu"]);
}

#[tokio::test]
async fn settings_are_read_again_on_sighup_and_bad_ones_change_nothing() {
    let mut lodged = Lodged::system(&[]).await;
    let _authority = Authority::on(lodged.bus.address(), |_| Answer::Yes).await;
    let (client, manager) = lodged.client().await;
    assert_eq!(manager.instance_kind().await.unwrap().to_string(), "system");
    let settings = lodged.bus.lodge_root().join("config/lodged.toml");
    std::fs::write(&settings, "idle_timeout_seconds = 'soon'\n").unwrap();
    lodged.signal(Signal::HUP).await;
    lodged.bus.until_logged("the settings stay as they were:");
    std::fs::write(&settings, "idle_timeout_seconds = 1\n").unwrap();
    lodged.signal(Signal::HUP).await;
    drop(manager);
    client.graceful_shutdown().await;
    lodged.until_gone().await;
}
