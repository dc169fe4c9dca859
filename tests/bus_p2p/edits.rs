//! Changes of a document: running guest, definition, both.

use lodge_dbus_interfaces::options::{ChangeOptions, MetadataOptions, XmlOptions};

use super::service::{NONE, Service, kind, xml, xml_with};

const MIB: u64 = 1 << 20;
const BOTH: ChangeOptions = ChangeOptions { live: false, config: false };
const LIVE: ChangeOptions = ChangeOptions { live: true, config: false };
const CONFIG: ChangeOptions = ChangeOptions { live: false, config: true };

#[tokio::test]
async fn a_change_of_the_definition_is_published_with_its_values_and_is_on_disk() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    let (_, seen) = service.during(domain.set_memory(48 * MIB, &BOTH)).await;
    assert_eq!(seen, ["domain/a: Memory=50331648", "domain/a.XmlChanged(true)", "reply"]);
    let (_, seen) = service.during(domain.set_max_memory(16 * MIB + 1, &NONE)).await;
    assert_eq!(seen, ["domain/a: MaxMemory=16778240 Memory=16778240", "domain/a.XmlChanged(true)", "reply"]);
    let (_, seen) = service.during(domain.set_vcpus(3, &CONFIG)).await;
    assert_eq!(seen, ["domain/a: Vcpus=3", "domain/a.XmlChanged(true)", "reply"]);
    let (_, seen) = service.during(domain.set_max_vcpus(2, &NONE)).await;
    assert_eq!(seen, ["domain/a: MaxVcpus=2 Vcpus=2", "domain/a.XmlChanged(true)", "reply"]);
    let (_, seen) = service.during(domain.set_title("Web", &BOTH)).await;
    assert_eq!(seen, [r#"domain/a: Title="Web""#, "domain/a.XmlChanged(true)", "reply"]);
    let (_, seen) = service.during(domain.set_description("two\nlines", &BOTH)).await;
    assert_eq!(seen, [r#"domain/a: Description="two\nlines""#, "domain/a.XmlChanged(true)", "reply"]);
    let (_, seen) = service.during(domain.set_title("Web", &BOTH)).await;
    assert_eq!(seen, ["reply"]);
    let stored = std::fs::read_to_string(service.files().definition("a")).unwrap();
    assert_eq!(domain.get_xml(&XmlOptions::default()).await.unwrap(), stored);
    assert!(stored.contains("<title>Web</title>"), "{stored}");
}

#[tokio::test]
async fn only_what_the_next_start_would_change_is_a_pending_change() {
    let service = Service::new().await;
    let domain = service.started(&xml("a", 1)).await;
    let (_, seen) = service.during(domain.set_title("both", &BOTH)).await;
    assert_eq!(seen, [r#"domain/a: Title="both""#, "domain/a.XmlChanged(true)", "domain/a.XmlChanged(false)", "reply"]);
    let (_, seen) = service.during(domain.set_title("next", &CONFIG)).await;
    assert_eq!(seen, ["domain/a: PendingChanges=true", "domain/a.XmlChanged(true)", "reply"]);
    let (_, seen) = service.during(domain.set_title("next", &LIVE)).await;
    assert_eq!(seen, [r#"domain/a: PendingChanges=false Title="next""#, "domain/a.XmlChanged(false)", "reply"]);
    let (_, seen) = service.during(domain.set_max_vcpus(8, &NONE)).await;
    assert_eq!(seen, ["domain/a: PendingChanges=true", "domain/a.XmlChanged(true)", "reply"]);
    let (_, seen) = service.during(service.define(&xml_with("a", 1, "<title>next</title>"))).await;
    assert_eq!(seen, ["domain/a: PendingChanges=false", "domain/a.XmlChanged(true)", "reply"]);
}

#[tokio::test]
async fn memory_of_a_running_guest_changes_through_its_machine() {
    let service = Service::new().await;
    let domain = service.started(&xml("a", 1)).await;
    let (_, seen) = service.during(domain.set_memory(40 * MIB - 1, &LIVE)).await;
    assert_eq!(seen[0], "domain/a: Memory=41943040");
    assert_eq!(seen.last().unwrap(), "reply");
    assert!(domain.pending_changes().await.unwrap());
    let inactive = domain.get_xml(&XmlOptions { inactive: true, secure: false }).await.unwrap();
    assert!(inactive.contains("32768") || inactive.contains("32</currentMemory>"), "{inactive}");
}

#[tokio::test]
async fn changes_that_cannot_be_are_refused_with_the_right_error() {
    let service = Service::new().await;
    let off = service.define(&xml("off", 1)).await;
    service.create(&xml("on", 2)).await.unwrap();
    let on = service.domain("on").await;
    for (expected, result) in [
        ("InvalidArgument", off.set_memory(0, &BOTH).await),
        ("InvalidArgument", off.set_memory(65 * MIB, &BOTH).await),
        ("InvalidArgument", off.set_memory(u64::MAX, &BOTH).await),
        ("InvalidArgument", off.set_max_memory(0, &NONE).await),
        ("InvalidArgument", off.set_vcpus(0, &BOTH).await),
        ("InvalidArgument", off.set_vcpus(5, &BOTH).await),
        ("InvalidArgument", off.set_max_vcpus(0, &NONE).await),
        ("InvalidArgument", off.set_title("two\nlines", &BOTH).await),
        ("InvalidArgument", off.set_metadata("", "m", "<a/>", &BOTH).await),
        ("InvalidArgument", off.set_metadata("urn:a", "1", "<a/>", &BOTH).await),
        ("InvalidXml", off.set_metadata("urn:a", "m", "<a>", &BOTH).await),
        ("InvalidState", off.set_memory(MIB, &LIVE).await),
        ("InvalidState", on.set_title("x", &CONFIG).await),
        ("InvalidState", on.set_title("x", &ChangeOptions { live: true, config: true }).await),
        ("InvalidState", on.set_max_memory(MIB, &NONE).await),
        ("NotSupported", on.set_vcpus(2, &LIVE).await),
    ] {
        assert_eq!(kind(result), expected);
    }
    assert_eq!(kind(off.get_metadata("urn:none", &MetadataOptions::default()).await), "NotFound");
    assert_eq!(kind(on.get_metadata("urn:none", &MetadataOptions { inactive: true }).await), "InvalidState");
}

#[tokio::test]
async fn metadata_of_an_application_comes_back_as_it_was_put_in() {
    let service = Service::new().await;
    let domain = service.started(&xml("a", 1)).await;
    domain.set_metadata("urn:mine", "m", "<note>hello</note>", &BOTH).await.unwrap();
    for inactive in [false, true] {
        let found = domain.get_metadata("urn:mine", &MetadataOptions { inactive }).await.unwrap();
        assert_eq!(found, "<m:note xmlns:m='urn:mine'>hello</m:note>");
    }
    assert!(!domain.pending_changes().await.unwrap());
}

#[tokio::test]
async fn passwords_are_shown_only_when_asked_for() {
    let service = Service::new().await;
    let domain = service.define(&xml_with("a", 1, "<devices><graphics type='vnc' passwd='s3cret'/></devices>")).await;
    assert!(!domain.get_xml(&XmlOptions::default()).await.unwrap().contains("s3cret"));
    assert!(domain.get_xml(&XmlOptions { inactive: true, secure: true }).await.unwrap().contains("s3cret"));
    let inventory = format!("{:?}", service.objects().await);
    assert!(!inventory.contains("s3cret"));
}

#[tokio::test]
async fn what_is_not_understood_is_kept_and_reported_with_its_place() {
    let service = Service::new().await;
    let text = xml_with("a", 1, "<memroy>5</memroy>");
    let (_, warnings) = service.manager().await.define_domain(&text, &Default::default()).await.unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("/domain/memroy") && warnings[0].contains("line 1"), "{warnings:?}");
    let domain = service.domain("a").await;
    assert_eq!(domain.warnings().await.unwrap(), warnings);
    assert!(domain.get_xml(&XmlOptions::default()).await.unwrap().contains("<memroy>5</memroy>"));
    let service = service.crash_and_restart().await;
    assert_eq!(service.domain("a").await.warnings().await.unwrap().len(), 1);
}
