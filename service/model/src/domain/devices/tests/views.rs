//! The checked views: what they give, and what they say is missing.

use crate::domain::devices::*;
use crate::xml::{Content, read_document};

fn read<T: Content>(text: &str, element: &str) -> T {
    read_document::<T>(text, element).unwrap().0
}

/// Views the device of each text and compares with the debug form or the problem's sentence.
fn check<T: Content>(element: &str, view: impl Fn(&T) -> Result<String, Problem>, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let found = view(&read::<T>(text, element)).unwrap_or_else(|problem| problem.to_string());
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn disk_sources() {
    check::<Disk>(
        "disk",
        |disk| disk.source_view().map(|source| format!("{source:?}")),
        &[
            ("<disk><source file='/a'/></disk>", "File { path: \"/a\" }"),
            ("<disk type='block'><source dev='/dev/a'/></disk>", "Block { path: \"/dev/a\" }"),
            ("<disk type='dir'><source dir='/a'/></disk>", "Dir { path: \"/a\" }"),
            ("<disk type='network'><source protocol='nbd'/></disk>", "Network { protocol: \"nbd\", name: None, hosts: [] }"),
            ("<disk type='volume'><source pool='p' volume='v'/></disk>", "Volume { pool: \"p\", volume: \"v\" }"),
            ("<disk type='vhostuser'><source type='unix' path='/s'/></disk>", "VhostUser { path: \"/s\" }"),
            ("<disk type='vhostvdpa'><source dev='/dev/v'/></disk>", "VhostVdpa { path: \"/dev/v\" }"),
            ("<disk device='cdrom'/>", "Empty"),
            ("<disk device='floppy'><source startupPolicy='optional'/></disk>", "Empty"),
            ("<disk/>", "<disk> of type 'file' needs <source file='…'/>"),
            ("<disk type='file'><source file=''/></disk>", "<disk> of type 'file' needs <source file='…'/>"),
            ("<disk type='block' device='lun'><source file='/a'/></disk>", "<disk> of type 'block' needs <source dev='…'/>"),
            ("<disk type='network'><source name='a'/></disk>", "<disk> of type 'network' needs <source protocol='…' name='…'/>"),
            ("<disk type='volume'><source pool='p'/></disk>", "<disk> of type 'volume' needs <source pool='…' volume='…'/>"),
            (
                "<disk type='nvme'><source type='pci' namespace='1'/></disk>",
                "<disk> of type 'nvme' needs <source type='pci' namespace='…'> with an <address>",
            ),
        ],
    );
    let nvme = "<disk type='nvme'><source type='pci' namespace='1'><address domain='0' bus='1' slot='0' function='0'/></source></disk>";
    let disk = read::<Disk>(nvme, "disk");
    let DiskSource::Nvme { address, namespace } = disk.source_view().unwrap() else { panic!("{disk:?}") };
    assert_eq!((address.to_string().as_str(), namespace), ("0000:01:00.0", 1));
}

#[test]
fn buses_follow_from_names() {
    for (text, bus) in [
        ("<disk><target dev='hda'/></disk>", DiskBus::Ide),
        ("<disk><target dev='sda1'/></disk>", DiskBus::Scsi),
        ("<disk><target dev='vda'/></disk>", DiskBus::Virtio),
        ("<disk><target dev='xvda'/></disk>", DiskBus::Xen),
        ("<disk device='floppy'><target dev='sda'/></disk>", DiskBus::Fdc),
        ("<disk><target dev='sda' bus='usb'/></disk>", DiskBus::Usb),
        ("<disk/>", DiskBus::Ide),
    ] {
        assert_eq!(read::<Disk>(text, "disk").bus(), bus, "{text}");
    }
}

#[test]
fn interface_sources() {
    check::<Interface>(
        "interface",
        |interface| interface.source_view().map(|source| format!("{source:?}")),
        &[
            ("<interface type='user'/>", "User { backend: Default, dev: None }"),
            (
                "<interface type='user'><backend type='passt'/><source dev='eth0'/></interface>",
                "User { backend: Passt, dev: Some(\"eth0\") }",
            ),
            ("<interface type='network'><source network='default'/></interface>", "Network { network: \"default\", port_group: None }"),
            ("<interface type='network'/>", "<interface> of type 'network' needs <source network='…'/>"),
            ("<interface type='bridge'><source bridge='br0'/></interface>", "Bridge { bridge: \"br0\" }"),
            ("<interface type='bridge'/>", "<interface> of type 'bridge' needs <source bridge='…'/>"),
            ("<interface type='direct'><source dev='eth0'/></interface>", "Direct { dev: \"eth0\", mode: Vepa }"),
            ("<interface type='direct'><source dev='eth0' mode='private'/></interface>", "Direct { dev: \"eth0\", mode: Private }"),
            (
                "<interface type='direct'><source dev='eth0' mode='server'/></interface>",
                "<interface> of type 'direct' needs a mode that is one of 'vepa', 'bridge', 'private', 'passthrough'; 'server' is not",
            ),
            ("<interface type='ethernet'/>", "Ethernet"),
            (
                "<interface type='vhostuser'><source type='unix' path='/s' mode='server'/></interface>",
                "VhostUser { path: \"/s\", mode: Server }",
            ),
            ("<interface type='internal'><source name='a'/></interface>", "Internal { name: \"a\" }"),
            (
                "<interface type='mcast'><source address='230.0.0.1' port='5558'/></interface>",
                "Mcast(Socket { address: Some(\"230.0.0.1\"), port: 5558 })",
            ),
            (
                "<interface type='udp'><source port='1'><local port='2'/></source></interface>",
                "Udp { remote: Socket { address: None, port: 1 }, local: Some(Socket { address: None, port: 2 }) }",
            ),
            ("<interface type='server'/>", "<interface> of type 'server' needs <source address='…' port='…'/>"),
            ("<interface type='hostdev'/>", "<interface> of type 'hostdev' needs a <source> with an <address type='pci'>"),
            ("<interface type='vdpa'><source dev='/dev/v'/></interface>", "Vdpa { path: \"/dev/v\" }"),
            ("<interface type='null'/>", "Null"),
        ],
    );
}

#[test]
fn character_device_sources() {
    let view = |serial: &Serial| serial.source_view().map(|source| format!("{source:?}"));
    check::<Serial>(
        "serial",
        view,
        &[
            ("<serial/>", "Pty { path: None }"),
            ("<serial type='pty' tty='/dev/pts/5'/>", "Pty { path: Some(\"/dev/pts/5\") }"),
            ("<serial type='pty' tty='/dev/pts/5'><source path='/dev/pts/6'/></serial>", "Pty { path: Some(\"/dev/pts/6\") }"),
            ("<serial type='null'/>", "Null"),
            ("<serial type='stdio'/>", "Stdio"),
            ("<serial type='vc'/>", "Vc"),
            ("<serial type='file'><source path='/a' append='on'/></serial>", "File { path: \"/a\", append: true }"),
            ("<serial type='file'/>", "<serial> of type 'file' needs <source path='…'/>"),
            ("<serial type='pipe'><source path='/a'/></serial>", "Pipe { path: \"/a\" }"),
            ("<serial type='dev'><source path='/dev/ttyS0'/></serial>", "Dev { path: \"/dev/ttyS0\" }"),
            ("<serial type='unix'/>", "Unix { path: None, mode: Bind, reconnect: None }"),
            (
                "<serial type='unix'><source mode='connect' path='/s'><reconnect enabled='yes' timeout='10'/></source></serial>",
                "Unix { path: Some(\"/s\"), mode: Connect, reconnect: Some(10) }",
            ),
            (
                "<serial type='tcp'><source host='h' service='23' tls='yes'/><protocol type='telnet'/></serial>",
                "Tcp { host: \"h\", service: \"23\", mode: Connect, protocol: Telnet, tls: Some(true), reconnect: None }",
            ),
            ("<serial type='tcp'><source host='h'/></serial>", "<serial> of type 'tcp' needs <source service='…'/>"),
            (
                "<serial type='udp'><source mode='bind' service='1'/><source mode='connect' host='h' service='2'/></serial>",
                "Udp { host: Some(\"h\"), service: \"2\", bind_host: None, bind_service: Some(\"1\") }",
            ),
            (
                "<serial type='udp'><source mode='bind' service='1'/></serial>",
                "<serial> of type 'udp' needs <source mode='connect' service='…'/>",
            ),
            ("<serial type='spiceport'><source channel='c'/></serial>", "SpicePort { channel: \"c\" }"),
            ("<serial type='dbus'/>", "<serial> of type 'dbus' needs <source channel='…'/>"),
            ("<serial type='nmdm'><source master='/m' slave='/s'/></serial>", "Nmdm { master: \"/m\", slave: \"/s\" }"),
        ],
    );
    check::<Console>(
        "console",
        |console| console.source_view().map(|source| format!("{source:?}")),
        &[("<console tty='/dev/pts/5'/>", "Pty { path: Some(\"/dev/pts/5\") }")],
    );
    check::<Channel>(
        "channel",
        |channel| channel.source_view().map(|source| format!("{source:?}")),
        &[
            ("<channel type='spicevmc'/>", "SpiceVmc"),
            ("<channel type='qemu-vdagent'/>", "QemuVdagent { clipboard: false, mouse: None }"),
            (
                "<channel type='qemu-vdagent'><source><clipboard copypaste='yes'/><mouse mode='client'/></source></channel>",
                "QemuVdagent { clipboard: true, mouse: Some(Client) }",
            ),
        ],
    );
}

#[test]
fn where_displays_listen() {
    check::<Graphics>(
        "graphics",
        |graphics| graphics.listen_views().map(|listens| format!("{listens:?} {} {:?}", graphics.autoport(), graphics.fixed_port())),
        &[
            ("<graphics type='vnc' port='-1'/>", "[Address(None)] true None"),
            ("<graphics type='vnc' port='5904'/>", "[Address(None)] false Some(5904)"),
            ("<graphics type='vnc' port='5904' autoport='yes' listen='0.0.0.0'/>", "[Address(Some(\"0.0.0.0\"))] true Some(5904)"),
            ("<graphics type='vnc' socket='/s'/>", "[Socket(Some(\"/s\"))] true None"),
            ("<graphics type='spice'><listen type='none'/></graphics>", "[None] true None"),
            ("<graphics type='spice'><listen type='address'/></graphics>", "[Address(None)] true None"),
            ("<graphics type='vnc'><listen type='socket'/></graphics>", "[Socket(None)] true None"),
            ("<graphics type='vnc'><listen type='network' network='n'/></graphics>", "[Network(\"n\")] true None"),
            ("<graphics type='vnc'><listen type='network'/></graphics>", "<listen> of type 'network' needs the attribute network='…'"),
        ],
    );
}

#[test]
fn sources_of_random_numbers() {
    check::<Rng>(
        "rng",
        |rng| rng.backend_view().map(|source| format!("{source:?}")),
        &[
            ("<rng><backend model='random'>/dev/random</backend></rng>", "Random { path: \"/dev/random\" }"),
            ("<rng><backend model='random'/></rng>", "Random { path: \"/dev/urandom\" }"),
            ("<rng><backend model='builtin'/></rng>", "Builtin"),
            (
                "<rng><backend model='egd' type='unix'><source mode='connect' path='/s'/></backend></rng>",
                "Egd(Unix { path: Some(\"/s\"), mode: Connect, reconnect: None })",
            ),
            ("<rng/>", "<rng> needs <backend model='random'>/dev/urandom</backend>"),
        ],
    );
}

#[test]
fn hosts_of_input_devices() {
    check::<Input>(
        "input",
        |input| input.source_view().map(|source| format!("{:?} {source:?}", input.bus())),
        &[
            ("<input type='tablet'/>", "Usb None"),
            ("<input type='keyboard'/>", "Ps2 None"),
            ("<input type='passthrough' bus='virtio'><source evdev='/dev/e'/></input>", "Virtio Some(\"/dev/e\")"),
            ("<input type='evdev'><source dev='/dev/e'/></input>", "None Some(\"/dev/e\")"),
            ("<input type='evdev'/>", "<input> of type 'evdev' needs <source dev='…'/>"),
        ],
    );
}

#[test]
fn host_devices() {
    check::<Hostdev>(
        "hostdev",
        |hostdev| {
            hostdev.source_view().map(|source| match source {
                HostdevSource::Pci { address } => address.to_string(),
                source => format!("{source:?}"),
            })
        },
        &[
            (
                "<hostdev type='usb'><source><vendor id='0x10'/><product id='2'/></source></hostdev>",
                "Usb { ids: Some((16, 2)), place: None, port: None }",
            ),
            (
                "<hostdev type='usb'><source><address bus='1' device='0x2'/></source></hostdev>",
                "Usb { ids: None, place: Some((1, 2)), port: None }",
            ),
            (
                "<hostdev type='usb'><source><address bus='1' port='1.2'/></source></hostdev>",
                "Usb { ids: None, place: None, port: Some((1, \"1.2\")) }",
            ),
            (
                "<hostdev type='usb'><source><vendor id='1'/></source></hostdev>",
                "<hostdev> of type 'usb' needs <source> with <vendor id='…'/> and <product id='…'/>, or with an <address bus='…' device='…'/>",
            ),
            ("<hostdev type='usb'/>", "<hostdev> of type 'usb' needs a <source>"),
            ("<hostdev type='pci'><source><address bus='0x06' slot='2' function='0'/></source></hostdev>", "0000:06:02.0"),
            (
                "<hostdev type='pci'><source><address bus='6'/></source></hostdev>",
                "<hostdev> of type 'pci' needs <source> with an <address domain='…' bus='…' slot='…' function='…'/>",
            ),
            (
                "<hostdev type='scsi'><source><adapter name='h'/><address bus='0' target='1' unit='2'/></source></hostdev>",
                "Scsi { adapter: \"h\", bus: 0, target: 1, unit: 2 }",
            ),
            ("<hostdev type='scsi'><source protocol='iscsi' name='n'/></hostdev>", "Iscsi { name: \"n\", hosts: [] }"),
            ("<hostdev type='scsi_host'><source/></hostdev>", "<hostdev> of type 'scsi_host' needs <source protocol='vhost' wwpn='…'/>"),
            ("<hostdev type='mdev'><source/></hostdev>", "<hostdev> of type 'mdev' needs <source> with an <address uuid='…'/>"),
            ("<hostdev type='net'><source><interface>eth0</interface></source></hostdev>", "Net { interface: \"eth0\" }"),
        ],
    );
}

#[test]
fn filesystem_sources() {
    check::<Filesystem>(
        "filesystem",
        |filesystem| filesystem.source_view().map(|source| format!("{source:?}")),
        &[
            ("<filesystem><source dir='/a'/></filesystem>", "Mount { dir: \"/a\" }"),
            ("<filesystem><source socket='/s'/></filesystem>", "Socket { path: \"/s\" }"),
            ("<filesystem/>", "<filesystem> of type 'mount' needs <source dir='…'/>"),
            ("<filesystem type='file'><source dir='/a'/></filesystem>", "<filesystem> of type 'file' needs <source file='…'/>"),
            ("<filesystem type='ram'><source usage='5'/></filesystem>", "Ram { bytes: 5120 }"),
            (
                "<filesystem type='volume'><source pool='p'/></filesystem>",
                "<filesystem> of type 'volume' needs <source pool='…' volume='…'/>",
            ),
        ],
    );
}

#[test]
fn platform_devices() {
    check::<Tpm>(
        "tpm",
        |tpm| tpm.backend_view().map(|source| format!("{source:?}")),
        &[
            ("<tpm><backend type='emulator'/></tpm>", "Emulator { version: V2_0, state: None, secret: None }"),
            (
                "<tpm><backend type='emulator' version='1.2'><source type='file' path='/a'/></backend></tpm>",
                "Emulator { version: V1_2, state: Some((File, \"/a\")), secret: None }",
            ),
            ("<tpm><backend type='passthrough'/></tpm>", "Passthrough { path: \"/dev/tpm0\" }"),
            ("<tpm><backend type='external'/></tpm>", "<backend> of type 'external' needs <source type='unix' path='…' mode='connect'/>"),
            ("<tpm/>", "<tpm> needs <backend type='emulator' version='2.0'/>"),
        ],
    );
    check::<Vsock>(
        "vsock",
        |vsock| vsock.cid_view().map(|cid| format!("{cid:?}")),
        &[
            ("<vsock/>", "Auto"),
            ("<vsock><cid auto='yes' address='3'/></vsock>", "Auto"),
            ("<vsock><cid address='3'/></vsock>", "Fixed(3)"),
            ("<vsock><cid address='2'/></vsock>", "<vsock> needs a <cid address='…'/> from 3 to 4294967294, or auto='yes'; 2 is reserved"),
        ],
    );
    check::<MemoryDevice>(
        "memory",
        |memory| memory.source_view().map(|path| format!("{path:?}")),
        &[
            ("<memory model='dimm'/>", "None"),
            ("<memory model='nvdimm'><source><path>/a</path></source></memory>", "Some(\"/a\")"),
            ("<memory model='nvdimm'/>", "<memory> of model 'nvdimm' needs <source> with a <path>"),
        ],
    );
    check::<Smartcard>(
        "smartcard",
        |smartcard| smartcard.source_view().map(|source| format!("{source:?}")),
        &[
            ("<smartcard mode='host'/>", "Host"),
            ("<smartcard mode='passthrough' type='spicevmc'/>", "Passthrough(SpiceVmc)"),
            ("<smartcard mode='passthrough'/>", "<smartcard> of mode 'passthrough' needs the attribute type='…', such as 'spicevmc'"),
            (
                "<smartcard mode='host-certificates'><certificate>a</certificate></smartcard>",
                "<smartcard> of mode 'host-certificates' needs three <certificate> elements; there are 1",
            ),
        ],
    );
}

#[test]
fn passwords_are_not_shown() {
    let graphics = read::<Graphics>("<graphics type='vnc' passwd='hunter2'/>", "graphics");
    assert_eq!(graphics.password.as_ref().unwrap().0, "hunter2");
    assert!(!format!("{graphics:?}").contains("hunter2"));
}

#[test]
fn ethernet_addresses() {
    let address: MacAddress = "52:54:00:6b:3c:58".parse().unwrap();
    assert_eq!(address, MacAddress::from_parts(MacAddress::KVM_PREFIX, [0x6b, 0x3c, 0x58]));
    assert!(!address.is_multicast());
    assert!("01:00:5e:00:00:01".parse::<MacAddress>().unwrap().is_multicast());
    for wrong in ["", "52:54:00:6b:3c", "52:54:00:6b:3c:58:00", "52:54:00:6b:3c:+5", "52:54:00:6b:3c:158", "52:54:00:6b:3c:é"] {
        assert!(wrong.parse::<MacAddress>().is_err(), "{wrong}");
    }
}

#[test]
fn every_placed_device_offers_its_alias_and_address() {
    let text = "<devices><rng><alias name='rng0'/><address type='pci'/></rng><graphics type='vnc'/></devices>";
    let mut devices = read::<Devices>(text, "devices");
    assert_eq!(devices.list[0].alias(), Some("rng0"));
    assert!(matches!(devices.list[0].address(), Some(Address::Pci(pci)) if pci.is_unset()));
    assert_eq!((devices.list[1].alias(), devices.list[1].address()), (None, None));
    assert!(devices.list[1].address_mut().is_none());
    *devices.list[0].address_mut().unwrap() = Some(Address::Pci(PciAddress::new(0, 1, 2, 0)));
    let Some(Address::Pci(pci)) = devices.rngs().next().unwrap().address.as_ref() else { panic!("{devices:?}") };
    assert_eq!(pci.to_string(), "0000:01:02.0");
}
