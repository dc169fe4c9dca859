//! Documents that the service makes up itself, on this machine and with its QEMU, are valid and understood.

use lodge_dbus_interfaces::options::{DomainCapabilitiesOptions, NoOptions};
use lodge_dbus_interfaces::paths;
use lodge_dbus_interfaces::proxies::{HypervisorProxy, ManagerProxy};
use lodge_model::documents::examine;
use lodge_tests::binaries;
use lodge_tests::bus::PrivateBus;

use crate::{schema, xmllint};

#[tokio::test]
async fn what_the_service_tells_of_host_and_guests_is_valid() {
    binaries::installed("qemu-system-x86_64", "qemu-system-x86");
    let bus = PrivateBus::with_lodged(&[]);
    let client = bus.connect().await;
    let manager = ManagerProxy::new(&client).await.unwrap();
    let qemu = HypervisorProxy::builder(&client).path(paths::hypervisor("qemu")).build().await.unwrap();
    let host = manager.get_capabilities(&NoOptions {}).await.unwrap_or_else(|error| panic!("{error}\n{}", bus.log()));
    let mut guests = Vec::new();
    for accelerator in qemu.accelerators().await.unwrap() {
        let domain_type = if accelerator == "kvm" { "kvm" } else { "qemu" };
        for arch in qemu.architectures().await.unwrap() {
            for machine in ["q35", "pc"] {
                let [domain_type, arch, machine] = [domain_type, &arch, machine].map(str::to_owned);
                let name = format!("{domain_type} {arch} {machine}");
                let options = DomainCapabilitiesOptions { arch, machine, domain_type };
                let document = qemu.get_domain_capabilities(&options).await.unwrap_or_else(|error| panic!("{name}: {error}"));
                guests.push((name, document));
            }
        }
    }
    assert!(guests.len() >= 4, "{guests:?}");
    let host = [("the host".to_owned(), host)];
    for (name, document) in host.iter().chain(&guests) {
        let examined = examine(document).unwrap_or_else(|error| panic!("{name}: {error}\n{document}"));
        assert_eq!((examined.warnings, examined.problems, &examined.normalized), (vec![], vec![], document), "{name}");
    }
    let pools = manager.get_pool_capabilities(&NoOptions {}).await.unwrap();
    let mut invalid = xmllint::invalid(&schema("capability.rng"), &host);
    invalid.extend(xmllint::invalid(&schema("storagepoolcaps.rng"), &[("pools".to_owned(), pools)]));
    invalid.extend(xmllint::invalid(&schema("domaincaps.rng"), &guests));
    assert!(invalid.is_empty(), "{}", invalid.join("\n"));
}

#[test]
fn what_the_service_tells_of_devices_is_valid() {
    let machines = ["laptop", "server"]
        .map(|machine| std::fs::read_to_string(crate::root().join(format!("tests/fixtures/sysfs/{machine}.xml"))).unwrap());
    let documents = machines.iter().flat_map(|devices| devices.split("\n\n"));
    let documents: Vec<_> =
        documents.map(|document| (document.lines().nth(1).unwrap_or_default().to_owned(), document.to_owned())).collect();
    assert!(documents.len() > 40, "{documents:?}");
    let invalid = xmllint::invalid(&schema("nodedev.rng"), &documents);
    assert!(invalid.is_empty(), "{}", invalid.join("\n"));
}
