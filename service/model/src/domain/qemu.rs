//! Elements of the QEMU namespace: what to tell QEMU beyond what the document can say.

use crate::element;
use crate::keywords;
use crate::xml::Namespace;

/// The namespace. Documents choose the prefix; `qemu` is written.
pub const NAMESPACE: Namespace = Namespace { prefix: "qemu", uri: "http://libvirt.org/schemas/domain/qemu/1.0" };

element! {
    /// Arguments and environment added to QEMU's.
    pub struct CommandLine {
        /// Arguments, in order.
        children "qemu:arg" args: Vec<Arg>,
        /// Environment.
        children "qemu:env" env: Vec<Env>,
    }
}

element! {
    /// An argument.
    pub struct Arg {
        /// It.
        required "value" value: String,
    }
}

element! {
    /// A variable of the environment.
    pub struct Env {
        /// Its name.
        required "name" name: String,
        /// Its value; empty when absent.
        attr "value" value: Option<String>,
    }
}

element! {
    /// Capabilities of QEMU to believe in or not, for experiments.
    pub struct Capabilities {
        /// To believe in.
        children "qemu:add" add: Vec<Capability>,
        /// Not to believe in.
        children "qemu:del" del: Vec<Capability>,
    }
}

element! {
    /// A capability.
    pub struct Capability {
        /// Its name.
        required "capability" name: String,
    }
}

keywords! {
    /// What QEMU does with deprecated commands and fields.
    pub enum DeprecationBehavior {
        /// Takes them.
        None = "none",
        /// Leaves them out of what it answers.
        Omit = "omit",
        /// Refuses them.
        Reject = "reject",
        /// Crashes.
        Crash = "crash",
    }
}

element! {
    /// What QEMU does with deprecated commands and fields.
    pub struct Deprecation {
        /// What.
        required "behavior" behavior: DeprecationBehavior,
    }
}

element! {
    /// Properties of devices to set otherwise than we would.
    pub struct Override {
        /// The devices.
        children "qemu:device" devices: Vec<DeviceOverride>,
    }
}

element! {
    /// A device.
    pub struct DeviceOverride {
        /// The alias of the device.
        required "alias" alias: String,
        /// What the guest sees of it.
        child "qemu:frontend" frontend: Option<FrontendOverride>,
    }
}

element! {
    /// What the guest sees of a device.
    pub struct FrontendOverride {
        /// Its properties.
        children "qemu:property" properties: Vec<Property>,
    }
}

keywords! {
    /// How a value is written in JSON.
    pub enum PropertyType {
        /// As a string.
        String = "string",
        /// As a number with a sign.
        Signed = "signed",
        /// As a number without a sign.
        Unsigned = "unsigned",
        /// As true or false.
        Bool = "bool",
        /// Not at all: the property is taken away.
        Remove = "remove",
    }
}

element! {
    /// A property.
    pub struct Property {
        /// Its name.
        required "name" name: String,
        /// How its value is written.
        required "type" kind: PropertyType,
        /// Its value.
        attr "value" value: Option<String>,
    }
}
