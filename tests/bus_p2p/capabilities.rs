//! What the host is and what its guests can have, as documents.

use lodge_dbus_interfaces::options::DomainCapabilitiesOptions;
use lodge_model::capabilities::Capabilities;
use lodge_model::document::Document as _;
use lodge_model::domain::DomainType;
use lodge_model::domain_capabilities::DomainCapabilities;

use super::service::{NONE, Service, kind};

fn options(arch: &str, machine: &str, domain_type: &str) -> DomainCapabilitiesOptions {
    DomainCapabilitiesOptions { arch: arch.to_owned(), machine: machine.to_owned(), domain_type: domain_type.to_owned() }
}

#[tokio::test]
async fn the_host_is_told_with_the_guests_of_its_hypervisors() {
    let service = Service::new().await;
    let manager = service.manager().await;
    let (xml, seen) = service.during(manager.get_capabilities(&NONE)).await;
    let xml = xml.unwrap();
    assert_eq!(seen, ["reply"]);
    let (capabilities, warnings) = Capabilities::parse(&xml).unwrap();
    assert_eq!((warnings, capabilities.validate()), (vec![], Ok(())), "{xml}");
    let cells = capabilities.host.topology.unwrap().cells.unwrap();
    let cpus: usize = cells.cells.iter().filter_map(|cell| cell.cpus.as_ref()).map(|cpus| cpus.cpus.len()).sum();
    assert!(cpus >= std::thread::available_parallelism().unwrap().get(), "{xml}");
    assert!(capabilities.host.cpu.unwrap().pages.iter().any(|pages| pages.bytes == 4096), "{xml}");
    let guests: Vec<_> = capabilities.guests.iter().map(|guest| guest.arch.as_ref().unwrap().domains[0].kind).collect();
    assert_eq!(guests, [DomainType::Test]);
}

#[tokio::test]
async fn options_reach_the_hypervisor() {
    let service = Service::new().await;
    let hypervisor = service.hypervisor().await;
    for (options, expected) in
        [(options("", "", ""), (DomainType::Test, "x86_64", None)), (options("i686", "pc", "kvm"), (DomainType::Kvm, "i686", Some("pc")))]
    {
        let xml = hypervisor.get_domain_capabilities(&options).await.unwrap();
        let (capabilities, warnings) = DomainCapabilities::parse(&xml).unwrap();
        assert_eq!(warnings, vec![]);
        assert_eq!((capabilities.kind, capabilities.arch.as_str(), capabilities.machine.as_deref()), expected);
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let service = Service::new().await;
    let hypervisor = service.hypervisor().await;
    assert_eq!(kind(hypervisor.get_domain_capabilities(&options("", "", "xen")).await), "NotSupported");
    let error = hypervisor.get_domain_capabilities(&options("", "", "dos")).await;
    let message = error.as_ref().unwrap_err().to_string();
    assert!(message.starts_with("option \"type\" must be one of 'qemu', 'kvm', ") && message.ends_with("not 'dos'"), "{message}");
    assert_eq!(kind(error), "InvalidOption");
}
