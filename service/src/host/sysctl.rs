//! Parameters of the kernel, in `/proc/sys` (proc(5); Linux, Documentation/networking/ip-sysctl.rst).
//!
//! Those of the network are of the caller's network namespace.

use std::io;
use std::path::PathBuf;

/// A parameter: its place below `/proc/sys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter(PathBuf);

impl Parameter {
    /// Whether IPv4 is forwarded between interfaces.
    pub fn forwarding_of_ipv4() -> Self {
        Self("/proc/sys/net/ipv4/ip_forward".into())
    }

    /// Whether IPv6 is.
    pub fn forwarding_of_ipv6() -> Self {
        Self("/proc/sys/net/ipv6/conf/all/forwarding".into())
    }

    /// How many instances of inotify the processes of a user may have (inotify(7)).
    pub fn inotify_instances() -> Self {
        Self("/proc/sys/fs/inotify/max_user_instances".into())
    }

    /// A parameter of IPv6 of one interface.
    ///
    /// # Errors
    /// No interface can have the name.
    pub fn of_ipv6(interface: &str, parameter: &str) -> io::Result<Self> {
        if interface.is_empty() || interface == "." || interface == ".." || interface.contains(['/', '\0']) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("'{interface}' is no name of an interface")));
        }
        Ok(Self(PathBuf::from("/proc/sys/net/ipv6/conf").join(interface).join(parameter)))
    }

    /// The value; `None` where this kernel does not have the parameter.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> io::Result<Option<String>> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => Ok(Some(text.trim_end().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.told("read", &error)),
        }
    }

    /// Sets a value, if it is another; tells whether it was.
    ///
    /// # Errors
    /// There is no such parameter, or the caller may not.
    pub fn set(&self, value: &str) -> io::Result<bool> {
        if self.read()?.as_deref() == Some(value) {
            return Ok(false);
        }
        std::fs::write(&self.0, value).map_err(|error| self.told("set", &error))?;
        Ok(true)
    }

    fn told(&self, verb: &str, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("cannot {verb} {}: {error}", self.0.display()))
    }
}
