//! Every notation of a disk, an interface and a port, with what it becomes and what that is written as.

use crate::document::Document;
use crate::domain::Domain;
use crate::domain::devices::{Disk, Interface, Serial};
use crate::native::xen::{self, Dialect};
use crate::xml::{Content, write_document};

/// Reads a setting in a configuration with a name; the domain and how many warnings there are.
fn read(dialect: Dialect, kind: &str, setting: &str) -> (Domain, usize) {
    let text = format!("name = 'x'\nbuilder = '{kind}'\n{setting}\n");
    let converted = xen::read(&text, dialect).unwrap_or_else(|error| panic!("{setting}: {error}"));
    (converted.domain, converted.warnings.len())
}

/// The elements of a device on one line.
fn line<T: Content>(device: Option<&T>, root: &str) -> String {
    let Some(device) = device else { return "none".to_owned() };
    let text = write_document(device, root);
    text.lines().map(str::trim).collect::<String>()
}

/// The value of a key in what a domain is written as.
fn written(domain: &Domain, dialect: Dialect, key: &str) -> String {
    let written = xen::write(domain, dialect).unwrap();
    let value = written.text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    value.unwrap_or("nothing").to_owned()
}

fn check<T: Content>(
    dialect: Dialect,
    kind: &str,
    key: &str,
    root: &str,
    device: impl Fn(&Domain) -> Option<T>,
    cases: &[(&str, &str, &str)],
) {
    for (value, element, again) in cases {
        let (domain, _) = read(dialect, kind, &format!("{key} = {value}"));
        assert_eq!(line(device(&domain).as_ref(), root), *element, "{value}");
        assert_eq!(written(&domain, dialect, key), *again, "{value}");
        let (second, warnings) = read(dialect, kind, &format!("{key} = {again}").replace(&format!("{key} = nothing"), ""));
        assert_eq!(line(device(&second).as_ref(), root), *element, "{again}");
        assert_eq!(warnings, 0, "{again}");
    }
}

fn first_disk(domain: &Domain) -> Option<Disk> {
    domain.devices.disks().next().cloned()
}

fn first_interface(domain: &Domain) -> Option<Interface> {
    domain.devices.interfaces().next().cloned()
}

fn first_serial(domain: &Domain) -> Option<Serial> {
    domain.devices.serials().next().cloned()
}

#[test]
fn disks_of_xm() {
    check(
        Dialect::Xm,
        "linux",
        "disk",
        "disk",
        first_disk,
        &[
            (
                "['phy:vg0/web,xvda,w']",
                "<disk type='block' device='disk'><driver name='phy'/><source dev='/dev/vg0/web'/><target dev='xvda' bus='xen'/></disk>",
                r#"[ "phy:/dev/vg0/web,xvda,w" ]"#,
            ),
            (
                "['file:/i/web.img,sda1,w!']",
                "<disk type='file' device='disk'><driver name='file'/><source file='/i/web.img'/><target dev='sda1' bus='scsi'/><shareable/></disk>",
                r#"[ "file:/i/web.img,sda1,w!" ]"#,
            ),
            (
                "['tap:aio:/i/web.img,hda,r']",
                "<disk type='file' device='disk'><driver name='tap' type='aio'/><source file='/i/web.img'/><target dev='hda' bus='ide'/><readonly/></disk>",
                r#"[ "tap:aio:/i/web.img,hda,r" ]"#,
            ),
            (
                "['tap2:tapdisk:vhd:/i/web.vhd , xvdb , w']",
                "<disk type='file' device='disk'><driver name='tap2' type='vhd'/><source file='/i/web.vhd'/><target dev='xvdb' bus='xen'/></disk>",
                r#"[ "tap2:vhd:/i/web.vhd,xvdb,w" ]"#,
            ),
            (
                "[',hdc:cdrom,r']",
                "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>",
                r#"[ ",hdc:cdrom,r" ]"#,
            ),
            (
                "['drbd:web,xvda,w,storage']",
                "<disk type='file' device='disk'><driver name='drbd'/><source file='web'/><backenddomain name='storage'/><target dev='xvda' bus='xen'/></disk>",
                r#"[ "drbd:web,xvda,w,storage" ]"#,
            ),
        ],
    );
}

