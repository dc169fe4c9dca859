//! The document that Lodge comes from shows its formats by listings, numbered 8-5 to 8-30. Each that is XML or a native
//! configuration has a fixture with its facts here, and what the document says of it holds: what is read is understood, written
//! back unharmed, and converted to the values that it shows.
//!
//! Fixtures are our own text with the same facts; files and made-up addresses have names of our own. Where today's result has
//! more than the listing, or other words for the same, the table tells why.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

use std::path::Path;

use lodge_model::documents::examine;
use lodge_model::native::{self, Format};
use lodge_model::xml::{Element, parse};

/// A listing that is a document: it is read, and written back with all that it says.
struct Shown {
    listing: &'static str,
    fixture: &'static str,
    /// What the listing says, as paths below the root and values; `[n]` is the n-th of a name.
    facts: &'static [(&'static str, &'static str)],
}

/// Facts of the listings, and how they are written today where that differs: sizes of domains have their unit, a clock has an
/// offset instead of `sync`, a UUID has dashes, numbers of ports that are to be found say so, a volume's size is in bytes.
const DOCUMENTS: &[Shown] = &[
    Shown {
        listing: "8-5",
        fixture: "domain/xen-metadata",
        facts: &[
            ("@type", "xen"),
            ("@id", "3"),
            ("name", "fv0"),
            ("uuid", "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"),
            ("title", "Windows for the accounting"),
            ("description", "Runs the old ledger.\n Ask before it is stopped."),
            ("metadata/ledger:machine", ".."),
            ("metadata/rack:place/@row", "4"),
        ],
    },
    Shown { listing: "8-6", fixture: "network/metadata", facts: &[("name", "lab"), ("uuid", "3e3fce45-4f53-4fa7-bb32-11f34168b82b")] },
    Shown {
        listing: "8-7",
        fixture: "network/lan",
        facts: &[
            ("bridge/@name", "virbr0"),
            ("bridge/@stp", "on"),
            ("bridge/@delay", "5"),
            ("domain/@name", "example.com"),
            ("forward/@mode", "nat"),
            ("forward/@dev", "eth0"),
        ],
    },
    Shown {
        listing: "8-8",
        fixture: "network/default",
        facts: &[
            ("name", "default"),
            ("bridge/@name", "virbr0"),
            ("forward/@mode", "nat"),
            ("ip[1]/@address", "192.168.122.1"),
            ("ip[1]/@netmask", "255.255.255.0"),
            ("ip[1]/dhcp/range/@start", "192.168.122.2"),
            ("ip[1]/dhcp/range/@end", "192.168.122.254"),
            ("ip[2]/@family", "ipv6"),
            ("ip[2]/@address", "2001:db8:ca2:2::1"),
            ("ip[2]/@prefix", "64"),
        ],
    },
    Shown {
        listing: "8-9",
        fixture: "storage-pool/iscsi",
        facts: &[
            ("@type", "iscsi"),
            ("name", "virtimages"),
            ("uuid", "3e3fce45-4f53-4fa7-bb32-11f34168b82b"),
            ("allocation", "10000000"),
            ("capacity", "50000000"),
            ("available", "40000000"),
        ],
    },
    Shown {
        listing: "8-10",
        fixture: "storage-volume/sparse",
        facts: &[
            ("name", "sparse.img"),
            ("key", "/var/lib/xen/images/sparse.img"),
            ("allocation", "0"),
            ("capacity", "1099511627776"),
            ("capacity/@unit", "bytes"),
        ],
    },
    Shown {
        listing: "8-11",
        fixture: "storage-pool/dir",
        facts: &[("@type", "dir"), ("name", "virtimages"), ("target/path", "/var/lib/virt/images")],
    },
    Shown {
        listing: "8-12",
        fixture: "storage-pool/iscsi",
        facts: &[
            ("@type", "iscsi"),
            ("name", "virtimages"),
            ("source/host/@name", "iscsi.example.com"),
            ("source/device/@path", "demo-target"),
            ("target/path", "/dev/disk/by-path"),
        ],
    },
    Shown {
        listing: "8-13",
        fixture: "storage-volume/sparse",
        facts: &[
            ("target/path", "/var/lib/virt/images/sparse.img"),
            ("target/permissions/owner", "107"),
            ("target/permissions/group", "107"),
            ("target/permissions/mode", "0744"),
            ("target/permissions/label", "virt_image_t"),
        ],
    },
    Shown {
        listing: "8-14",
        fixture: "encryption/qcow",
        facts: &[("@format", "qcow"), ("secret/@type", "passphrase"), ("secret/@uuid", "c1f11a6d-8c5d-4a3e-ac7a-4e171c5e0d4a")],
    },
    Shown {
        listing: "8-15, the computer",
        fixture: "node-device/computer",
        facts: &[
            ("name", "computer"),
            ("capability/@type", "system"),
            ("capability/product", "2241B36"),
            ("capability/hardware/vendor", "LENOVO"),
            ("capability/hardware/version", "ThinkPad T500"),
            ("capability/hardware/serial", "R89055N"),
            ("capability/hardware/uuid", "c9488981-5049-11cb-9c1c-993d0230b4cd"),
            ("capability/firmware/vendor", "LENOVO"),
            ("capability/firmware/version", "6FET82WW (3.12 )"),
            ("capability/firmware/release_date", "11/26/2009"),
        ],
    },
    Shown {
        listing: "8-15, the network interface",
        fixture: "node-device/net-ethernet",
        facts: &[
            ("name", "net_eth1_00_27_13_6a_fe_00"),
            ("parent", "pci_0000_00_19_0"),
            ("capability/@type", "net"),
            ("capability/interface", "eth1"),
            ("capability/address", "00:27:13:6a:fe:00"),
            ("capability/capability/@type", "80203"),
        ],
    },
    Shown {
        listing: "8-19",
        fixture: "domain/xen-paravirt-pygrub",
        facts: &[
            ("@type", "xen"),
            ("name", "fc8"),
            ("bootloader", "/usr/bin/pygrub"),
            ("os/type", "linux"),
            ("memory", "131072"),
            ("vcpu", "1"),
            ("devices/disk/@type", "file"),
            ("devices/disk/target/@dev", "sda1"),
            ("devices/interface/source/@bridge", "xenbr0"),
            ("devices/interface/mac/@address", "aa:00:00:00:00:11"),
            ("devices/interface/script/@path", "/etc/xen/scripts/vif-bridge"),
            ("devices/console/@tty", "/dev/pts/5"),
        ],
    },
    Shown {
        listing: "8-20",
        fixture: "domain/xen-paravirt-kernel",
        facts: &[
            ("os/type", "linux"),
            ("os/kernel", "/srv/xen/install/vmlinuz"),
            ("os/initrd", "/srv/xen/install/initrd.img"),
            ("os/cmdline", " kickstart=http://install.example.org/guest.ks "),
            ("devices/graphics/@type", "vnc"),
            ("devices/graphics/@port", "-1"),
            ("devices/console/@tty", "/dev/pts/5"),
        ],
    },
    Shown {
        listing: "8-21",
        fixture: "domain/xen-hvm",
        facts: &[
            ("@id", "3"),
            ("os/type", "hvm"),
            ("os/loader", "/usr/lib/xen/boot/hvmloader"),
            ("os/boot/@dev", "hd"),
            ("memory", "524288"),
            ("on_poweroff", "destroy"),
            ("on_reboot", "restart"),
            ("on_crash", "restart"),
            ("features/pae", ""),
            ("features/acpi", ""),
            ("features/apic", ""),
            ("clock/@offset", "localtime"),
            ("devices/emulator", "/usr/lib/xen/bin/qemu-dm"),
            ("devices/interface/script/@path", "vif-bridge"),
            ("devices/disk[1]/target/@dev", "hda"),
            ("devices/disk[2]/@device", "cdrom"),
            ("devices/disk[2]/target/@dev", "hdc"),
            ("devices/disk[2]/readonly", ""),
            ("devices/disk[3]/@device", "floppy"),
            ("devices/disk[3]/target/@dev", "fda"),
            ("devices/graphics/@port", "5904"),
        ],
    },
    Shown {
        listing: "8-22",
        fixture: "domain/xen-hvm-kernel",
        facts: &[
            ("os/loader", "/usr/lib/xen/boot/hvmloader"),
            ("os/kernel", "/srv/xen/install/vmlinuz"),
            ("os/initrd", "/srv/xen/install/initrd.img"),
            ("os/cmdline", " kickstart=http://install.example.org/guest.ks "),
            ("clock/@offset", "localtime"),
            ("devices/disk[3]/@device", "floppy"),
        ],
    },
    Shown {
        listing: "8-29",
        fixture: "domain/qemu-i686-cdrom",
        facts: &[
            ("@type", "qemu"),
            ("memory", "219200"),
            ("currentMemory", "219200"),
            ("vcpu", "2"),
            ("os/type/@arch", "i686"),
            ("os/type/@machine", "pc"),
            ("os/boot/@dev", "cdrom"),
            ("devices/emulator", "/usr/bin/qemu-system-x86_64"),
            ("devices/disk[1]/@device", "cdrom"),
            ("devices/disk[1]/readonly", ""),
            ("devices/disk[2]/@device", "disk"),
            ("devices/interface/source/@network", "default"),
            ("devices/graphics/@port", "-1"),
        ],
    },
    Shown {
        listing: "8-30",
        fixture: "domain/kvm-i686",
        facts: &[
            ("@type", "kvm"),
            ("name", "demo2"),
            ("os/type/@arch", "i686"),
            ("clock/@offset", "localtime"),
            ("devices/emulator", "/usr/bin/qemu-kvm"),
            ("devices/interface/mac/@address", "24:42:53:21:52:45"),
            ("devices/graphics/@keymap", "de"),
        ],
    },
];

