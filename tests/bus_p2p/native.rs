//! Conversions from and to hypervisors' own configurations: what is answered, what is refused, and that nothing is stored.

use super::service::{NONE, Service, kind, xml_with};

const FORMATS: [&str; 4] = ["qemu-argv", "xen-xl", "xen-xm", "xen-sxpr"];
/// What ends too early in every format.
const UNREADABLE: [&str; 4] = ["qemu 'unclosed", "name = [", "name = [", "(domain ("];

#[tokio::test]
async fn a_document_becomes_a_command_line_and_is_not_stored() {
    let service = Service::new().await;
    let manager = service.manager().await;
    let document = xml_with("a", 1, "<vpcu/>").replace("'test'", "'qemu'");
    let (answer, seen) = service.during(manager.domain_to_native("qemu-argv", &document, &NONE)).await;
    let (config, warnings) = answer.unwrap();
    assert_eq!(config, "fake --name 'a'\n");
    assert!(warnings.len() == 2 && warnings[0].contains("/domain/vpcu") && warnings[1] == "it is not real", "{warnings:?}");
    assert_eq!(seen, ["reply"]);
    assert_eq!(service.files().definitions(), Vec::<String>::new());
}

#[tokio::test]
async fn formats_that_are_not_known_are_told_with_those_that_are() {
    let service = Service::new().await;
    let manager = service.manager().await;
    for word in ["", "QEMU-ARGV", "vmware-vmx"] {
        let from = manager.domain_from_native(word, "", &NONE).await;
        let to = manager.domain_to_native(word, &xml_with("a", 1, ""), &NONE).await;
        for answer in [from, to] {
            let message = answer.as_ref().unwrap_err().to_string();
            assert!(FORMATS.iter().all(|format| message.contains(format)), "{message}");
            assert_eq!(kind(answer), "NotSupported");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_says_where() {
    let service = Service::new().await;
    let manager = service.manager().await;
    for (format, text) in FORMATS.into_iter().zip(UNREADABLE) {
        let answer = manager.domain_from_native(format, text, &NONE).await;
        let message = answer.as_ref().unwrap_err().to_string();
        assert!(message.contains(format) && message.contains("line 1, column "), "{message}");
        assert_eq!(kind(answer), "InvalidArgument");
        assert_eq!(kind(manager.domain_to_native(format, "<domain", &NONE).await), "InvalidXml");
    }
    let long = "x".repeat((1 << 20) + 1);
    assert_eq!(kind(manager.domain_from_native("qemu-argv", &long, &NONE).await), "InvalidArgument");
}

#[tokio::test]
async fn a_command_line_is_for_domains_of_qemu() {
    let service = Service::new().await;
    let manager = service.manager().await;
    for word in ["xen", "lxc", "kqemu", "test"] {
        let document = xml_with("a", 1, "").replace("'test'", &format!("'{word}'"));
        let answer = manager.domain_to_native("qemu-argv", &document, &NONE).await;
        assert!(answer.as_ref().unwrap_err().to_string().contains(word));
        assert_eq!(kind(answer), "NotSupported");
    }
}
