//! What is refused, in which words.

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;

use super::Host;
use crate::hypervisors::qemu::command::plan;

/// What stands in the document, what is refused of it.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("<memory/>", "", "<memory> is missing or 0: say how much the guest has, such as <memory unit='MiB'>1024</memory>"),
    ("<vcpu current='3'>2</vcpu>", "", "<vcpu current='3'>2</vcpu> cannot be: current is from 1 to 2, and that is at least 1"),
    (
        "<vcpu>4</vcpu><cpu><topology sockets='1' cores='3' threads='1'/></cpu>",
        "",
        "<topology> makes 3 processors (1 sockets, 3 cores, 1 threads), and <vcpu> is 4: make them equal",
    ),
    (
        "<cpu mode='custom'><model>Pentium9</model></cpu>",
        "",
        "<cpu> has the model 'Pentium9', which /usr/bin/qemu-system-x86_64 does not have: use <cpu mode='host-passthrough'/> or <cpu \
         mode='maximum'/>",
    ),
    ("", "<disk type='file'/>", "<disk> needs <target dev='…'/>, such as <target dev='vda' bus='virtio'/>: add it"),
    (
        "",
        "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>",
        "virtio-disk0 needs an <address type='pci'>: add it, or take its <address> out and define the domain again",
    ),
    (
        "",
        "<disk type='file'><driver io='native'/><source file='/a'/><target dev='vda' bus='virtio'/></disk>",
        "<disk> 'vda' has io='native', which needs cache='none' or cache='directsync'",
    ),
    (
        "",
        "<disk type='file'><driver type='zip'/><source file='/a'/><target dev='vda' bus='virtio'/></disk>",
        "<disk> 'vda' has the format 'zip', which is not known: use one of raw, iso, qcow2, qcow, qed, vmdk, vdi, vpc, vhdx, bochs, cloop, \
         dmg, parallels",
    ),
    (
        "",
        "<disk type='file'><source file='/a'/><encryption format='luks'/><target dev='vda' bus='virtio'/></disk>",
        "<disk> 'vda' is encrypted, and no secret opens it: add <secret type='passphrase' uuid='…'/> to its <encryption>",
    ),
    (
        "",
        "<disk type='file'><driver type='qcow2'/><source file='/a'/><encryption format='qcow'><secret type='passphrase' usage='/a'/>\
         </encryption><target dev='vda' bus='virtio'/></disk>",
        "<disk> 'vda' is encrypted, with the AES of old qcow images, which QEMU opens for no guest: convert the image, as in qemu-img \
         convert, to one with <encryption format='luks'>",
    ),
    (
        "",
        "<disk type='file'><driver type='vmdk'/><source file='/a'><encryption format='luks'><secret type='passphrase' usage='/a'/>\
         </encryption></source><target dev='vda' bus='virtio'/></disk>",
        "<disk> 'vda' is encrypted, which an image of this type cannot be: use raw or qcow2",
    ),
    (
        "",
        "<interface type='bridge'><source bridge='br0'/></interface>",
        "<interface type='bridge'> asks for a connection to the bridge 'br0', which a session may not make: use type='user'",
    ),
    ("", "<serial type='stdio'/>", "<serial type='stdio'> cannot work in a service, which has no terminal: use type='pty'"),
    (
        "",
        "<graphics type='sdl'/>",
        "<graphics type='sdl'> opens a window, and a service has no screen: use type='vnc', type='spice' or type='dbus'",
    ),
    ("", "<graphics type='vnc' autoport='no' port='80'/>", "<graphics type='vnc' port='80'> cannot be: VNC has the ports from 5900 on"),
    (
        "<throttlegroups><throttlegroup><total_iops_sec_max>9</total_iops_sec_max><group_name>g</group_name></throttlegroup></throttlegroups>",
        "",
        "the limits 'g' have total_iops_sec_max without total_iops_sec: add <total_iops_sec>, or take <total_iops_sec_max> out",
    ),
    ("<launchSecurity type='sev'/>", "", "<launchSecurity type='sev'> cannot be in this version: take the element out"),
];

#[test]
fn refusals_say_what_to_change() {
    let host = Host::recorded("10.0");
    for (elements, devices, expected) in REFUSALS {
        let memory = if elements.contains("<memory") { "" } else { "<memory>65536</memory>" };
        let text = format!(
            "<domain type='qemu'><name>x</name>{memory}{elements}<os><type arch='x86_64' machine='q35'>hvm</type></os>\
             <devices>{devices}</devices></domain>"
        );
        let elements_of_no_size = text.replace("<memory/>", "<memory>0</memory>");
        let (domain, _) = Domain::parse(&elements_of_no_size).unwrap();
        let refusal = plan(&domain, &host.input()).expect_err(&text);
        assert_eq!(refusal.message, *expected, "{text}");
    }
}

#[test]
fn passwords_are_in_no_argument() {
    let host = Host::recorded("10.0");
    let text = "<domain type='qemu'><name>x</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>\
                <devices><graphics type='vnc' passwd='hush'/></devices></domain>";
    let (domain, _) = Domain::parse(text).unwrap();
    let plan = plan(&domain, &host.input()).unwrap();
    assert!(plan.arguments.iter().all(|argument| !argument.render(|_| 3).contains("hush")));
    assert_eq!(plan.set_up[0].arguments["password"], "hush");
    assert!(!format!("{:?}", plan.set_up).contains("hush"));
}