/// A listing that converts a native configuration.
struct Converted {
    listing: &'static str,
    format: Format,
    configuration: &'static str,
    facts: &'static [(&'static str, &'static str)],
    /// What the result has beside the facts, and why.
    today: &'static [(&'static str, &'static str)],
}

const CONVERSIONS: &[Converted] = &[
    Converted {
        listing: "8-17",
        format: Format::XenXm,
        configuration: "native/xen-xm/paravirt-tap.cfg",
        facts: &[
            ("@type", "xen"),
            ("name", "rhel5pv"),
            ("uuid", "8f07fe28-753f-2729-d76d-bdbd892f949a"),
            ("memory", "2560000"),
            ("currentMemory", "307200"),
            ("vcpu", "4"),
            ("bootloader", "/usr/bin/pygrub"),
            ("os/type", "linux"),
            ("os/type/@arch", "x86_64"),
            ("os/type/@machine", "xenpv"),
            ("clock/@offset", "utc"),
            ("on_poweroff", "destroy"),
            ("on_reboot", "restart"),
            ("on_crash", "restart"),
            ("devices/disk[1]/@type", "file"),
            ("devices/disk[1]/@device", "disk"),
            ("devices/disk[1]/driver/@name", "tap"),
            ("devices/disk[1]/driver/@type", "aio"),
            ("devices/disk[1]/source/@file", "/srv/xen/rhel5pv.img"),
            ("devices/disk[1]/target/@dev", "xvda"),
            ("devices/disk[1]/target/@bus", "xen"),
            ("devices/disk[2]/driver/@name", "tap"),
            ("devices/disk[2]/driver/@type", "qcow"),
            ("devices/disk[2]/source/@file", "/srv/xen/data.qcow"),
            ("devices/disk[2]/target/@dev", "xvdd"),
            ("devices/disk[2]/target/@bus", "xen"),
            ("devices/disk[2]/@type", "file"),
            ("devices/disk[2]/@device", "disk"),
            ("devices/interface/@type", "bridge"),
            ("devices/interface/mac/@address", "00:16:3e:60:36:ba"),
            ("devices/interface/source/@bridge", "xenbr0"),
            ("devices/console/@type", "pty"),
            ("devices/console/target/@port", "0"),
            ("devices/input/@type", "mouse"),
            ("devices/input/@bus", "xen"),
            ("devices/graphics/@type", "vnc"),
            ("devices/graphics/@port", "-1"),
            ("devices/graphics/@autoport", "yes"),
            ("devices/graphics/@listen", "0.0.0.0"),
        ],
        today: &[("memory/@unit", "sizes have their unit"), ("currentMemory/@unit", "the same")],
    },
    Converted {
        listing: "8-27",
        format: Format::QemuArgv,
        configuration: "native/qemu-argv/listing.args",
        facts: &[
            ("@type", "qemu"),
            ("memory", "219136"),
            ("currentMemory", "219136"),
            ("vcpu", "1"),
            ("os/type", "hvm"),
            ("os/type/@arch", "i686"),
            ("os/type/@machine", "pc"),
            ("os/boot/@dev", "hd"),
            ("clock/@offset", "utc"),
            ("on_poweroff", "destroy"),
            ("on_reboot", "restart"),
            ("on_crash", "destroy"),
            ("devices/emulator", "/usr/bin/qemu"),
            ("devices/disk/@type", "block"),
            ("devices/disk/@device", "disk"),
            ("devices/disk/source/@dev", "/dev/HostVG/QEMUGuest1"),
            ("devices/disk/target/@dev", "hda"),
            ("devices/disk/target/@bus", "ide"),
        ],
        today: &[
            (
                "name",
                "a domain has a name; a warning says that it is to be chosen. The listing's UUID of zeros is made up at the definition",
            ),
            ("memory/@unit", "sizes have their unit"),
            ("currentMemory/@unit", "the same"),
            ("devices/controller/@type", "-usb is a controller, which libvirt left to its defaults then"),
            ("devices/controller/@index", "the same"),
            ("devices/controller/@model", "the same"),
            ("devices/memballoon/@model", "without it a balloon would be added, which this command line does not have"),
        ],
    },
];

