//! The same for native configurations.

use lodge_model::native::{Format, MAX_SIZE};

use super::Pieces;

/// A kind of configuration.
pub struct Shape {
    /// Its format.
    pub format: Format,
    /// What it has much of.
    pub what: &'static str,
    /// What it is made of.
    pub pieces: Pieces,
}

impl Shape {
    /// The longest that is read.
    pub fn largest(&self) -> String {
        self.pieces.repeated(self.pieces.in_size(MAX_SIZE))
    }
}

const fn qemu(what: &'static str, start: &'static str, piece: &'static str, end: &'static str) -> Shape {
    Shape { format: Format::QemuArgv, what, pieces: Pieces { start, piece, end } }
}

const fn xl(what: &'static str, start: &'static str, piece: &'static str, end: &'static str) -> Shape {
    Shape { format: Format::XenXl, what, pieces: Pieces { start, piece, end } }
}

const fn sxpr(what: &'static str, start: &'static str, piece: &'static str, end: &'static str) -> Shape {
    Shape { format: Format::XenSxpr, what, pieces: Pieces { start, piece, end } }
}

/// Options that a command line has at most: half of its words.
pub const OPTIONS: usize = 9_900;

/// All of them.
pub const SHAPES: &[Shape] = &[
    qemu("words", "qemu ", "a ", ""),
    qemu("what a shell would expand", "qemu ", "$", ""),
    qemu("redirections", "qemu ", ">a ", ""),
    qemu("one quoted word", "qemu -name '", "x", "'"),
    qemu("commands", "", "a;", ""),
    qemu("disks", "qemu ", "-drive file=/i/{},if=virtio ", ""),
    qemu("devices", "qemu ", "-device virtio-net-pci ", ""),
    qemu("networks", "qemu ", "-netdev user,id=n{} ", ""),
    qemu("kept options that name others", "qemu ", "-device zebra,x=n{},id=n{} ", ""),
    qemu("serial ports", "qemu ", "-serial pty ", ""),
    qemu("watchdogs", "qemu ", "-watchdog i6300esb ", ""),
    qemu("actions", "qemu ", "-action watchdog=none ", ""),
    qemu("USB devices", "qemu ", "-device usb-tablet ", ""),
    qemu("flash memories", "qemu ", "-drive if=pflash,file=a ", ""),
    qemu("sizes of processors", "qemu ", "-smp 1,sockets=1 ", ""),
    qemu("properties of a device", "qemu -device e1000", ",a{}=1", ""),
    qemu("properties in JSON", "qemu -device '{\"driver\":\"e1000\"", ",\"a{}\":1", "}'"),
    qemu(
        "values of a long key",
        "qemu -device '{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":[1",
        ",1",
        "]}'",
    ),
    qemu("depth in JSON", "qemu -device '", "{\"a\":", "'"),
    qemu("processor features", "qemu -cpu x", ",hv-stimer-direct,hv-vapic", ""),
    qemu("places to boot from", "qemu -boot ", "c", ""),
    xl("settings", "name='x'\n", "a{}=1\n", ""),
    xl("settings of one name", "name='x'\n", "a=1\n", ""),
    xl("values", "name='x'\nvif=[", "'a=b',", "]"),
    xl("additions", "name='x'\nextra=''\n", "extra+='a'\n", ""),
    xl("neighbouring strings", "name=", "'a' ", ""),
    xl("depth", "name='x'\na=", "[", ""),
    xl("parts of a disk", "name='x'\ndisk=['vdev=a", ",a-b=c", "']"),
    xl("parts of a network card", "name='x'\nvif=['", "mac=,", "']"),
    xl("disks", "name='x'\nbuilder='hvm'\ndisk=[", "'/i/{},raw,xvd{},rw',", "]"),
    xl("processors of processors", "name='x'\nvcpus=8192\ncpus=[", "'0-16383',", "]"),
    xl("comments", "name='x'\n", "#c\n", ""),
    sxpr("lists", "(domain (name x) ", "(a 1)", ")"),
    sxpr("words", "(domain (name x) (a ", "b ", "))"),
    sxpr("depth", "(domain (name x) ", "(a ", ""),
    sxpr("parts of a network card", "(domain (name x) (device (vif ", "(a b)", ")))"),
    sxpr("disks", "(domain (name x) ", "(device (vbd (uname file:/i/{}) (dev xvd{}) (mode w)))", ")"),
];
