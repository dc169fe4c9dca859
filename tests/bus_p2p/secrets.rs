//! Secrets: signals in order, values, restarts.

use lodge_dbus_interfaces::SECRET_INTERFACE;
use lodge_dbus_interfaces::options::DefineOptions;
use lodge_dbus_interfaces::proxies::SecretProxy;
use zbus::OwnedObjectPath;
use zbus::proxy::CacheProperties;

use super::service::{NONE, Service, kind};

const XML: &str = "<secret><uuid>0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f</uuid><usage type='volume'><volume>/srv/a</volume></usage></secret>";
const PATH: &str = "secret/_30a81f5b2_2d8403_2d7b23_2dc8d6_2d21ccc2f80d6f";

async fn define(service: &Service, xml: &str) -> (OwnedObjectPath, Vec<String>) {
    service.manager().await.define_secret(xml, &DefineOptions::default()).await.unwrap()
}

async fn at(service: &Service, path: OwnedObjectPath) -> SecretProxy<'static> {
    SecretProxy::builder(&service.client).path(path).cache_properties(CacheProperties::No).build().await.unwrap()
}

#[tokio::test]
async fn a_secret_comes_changes_and_goes_with_its_signals_before_the_replies() {
    let service = Service::new().await;
    let ((path, warnings), seen) = service.during(define(&service, XML)).await;
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(seen, [format!("+ {PATH} Secret"), "reply".to_owned()]);
    let secret = at(&service, path.clone()).await;
    let (_, seen) = service.during(secret.set_value(b"open sesame", &NONE)).await;
    assert_eq!(seen, [format!("{PATH}: HasValue=true"), "reply".to_owned()]);
    let described = XML.replace("</secret>", "<description>mail</description></secret>");
    let (_, seen) = service.during(define(&service, &described)).await;
    assert_eq!(seen, [format!("{PATH}: Description=\"mail\""), "reply".to_owned()]);
    assert_eq!(service.manager().await.get_secret("volume:/srv/a").await.unwrap(), path);
    assert_eq!((secret.usage().await.unwrap(), secret.usage_id().await.unwrap()), ("volume".to_owned(), "/srv/a".to_owned()));
    assert!(service.objects().await[&path].contains_key(SECRET_INTERFACE));
    let (_, seen) = service.during(secret.undefine(&NONE)).await;
    assert_eq!(seen, [format!("- {PATH} Secret"), "reply".to_owned()]);
    assert!(!service.objects().await.contains_key(&path));
}

#[tokio::test]
async fn a_value_outlives_a_crash_of_the_service() {
    let service = Service::new().await;
    let (path, _) = define(&service, XML).await;
    at(&service, path.clone()).await.set_value(&[0, 159, 255], &NONE).await.unwrap();
    let service = service.crash_and_restart().await;
    let secret = at(&service, path).await;
    assert!(secret.has_value().await.unwrap());
    assert_eq!(secret.get_value(&NONE).await.unwrap(), [0, 159, 255]);
    assert!(secret.get_xml(&NONE).await.unwrap().contains("<volume>/srv/a</volume>"));
}

#[tokio::test]
async fn refusals_have_their_kinds() {
    let service = Service::new().await;
    let manager = service.manager().await;
    let (path, _) = define(&service, &XML.replace("<secret>", "<secret private='yes'>")).await;
    let secret = at(&service, path).await;
    assert_eq!(kind(secret.get_value(&NONE).await), "NotAuthorized");
    assert_eq!(kind(secret.set_value(b"", &NONE).await), "InvalidArgument");
    assert_eq!(kind(secret.set_value(&vec![1; (64 << 10) + 1], &NONE).await), "InvalidArgument");
    assert_eq!(kind(manager.define_secret(XML, &DefineOptions::default()).await), "InvalidArgument");
    assert_eq!(kind(manager.define_secret("<secret><usage type='volume'/></secret>", &DefineOptions::default()).await), "InvalidXml");
    assert_eq!(kind(manager.get_secret("volume:/srv/b").await), "NotFound");
}