/// A listing that converts to a native configuration: what the result has, word by word.
struct Written {
    listing: &'static str,
    format: Format,
    document: &'static str,
    says: &'static [&'static str],
}

/// The kernel, the initial file system and the name of the interface in listing 8-18 are those of a guest that ran: a boot
/// loader put them there. `vif` has the script when the document names one.
const WRITTEN: &[Written] = &[
    Written {
        listing: "8-18",
        format: Format::XenXm,
        document: "domain/xen-paravirt-converted",
        says: &[
            "name = \"rhel5pv\"",
            "uuid = \"8f07fe28-753f-2729-d76d-bdbd892f949a\"",
            "maxmem = 2500",
            "memory = 300",
            "vcpus = 4",
            "bootloader = \"/usr/bin/pygrub\"",
            "on_poweroff = \"destroy\"",
            "on_reboot = \"restart\"",
            "on_crash = \"restart\"",
            "sdl = 0",
            "vnc = 1",
            "vncunused = 1",
            "vnclisten = \"0.0.0.0\"",
            "disk = [ \"tap:aio:/srv/xen/rhel5pv.img,xvda,w\", \"tap:qcow:/srv/xen/data.qcow,xvdd,w\" ]",
            "mac=00:16:3e:60:36:ba,bridge=xenbr0",
        ],
    },
    Written {
        listing: "8-18, as of a guest that runs",
        format: Format::XenXm,
        document: "domain/xen-paravirt-running",
        says: &[
            "kernel = \"/srv/xen/boot_kernel.",
            "ramdisk = \"/srv/xen/boot_ramdisk.",
            "extra = \"ro root=/dev/VolGroup00/LogVol00 rhgb quiet\"",
            "vif = [ \"mac=00:16:3e:60:36:ba,bridge=virbr0,script=vif-bridge,vifname=vif5.0\" ]",
        ],
    },
];

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The value at a path below an element: an attribute, or the text of an element.
fn value(element: &Element, path: &str) -> Option<String> {
    let Some((step, rest)) = path.split_once('/') else {
        return match path.strip_prefix('@') {
            Some(attribute) => element.attribute(attribute).map(str::to_owned),
            None => child(element, path).map(Element::text),
        };
    };
    value(child(element, step)?, rest)
}

