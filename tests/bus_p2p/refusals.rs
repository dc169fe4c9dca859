//! Everything that is refused, with the name of its error; and that nothing happened then.

use lodge_dbus_interfaces::options::{
    ConsoleOptions, CreateOptions, DefineOptions, ShutdownOptions, StartOptions, UndefineOptions, XmlOptions,
};
use lodge_dbus_interfaces::types::ShutdownMode;
use lodge_dbus_interfaces::{BUS_NAME, DOMAIN_INTERFACE, HYPERVISOR_INTERFACE, MANAGER_INTERFACE, ROOT_PATH};
use lodge_service::authorization::OwnerOnly;
use zbus::Variant;

use super::service::{FORCE, NONE, START, Service, kind, uuid, xml};

#[tokio::test]
async fn what_a_state_does_not_allow_is_an_invalid_state() {
    let service = Service::new().await;
    let off = service.define(&xml("off", 1)).await;
    let running = service.started(&xml("running", 2)).await;
    let paused = service.started(&xml("paused", 3)).await;
    paused.suspend(&NONE).await.unwrap();
    service.create(&xml("transient", 4)).await.unwrap();
    let transient = service.domain("transient").await;
    let asked = ShutdownOptions { mode: ShutdownMode::Acpi };
    let inactive = XmlOptions { inactive: true, secure: false };
    for (what, result) in [
        ("shutdown of one that is off", off.shutdown(&asked).await),
        ("reboot of one that is off", off.reboot(&asked).await),
        ("reset of one that is off", off.reset(&NONE).await),
        ("destroy of one that is off", off.destroy(&FORCE).await),
        ("suspend of one that is off", off.suspend(&NONE).await),
        ("resume of one that is off", off.resume(&NONE).await),
        ("console of one that is off", off.open_console("", &ConsoleOptions::default()).await.map(drop)),
        ("start of one that runs", running.start(&START).await.map(drop)),
        ("rename of one that runs", running.rename("b", &NONE).await.map(drop)),
        ("shutdown of a paused one", paused.shutdown(&asked).await),
        ("reboot of a paused one", paused.reboot(&asked).await),
        ("undefine of a transient one", transient.undefine(&UndefineOptions::default()).await),
        ("autostart of a transient one", transient.set_autostart(true).await),
        ("rename of a transient one", transient.rename("b", &NONE).await.map(drop)),
        ("the definition of a transient one", transient.get_xml(&inactive).await.map(drop)),
    ] {
        assert_eq!(kind(result), "InvalidState", "{what}");
    }
    assert_eq!(kind(running.open_console("serial9", &ConsoleOptions::default()).await), "NotFound");
    // What is so already is no error.
    running.resume(&NONE).await.unwrap();
    paused.suspend(&NONE).await.unwrap();
}

#[tokio::test]
async fn names_and_uuids_belong_to_one_domain() {
    let service = Service::new().await;
    let manager = service.manager().await;
    service.define(&xml("a", 1)).await;
    let b = service.define(&xml("b", 2)).await;
    let (define, new) = (DefineOptions::default(), DefineOptions { new: true });
    let without_uuid = xml("a", 1).replace(&format!("<uuid>{}</uuid>", uuid(1)), "");
    let ((_, before), disk) = (service.during(async {}).await, service.files().definitions());
    for (what, result) in [
        ("another UUID", manager.define_domain(&xml("a", 3), &define).await.map(drop)),
        ("another name", manager.define_domain(&xml("c", 1), &define).await.map(drop)),
        ("name and UUID of two", manager.define_domain(&xml("a", 2), &define).await.map(drop)),
        ("new, but there", manager.define_domain(&xml("a", 1), &new).await.map(drop)),
        ("new, but the name is there", manager.define_domain(&without_uuid, &new).await.map(drop)),
        ("transient with the name", manager.create_domain(&xml("a", 9), &CreateOptions::default()).await.map(drop)),
        ("transient with both", manager.create_domain(&xml("a", 1), &CreateOptions::default()).await.map(drop)),
        ("validation of another UUID", manager.validate_domain(&xml("a", 3), &NONE).await.map(drop)),
        ("rename to a name that is taken", b.rename("a", &NONE).await.map(drop)),
    ] {
        assert_eq!(kind(result), "AlreadyExists", "{what}");
    }
    assert_eq!(before, Vec::<String>::new());
    assert_eq!(service.files().definitions(), disk);
    // The same name without a UUID is the same domain.
    manager.define_domain(&without_uuid, &define).await.unwrap();
    assert_eq!(service.domain("a").await.uuid().await.unwrap(), uuid(1).to_string());
    let (normalized, _) = manager.validate_domain(&without_uuid, &NONE).await.unwrap();
    assert!(normalized.contains(&uuid(1).to_string()), "{normalized}");
}

