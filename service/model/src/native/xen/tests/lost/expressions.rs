//! What xend stores of a domain: settings of the domain and its image, and the parts of its devices.

use super::{Group, losses, outcome};
use crate::native::xen::Dialect;

const OWN: &[Dialect] = &[Dialect::Sxpr];

const DOMAIN: Group = Group {
    own: OWN,
    template: "({})",
    between: " ",
    rows: "
        domid: 5 | 6 ! nonsense
        uuid: 8f07fe28-753f-2729-d76d-bdbd892f949a | 8f07fe28-753f-2729-d76d-bdbd892f949b ! nonsense
        memory: 64 | 128 ! nonsense
        maxmem: 64 | 128 ! nonsense
        vcpus: 2 | 3 ! 0
        vcpu_avail: 5 | 3 ! nonsense
        cpus: 1 | 0-3 | ((1) (2)) ! nonsense
        cpu_weight: 300 | 400 ! nonsense
        cpu_cap: 50 | 60 ! nonsense
        bootloader: /usr/bin/pygrub | /b
        bootloader_args: -q | '-x -y'
        on_poweroff: destroy | restart ! nonsense
        on_reboot: destroy | restart ! nonsense
        on_crash: destroy | restart | preserve ! nonsense
        on_xend_start: ignore | start ! nonsense
        on_xend_stop: ignore | shutdown ! nonsense
        pool_name: Pool-0 | b ! nonsense
        shadow_memory: 9 | 8 ! nonsense
        features: a | b ! nonsense
        target: 5 | 6 ! nonsense
        superpages: 0 | 1 ! nonsense
        description: a | b ! nonsense
        s3_integrity: 1 | 0 ! nonsense
        start_time: 1.5 | 2.5 ! nonsense
        state: -b---- | r----- ! nonsense
        never_heard_of: a | (b c) ! nonsense
    ",
};

const IMAGE: Group = Group {
    own: OWN,
    template: "({})",
    between: " ",
    rows: "
        kernel: /a | /b
        ramdisk: /a | /b
        root: /a | /b
        args: 'a b' | b
        localtime: 0 | 1 ! nonsense
        rtc_timeoffset: 3600 | -7 ! nonsense
        device_model: /a | /b
        notes: (a b) | (c d)
        boot: c | d | dc ! nonsense
        pae: 0 | 1 ! nonsense
        acpi: 0 | 1 ! nonsense
        apic: 0 | 1 ! nonsense
        hap: 0 | 1 ! nonsense
        hpet: 0 | 1 ! nonsense
        viridian: 0 | 1 ! nonsense
        nestedhvm: 0 | 1 ! nonsense
        timer_mode: 1 | 2 ! nonsense
        tsc_mode: 1 | 2 ! nonsense
        vpt_align: 0 | 1 ! nonsense
        usb: 0 | 1 ! nonsense
        usbdevice: tablet | host:1234:abcd | braille ! nonsense
        soundhw: es1370 | hda | all ! nonsense
        stdvga: 0 | 1 ! nonsense
        nographic: 0 | 1 ! nonsense
        videoram: 4 | 8 ! nonsense
        serial: pty | null | file:/l ! nonsense
        parallel: none | file:/l ! nonsense
        fda: /a | /b
        fdb: /a | /b
        cdrom: /a | /dev/b
        keymap: de | fr ! nonsense
        vnc: 1 | 0 ! nonsense
        sdl: 1 | 0 ! nonsense
        vncdisplay: 1 | 2 ! 60000
        vncunused: 0 | 1 ! nonsense
        vnclisten: 0.0.0.0 | 127.0.0.1 ! nonsense
        vncpasswd: a | b ! nonsense
        xen_platform_pci: 0 | 1 ! nonsense
        pci_msitranslate: 0 | 1 ! nonsense
        pci_power_mgmt: 0 | 1 ! nonsense
        gfx_passthru: 0 | 1 ! nonsense
        oos: 0 | 1 ! nonsense
        nomigrate: 0 | 1 ! nonsense
        isa: 0 | 1 ! nonsense
        guest_os_type: a | b ! nonsense
        cpuid: (1 ((ecx a))) | (2 ((ecx a)))
        cpuid_check: (1 ((ecx a))) | (2 ((ecx a)))
        superpages: 0 | 1 ! nonsense
        memory_sharing: 0 | 1 ! nonsense
    ",
};