fn child<'a>(element: &'a Element, step: &str) -> Option<&'a Element> {
    let (name, number) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
        Some((name, number)) => (name, number.parse::<usize>().unwrap()),
        None => (step, 1),
    };
    element.elements().filter(|child| child.name == name).nth(number - 1)
}

/// Every attribute and every text of an element, as paths.
fn all(element: &Element, path: &str, found: &mut Vec<String>) {
    found.extend(element.attributes.iter().map(|attribute| format!("{path}@{}", attribute.name)));
    for (at, child) in element.elements().enumerate() {
        let same = |other: &&Element| other.name == child.name;
        let number = element.elements().take(at).filter(same).count() + 1;
        let step = if element.elements().filter(same).count() > 1 { format!("{}[{number}]", child.name) } else { child.name.clone() };
        if child.elements().next().is_none() && !child.text().trim().is_empty() {
            found.push(format!("{path}{step}"));
        }
        all(child, &format!("{path}{step}/"), found);
    }
}

fn holds(listing: &str, text: &str, facts: &[(&str, &str)]) {
    let root = parse(text).unwrap();
    for (path, expected) in facts {
        assert_eq!(value(&root, path).as_deref(), Some(*expected), "listing {listing}: {path} in\n{text}");
    }
}

#[test]
fn documents_are_understood_and_come_back_unharmed() {
    for Shown { listing, fixture: name, facts } in DOCUMENTS {
        let examined = examine(&fixture(&format!("{name}.xml"))).unwrap_or_else(|error| panic!("listing {listing}: {error}"));
        assert!(examined.warnings.is_empty() && examined.problems.is_empty(), "listing {listing}: {examined:?}");
        holds(listing, &examined.normalized, facts);
        assert_eq!(examine(&examined.normalized).unwrap().normalized, examined.normalized, "listing {listing}");
    }
}

