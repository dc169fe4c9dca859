//! Settings that do not count beside others: the one that does not is told.

use crate::native::xen::{self, Dialect};

#[test]
fn the_one_that_does_not_count_is_told() {
    for (dialect, kind, settings, key) in [
        (Dialect::Xl, "hvm", "builder = 'generic'", "builder"),
        (Dialect::Xl, "hvm", "pvh = 1", "type"),
        (Dialect::Xl, "hvm", "device_model = '/a'; device_model_override = '/b'", "device_model"),
        (Dialect::Xl, "hvm", "firmware_override = '/a'; loader = '/b'", "loader"),
        (Dialect::Xl, "hvm", "bios = 'ovmf'; firmware = 'bios'", "bios"),
        (Dialect::Xl, "hvm", "firmware_override = '/a'; firmware = '/b'", "firmware_override"),
        (Dialect::Xl, "hvm", "bios = 'ovmf'; bios_path_override = '/a'; firmware_override = '/b'", "firmware_override"),
        (Dialect::Xl, "hvm", "device_model_args_pv = ['a']", "device_model_args_pv"),
        (Dialect::Xl, "pv", "device_model_args_hvm = ['a']", "device_model_args_hvm"),
        (Dialect::Xl, "hvm", "nestedhvm = 1; nested = 0", "nestedhvm"),
        (Dialect::Xl, "hvm", "cap = 50; cpu_cap = 60", "cpu_cap"),
        (Dialect::Xl, "pv", "vcpus = 2; maxvcpus = 4; vcpu_avail = 7", "vcpu_avail"),
        (Dialect::Xl, "pv", "cmdline = 'a'; root = '/b'", "root"),
        (Dialect::Xl, "pv", "cmdline = 'a'; extra = 'b'", "extra"),
        (Dialect::Xm, "hvm", "restart = 'always'; on_reboot = 'destroy'", "restart"),
        (Dialect::Xl, "hvm", "vga = 'qxl'; stdvga = 1", "stdvga"),
        (Dialect::Xl, "hvm", "vga = 'qxl'; nographic = 1", "nographic"),
        (Dialect::Xl, "hvm", "nographic = 1; stdvga = 1", "stdvga"),
        (Dialect::Xl, "hvm", "usb = 0; usbversion = 2", "usb"),
        (Dialect::Xl, "hvm", "usb = 0; usbdevice = 'tablet'", "usb"),
        (Dialect::Xl, "hvm", "vnc = 1; vnclisten = '[::1]:3'; vncdisplay = 4", "vncdisplay"),
        (Dialect::Xl, "hvm", "vnc = 1; vnclisten = 'a:3'; vncdisplay = 4", "vncdisplay"),
        (Dialect::Xl, "hvm", "vnc = 1; vncunused = 1; vncdisplay = 4", "vncdisplay"),
        (Dialect::Xl, "hvm", "spice = 1; spicedisable_ticketing = 1; spicepasswd = 'a'", "spicepasswd"),
        (Dialect::Xl, "hvm", "spice = 1; spiceport = 6000; spicedisable_ticketing = 0", "spicepasswd"),
        (Dialect::Xl, "hvm", "spice = 1; spiceport = 0; spicedisable_ticketing = 1", "spiceport"),
        (Dialect::Xl, "hvm", "vnc = 0; keymap = 'de'", "keymap"),
        (Dialect::Xl, "pv", "vfb = ['vnc=1']; vncdisplay = 3", "vncdisplay"),
        (Dialect::Xl, "hvm", "vfb = ['vnc=1']", "vfb"),
        (Dialect::Xl, "pv", "pci_permissive = 1; pci = ['03:00.0,permissive=0']", "pci_permissive"),
        (Dialect::Xl, "pv", "memory = 1; memory = 2", "memory"),
        (Dialect::Xl, "pv", "memory = 1; memory = None", "memory"),
        (Dialect::Xl, "pv", "bootloader = '/a'; bootloader = None", "bootloader"),
        (Dialect::Xl, "pv", "disk = ['format=raw,vdev=xvda,script=block-a,target=/i,b', 'nbd:b,xvdb,w']; maxmem = 0", "maxmem"),
        (Dialect::Xl, "pv", "disk = ['raw:/i,xvda,w,format=qcow2']", "format"),
        (Dialect::Xl, "pv", "disk = ['nbd:/i,,xvda,script=block-drbd']", "nbd"),
        (Dialect::Xl, "pv", "disk = ['qcow2:/i,raw,xvda']", "qcow2"),
        (Dialect::Xl, "pv", "disk = ['vdev=xvda,discard,no-discard,target=/i']", "discard"),
        (Dialect::Xl, "pv", "vfb = ['type=vnc,vnc=0']", "vnc"),
        (Dialect::Xl, "pv", "vfb = ['type=sdl,sdl=0']", "sdl"),
        (Dialect::Xl, "pv", "vfb = ['vnc=0']", "vfb"),
        (Dialect::Xm, "linux", "disk = ['vdev=xvda,discard,target=/i']", "discard"),
        (Dialect::Xm, "linux", "disk = ['vdev=xvda,backendtype=tap,target=/i']", "backendtype"),
        (Dialect::Xm, "linux", "disk = ['vdev=xvda,script=block-a,target=/i']", "script"),
    ] {
        let kind = if dialect == Dialect::Xl { format!("type = '{kind}'") } else { format!("builder = '{kind}'") };
        let text = format!("name = 'x'; {kind}; {settings}\n");
        let warned = match xen::read(&text, dialect) {
            Ok(converted) => converted.warnings.iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        };
        assert!(warned.iter().any(|warning| warning.contains(key)), "{text}: nothing is told of '{key}': {warned:?}");
    }
}

#[test]
fn what_is_said_twice_in_the_same_way_is_not_told() {
    for settings in [
        "builder = 'hvm'",
        "bios = 'ovmf'; firmware = 'uefi'",
        "firmware_override = '/a'; loader = '/a'",
        "nestedhvm = 1; nested = 1",
        "vga = 'stdvga'; stdvga = 1",
        "vga = 'qxl'; stdvga = 0",
        "vga = 'none'; nographic = 1",
        "usb = 1; usbdevice = 'tablet'",
        "usb = 1; usbversion = 2",
        "vnc = 1; vnclisten = 'a:3'; vncdisplay = 3",
        "memory = 1; memory = 1",
    ] {
        let text = format!("name = 'x'; type = 'hvm'; {settings}\n");
        assert_eq!(xen::read(&text, Dialect::Xl).unwrap().warnings, vec![], "{text}");
    }
}
