//! A disk that refuses: the error names the file, and neither the view nor the disk has changed.
//!
//! Something of another kind stands where a file should go. That stops root too, which file modes do not.

use lodge_dbus_interfaces::options::{ChangeOptions, DefineOptions, UndefineOptions, XmlOptions};

use super::service::{NONE, START, Service, kind, uuid, xml, xml_with};

#[tokio::test]
async fn a_new_definition_that_cannot_be_written_leaves_no_domain() {
    let service = Service::new().await;
    let manager = service.manager().await;
    let place = service.files().definition("a");
    std::fs::create_dir(&place).unwrap();
    let (result, seen) = service.during(manager.define_domain(&xml("a", 1), &DefineOptions::default())).await;
    let message = result.unwrap_err().to_string();
    assert!(message.contains(place.to_str().unwrap()), "{message}");
    assert_eq!(seen, ["error HostFailed"]);
    assert_eq!(kind(manager.get_domain("a").await), "NotFound");
    assert_eq!(service.files().definitions(), ["a.xml"]);
    std::fs::remove_dir(&place).unwrap();
    service.define(&xml("a", 1)).await;
}

#[tokio::test]
async fn a_change_that_cannot_be_written_has_not_happened() {
    let service = Service::new().await;
    let domain = service.started(&xml("a", 1)).await;
    let before = domain.get_xml(&XmlOptions::default()).await.unwrap();
    let place = service.files().definition("a");
    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    let change = ChangeOptions::default();
    let redefinition = xml_with("a", 1, "<title>t</title>");
    let (manager, define, undefine) = (service.manager().await, DefineOptions::default(), UndefineOptions::default());
    let ((title, redefined, undefined), seen) = service
        .during(async {
            let title = domain.set_title("t", &change).await;
            let redefined = manager.define_domain(&redefinition, &define).await.map(drop);
            (title, redefined, domain.undefine(&undefine).await)
        })
        .await;
    for result in [title, redefined, undefined] {
        assert_eq!(kind(result), "HostFailed");
    }
    assert_eq!(seen, ["error HostFailed"; 3]);
    assert_eq!(domain.get_xml(&XmlOptions::default()).await.unwrap(), before);
    assert!(domain.persistent().await.unwrap());
}

#[tokio::test]
async fn an_undefine_that_fails_keeps_the_autostart_mark() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    domain.set_autostart(true).await.unwrap();
    let place = service.files().definition("a");
    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    assert_eq!(kind(domain.undefine(&UndefineOptions::default()).await), "HostFailed");
    assert!(domain.autostart().await.unwrap());
    assert!(service.files().autostart("a").is_symlink());
}

#[tokio::test]
async fn a_rename_that_fails_half_way_is_taken_back() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    domain.set_autostart(true).await.unwrap();
    let text = std::fs::read_to_string(service.files().definition("a")).unwrap();
    std::fs::write(service.files().autostart("b"), "in the way").unwrap();
    let (result, seen) = service.during(domain.rename("b", &NONE)).await;
    assert_eq!(kind(result), "HostFailed");
    assert_eq!(seen, ["error HostFailed"]);
    assert_eq!(service.files().definitions(), ["a.xml"]);
    assert_eq!(std::fs::read_to_string(service.files().definition("a")).unwrap(), text);
    assert!(service.files().autostart("a").is_symlink());
    assert_eq!(domain.name().await.unwrap(), "a");
    service.define(&xml("b", 2)).await;
}

#[tokio::test]
async fn a_stray_file_is_not_written_over_by_a_rename() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    std::fs::write(service.files().definition("b"), "not ours").unwrap();
    assert_eq!(kind(domain.rename("b", &NONE).await), "AlreadyExists");
    assert_eq!(std::fs::read_to_string(service.files().definition("b")).unwrap(), "not ours");
}

#[tokio::test]
async fn an_autostart_mark_that_cannot_be_made_is_an_error() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    std::fs::write(service.files().autostart("a"), "in the way").unwrap();
    let (result, seen) = service.during(domain.set_autostart(true)).await;
    assert_eq!(kind(result), "HostFailed");
    assert_eq!(seen, ["error HostFailed"]);
    assert!(!domain.autostart().await.unwrap());
}

#[tokio::test]
async fn a_start_whose_status_cannot_be_written_does_not_happen() {
    let service = Service::new().await;
    let domain = service.define(&xml("a", 1)).await;
    let place = service.files().status(uuid(1));
    std::fs::write(&place, "in the way").unwrap();
    assert_eq!(kind(domain.start(&START).await), "HostFailed");
    assert!(!service.driver.has(uuid(1)));
    assert_eq!(domain.state().await.unwrap().as_str(), "shut-off");
    std::fs::remove_file(&place).unwrap();
    domain.start(&START).await.unwrap();
}