#[test]
fn configurations_become_the_documents_shown_and_nothing_else() {
    for Converted { listing, format, configuration, facts, today } in CONVERSIONS {
        let converted = native::read(*format, &fixture(configuration)).unwrap_or_else(|error| panic!("listing {listing}: {error}"));
        let text = lodge_model::document::Document::to_xml(&converted.domain);
        holds(listing, &text, facts);
        let mut found = Vec::new();
        all(&parse(&text).unwrap(), "", &mut found);
        let known = |path: &String| facts.iter().chain(*today).any(|(known, _)| known == path);
        let unknown: Vec<_> = found.iter().filter(|path| !known(path)).collect();
        assert!(unknown.is_empty(), "listing {listing} has no {unknown:?}; a difference needs its reason in the table\n{text}");
    }
}

#[test]
fn documents_become_the_configurations_shown() {
    for Written { listing, format, document, says } in WRITTEN {
        let (domain, _) = lodge_model::document::Document::parse(&fixture(&format!("{document}.xml"))).unwrap();
        let domain: lodge_model::domain::Domain = domain;
        let written = match format {
            Format::XenXm => native::xen_xm::write(&domain),
            other => panic!("{other} is written elsewhere"),
        };
        let text = written.unwrap_or_else(|error| panic!("listing {listing}: {error}")).text;
        for words in *says {
            assert!(text.contains(words), "listing {listing} has {words}, this not:\n{text}");
        }
    }
}

/// Listing 8-28 in the spelling of today. The service writes it, in a test of its own; a real QEMU takes it there.
#[test]
fn a_domain_becomes_a_command_line() {
    let text = fixture("native/to-argv/qemu-i686-disk.argv");
    for words in [
        "qemu-system-x86_64",
        "-name guest=QEMUGuest1",
        "-machine pc-i440fx-",
        "acpi=off",
        "-accel tcg",
        "-m size=220160k",
        "-smp 1",
        "-uuid c7a5fdbd-edaf-9455-926a-d65c16db1809",
        "-nodefaults",
        "\"filename\":\"/dev/HostVG/QEMUGuest1\"",
        "\"driver\":\"ide-hd\"",
        "-display none",
        "piix3-usb-uhci",
    ] {
        assert!(text.contains(words), "listing 8-28 has {words}");
    }
}
