//! The formats of a volume. The document has one attribute for the image formats of files, the file
//! systems of devices and the partition types of disks; which a pool can make is its driver's to say.

use crate::domain::devices::TypeName;
use crate::keywords;
use crate::xml::Value;

keywords! {
    /// Format of a volume.
    pub enum VolumeFormat {
        /// An image without a format of its own.
        Raw = "raw",
        /// QEMU's copy-on-write image, versions 2 and 3.
        Qcow2 = "qcow2",
        /// Its version 1.
        Qcow = "qcow",
        /// QEMU's enhanced image.
        Qed = "qed",
        /// An encrypted image.
        Luks = "luks",
        /// Image of VMware.
        Vmdk = "vmdk",
        /// Image of VirtualBox.
        Vdi = "vdi",
        /// Image of Virtual PC.
        Vpc = "vpc",
        /// The same, by another name.
        Vhd = "vhd",
        /// CD-ROM image.
        Iso = "iso",
        /// Image of Apple.
        Dmg = "dmg",
        /// Image of Bochs.
        Bochs = "bochs",
        /// Compressed loopback image.
        Cloop = "cloop",
        /// Copy-on-write image of User-mode Linux.
        Cow = "cow",
        /// Image of Virtuozzo.
        Ploop = "ploop",
        /// A directory.
        Dir = "dir",
        /// A directory shown as a FAT file system.
        Fat = "fat",
        /// One that was not recognized.
        Unknown = "unknown",
        /// No file system or partition type.
        None = "none",
        /// Found out by the kernel.
        Auto = "auto",
        /// Second extended file system.
        Ext2 = "ext2",
        /// Third extended file system.
        Ext3 = "ext3",
        /// Fourth extended file system.
        Ext4 = "ext4",
        /// Unix file system.
        Ufs = "ufs",
        /// File system of CD-ROMs.
        Iso9660 = "iso9660",
        /// File system of DVDs.
        Udf = "udf",
        /// Global File System.
        Gfs = "gfs",
        /// Global File System 2.
        Gfs2 = "gfs2",
        /// FAT with long names.
        Vfat = "vfat",
        /// HFS+ of Apple.
        HfsPlus = "hfs+",
        /// XFS.
        Xfs = "xfs",
        /// Oracle Cluster File System 2.
        Ocfs2 = "ocfs2",
        /// File system of VMware.
        Vmfs = "vmfs",
        /// Partition of Linux.
        Linux = "linux",
        /// Partition with FAT of 16 bits.
        Fat16 = "fat16",
        /// Partition with FAT of 32 bits.
        Fat32 = "fat32",
        /// Swap partition of Linux.
        LinuxSwap = "linux-swap",
        /// Partition that is a physical volume of LVM.
        LinuxLvm = "linux-lvm",
        /// Partition that is part of a RAID.
        LinuxRaid = "linux-raid",
        /// Partition that holds others, of a partition table of DOS.
        Extended = "extended",
    }
}

impl VolumeFormat {
    /// The format that an element names, if it is known.
    pub fn of(element: Option<&TypeName>) -> Option<Self> {
        Self::parse(element?.kind.as_deref()?)
    }

    /// Whether an image of this format is complete by itself: it cannot be laid over another.
    pub const fn stands_alone(self) -> bool {
        use VolumeFormat::{Bochs, Cloop, Dir, Dmg, Fat, Iso, Luks, Ploop, Raw, Vdi, Vhd, Vpc};
        matches!(self, Raw | Luks | Vdi | Vpc | Vhd | Iso | Dmg | Bochs | Cloop | Ploop | Dir | Fat)
    }
}
