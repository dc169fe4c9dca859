//! The host: the only folder with `unsafe`, process spawning and blocking system calls.
//!
//! What stands here knows nothing of domains, hypervisors or the bus API. It offers small pieces with the names of the
//! system's own manual pages: [`process`] starts and follows programs, [`program`] tells which of them are root's;
//! [`credentials`], [`mounts`], [`limits`], [`seccomp`] and [`attributes`] change what they may, see and use; [`cgroup`] and
//! [`systemd`] put them into groups; [`inode`] tells and changes whose files are; [`directory`] and [`filesystem`] look at and change
//! what is stored, and [`watch`] tells when it changes; [`apparmor`] and [`selinux`] speak to the kernel's security modules;
//! [`netlink`], [`nftables`], [`firewalld`], [`sysctl`], [`tap`] and [`bridge_helper`] to its network; [`service_credentials`] are what the service
//! manager hands over; [`sockets`] makes UNIX sockets, [`stream`] reads and writes somebody else's; [`hardware`] and [`kvm`] tell what
//! machine this is; [`sysfs`], [`udev`], [`hardware_ids`] and [`ethtool`] tell what devices it has, and [`open_files`] who uses them.

#![allow(unsafe_code, reason = "system calls without a safe wrapper; each block carries its SAFETY comment")]

pub mod apparmor;
pub mod attributes;
pub mod boot;
pub mod bridge_helper;
pub mod cgroup;
pub mod credentials;
pub mod directory;
pub mod ethtool;
pub mod filesystem;
pub mod firewalld;
pub mod hardware;
pub mod hardware_ids;
pub mod inode;
pub mod kvm;
pub mod limits;
pub mod mounts;
pub mod netlink;
pub mod nftables;
pub mod open_files;
pub mod process;
pub mod program;
pub mod sealed;
pub mod seccomp;
pub mod selinux;
pub mod service_credentials;
pub mod sockets;
pub mod stream;
pub mod sysctl;
pub mod sysfs;
pub mod systemd;
pub mod tap;
pub mod terminal;
pub mod threads;
pub mod udev;
pub mod watch;
pub mod work_lock;
