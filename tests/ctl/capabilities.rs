//! What the host is and what its guests can have, with the real QEMU.

use lodge_model::capabilities::Capabilities;
use lodge_model::document::Document as _;
use lodge_model::domain::DomainType;
use lodge_model::domain_capabilities::DomainCapabilities;
use lodge_tests::bus::PrivateBus;

use crate::run;

#[test]
fn guests_of_the_host_can_be_asked_for_one_by_one() {
    let bus = PrivateBus::with_lodged(&[]);
    let ask = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["domcapabilities"].iter().chain(arguments).copied().collect();
        let (capabilities, warnings) = DomainCapabilities::parse(&run(&bus, &arguments).good()).unwrap();
        assert_eq!(warnings, vec![]);
        capabilities
    };
    let (host, warnings) = Capabilities::parse(&run(&bus, &["capabilities"]).good()).unwrap();
    assert_eq!(warnings, vec![]);
    for guest in &host.guests {
        let arch = guest.arch.as_ref().unwrap();
        let emulator = arch.emulator.as_deref().unwrap();
        for domain in &arch.domains {
            let found = ask(&["--arch", &arch.name, "--virttype", domain.kind.as_str(), "--machine", "q35"]);
            assert_eq!((found.kind, &found.arch, found.path.as_deref()), (domain.kind, &arch.name, Some(emulator)));
            let machine = arch.machines.iter().find(|machine| machine.name.as_deref() == Some("q35")).unwrap();
            assert_eq!(found.machine, machine.canonical);
        }
        let found = ask(&["--emulatorbin", emulator, "--arch", &arch.name]);
        assert_eq!((&found.arch, found.path.as_deref()), (&arch.name, Some(emulator)));
    }
    assert!(host.guests.len() >= 2, "{host:?}");
    let found = ask(&["--emulatorbin", "/usr/bin/qemu-system-x86_64"]);
    assert_eq!(found.path.as_deref(), Some("/usr/bin/qemu-system-x86_64"));
    // What a domain gets that says nothing.
    let found = ask(&[]);
    let fastest = if host.guests[0].arch.as_ref().unwrap().domains.len() > 1 { DomainType::Kvm } else { DomainType::Qemu };
    assert_eq!((found.kind, found.arch.as_str()), (fastest, "x86_64"));
}

#[test]
fn what_cannot_be_is_explained() {
    let bus = PrivateBus::with_lodged(&[]);
    for (arguments, part) in [
        (&["--arch", "sparc"][..], "'sparc' cannot be run; use one of x86_64, i686"),
        (&["--virttype", "xen"], "is not run by QEMU"),
        (&["--virttype", "dos"], "must be one of 'qemu', 'kvm'"),
        (&["--machine", "microvm"], "'microvm' cannot be used"),
        (&["--emulatorbin", "/bin/true"], "/bin/true does not run guests here; the programs that do: /usr/bin/qemu-system-"),
        (&["--emulatorbin", "/usr/bin/qemu-system-x86_64", "--arch", "sparc"], "does not run guests of the architecture sparc here"),
    ] {
        let arguments: Vec<&str> = ["domcapabilities"].iter().chain(arguments).copied().collect();
        let complaint = run(&bus, &arguments).failed();
        assert!(complaint.contains(part) && complaint.lines().count() == 1, "{complaint}");
    }
}
