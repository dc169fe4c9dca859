//! `<os>`: what a domain boots, from which firmware, and how.

use crate::element;
use crate::keywords;
use crate::xml::YesNo;

use super::devices::{DiskSourceElement, DiskType};

keywords! {
    /// What kind of guest it is.
    pub enum OsKind {
        /// Fully virtualized, with firmware.
        Hvm = "hvm",
        /// Paravirtualized on Xen. `linux` is the documented word, `xen` means the same.
        Linux = "linux" | "xen",
        /// Xen guest with hardware virtualization but without emulated devices.
        XenPvh = "xenpvh",
        /// A container that runs a program.
        Exe = "exe",
        /// User mode Linux.
        Uml = "uml",
    }
}

keywords! {
    /// Firmware to choose automatically.
    pub enum Firmware {
        /// SeaBIOS.
        Bios = "bios",
        /// UEFI.
        Efi = "efi",
    }
}

keywords! {
    /// What a firmware can have.
    pub enum FirmwareFeatureName {
        /// It verifies what it boots.
        SecureBoot = "secure-boot",
        /// Its variables come with the keys of operating systems' vendors.
        EnrolledKeys = "enrolled-keys",
    }
}

keywords! {
    /// How a firmware image is mapped.
    pub enum LoaderType {
        /// As read-only memory.
        Rom = "rom",
        /// As flash memory.
        Pflash = "pflash",
    }
}

keywords! {
    /// Format of a firmware image.
    pub enum FirmwareFormat {
        /// The plain bytes.
        Raw = "raw",
        /// A qcow2 image.
        Qcow2 = "qcow2",
    }
}

keywords! {
    /// A class of devices to boot from.
    pub enum BootDevice {
        /// The first disk.
        HardDisk = "hd",
        /// The first CD-ROM.
        Cdrom = "cdrom",
        /// The first floppy.
        Floppy = "fd",
        /// The first network interface (PXE).
        Network = "network",
    }
}

keywords! {
    /// Where SMBIOS tables come from.
    pub enum SmbiosMode {
        /// The hypervisor makes them.
        Emulate = "emulate",
        /// Those of the host.
        Host = "host",
        /// From `<sysinfo>`.
        Sysinfo = "sysinfo",
    }
}

keywords! {
    /// What a file with ACPI tables holds.
    pub enum AcpiTableType {
        /// One Microsoft software licensing table.
        Slic = "slic",
        /// One table with its header.
        Raw = "raw",
        /// Several tables one after another.
        RawSet = "rawset",
        /// A Microsoft data management table.
        Msdm = "msdm",
    }
}

element! {
    /// What is booted.
    pub struct Os {
        /// Firmware to choose automatically.
        attr "firmware" firmware: Option<Firmware>,
        /// Kind of guest, architecture and machine.
        child "type" os_type: Option<OsType>,
        /// What the chosen firmware must have.
        child "firmware" firmware_features: Option<FirmwareFeatures>,
        /// First program of a container.
        leaf "init" init: Option<String>,
        /// Its arguments.
        leaves "initarg" init_args: Vec<String>,
        /// Its environment.
        children "initenv" init_env: Vec<InitEnv>,
        /// Its working directory.
        leaf "initdir" init_dir: Option<String>,
        /// Its user.
        leaf "inituser" init_user: Option<String>,
        /// Its group.
        leaf "initgroup" init_group: Option<String>,
        /// Firmware image.
        child "loader" loader: Option<Loader>,
        /// The domain's own copy of the firmware's variables.
        child "nvram" nvram: Option<Nvram>,
        /// The firmware's variables as one JSON file (libvirt 12).
        child "varstore" varstore: Option<VarStore>,
        /// Kernel to boot directly, a path on the host.
        leaf "kernel" kernel: Option<String>,
        /// Its initial ramdisk, a path on the host.
        leaf "initrd" initrd: Option<String>,
        /// Its root device (Xen).
        leaf "root" root: Option<String>,
        /// Its command line, blanks included.
        leaf "cmdline" cmdline: Option<String>,
        /// Shim loader that verifies the kernel.
        leaf "shim" shim: Option<String>,
        /// Device tree blob, a path on the host.
        leaf "dtb" dtb: Option<String>,
        /// ACPI tables to add.
        child "acpi" acpi: Option<AcpiTables>,
        /// What the firmware boots, in this order. Excludes an order on single devices.
        children "boot" boot: Vec<Boot>,
        /// Menu to choose a device from.
        child "bootmenu" boot_menu: Option<BootMenu>,
        /// Settings of the BIOS.
        child "bios" bios: Option<Bios>,
        /// SMBIOS tables.
        child "smbios" smbios: Option<Smbios>,
    }
}

