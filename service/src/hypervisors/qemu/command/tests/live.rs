//! What the definition of a running guest tells beyond the stored one.

use lodge_model::document::Document as _;

use super::*;

#[test]
fn a_running_guest_tells_its_firmware_and_where_its_displays_listen() {
    let host = Host::recorded("10.0");
    let xml = "<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory><os firmware='efi'>\
        <type arch='x86_64' machine='pc-q35-10.0'>hvm</type><firmware><feature enabled='no' name='secure-boot'/></firmware></os>\
        <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><graphics type='vnc' autoport='yes'/>\
        <graphics type='spice' port='5999' listen='::1'/></devices></domain>";
    let live = crate::hypervisors::qemu::command::plan(&Domain::parse(xml).unwrap().0, &host.input()).unwrap().live.to_xml();
    for expected in [
        "<loader readonly='yes' type='pflash' format='raw'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>",
        "<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd' format='qcow2'>/var/lib/lodge/qemu/nvram/guest.qcow2</nvram>",
        "<graphics type='vnc' port='5901' autoport='yes'>\n      <listen type='address' address='127.0.0.1'/>",
        "<listen type='address' address='::1'/>",
    ] {
        assert!(live.contains(expected), "{expected} in {live}");
    }
}