#[tokio::test]
async fn documents_and_names_that_are_wrong_say_so() {
    let service = Service::new().await;
    let manager = service.manager().await;
    let define = DefineOptions::default();
    let long = "x".repeat(201);
    for text in ["", "<domain", "<network/>", "<domain type='test'/>", "<domain type='nonsense'><name>a</name></domain>"] {
        assert_eq!(kind(manager.define_domain(text, &define).await), "InvalidXml", "{text}");
        assert_eq!(kind(manager.validate_domain(text, &NONE).await), "InvalidXml", "{text}");
    }
    for name in ["", ".", "..", "a/b", "../../etc/passwd", &long] {
        assert_eq!(kind(manager.define_domain(&xml(name, 1), &define).await), "InvalidXml", "{name:?}");
        assert_eq!(kind(service.create(&xml(name, 1)).await), "InvalidXml", "{name:?}");
    }
    assert_eq!(kind(manager.define_domain(&xml("a", 1).replace("'test'", "'xen'"), &define).await), "NotSupported");
    let domain = service.define(&xml("a", 1)).await;
    for name in ["", ".", "..", "a/b", "a\nb", &long] {
        assert_eq!(kind(domain.rename(name, &NONE).await), "InvalidArgument", "{name:?}");
    }
    assert_eq!(domain.rename("a", &NONE).await.unwrap().as_str(), "/org/lodge/Lodge1/domain/a");
    assert_eq!(service.files().definitions(), ["a.xml"]);
}

#[tokio::test]
async fn domains_that_nothing_runs_are_kept_as_they_are_and_not_started() {
    let service = Service::new().await;
    let manager = service.manager().await;
    for (number, (word, instead)) in (1..).zip([("lxc", "machinectl"), ("kqemu", "type='kvm'")]) {
        let document = xml(word, number).replace("'test'", &format!("'{word}'"));
        let (normalized, said) = manager.validate_domain(&document, &NONE).await.unwrap();
        let (_, warnings) = manager.define_domain(&document, &DefineOptions::default()).await.unwrap();
        assert!(warnings.len() == 1 && warnings[0].contains(instead) && warnings == said, "{warnings:?}");
        let domain = service.domain(word).await;
        assert_eq!(domain.get_xml(&XmlOptions::default()).await.unwrap(), normalized);
        assert_eq!(domain.hypervisor().await.unwrap(), "none");
        let error = domain.start(&START).await.unwrap_err().to_string();
        assert!(error.contains(instead), "{error}");
        assert_eq!(kind(domain.start(&START).await), "NotSupported");
        assert_eq!(domain.state().await.unwrap().as_str(), "shut-off");
        // Nothing of one that is not to be kept remains.
        let transient = xml("transient", 9).replace("'test'", &format!("'{word}'"));
        assert_eq!(kind(service.create(&transient).await), "NotSupported");
        assert_eq!(kind(manager.get_domain("transient").await), "NotFound");
    }
    let service = service.crash_and_restart().await;
    assert_eq!(service.domain("lxc").await.hypervisor().await.unwrap(), "none");
    service.domain("lxc").await.undefine(&UndefineOptions::default()).await.unwrap();
}

