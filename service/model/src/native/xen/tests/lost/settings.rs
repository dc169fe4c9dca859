//! The keys of files of xl and xm, each with values that mean different things.

use super::Group;
use crate::native::xen::Dialect;

const BOTH: &[Dialect] = &[Dialect::Xl, Dialect::Xm];
const XL: &[Dialect] = &[Dialect::Xl];
const XM: &[Dialect] = &[Dialect::Xm];

pub(super) const GROUPS: [Group; 3] = [
    Group {
        own: BOTH,
        template: "{}",
        between: " = ",
        rows: "
            name: 'a' | 'b' ! ['a']
            uuid: '8f07fe28-753f-2729-d76d-bdbd892f949a' | '8f07fe28-753f-2729-d76d-bdbd892f949b' ! 'nonsense'
            memory: 64 | 128 ! 0
            memory: 64; maxmem = 64 | 64; maxmem = 96 ! 'nonsense'
            maxmem: 64 | 128 ! 'nonsense'
            maxmem: 64; memory = 32 | 64; memory = 64 ! 64; memory = 1280
            vcpus: 2 | 3 ! 0
            cpus: '1' | '0-3,^1' | 'all' | 'all,^7' | 'nodes:0-3' | 'node:0,^node:1' ! 'nonsense'
            cpus: ['2'] | ['3'] | ['3', '4'] ! ['nonsense']
            cpu_weight: 300 | 400 ! 'nonsense'
            on_poweroff: 'restart' | 'destroy' | 'preserve' | 'rename-restart' | 'coredump-destroy' | 'coredump-restart' ! 'nonsense'
            on_reboot: 'restart' | 'destroy' | 'preserve' | 'rename-restart' | 'coredump-destroy' | 'coredump-restart' ! 'nonsense'
            on_crash: 'restart' | 'destroy' | 'preserve' | 'rename-restart' | 'coredump-destroy' | 'coredump-restart' ! 'nonsense'
            kernel: '/a' | '/b' ! ['nonsense']
            ramdisk: '/a' | '/b' ! ['nonsense']
            root: '/dev/a ro' | '/dev/b' ! ['nonsense']
            extra: 'a b' | 'quiet' ! ['nonsense']
            bootloader: '/usr/bin/pygrub' | '/b' ! ['nonsense']
            boot: 'c' | 'd' | 'n' | 'a' | 'cd' | 'dc' ! 'nonsense'
            pae: 0 | 1 ! 'nonsense'
            acpi: 0 | 1 ! 'nonsense'
            apic: 0 | 1 ! 'nonsense'
            hap: 0 | 1 ! 'nonsense'
            nx: 0 | 1 ! 'nonsense'
            hpet: 0 | 1 ! 'nonsense'
            viridian: 0 | 1 ! 'nonsense'
            nestedhvm: 0 | 1 ! 'nonsense'
            localtime: 0 | 1 ! 'nonsense'
            rtc_timeoffset: 3600 | -7 | 0 ! 'nonsense'
            tsc_mode: 0 | 1 | 2 | 3 ! 'nonsense'
            timer_mode: 0 | 1 | 2 | 3 ! 'nonsense'
            vpt_align: 0 | 1 ! 'nonsense'
            oos: 0 | 1 ! 'nonsense'
            shadow_memory: 8 | 16 ! 'nonsense'
            xen_platform_pci: 0 | 1 ! 'nonsense'
            gfx_passthru: 0 | 1 | 'igd' ! 'nonsense'
            pci: ['03:00.0'] | ['0001:03:00.0'] | ['03:00.1'] | ['03:00.*'] ! ['nonsense']
            pci_msitranslate: 0 | 1 ! 'nonsense'
            pci_power_mgmt: 0 | 1 ! 'nonsense'
            vnc: 0 | 1 ! 'nonsense'
            sdl: 1 | 0 ! 'nonsense'
            vnclisten: '127.0.0.1' | '0.0.0.0' | '127.0.0.1:3' | '::1' ! 'nonsense'
            vncdisplay: 1 | 2 ! 60000
            vncunused: 1 | 0 ! 'nonsense'
            vncpasswd: 'a' | 'b' ! ['nonsense']
            keymap: 'de' | 'fr' ! 'nonsense'
            sdl: 1; keymap = 'de' | 1; keymap = 'fr' ! 'nonsense'
            sdl: 1; display = ':0' | 1; display = ':1' | 1; xauthority = '/x' | 1; opengl = 0 | 1; opengl = 1 ! 1; opengl = 'nonsense'
            display: ':0' | ':1' ! 'nonsense'
            xauthority: '/a' | '/b' ! 'nonsense'
            opengl: 0 | 1 ! 'nonsense'
            stdvga: 1 | 0 ! 'nonsense'
            nographic: 0 | 1 ! 'nonsense'
            videoram: 16 | 32 ! 0
            serial: 'pty' | 'none' | '/dev/ttyS0' | 'file:/l' | 'pipe:/p' | 'null' | 'stdio' | 'vc' | 'vc:80Cx24C' | 'mon:stdio' ! 'nonsense'
            serial: 'unix:/s' | 'unix:/s,server' | 'unix:/s,server,nowait' | 'unix:/s,reconnect=3' | 'tcp:h:1' | 'telnet:h:1' | 'tcp:h:2,server,nowait' | 'tcp:h:2,nodelay' ! 'tcp:nonsense'
            serial: 'udp:h:1' | 'udp:h:1@:2' | 'udp::1' | 'msmouse' | 'braille' | 'chardev:a' ! 'udp:nonsense'
            serial: ['pty', 'vc'] | ['none', 'pty'] | ['pty', 'none', 'vc'] ! ['nonsense']
            parallel: 'none' | '/dev/parport0' | 'file:/l' ! 'nonsense'
            soundhw: 'hda' | 'ac97' | 'es1370' | 'adlib' | 'cs4231a' | 'gus' | 'sb16' | 'ac97,sb16' | 'all' ! 'nonsense'
            usb: 0 | 1 ! 'nonsense'
            usbdevice: 'tablet' | 'mouse' | 'keyboard' | 'host:1234:abcd' | 'host:8.2' | 'wacom-tablet' | 'disk:/i' | 'serial:' | 'braille' | 'net' ! 'nonsense'
            usbdevice: ['tablet', 'mouse'] | ['tablet'] ! ['nonsense']
            usb: 0; usbdevice = 'tablet' | 1; usbdevice = 'tablet' ! 0; usbdevice = 'nonsense'
            disk: ['phy:/dev/a,xvda,w'] | ['phy:/dev/a,xvda,r'] | ['phy:/dev/b,xvda,w'] | ['phy:/dev/a,xvdb,w'] ! ['nonsense']
            vif: [''] | ['bridge=a'] | ['', ''] ! ['nonsense']
            never_heard_of: 1 | 'a' | [1] | [['a']] ! 'nonsense'
        ",
    },
    Group {
        own: XL,
        template: "{}",
        between: " = ",
        rows: "
            type: 'pv'; kernel = '/k' | 'pvh'; kernel = '/k' | 'hvm'; kernel = '/k' ! 'nonsense'
            builder: 'generic' | 'hvm' ! 'nonsense'
            pvh: 0 | 1 ! 'nonsense'
            pool: 'a' | 'b' ! 'nonsense'
            vcpus: 2; maxvcpus = 4 | 3; maxvcpus = 4 ! 9; maxvcpus = 4
            maxvcpus: 2 | 3 ! 0
            cpus_soft: '1' | ['2'] ! 'nonsense'
            cap: 50 | 400 ! 'nonsense'
            vnuma: [['pnode=0', 'size=64', 'vcpus=0', 'vdistances=10']] | [['pnode=1', 'size=64', 'vcpus=0', 'vdistances=20']] ! [['nonsense']]
            on_poweroff: 'soft-reset' | 'destroy' ! 'coredump'
            on_reboot: 'soft-reset' | 'restart' ! 'coredump'
            on_crash: 'soft-reset' | 'destroy' ! 'coredump'
            on_watchdog: 'destroy' | 'restart' ! 'nonsense'
            on_soft_reset: 'soft-reset' | 'destroy' ! 'nonsense'
            cmdline: 'a' | 'b' ! ['nonsense']
            firmware: 'bios' | 'uefi' | 'rombios' | '/f' | 'pvgrub32' | 'pvgrub64' ! 'nonsense'
            firmware: 'seabios' | 'ovmf' ! 'nonsense'
            pvshim: 0 | 1 ! 'nonsense'
            pvshim_path: '/a' | '/b' ! 'nonsense'
            pvshim_cmdline: 'a' | 'b' ! 'nonsense'
            pvshim_extra: 'a' | 'b' ! 'nonsense'
            seclabel: 'a' | 'b' ! 'nonsense'
            init_seclabel: 'a' | 'b' ! 'nonsense'
            max_grant_frames: 64 | 32 ! 'nonsense'
            max_maptrack_frames: 64 | 32 ! 'nonsense'
            max_grant_version: 1 | 2 ! 'nonsense'
            max_event_channels: 64 | 32 ! 'nonsense'
            nomigrate: 0 | 1 ! 'nonsense'
            driver_domain: 0 | 1 ! 'nonsense'
            device_tree: '/a' | '/b' ! 'nonsense'
            passthrough: 'disabled' | 'enabled' | 'sync_pt' | 'share_pt' | 'default' ! 'nonsense'
            xend_suspend_evtchn_compat: 0 | 1 ! 'nonsense'
            vmtrace_buf_kb: 64 | 32 ! 'nonsense'
            vpmu: 0 | 1 ! 'nonsense'
            vtpm: ['backend=a'] | ['backend=b,uuid=8f07fe28-753f-2729-d76d-bdbd892f949a'] ! ['nonsense']
            p9: ['tag=a,security_model=none,path=/p'] | ['tag=b,security_model=none,path=/p,backend=d'] ! ['nonsense']
            pvcalls: ['backend=a'] | ['backend=b'] ! ['nonsense']
            vfb: [''] | ['vnc=1,vncdisplay=3'] | ['sdl=1,vnc=0'] | ['vnc=0'] ! ['nonsense']
            channel: ['name=a'] | ['name=b'] | ['name=a,connection=socket,path=/s'] ! ['nonsense']
            rdm: 'strategy=host' | 'strategy=host,policy=relaxed' ! 'nonsense'
            rdm_mem_boundary: 1024 | 2048 ! 'nonsense'
            usbctrl: ['type=auto,version=1'] | ['type=auto,version=2,ports=3'] ! ['type=nonsense']
            usbdev: ['type=hostdev,hostbus=1,hostaddr=3'] | ['type=hostdev,hostbus=2,hostaddr=3'] ! ['nonsense']
            pci_permissive: 0 | 1 ! 'nonsense'
            pci_seize: 0 | 1 ! 'nonsense'
            pci_permissive: 0; pci = ['03:00.0'] | 1; pci = ['03:00.0'] ! 'nonsense'
            pci_seize: 0; pci = ['03:00.0'] | 1; pci = ['03:00.0'] ! 'nonsense'
            pci_msitranslate: 0; pci = ['03:00.0'] | 1; pci = ['03:00.0'] ! 'nonsense'
            pci_power_mgmt: 0; pci = ['03:00.0'] | 1; pci = ['03:00.0'] ! 'nonsense'
            dtdev: ['/a'] | ['/b'] ! ['nonsense']
            ioports: ['2f8-2ff'] | ['2f8'] ! ['nonsense']
            iomem: ['a0,1'] | ['a0,1@0'] ! ['nonsense']
            irqs: [5] | [6] ! ['nonsense']
            vdispl: ['backend=a,be-alloc=1,connectors=id0:1920x1080'] | ['backend=b,connectors=id0:1920x1080;id1:800x600'] ! ['nonsense']
            dm_restrict: 0 | 1 ! 'nonsense'
            device_model_user: 'a' | 'b' ! 'nonsense'
            vsnd: [['CARD, short-name=Main', 'PCM, name=Main', 'STREAM, id=0, type=p']] | [['CARD, short-name=Second']] ! ['nonsense']
            vkb: ['unique-id=a,backend=b,backend-type=qemu'] | ['feature-disable-keyboard=1,width=3'] ! ['nonsense']
            vkb_device: 0 | 1 ! 'nonsense'
            tee: 'none' | 'optee' ! 'nonsense'
            bootloader_args: ['a'] | ['a', 'b'] | 'b c' | ['a b'] ! [['nonsense']]
            e820_host: 0 | 1 ! 'nonsense'
            hdtype: 'ide' | 'ahci' ! 'nonsense'
            bios: 'rombios' | 'seabios' | 'ovmf' ! 'nonsense'
            bios: 'ovmf'; bios_path_override = '/a' | 'ovmf'; bios_path_override = '/b' | 'ovmf'; firmware_override = '/a' ! 'nonsense'
            bios_path_override: '/a' | '/b' ! ['nonsense']
            firmware_override: '/a' | '/b' ! ['nonsense']
            acpi_s3: 0 | 1 ! 'nonsense'
            acpi_s4: 0 | 1 ! 'nonsense'
            acpi_laptop_slate: 0 | 1 ! 'nonsense'
            altp2m: 'disabled' | 'mixed' | 'external' | 'limited' ! 'nonsense'
            altp2mhvm: 0 | 1 ! 'nonsense'
            nested: 0 | 1 ! 'nonsense'
            cpuid: 'host' | 'host,tm=0' | 'host,tm=1' | 'host,tm=x' | 'host,tm=k' | 'host,family=6' ! 'host,tm=nonsense'
            cpuid: ['1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0'] | ['7,0:ebx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0'] ! 'nonsense'
            nestedhvm: 1; cpuid = 'host,tm=0' | 0; cpuid = 'host,tm=0' | 1; cpuid = 'host,vmx=0,svm=0' ! 'nonsense'
            acpi_firmware: '/a' | '/b' ! ['nonsense']
            smbios_firmware: '/a' | '/b' ! ['nonsense']
            ms_vm_genid: 'generate' | 'none' ! 'nonsense'
            tsc_mode: 'default' | 'always_emulate' | 'native' | 'native_paravirt' ! 'nonsense'
            timer_mode: 'delay_for_missed_ticks' | 'no_delay_for_missed_ticks' | 'no_missed_ticks_pending' | 'one_missed_tick_pending' ! 'nonsense'
            mmio_hole: 256 | 3072 ! 'nonsense'
            viridian: ['base'] | ['base', 'freq'] | ['base', '!freq'] | ['base', 'time_ref_count'] | ['base', 'reference_tsc'] ! ['nonsense']
            viridian: ['base', 'hcall_remote_tlb_flush'] | ['base', 'apic_assist'] | ['base', 'crash_ctl'] | ['base', 'stimer'] | ['base', 'hcall_ipi'] ! ['nonsense']
            viridian: ['base', 'ex_processor_masks'] | ['base', 'no_vp_limit'] | ['base', 'cpu_hotplug'] | ['defaults'] | ['all'] | ['all', '!freq'] ! ['nonsense']
            viridian: ['defaults', 'freq'] | ['base', 'freq'] | ['defaults', '!stimer'] | ['!base'] | 0 | 1 ! ['!nonsense']
            vga: 'none' | 'stdvga' | 'cirrus' | 'qxl' ! 'nonsense'
            spice: 0 | 1 ! 'nonsense'
            spicehost: '::' | '0.0.0.0' ! 'nonsense'
            spiceport: 6000 | 6001 ! 'nonsense'
            spicetls_port: 6000 | 6001 ! 'nonsense'
            spicedisable_ticketing: 0 | 1 ! 'nonsense'
            spicepasswd: 'a' | 'b' ! 'nonsense'
            spiceagent_mouse: 0 | 1 ! 'nonsense'
            spicevdagent: 0 | 1 ! 'nonsense'
            spice_clipboard_sharing: 0 | 1 ! 'nonsense'
            spiceusbredirection: 1 | 2 ! 9
            spice_image_compression: 'glz' | 'off' ! 'nonsense'
            spice_streaming_video: 'all' | 'off' ! 'nonsense'
            usbversion: 1 | 2 | 3 ! 40
            usbctrl: ['version=1']; usbdevice = 'tablet' | ['version=2']; usbdevice = 'tablet' ! ['version=nonsense']
            usb: 0; usbversion = 2 | 1; usbversion = 2 ! 0; usbversion = 40
            vendor_device: 'none' | 'xenserver' ! 'nonsense'
            device_model_version: 'qemu-xen' | 'qemu-xen-traditional' ! 'nonsense'
            device_model_override: '/a' | '/b' ! ['nonsense']
            stubdomain_kernel: '/a' | '/b' ! 'nonsense'
            stubdomain_cmdline: 'a' | 'b' ! 'nonsense'
            stubdomain_ramdisk: '/a' | '/b' ! 'nonsense'
            stubdomain_memory: 128 | 64 ! 'nonsense'
            device_model_stubdomain_override: 0 | 1 ! 'nonsense'
            device_model_stubdomain_seclabel: 'a' | 'b' ! 'nonsense'
            device_model_args: ['a'] | ['a', 'b'] | ['a b'] ! [['nonsense']]
            device_model_args_pv: ['a'] | ['a', 'b'] | ['a b'] ! [['nonsense']]
            device_model_args_hvm: ['a'] | ['a', 'b'] | ['a b'] ! [['nonsense']]
            gic_version: 'v2' | 'v3' | 'default' ! 'nonsense'
            vuart: 'sbsa_uart' | 'b' ! 'nonsense'
            mca_caps: ['lmce'] | ['b'] ! ['nonsense']
            msr_relaxed: 0 | 1 ! 'nonsense'
            domid: 5 | 6 ! 'nonsense'
        ",
    },
    Group {
        own: XM,
        template: "{}",
        between: " = ",
        rows: "
            builder: 'linux' | 'hvm' | 'linux64' | 'netbsd' ! 'nonsense'
            loader: '/a'; kernel = '/k' | '/b'; kernel = '/k' ! ['nonsense']
            vcpus: 4; vcpu_avail = 3 | 4; vcpu_avail = 7 | 4; vcpu_avail = 5 ! 4; vcpu_avail = 'nonsense'
            maxvcpus: 4 | 8 ! 0
            cpu: 2 | -1 ! 'nonsense'
            cpu_cap: 50 | 60 ! 'nonsense'
            vhpt: 23 | 24 ! 'nonsense'
            restart: 'onreboot' | 'always' | 'never' ! 'nonsense'
            on_xend_start: 'ignore' | 'start' ! 'nonsense'
            on_xend_stop: 'ignore' | 'shutdown' ! 'nonsense'
            bootargs: '-q' | '-x -y' ! [['nonsense']]
            bootentry: 'hda1:/boot/vmlinuz' | 'b' ! 'nonsense'
            device_model: '/a' | '/b' ! ['nonsense']
            features: 'a' | '!b' ! 'nonsense'
            ip: '10.0.0.1' | '10.0.0.2' ! 'nonsense'
            netmask: '255.0.0.0' | '255.255.0.0' ! 'nonsense'
            gateway: '10.0.0.1' | '10.0.0.2' ! 'nonsense'
            hostname: 'a' | 'b' ! 'nonsense'
            dhcp: 'dhcp' | 'off' ! 'nonsense'
            interface: 'eth0' | 'eth1' ! 'nonsense'
            nics: 1 | 2 ! 'nonsense'
            nfs_server: '10.0.0.1' | '10.0.0.2' ! 'nonsense'
            nfs_root: '/a' | '/b' ! 'nonsense'
            vfb: ['type=vnc'] | ['type=sdl'] | ['type=vnc,vncdisplay=3'] ! ['nonsense']
            vncconsole: 0 | 1 ! 'nonsense'
            vncviewer: 0 | 1 ! 'nonsense'
            vnc: 1; sdl = 1 | 0; sdl = 1 ! 'nonsense'
            access_control: ['policy=a,label=b'] | ['policy=a,label=c'] ! ['nonsense']
            vtpm: ['instance=1,backend=0'] | ['instance=2,backend=0'] ! ['nonsense']
            vscsi: ['/dev/sdx, 0:0:0:0'] | ['/dev/sdy, 0:0:0:0'] ! ['nonsense']
            irq: [7] | [8] ! ['nonsense']
            ioports: ['02f8-02ff'] | ['02f8'] ! ['nonsense']
            cpuid: ['1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0'] | ['1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1'] ! ['nonsense']
            cpuid_check: ['1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1x'] | ['0:ebx=a'] ! ['nonsense']
            cdrom: '/dev/cdrom' | '/i.iso' ! ['nonsense']
            fda: '/f' | '/g' ! ['nonsense']
            fdb: '/f' | '/g' ! ['nonsense']
            isa: 0 | 1 ! 'nonsense'
            guest_os_type: 'a' | 'b' ! 'nonsense'
            vncreserved: 1 | 2 ! 'nonsense'
            hvm: 0 | 1 ! 'nonsense'
            pci_msitranslate: 0 | 1 ! 'nonsense'
            tsc_native: 0 | 1 ! 'nonsense'
            suspend_cancel: 0 | 1 ! 'nonsense'
            machine_address_size: 32 | 40 ! 'nonsense'
            console_autoconnect: 0 | 1 ! 'nonsense'
        ",
    },
];
