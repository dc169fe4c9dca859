//! SELinux in the kernel (selinux(8)): whether it is there, which contexts and permissions the policy has, and the
//! labels of files and sockets.
//!
//! The kernel's interface is a file system (Linux, security/selinux/selinuxfs.c); the policy's own files are below
//! `/etc/selinux/TYPE`. Both places are parameters, so that this is tested where there is no SELinux.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The label of a file (xattr(7)).
pub const ATTRIBUTE: &str = "security.selinux";

/// SELinux of a host.
#[derive(Debug, Clone)]
pub struct Selinux {
    /// Where the kernel's interface is mounted.
    kernel: PathBuf,
    /// The directory of the policy.
    policy: PathBuf,
}

impl Selinux {
    /// SELinux of this host; `None` where it is not enabled.
    ///
    /// # Errors
    /// It is enabled, and its configuration cannot be read.
    pub fn find() -> io::Result<Option<Self>> {
        Self::at(Path::new("/sys/fs/selinux"), Path::new("/etc/selinux"))
    }

    /// The same, with the kernel's interface and the configuration in other places.
    fn at(kernel: &Path, configuration: &Path) -> io::Result<Option<Self>> {
        // With SELinux disabled the directory may be there, and is empty.
        if !kernel.join("enforce").exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(configuration.join("config"))?;
        let named = text.lines().find_map(|line| line.trim().strip_prefix("SELINUXTYPE="));
        let Some(kind) = named.map(str::trim).filter(|kind| !kind.is_empty() && !kind.contains('/')) else {
            return Err(io::Error::other("/etc/selinux/config has no line SELINUXTYPE=POLICY"));
        };
        Ok(Some(Self { kernel: kernel.to_owned(), policy: configuration.join(kind) }))
    }

    /// A file of the policy's contexts, such as `virtual_domain_context`; `None` when the policy does not have it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn contexts(&self, name: &str) -> io::Result<Option<String>> {
        match std::fs::read_to_string(self.policy.join("contexts").join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the policy has this context.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub fn knows(&self, context: &str) -> io::Result<bool> {
        match std::fs::OpenOptions::new().write(true).open(self.kernel.join("context"))?.write(context.as_bytes()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the policy allows a permission of a class; `false` when it does not know the permission, or does not let this
    /// process ask, as Debian's does not let those of libvirt's type.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub fn allows(&self, source: &str, target: &str, class: &str, permission: &str) -> io::Result<bool> {
        let class = self.kernel.join("class").join(class);
        let (Some(class_number), Some(permission)) = (number(&class.join("index"))?, number(&class.join("perms").join(permission))?) else {
            return Ok(false);
        };
        let mut access = std::fs::OpenOptions::new().read(true).write(true).open(self.kernel.join("access"))?;
        match access.write_all(format!("{source} {target} {class_number} ffffffff").as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(false),
            asked => asked?,
        }
        let mut answer = String::new();
        access.read_to_string(&mut answer)?;
        let allowed = answer.split_ascii_whitespace().next().and_then(|vector| u32::from_str_radix(vector, 16).ok());
        let allowed = allowed.ok_or_else(|| io::Error::other(format!("unexpected answer of the kernel: {answer}")))?;
        Ok(allowed >> permission.saturating_sub(1) & 1 == 1)
    }
}

fn number(path: &Path) -> io::Result<Option<u32>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The context of this process.
///
/// # Errors
/// There is no `/proc`, or no security module with contexts.
pub fn own_context() -> io::Result<String> {
    // That of this thread: a policy may keep it from looking at the others, even at the first of its own process.
    let text = std::fs::read_to_string("/proc/thread-self/attr/current")?;
    Ok(text.trim_end_matches(['\0', '\n']).to_owned())
}

/// The context of this process at the level of another context.
///
/// # Errors
/// As [`own_context`].
pub fn own_context_at_level_of(other: &str) -> io::Result<String> {
    own_context().map(|own| at_level_of(&own, other))
}

/// A context is `user:role:type:level`, and the level may have colons in it.
fn at_level_of(context: &str, other: &str) -> String {
    let kind: Vec<&str> = context.splitn(4, ':').take(3).collect();
    other.splitn(4, ':').nth(3).map_or_else(|| context.to_owned(), |level| format!("{}:{level}", kind.join(":")))
}

/// Makes sockets with another label, as long as this is called from one thread: what `make` makes has it.
///
/// # Errors
/// The policy does not allow the label.
pub fn with_socket_label<T>(label: &str, make: impl FnOnce() -> T) -> io::Result<T> {
    let attribute = Path::new("/proc/thread-self/attr/sockcreate");
    let set = |value: &str| File::options().write(true).open(attribute)?.write_all(value.as_bytes());
    set(label)?;
    let made = make();
    // An empty value means the usual label again (proc_pid_attr(5)).
    set("\n").map(|()| made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_selinux_has_none() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Selinux::at(&directory.path().join("selinux"), directory.path()).unwrap().is_none());
        assert!(Selinux::at(directory.path(), directory.path()).unwrap().is_none(), "an empty directory");
    }

    #[test]
    fn a_context_takes_on_another_level() {
        for (other, expected) in [("a:b:c:s0:c1,c2", "u:r:t:s0:c1,c2"), ("a:b:c:s0", "u:r:t:s0"), ("a:b:c", "u:r:t:s0-s0:c0.c1023")] {
            assert_eq!(at_level_of("u:r:t:s0-s0:c0.c1023", other), expected);
        }
    }

    #[test]
    fn the_configuration_names_the_policy() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::write(root.join("enforce"), "1").unwrap();
        assert!(Selinux::at(root, root).is_err(), "no configuration");
        for (text, policy) in [("# x\nSELINUX=enforcing\nSELINUXTYPE=default\n", Some("default")), ("SELINUXTYPE=../x", None), ("", None)] {
            std::fs::write(root.join("config"), text).unwrap();
            let found = Selinux::at(root, root).ok().flatten().map(|selinux| selinux.policy);
            assert_eq!(found, policy.map(|policy| root.join(policy)), "{text}");
        }
        std::fs::create_dir_all(root.join("default/contexts")).unwrap();
        std::fs::write(root.join("config"), "SELINUXTYPE=default\n").unwrap();
        std::fs::write(root.join("default/contexts/virtual_domain_context"), "a:b:c:s0\n").unwrap();
        let selinux = Selinux::at(root, root).unwrap().unwrap();
        assert_eq!(selinux.contexts("virtual_domain_context").unwrap().as_deref(), Some("a:b:c:s0\n"));
        assert_eq!(selinux.contexts("virtual_image_context").unwrap(), None);
    }
}
