//! Devices of a host without guests: what the host needs stays, and what cannot be moved keeps its driver. What goes to guests is in
//! [`super::host_devices`].

use lodge_tests::hosts::{Host, Vm, VmKind};
use lodge_tests::staging;

/// The PCI device below what a driver of virtio has, by its path in sysfs.
fn pci_device_of(host: &Vm, virtio_driver: &str) -> String {
    let path = host.run(&["sh", "-c", &format!("readlink -f /sys/bus/virtio/drivers/{virtio_driver}/virtio* | head -n1")]).success();
    path.rsplit_once('/').unwrap().0.to_owned()
}

fn driver(host: &Vm, device: &str) -> String {
    let info = host.run(&["lodgectl", "nodedev-info", device]).success();
    let driver = info.lines().find_map(|line| line.strip_prefix("Driver:")).unwrap_or_default().trim().to_owned();
    let bound = host.run(&["sh", "-c", &format!("basename $(readlink {device}/driver)")]).success();
    assert_eq!(bound, driver, "what the service tells of {device} is not so: {info}");
    driver
}

#[test]
fn what_the_host_needs_stays_and_what_cannot_be_moved_keeps_its_driver() {
    let host = Vm::boot(VmKind::AppArmor);
    let staged = tempfile::tempdir().unwrap();
    staging::install("/usr", staged.path().to_str().unwrap());
    host.install_staged(staged.path());
    // A driver that the host does not have.
    let random = pci_device_of(&host, "virtio_rng");
    let refusal = host.run(&["lodgectl", "nodedev-detach", &random, "--driver", "our_vfio_pci"]).failure();
    assert!(refusal.contains("load it with: modprobe our_vfio_pci"), "{refusal}");
    assert_eq!(driver(&host, &random), "virtio-pci");
    // A device without a driver gets the host's.
    host.run(&["sh", "-c", &format!("basename {random} > {random}/driver/unbind")]).success();
    host.run(&["lodgectl", "nodedev-reattach", &random]).success();
    assert_eq!(driver(&host, &random), "virtio-pci");
    for (virtio_driver, reason) in [("virtio_blk", "has the file system at /"), ("virtio_net", "is the one that connects the host")] {
        let device = pci_device_of(&host, virtio_driver);
        for command in ["nodedev-detach", "nodedev-reset"] {
            let refusal = host.run(&["lodgectl", command, &device]).failure();
            assert!(refusal.contains(reason), "{command} {device}: {refusal}");
        }
        assert_eq!(driver(&host, &device), "virtio-pci");
    }
}