#[tokio::test]
async fn a_domain_is_found_by_name_uuid_and_number_and_otherwise_not() {
    let service = Service::new().await;
    let manager = service.manager().await;
    service.define(&xml("off", 1)).await;
    service.started(&xml("a b-ö", 2)).await;
    let path = "/org/lodge/Lodge1/domain/a_20b_2d_c3_b6";
    for text in ["a b-ö", &uuid(2).to_string(), &uuid(2).simple().to_string(), "1"] {
        assert_eq!(manager.get_domain(text).await.unwrap().as_str(), path, "{text}");
    }
    for text in ["", "0", "2", "none", &uuid(3).to_string()] {
        assert_eq!(kind(manager.get_domain(text).await), "NotFound", "{text}");
    }
}

#[tokio::test]
async fn unknown_options_and_wrong_types_are_refused_by_every_method() {
    let service = Service::new().await;
    service.started(&xml("a", 1)).await;
    let domain = "/org/lodge/Lodge1/domain/a";
    let document = xml("b", 2);
    let of_document: &[Variant<'_>] = &[document.as_str().into()];
    let of_conversion: &[Variant<'_>] = &["xen-xl".into(), document.as_str().into()];
    let hypervisor = "/org/lodge/Lodge1/hypervisor/fake";
    let calls: [(&str, &str, &str, &[Variant<'_>]); 26] = [
        (ROOT_PATH, MANAGER_INTERFACE, "DefineDomain", of_document),
        (ROOT_PATH, MANAGER_INTERFACE, "CreateDomain", of_document),
        (ROOT_PATH, MANAGER_INTERFACE, "ValidateDomain", of_document),
        (ROOT_PATH, MANAGER_INTERFACE, "DomainFromNative", of_conversion),
        (ROOT_PATH, MANAGER_INTERFACE, "DomainToNative", of_conversion),
        (ROOT_PATH, MANAGER_INTERFACE, "GetCapabilities", &[]),
        (hypervisor, HYPERVISOR_INTERFACE, "GetDomainCapabilities", &[]),
        (domain, DOMAIN_INTERFACE, "Start", &[]),
        (domain, DOMAIN_INTERFACE, "Shutdown", &[]),
        (domain, DOMAIN_INTERFACE, "Reboot", &[]),
        (domain, DOMAIN_INTERFACE, "Reset", &[]),
        (domain, DOMAIN_INTERFACE, "Destroy", &[]),
        (domain, DOMAIN_INTERFACE, "Suspend", &[]),
        (domain, DOMAIN_INTERFACE, "Resume", &[]),
        (domain, DOMAIN_INTERFACE, "Undefine", &[]),
        (domain, DOMAIN_INTERFACE, "Rename", &[Variant::Str("z".into())]),
        (domain, DOMAIN_INTERFACE, "GetXml", &[]),
        (domain, DOMAIN_INTERFACE, "SetMemory", &[Variant::U64(1 << 20)]),
        (domain, DOMAIN_INTERFACE, "SetMaxMemory", &[Variant::U64(1 << 20)]),
        (domain, DOMAIN_INTERFACE, "SetVcpus", &[Variant::U32(1)]),
        (domain, DOMAIN_INTERFACE, "SetMaxVcpus", &[Variant::U32(1)]),
        (domain, DOMAIN_INTERFACE, "SetTitle", &[Variant::Str("t".into())]),
        (domain, DOMAIN_INTERFACE, "SetDescription", &[Variant::Str("t".into())]),
        (domain, DOMAIN_INTERFACE, "SetMetadata", &[Variant::Str("urn:a".into()), Variant::Str("m".into()), Variant::Str("<a/>".into())]),
        (domain, DOMAIN_INTERFACE, "GetMetadata", &[Variant::Str("urn:a".into())]),
        (domain, DOMAIN_INTERFACE, "OpenConsole", &[Variant::Str("".into())]),
    ];
    let before = format!("{:?}", service.objects().await.len());
    for (path, interface, method, arguments) in calls {
        let options = std::collections::HashMap::from([("nonsense", Variant::Bool(true))]);
        let body = arguments.iter().fold(zbus::Structure::builder(), |body, argument| body.append_field(argument.try_clone().unwrap()));
        let body = body.append_field(Variant::from(options)).build().unwrap();
        let (answer, seen) = service.during(service.client.call_method(Some(BUS_NAME), path, Some(interface), method, &body)).await;
        answer.unwrap_err();
        assert_eq!(seen, ["error InvalidOption"], "{method}");
    }
    assert_eq!(before, format!("{:?}", service.objects().await.len()));
}

#[tokio::test]
async fn who_is_not_the_owner_changes_nothing() {
    let stranger = rustix::process::getuid().as_raw().wrapping_add(1);
    let service = Service::guarded_by(OwnerOnly::new(stranger)).await;
    let manager = service.manager().await;
    assert_eq!(kind(manager.define_domain(&xml("a", 1), &DefineOptions::default()).await), "NotAuthorized");
    assert_eq!(kind(service.create(&xml("a", 1)).await), "NotAuthorized");
    assert_eq!(kind(manager.validate_domain(&xml("a", 1), &NONE).await), "NotAuthorized");
    assert_eq!(kind(manager.domain_from_native("xen-xl", "", &NONE).await), "NotAuthorized");
    assert_eq!(kind(manager.domain_to_native("xen-xl", &xml("a", 1), &NONE).await), "NotAuthorized");
    assert_eq!(kind(manager.get_capabilities(&NONE).await), "NotAuthorized");
    assert_eq!(kind(service.hypervisor().await.get_domain_capabilities(&Default::default()).await), "NotAuthorized");
    assert_eq!(kind(manager.version().await), "NotAuthorized");
    assert_eq!(service.files().definitions(), Vec::<String>::new());
    // A wrong document is told before anybody is asked.
    assert_eq!(kind(manager.define_domain("<", &DefineOptions::default()).await), "InvalidXml");

    // A domain that the owner made.
    let root = Service::new().await;
    root.define(&xml("a", 1)).await;
    let service = root.restart_guarded_by(OwnerOnly::new(stranger)).await;
    let (domain, manager) = (service.domain("a").await, service.manager().await);
    let change = Default::default();
    let (_, seen) = service
        .during(async {
            for (verb, result) in [
                ("Start", domain.start(&StartOptions::default()).await.map(drop)),
                ("Shutdown", domain.shutdown(&ShutdownOptions::default()).await),
                ("Reboot", domain.reboot(&ShutdownOptions::default()).await),
                ("Reset", domain.reset(&NONE).await),
                ("Destroy", domain.destroy(&FORCE).await),
                ("Suspend", domain.suspend(&NONE).await),
                ("Resume", domain.resume(&NONE).await),
                ("Undefine", domain.undefine(&UndefineOptions::default()).await),
                ("Rename", domain.rename("b", &NONE).await.map(drop)),
                ("GetXml", domain.get_xml(&XmlOptions::default()).await.map(drop)),
                ("SetMemory", domain.set_memory(1, &change).await),
                ("SetMaxMemory", domain.set_max_memory(1, &NONE).await),
                ("SetVcpus", domain.set_vcpus(1, &change).await),
                ("SetMaxVcpus", domain.set_max_vcpus(1, &NONE).await),
                ("SetTitle", domain.set_title("t", &change).await),
                ("SetDescription", domain.set_description("t", &change).await),
                ("SetMetadata", domain.set_metadata("urn:a", "m", "<a/>", &change).await),
                ("GetMetadata", domain.get_metadata("urn:a", &Default::default()).await.map(drop)),
                ("OpenConsole", domain.open_console("", &ConsoleOptions::default()).await.map(drop)),
                ("Autostart", domain.set_autostart(true).await),
                ("State", domain.state().await.map(drop)),
                ("GetDomain", manager.get_domain("a").await.map(drop)),
                ("GetDomain of none", manager.get_domain("none").await.map(drop)),
            ] {
                assert_eq!(kind(result), "NotAuthorized", "{verb}");
            }
        })
        .await;
    assert!(seen.iter().all(|line| line == "error NotAuthorized"), "{seen:#?}");
}
