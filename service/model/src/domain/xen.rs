//! Elements of the Xen namespace: what to tell Xen's device model beyond what the document can say.

use crate::element;
use crate::xml::Namespace;

/// The namespace. Documents choose the prefix; `xen` is written.
pub const NAMESPACE: Namespace = Namespace { prefix: "xen", uri: "http://libvirt.org/schemas/domain/xen/1.0" };

element! {
    /// Arguments added to those of the device model, a QEMU.
    pub struct CommandLine {
        /// Arguments, in order.
        children "xen:arg" args: Vec<Arg>,
    }
}

element! {
    /// An argument.
    pub struct Arg {
        /// It.
        required "value" value: String,
    }
}