#[test]
fn disks_of_xm_that_say_little() {
    for (value, element) in [
        ("['/i/plain.img,/dev/xvdc,w']", "<source file='/i/plain.img'/><target dev='xvdc' bus='xen'/>"),
        ("['phy:/dev/sdb1,51713,w']", "<driver name='phy'/><source dev='/dev/sdb1'/><target dev='51713' bus='xen'/>"),
        ("['file:/i/a,b,c.img,ioemu:hda,w']", "<driver name='file'/><source file='/i/a,b,c.img'/><target dev='hda' bus='ide'/>"),
        ("[',hdc:cdrom,r']", "<target dev='hdc' bus='ide'/><readonly/>"),
        ("['phy:/dev/sr0,hdc:cdrom,r']", "<driver name='phy'/><source dev='/dev/sr0'/><target dev='hdc' bus='ide'/><readonly/>"),
        (
            "['drbd:web,xvda,w,storage']",
            "<driver name='drbd'/><source file='web'/><backenddomain name='storage'/><target dev='xvda' bus='xen'/>",
        ),
        ("['file:/i/a.img,xvda']", "<driver name='file'/><source file='/i/a.img'/><target dev='xvda' bus='xen'/>"),
    ] {
        let (domain, warnings) = read(Dialect::Xm, "linux", &format!("disk = {value}"));
        let line = line(first_disk(&domain).as_ref(), "disk");
        assert!(line.contains(element) && warnings == 0, "{value} became {line}");
        let (again, _) = read(Dialect::Xm, "linux", &format!("disk = {}", written(&domain, Dialect::Xm, "disk")));
        assert_eq!(
            again.devices.disks().next().map(|disk| &disk.source),
            domain.devices.disks().next().map(|disk| &disk.source),
            "{value}"
        );
    }
}

#[test]
fn disks_of_xl() {
    let same = "<disk type='block' device='disk'><driver name='phy' type='raw'/><source dev='/dev/vg/guest-volume'/><target dev='hda' bus='ide'/></disk>";
    let same_written = r#"[ "format=raw,vdev=hda,access=rw,target=/dev/vg/guest-volume" ]"#;
    let cdrom = "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/root/image.iso'/><target dev='hdc' bus='ide'/><readonly/></disk>";
    let cdrom_written = r#"[ "format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/root/image.iso" ]"#;
    check(
        Dialect::Xl,
        "hvm",
        "disk",
        "disk",
        first_disk,
        &[
            ("['/dev/vg/guest-volume,,hda']", same, same_written),
            ("['/dev/vg/guest-volume,raw,hda,rw']", same, same_written),
            ("['format=raw, vdev=hda, access=rw, target=/dev/vg/guest-volume']", same, same_written),
            ("['raw:/dev/vg/guest-volume,hda,w']", same, same_written),
            ("['phy:vg/guest-volume,hda,w']", same, same_written),
            ("['/root/image.iso,,hdc,cdrom']", cdrom, cdrom_written),
            ("['/root/image.iso,,hdc,,cdrom']", cdrom, cdrom_written),
            ("['/root/image.iso,raw,hdc,devtype=cdrom']", cdrom, cdrom_written),
            ("['format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/image.iso']", cdrom, cdrom_written),
            ("['raw:/root/image.iso,hdc:cdrom,ro']", cdrom, cdrom_written),
            (
                "['tap:qcow2:/i/web.qcow2,xvda,w']",
                "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/i/web.qcow2'/><target dev='xvda' bus='xen'/></disk>",
                r#"[ "format=qcow2,vdev=xvda,access=rw,target=/i/web.qcow2" ]"#,
            ),
            (
                "['vdev=xvda,backendtype=qdisk,backend=storage,discard,target=/dev/vg/x']",
                "<disk type='block' device='disk'><driver name='qemu' type='raw' discard='unmap'/><source dev='/dev/vg/x'/><backenddomain name='storage'/><target dev='xvda' bus='xen'/></disk>",
                r#"[ "format=raw,vdev=xvda,access=rw,backend=storage,backendtype=qdisk,discard,target=/dev/vg/x" ]"#,
            ),
            (
                "['vdev=xvda,target=/i/a,b=c , d.img']",
                "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/i/a,b=c , d.img'/><target dev='xvda' bus='xen'/></disk>",
                r#"[ "format=raw,vdev=xvda,access=rw,target=/i/a,b=c , d.img" ]"#,
            ),
        ],
    );
}