element! {
    /// `<type>`.
    pub struct OsType {
        /// Architecture, such as `x86_64`.
        attr "arch" arch: Option<String>,
        /// Machine, such as `q35` or `pc-q35-7.2`.
        attr "machine" machine: Option<String>,
        /// Kind of guest.
        text "" kind: Option<OsKind>,
    }
}

element! {
    /// What the chosen firmware must or must not have.
    pub struct FirmwareFeatures {
        /// One by one.
        children "feature" features: Vec<FirmwareFeature>,
    }
}

element! {
    /// One feature of a firmware.
    pub struct FirmwareFeature {
        /// Whether it must be there or must not.
        required "enabled" enabled: YesNo,
        /// Which.
        required "name" name: FirmwareFeatureName,
    }
}

element! {
    /// A variable in the environment of a container's first program.
    pub struct InitEnv {
        /// Name.
        required "name" name: String,
        /// Value.
        text "" value: Option<String>,
    }
}

element! {
    /// Firmware image.
    pub struct Loader {
        /// Whether the guest cannot write it.
        attr "readonly" readonly: Option<YesNo>,
        /// Whether it needs system management mode for Secure Boot.
        attr "secure" secure: Option<YesNo>,
        /// How it is mapped.
        attr "type" kind: Option<LoaderType>,
        /// Whether it keeps no variables.
        attr "stateless" stateless: Option<YesNo>,
        /// Format of the image.
        attr "format" format: Option<FirmwareFormat>,
        /// Path on the host; none when the firmware is chosen automatically.
        text "" path: Option<String>,
    }
}

element! {
    /// The domain's own copy of the firmware's variables.
    pub struct Nvram {
        /// Image that the copy is made from.
        attr "template" template: Option<String>,
        /// Format of that image.
        attr "templateFormat" template_format: Option<FirmwareFormat>,
        /// Where the copy lies, when `source` says it and not the text.
        attr "type" kind: Option<DiskType>,
        /// Format of the copy.
        attr "format" format: Option<FirmwareFormat>,
        /// Path of the copy on the host.
        text "" path: Option<String>,
        /// Where the copy lies, as a disk's source says it.
        child "source" source: Option<DiskSourceElement>,
    }
}

element! {
    /// The firmware's variables as one file.
    pub struct VarStore {
        /// File that it is made from.
        attr "template" template: Option<String>,
        /// Path on the host.
        attr "path" path: Option<String>,
    }
}

element! {
    /// ACPI tables to add.
    pub struct AcpiTables {
        /// One by one.
        children "table" tables: Vec<AcpiTable>,
    }
}

element! {
    /// A file with ACPI tables.
    pub struct AcpiTable {
        /// What it holds.
        required "type" kind: AcpiTableType,
        /// Path on the host.
        text "" path: Option<String>,
    }
}

element! {
    /// A class of devices to boot from.
    pub struct Boot {
        /// Which.
        required "dev" dev: BootDevice,
    }
}

element! {
    /// Menu to choose a boot device from.
    pub struct BootMenu {
        /// Whether it is shown.
        attr "enable" enable: Option<YesNo>,
        /// How long it waits, in milliseconds.
        attr "timeout" timeout: Option<u16>,
    }
}

element! {
    /// Settings of the BIOS.
    pub struct Bios {
        /// Whether it shows its messages on the first serial port (Serial Graphics Adapter).
        attr "useserial" use_serial: Option<YesNo>,
        /// Milliseconds until it tries to boot again, up to 65535; -1 never does.
        attr "rebootTimeout" reboot_timeout: Option<i32>,
    }
}

element! {
    /// SMBIOS tables.
    pub struct Smbios {
        /// Where they come from.
        required "mode" mode: SmbiosMode,
    }
}