const DEVICES: [(&str, &str); 8] = [
    (
        "(device (vbd (dev xvda) (mode w) (uname file:/i) ({})))",
        "
        backend: a | b ! nonsense
        bootable: 1 | 0 ! nonsense
        driver: paravirtualised | ioemu ! nonsense
        protocol: x86_64-abi | x86_32-abi ! nonsense
        location: 51712 | 51728 ! nonsense
        VDI: a | b ! nonsense
        uuid: a | b ! nonsense
        ",
    ),
    (
        "(device (vbd (dev xvda) ({})))",
        "
        mode: w | r | w! ! nonsense
        uname: phy:/dev/a | file:/a | file:/b | drbd:a
        ",
    ),
    (
        "(device (vbd (mode w) (uname file:/a) ({})))",
        "
        dev: hda | hda:cdrom | xvda:disk ! nonsense
        ",
    ),
    (
        "(device (tap (dev xvda) (mode w) ({})))",
        "
        uname: tap:aio:/a | tap:qcow:/a | tap:aio:/b
        ",
    ),
    (
        "(device (vif (bridge a) ({})))",
        "
        mac: 00:16:3e:00:00:01 | 00:16:3e:00:00:02 ! nonsense
        script: vif-bridge | vif-nat | /etc/xen/scripts/vif-bridge
        vifname: a | b ! nonsense
        ip: 10.0.0.1 | 10.0.0.2 ! nonsense
        model: e1000 | rtl8139 ! nonsense
        type: netfront | ioemu ! nonsense
        backend: a | b ! nonsense
        rate: 1024KB/s | 9Mb/s | 1b/s ! nonsense
        uuid: a | b ! nonsense
        policy: a | b ! nonsense
        ",
    ),
    (
        "(device (vfb ({})))",
        "
        type: vnc | sdl ! nonsense
        vncdisplay: 1 | 2 ! 60000
        vncunused: 0 | 1 ! nonsense
        vnclisten: 0.0.0.0 | 127.0.0.1 ! nonsense
        vncpasswd: a | b ! nonsense
        keymap: de | fr ! nonsense
        display: :0 | :1 ! nonsense
        xauthority: /a | /b ! nonsense
        opengl: 0 | 1 ! nonsense
        location: a | b ! nonsense
        uuid: a | b ! nonsense
        ",
    ),
    (
        "(device (pci (dev (domain 0x0) (bus 0x3) (slot 0x0) ({}))))",
        "
        func: 0x0 | 0x1 ! 0x99
        vslot: 0x5 | 0x6 | 0x100 ! 0x999
        vdevfn: 0x5 | 0x6 ! nonsense
        opts: ((permissive 1)) | ((msitranslate 0)) ! nonsense
        key: 0000:03:00.0 | 0000:03:00.1 ! nonsense
        uuid: a | b ! nonsense
        ",
    ),
    (
        "(device ({}))",
        "
        vkbd: (backend 1) | (uuid 1) ! nonsense
        console: (location 5) | (name a) ! nonsense
        vtpm: (instance 1) | (instance 2) ! (nonsense 1)
        vscsi: (feature-host 0) | (feature-host 1) ! (nonsense 1)
        vusb: (port 1) | (port 2) ! (nonsense 1)
        pci: (backend 1) | (backend 2)
        ioports: (from 2f8) | (from 3f8) ! (nonsense 1)
        irq: (irq 7) | (irq 8) ! (nonsense 1)
        ",
    ),
];

#[test]
fn expressions() {
    let mut found = Vec::new();
    let mut check = |group: &Group, before: &str, after: &str| {
        for row in group.rows() {
            let losses = losses(&row, true, |text| outcome(before, &format!("{text}\n"), after, row.key, Dialect::Sxpr));
            found.extend(losses.into_iter().map(|loss| format!("{before}: {loss}")));
        }
    };
    for image in ["linux", "hvm"] {
        check(&DOMAIN, &format!("(domain (name x) (image ({image} (kernel /k)))\n"), ")");
        check(&IMAGE, &format!("(domain (name x) (image ({image}\n"), ")))");
        for (template, rows) in DEVICES {
            let group = Group { own: OWN, template, between: " ", rows };
            check(&group, &format!("(domain (name x) (image ({image} (kernel /k)))\n"), ")");
        }
    }
    assert!(found.is_empty(), "{} losses:\n{}", found.len(), found.join("\n"));
}
