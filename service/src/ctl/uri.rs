//! Which service is meant: the bus behind a connection URI.

use std::str::FromStr;

/// The bus on which to look for the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bus {
    /// `qemu:///session`: the user's own virtual machines.
    Session,
    /// `qemu:///system`: those of the machine.
    System,
}

impl Default for Bus {
    /// The one whose virtual machines are this user's own.
    fn default() -> Self {
        if rustix::process::geteuid().is_root() { Self::System } else { Self::Session }
    }
}

impl FromStr for Bus {
    type Err = String;

    fn from_str(uri: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = uri.split_once("://").ok_or_else(|| format!("'{uri}' is no URI; write qemu:///session or qemu:///system"))?;
        let (driver, transport) = scheme.split_once('+').map_or((scheme, None), |(driver, transport)| (driver, Some(transport)));
        match driver {
            "qemu" => {}
            "xen" => return Err(format!("not supported yet: Xen ({uri}); use qemu:///session or qemu:///system")),
            other => return Err(format!("there is no driver '{other}'; use qemu:///session or qemu:///system")),
        }
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !host.is_empty() || transport.is_some_and(|transport| transport != "unix") {
            return Err(format!("not supported yet: other machines ({uri}); log in there and use qemu:///{path}"));
        }
        match path {
            "session" => Ok(Self::Session),
            "system" => Ok(Self::System),
            _ => Err(format!("'{uri}' has neither the path /session nor /system; write qemu:///session or qemu:///system")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bus;

    #[test]
    fn local_forms() {
        for (uri, bus) in [
            ("qemu:///session", Bus::Session),
            ("qemu:///system", Bus::System),
            ("qemu+unix:///session", Bus::Session),
            ("qemu+unix:///system", Bus::System),
        ] {
            assert_eq!(uri.parse(), Ok(bus), "{uri}");
        }
    }

    #[test]
    fn others_are_refused_with_the_next_step() {
        for (uri, part) in [
            ("qemu+ssh://host/system", "not supported yet: other machines"),
            ("qemu://host/system", "log in there and use qemu:///system"),
            ("qemu+tcp:///system", "not supported yet: other machines"),
            ("xen:///system", "not supported yet: Xen"),
            ("lxc:///", "no driver 'lxc'"),
            ("qemu:///", "neither"),
            ("qemu:///session?socket=/x", "neither"),
            ("session", "is no URI"),
            ("", "is no URI"),
        ] {
            let refusal = uri.parse::<Bus>().unwrap_err();
            assert!(refusal.contains(part), "{uri}: {refusal}");
            assert!(refusal.contains("qemu:///"), "{uri}: {refusal}");
        }
    }
}
