//! The documents of guests that tests run.

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A machine without anything to boot: it shows its firmware and stays.
pub fn bare(name: &str) -> String {
    format!(
        "<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory>\
         <os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
    )
}

/// The demo guest, its HTTP port forwarded from a port of this machine.
///
/// # Panics
/// It is not built.
pub fn demo(name: &str, port: u16) -> String {
    let directory = root().join("build/demo-guest");
    assert!(directory.join("stamp").is_file(), "the demo guest is not built; run: make demo-guest");
    let forward = format!("<portForward proto='tcp' address='127.0.0.1'><range start='{port}' to='8080'/></portForward>");
    let document = std::fs::read_to_string(root().join("scripts/demo-guest.xml")).unwrap();
    let document = document.replace("@TYPE@", "qemu").replace("@NAME@", name).replace("@DIRECTORY@", directory.to_str().unwrap());
    document.replacen("</interface>", &format!("{forward}</interface>"), 1)
}

/// What virt-install 4.1 and later write for a Debian guest without a TPM, with another path and emulation.
pub fn virt_install(disk: &Path) -> String {
    let disk = disk.display();
    format!(
        "<domain type='qemu'>
  <name>debian12</name>
  <uuid>6f1c1c3a-0e1b-4d5c-9d0c-1f6f2f6f0a01</uuid>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>
      <libosinfo:os id='http://debian.org/debian/12'/>
    </libosinfo:libosinfo>
  </metadata>
  <memory>262144</memory>
  <currentMemory>262144</currentMemory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
    <apic/>
    <vmport state='off'/>
  </features>
  <clock offset='utc'>
    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='hpet' present='no'/>
  </clock>
  <pm>
    <suspend-to-mem enabled='no'/>
    <suspend-to-disk enabled='no'/>
  </pm>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <controller type='usb' model='qemu-xhci' ports='15'/>
    <controller type='pci' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <interface type='user'>
      <mac address='52:54:00:5b:1c:0d'/>
      <model type='virtio'/>
    </interface>
    <console type='pty'/>
    <channel type='unix'>
      <source mode='bind'/>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' port='-1'/>
    <video>
      <model type='vga'/>
    </video>
    <memballoon model='virtio'/>
    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
  </devices>
</domain>
"
    )
}