#[test]
fn interfaces() {
    let cases = [
        (
            "['mac=00:16:3E:00:00:01,bridge=br0']",
            "<interface type='bridge'><mac address='00:16:3e:00:00:01'/><source bridge='br0'/></interface>",
            r#"[ "mac=00:16:3e:00:00:01,bridge=br0" ]"#,
        ),
        (
            "[' bridge = br0 , script = vif-bridge , vifname = web0 ']",
            "<interface type='bridge'><source bridge='br0'/><script path='vif-bridge'/><target dev='web0'/></interface>",
            r#"[ "bridge=br0,script=vif-bridge,vifname=web0" ]"#,
        ),
        (
            "['script=vif-route,ip=10.0.0.1/8']",
            "<interface type='ethernet'><script path='vif-route'/><ip address='10.0.0.1' prefix='8'/></interface>",
            r#"[ "script=vif-route,ip=10.0.0.1/8" ]"#,
        ),
        (
            "['bridge=br0,type=vif,rate=1MB/s']",
            "<interface type='bridge'><source bridge='br0'/><model type='netfront'/><bandwidth><outbound average='1024'/></bandwidth></interface>",
            r#"[ "bridge=br0,type=vif,rate=1024KB/s" ]"#,
        ),
        (
            "['bridge=br0,backend=netdom,model=e1000,type=ioemu']",
            "<interface type='bridge'><source bridge='br0'/><backenddomain name='netdom'/><model type='e1000'/></interface>",
            r#"[ "bridge=br0,model=e1000,backend=netdom" ]"#,
        ),
        (
            "['bridge=ovs0.7,script=vif-openvswitch']",
            "<interface type='bridge'><source bridge='ovs0'/><virtualport type='openvswitch'/><script path='vif-openvswitch'/><vlan><tag id='7'/></vlan></interface>",
            r#"[ "bridge=ovs0.7,script=vif-openvswitch" ]"#,
        ),
        ("['']", "<interface type='bridge'><source bridge='xenbr0'/></interface>", r#"[ "bridge=xenbr0" ]"#),
    ];
    check(Dialect::Xl, "hvm", "vif", "interface", first_interface, &cases);
}

#[test]
fn serial_ports() {
    let with_port = |rest: &str| format!("{rest}<target port='0'/></serial>");
    let cases = [
        ("'pty'", "<serial type='pty'>", r#""pty""#),
        ("'null'", "<serial type='null'>", r#""null""#),
        ("'stdio'", "<serial type='stdio'>", r#""stdio""#),
        ("['vc']", "<serial type='vc'>", r#""vc""#),
        ("'/dev/ttyS0'", "<serial type='dev'><source path='/dev/ttyS0'/>", r#""/dev/ttyS0""#),
        ("'file:/l/a,b.log'", "<serial type='file'><source path='/l/a,b.log'/>", r#""file:/l/a,b.log""#),
        ("'pipe:/l/pipe'", "<serial type='pipe'><source path='/l/pipe'/>", r#""pipe:/l/pipe""#),
        ("'unix:/r/s'", "<serial type='unix'><source mode='connect' path='/r/s'/>", r#""unix:/r/s""#),
        ("'unix:/r/s,server,nowait'", "<serial type='unix'><source mode='bind' path='/r/s'/>", r#""unix:/r/s,server,nowait""#),
        (
            "'tcp:h.example.org:99'",
            "<serial type='tcp'><source mode='connect' host='h.example.org' service='99'/><protocol type='raw'/>",
            r#""tcp:h.example.org:99""#,
        ),
        (
            "'tcp:0.0.0.0:99,server,nowait,telnet'",
            "<serial type='tcp'><source mode='bind' host='0.0.0.0' service='99'/><protocol type='telnet'/>",
            r#""telnet:0.0.0.0:99,server,nowait""#,
        ),
        (
            "'udp:h:1@:2'",
            "<serial type='udp'><source mode='bind' service='2'/><source mode='connect' host='h' service='1'/>",
            r#""udp:h:1@:2""#,
        ),
        ("'udp::1'", "<serial type='udp'><source mode='connect' service='1'/>", r#""udp::1""#),
    ];
    let cases: Vec<_> = cases.iter().map(|(value, element, again)| (*value, with_port(element), *again)).collect();
    let cases: Vec<_> = cases.iter().map(|(value, element, again)| (*value, element.as_str(), *again)).collect();
    check(Dialect::Xm, "hvm", "serial", "serial", first_serial, &cases);
}

/// A setting, and what must stand in the document for it; none where nothing may be left of it but a
/// warning.
#[test]
fn settings_and_their_elements() {
    for (dialect, kind, setting, element) in [
        (Dialect::Xm, "hvm", "boot = 'and'", "<boot dev='fd'/>\n    <boot dev='network'/>\n    <boot dev='cdrom'/>"),
        (Dialect::Xl, "hvm", "bios = 'ovmf'", "<os firmware='efi'>"),
        (Dialect::Xl, "hvm", "bios = 'seabios'", "<os firmware='bios'>"),
        (Dialect::Xl, "hvm", "firmware_override = '/b/hvmloader-debug'", "<loader>/b/hvmloader-debug</loader>"),
        (Dialect::Xl, "hvm", "kernel = '/usr/lib/xen-4.4/boot/hvmloader'", "<loader>/usr/lib/xen-4.4/boot/hvmloader</loader>"),
        (Dialect::Xl, "hvm", "kernel = '/boot/linux'", "<kernel>/boot/linux</kernel>"),
        (Dialect::Xm, "hvm", "kernel = '/b/hvmloader'\nloader = ''", "<loader>/b/hvmloader</loader>"),
        (Dialect::Xm, "hvm", "device_model = '/q/qemu-dm'", "<emulator>/q/qemu-dm</emulator>"),
        (Dialect::Xm, "linux", "localtime = 1", "<clock offset='localtime'/>"),
        (Dialect::Xl, "hvm", "rtc_timeoffset = 3600", "<clock offset='variable' adjustment='3600' basis='utc'/>"),
        (Dialect::Xl, "hvm", "tsc_mode = 'native'", "<timer name='tsc' mode='native'/>"),
        (Dialect::Xl, "generic", "cpus = '0-3,5,^1'", "<vcpu cpuset='0,2-3,5'>1</vcpu>"),
        (Dialect::Xl, "generic", "cpus = 'all'", "<vcpu>1</vcpu>"),
        (Dialect::Xl, "generic", "vcpus = 2; maxvcpus = 4", "<vcpu current='2'>4</vcpu>"),
        (Dialect::Xm, "linux", "vcpus = 0x4L", "<vcpu>4</vcpu>"),
        (Dialect::Xm, "linux", "vcpus = 010", "<vcpu>8</vcpu>"),
        (Dialect::Xm, "linux", "bootargs = '-q'", "<bootloader_args>-q</bootloader_args>"),
        (Dialect::Xm, "linux", "restart = 'always'", "<on_poweroff>restart</on_poweroff>"),
        (Dialect::Xm, "linux", "on_crash = 'coredump-restart'", "<on_crash>coredump-restart</on_crash>"),
        (Dialect::Xm, "linux", "vnc = 1; sdl = 1", "<graphics type='sdl'/>"),
        (Dialect::Xm, "linux", "vfb = ['type=sdl']", "<graphics type='sdl'/>"),
        (Dialect::Xl, "generic", "vfb = ['']", "<graphics type='vnc' port='-1' autoport='yes'/>"),
        (Dialect::Xl, "generic", "vfb = ['vnclisten=127.0.0.1:9']", "<graphics type='vnc' port='5909' autoport='no' listen='127.0.0.1'/>"),
        (Dialect::Xl, "generic", "vfb = ['vnclisten=::1']", "<graphics type='vnc' port='-1' autoport='yes' listen='::1'/>"),
        (Dialect::Xl, "hvm", "vga = 'stdvga'", "<model type='vga'/>"),
        (Dialect::Xl, "hvm", "nographic = 1", "<model type='none'/>"),
        (Dialect::Xl, "hvm", "usb = 0", "<controller type='usb' model='none'/>"),
        (Dialect::Xl, "hvm", "usbversion = 3", "<controller type='usb' model='nec-xhci'/>"),
        (Dialect::Xl, "hvm", "usbctrl = ['type=devicemodel,version=1']", "<controller type='usb' model='piix3-uhci'/>"),
        (Dialect::Xl, "hvm", "viridian = [ 'base', '!hcall_ipi' ]", "<ipi state='off'/>"),
        (Dialect::Xl, "hvm", "nestedhvm = 0", "<feature policy='disable' name='vmx'/>"),
        (Dialect::Xl, "generic", "passthrough = 'share_pt'", "<passthrough state='on' mode='share_pt'/>"),
        (Dialect::Xl, "generic", "cap = 50", "<global_quota>50000</global_quota>"),
    ] {
        let (domain, warnings) = read(dialect, kind, setting);
        let text = domain.to_xml();
        assert!(text.contains(element), "{setting}: {element} is not in\n{text}");
        assert_eq!(warnings, 0, "{setting}");
        let again = xen::read(&xen::write(&domain, dialect).unwrap().text, dialect).unwrap();
        assert_eq!(again.domain.to_xml(), text, "{setting}: read(write(x)) == x");
    }
}

#[test]
fn what_has_no_element_is_told_by_name() {
    for (kind, setting) in [
        ("hvm", "gfx_passthru = 1"),
        ("hvm", "xen_platform_pci = 0"),
        ("hvm", "nx = 1"),
        ("hvm", "hdtype = 'ahci'"),
        ("hvm", "soundhw = 'all'"),
        ("hvm", "usbdevice = 'braille'"),
        ("hvm", "serial = 'mon:stdio'"),
        ("hvm", "cpuid = ['1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0']"),
        ("hvm", "firmware = 'rombios'"),
        ("generic", "firmware = 'pvgrub64'"),
        ("generic", "pool = 'a'"),
        ("generic", "cpus = 'node:0'"),
        ("generic", "cpus_soft = '1'"),
        ("generic", "vtpm = ['backend=domu']"),
        ("generic", "p9 = ['tag=share,path=/srv']"),
        ("generic", "on_poweroff = 'soft-reset'"),
        ("generic", "disk = ['vdev=xvda,direct-io-safe,target=/i']"),
        ("generic", "vif = ['bridge=a,bridge=b']"),
        ("generic", "disk = ['vdev=xvda,script=/opt/mine,target=/i']"),
        ("generic", "vif = ['bridge=a,gatewaydev=eth0']"),
        ("generic", "vif = ['bridge=a,rate=1KB/s@20ms']"),
        ("generic", "pci = ['03:00.0,rdm_policy=strict']"),
        ("generic", "usbctrl = ['type=pv']"),
        ("generic", "name2 = 'never heard of'"),
        ("generic", "vcpu_avail = 5; vcpus = 4"),
        ("generic", "memory = 1; memory = 2"),
    ] {
        assert_eq!(read(Dialect::Xl, kind, setting).1, 1, "{setting}");
    }
}

#[test]
fn lines_of_other_systems_and_marks_before_them_mean_nothing() {
    let text = "\u{feff}# ä\r\nname = 'x'\r\ndisk = [ # one\r\n 'file:/i,hda,w',\r\n]\r\nmemory = \\\r\n 64\r\n";
    let converted = xen::read(text, Dialect::Xm).unwrap();
    assert_eq!(converted.domain.devices.disks().count(), 1);
    assert_eq!(converted.domain.memory_bytes(), 64 << 20);
    assert_eq!(converted.warnings, vec![]);
}

#[test]
fn passwords_are_in_no_warning() {
    let text = "name = 'x'\nbuilder = 'hvm'\nvnc = 0\nvncpasswd = 'geheim'\nspicepasswd = 'geheim'\n";
    let warnings = xen::read(text, Dialect::Xl).unwrap().warnings;
    assert_eq!(warnings.len(), 2);
    assert!(warnings.iter().all(|warning| !warning.to_string().contains("geheim")), "{warnings:?}");
}
