//! Documents that a careless reader would take long for.

use lodge_model::xml::{MAX_NODES, MAX_SIZE};

use super::Pieces;

/// A kind of document.
pub struct Shape {
    /// What it has much of.
    pub what: &'static str,
    /// What it is made of.
    pub pieces: Pieces,
    /// Elements, attributes, texts and comments in a piece.
    nodes: usize,
}

impl Shape {
    /// The largest that the limits let pass.
    pub fn largest(&self) -> String {
        // The shapes' own starts have some nodes, too.
        let by_nodes = (MAX_NODES - 100).checked_div(self.nodes).unwrap_or(usize::MAX);
        self.pieces.repeated(by_nodes.min(self.pieces.in_size(MAX_SIZE)))
    }
}

const HEAD: &str = "<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os>";
const DEVICES: &str =
    "<domain type='qemu'><name>a</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>";
const END: &str = "</domain>";
const DEVICES_END: &str = "</devices></domain>";

const fn shape(what: &'static str, start: &'static str, piece: &'static str, end: &'static str, nodes: usize) -> Shape {
    Shape { what, pieces: Pieces { start, piece, end }, nodes }
}

/// All of them.
pub const SHAPES: &[Shape] = &[
    shape("attributes of one element", "<domain type='qemu' ", "a{}='' ", "><name>a</name></domain>", 1),
    shape("namespaces, declared at once", "<domain type='qemu' ", "xmlns:p{}='u' ", "><name>a</name></domain>", 1),
    shape("namespaces, declared inside", HEAD, "<p{}:x xmlns:p{}='u'/>", END, 2),
    shape("unknown elements", HEAD, "<x/>", END, 1),
    shape("unknown elements with content", HEAD, "<x a='1'>b<y c='2'/></x>", END, 5),
    shape(
        "unknown elements between known ones",
        "<domain type='qemu'><name>a</name><os><type>hvm</type>",
        "<boot dev='hd'/><x/>",
        "</os></domain>",
        3,
    ),
    shape("elements that may be there once", HEAD, "<title>t{}</title>", END, 2),
    shape("elements of one name", "<domain type='qemu'><name>a</name><os><type>hvm</type>", "<boot dev='hd'/>", "</os></domain>", 2),
    shape("depth", "<domain type='qemu'><name>a</name>", "<x>", END, 1),
    shape("text", "<domain type='qemu'><name>a</name><description>", "long text ", "</description></domain>", 0),
    shape("references in text", "<domain type='qemu'><name>a</name><description>", "&lt;", "</description></domain>", 0),
    shape("CDATA sections", "<domain type='qemu'><name>a</name><description>", "<![CDATA[x]]>", "</description></domain>", 0),
    shape("line ends in text", "<domain type='qemu'><name>a</name><description>", "\r\n\r", "</description></domain>", 0),
    shape("text beside elements", HEAD, "t<x/>", END, 2),
    shape("comments", HEAD, "<!--c-->", END, 1),
    shape("one comment", "<domain type='qemu'><name>a</name><!--", " - - ", "--></domain>", 0),
    shape("processing instructions", HEAD, "<?p q?>", END, 1),
    shape("a long attribute", "<domain type='qemu'><name>a</name><x a='", "&amp; \n\t", "'/></domain>", 0),
    shape("a long name of an element", "<domain type='qemu'><name>a</name><x", "y", "/></domain>", 0),
    shape("a long list of processors", "<domain type='qemu'><name>a</name><vcpu cpuset='", "0-16383,^5,", "1'>1</vcpu></domain>", 0),
    shape(
        "lists of all processors",
        "<domain type='qemu'><name>a</name><cputune>",
        "<vcpupin vcpu='{}' cpuset='0-16383'/>",
        "</cputune></domain>",
        3,
    ),
    shape(
        "NUMA cells with all processors",
        "<domain type='qemu'><name>a</name><cpu><numa>",
        "<cell cpus='0-16383' memory='1'/>",
        "</numa></cpu></domain>",
        3,
    ),
    shape(
        "processor features",
        "<domain type='qemu'><name>a</name><cpu mode='custom'><model>x</model>",
        "<feature policy='require' name='f{}'/>",
        "</cpu></domain>",
        3,
    ),
    shape("metadata", "<domain type='qemu'><name>a</name><metadata>", "<a:b xmlns:a='u'/>", "</metadata></domain>", 2),
    shape(
        "arguments for QEMU",
        "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>a</name><qemu:commandline>",
        "<qemu:arg value='{}'/>",
        "</qemu:commandline></domain>",
        2,
    ),
    shape("disks", DEVICES, "<disk type='file' device='disk'><source file='/i/{}'/><target dev='vd{}'/></disk>", DEVICES_END, 7),
    shape("disks at one place", DEVICES, "<disk type='file'><target dev='vda'/></disk>", DEVICES_END, 4),
    shape("SCSI disks", DEVICES, "<disk type='file'><target dev='sd{}' bus='scsi'/></disk>", DEVICES_END, 5),
    shape("interfaces", DEVICES, "<interface type='user'/>", DEVICES_END, 2),
    shape("interfaces of one address", DEVICES, "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>", DEVICES_END, 4),
    shape("controllers", DEVICES, "<controller type='scsi'/>", DEVICES_END, 2),
    shape("USB devices", DEVICES, "<redirdev bus='usb' type='spicevmc'/>", DEVICES_END, 3),
    shape("serial ports", DEVICES, "<serial type='pty'/>", DEVICES_END, 2),
    shape("channels", DEVICES, "<channel type='unix'><target type='virtio' name='c{}'/></channel>", DEVICES_END, 5),
    shape("displays", DEVICES, "<graphics type='vnc'/>", DEVICES_END, 2),
    shape("host devices", DEVICES, "<hostdev mode='subsystem' type='pci'><source><address bus='{}'/></source></hostdev>", DEVICES_END, 6),
    shape("storage pools with unknown elements", "<pool type='dir'><name>a</name><target><path>/a</path></target>", "<x/>", "</pool>", 1),
    shape("hosts of a storage pool", "<pool type='rbd'><name>a</name><source><name>p</name>", "<host name='h{}'/>", "</source></pool>", 2),
    shape("nothing that is XML", "", "<", "", 0),
    shape("white space", "", " ", "", 0),
];
