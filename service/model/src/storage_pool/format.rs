//! The formats of a pool's source. The document has one attribute for them; which words it may hold
//! depends on the pool's type. The first of each is what holds when none is written.

use crate::keywords;

keywords! {
    /// File system of a block device.
    pub enum FsFormat {
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
        /// CD-ROM.
        Iso9660 = "iso9660",
        /// DVD.
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
    }
}

keywords! {
    /// File system of a server.
    pub enum NetfsFormat {
        /// Tried out, NFS first.
        Auto = "auto",
        /// NFS.
        Nfs = "nfs",
        /// Gluster's file system.
        Glusterfs = "glusterfs",
        /// SMB.
        Cifs = "cifs",
    }
}

keywords! {
    /// Partition table of a disk.
    pub enum DiskFormat {
        /// DOS, for BIOS.
        Dos = "dos",
        /// SGI's disk volume header.
        Dvh = "dvh",
        /// GUID partition table, for UEFI and for more than 2 TiB.
        Gpt = "gpt",
        /// Apple's partition map.
        Mac = "mac",
        /// BSD's disk label.
        Bsd = "bsd",
        /// PC-98.
        Pc98 = "pc98",
        /// Sun's disk label.
        Sun = "sun",
        /// None: the whole disk is a physical volume of LVM.
        Lvm2 = "lvm2",
        /// One that was not recognized.
        Unknown = "unknown",
    }
}

keywords! {
    /// Metadata of a volume group; there is one kind.
    pub enum LogicalFormat {
        /// LVM 2.
        Lvm2 = "lvm2",
        /// As older documents say it; the same.
        Unknown = "unknown",
    }
}
