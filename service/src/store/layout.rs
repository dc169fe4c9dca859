//! Where the daemon keeps its files.
//!
//! The session instance follows the XDG Base Directory Specification 0.8, the system instance the Filesystem Hierarchy
//! Standard. Nothing here touches the disk apart from looking whether `XDG_RUNTIME_DIR` exists.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{StoreError, names};

/// Name of our directory below each base directory.
const NAME: &str = "lodge";

/// The directories of one instance. All are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// What people wrote: definitions, autostart links, settings.
    pub config: PathBuf,
    /// What guests need to keep: firmware variables, images.
    pub data: PathBuf,
    /// What the daemon remembers: saved memory, logs.
    pub state: PathBuf,
    /// What can be found out again.
    pub cache: PathBuf,
    /// What ends with the machine's uptime: sockets, status files.
    ///
    /// Without `XDG_RUNTIME_DIR` this lies on disk and outlives a reboot: whoever reads a status file compares the boot
    /// and the start time of the process too, not only its id.
    pub runtime: PathBuf,
    /// What guests and their hypervisors said.
    pub log: PathBuf,
    /// Whether guests run as another user, who must get to their files by name.
    pub searchable: bool,
}

impl Layout {
    /// The directories of the calling user.
    ///
    /// # Errors
    /// [`StoreError::NoHome`] when they depend on a home directory and none is known.
    pub fn session() -> Result<Self, StoreError> {
        Self::from_environment(|key| std::env::var_os(key), std::env::home_dir())
    }

    /// The directories of the system instance.
    pub fn system() -> Self {
        Self {
            config: "/etc/lodge".into(),
            data: "/var/lib/lodge".into(),
            state: "/var/lib/lodge".into(),
            cache: "/var/cache/lodge".into(),
            runtime: "/run/lodge".into(),
            log: "/var/log/lodge".into(),
            searchable: true,
        }
    }

    /// Everything below one directory. Keep `root` short: sockets live below it, and `sun_path` ends at 107 bytes (unix(7)).
    pub fn under(root: &Path) -> Self {
        Self {
            config: root.join("config"),
            data: root.join("data"),
            state: root.join("state"),
            cache: root.join("cache"),
            runtime: root.join("run"),
            log: root.join("log"),
            searchable: false,
        }
    }

    /// The same for an instance whose guests run as another user.
    #[must_use]
    pub fn searchable(self) -> Self {
        Self { searchable: true, ..self }
    }

    /// Directory of one running domain: status file, sockets.
    pub fn domain_runtime(&self, uuid: Uuid) -> PathBuf {
        self.runtime.join("domains").join(uuid.to_string())
    }

    /// Directory of the UEFI variable stores.
    pub fn nvram(&self) -> PathBuf {
        self.data.join("nvram")
    }

    /// Directory of the states of emulated TPMs, one directory for each domain.
    pub fn tpm(&self) -> PathBuf {
        self.data.join("tpm")
    }

    /// Directory of the files of running networks, one directory for each.
    pub fn networks(&self) -> PathBuf {
        self.state.join("networks")
    }

    /// Directory of the volumes of the default pool.
    pub fn images(&self) -> PathBuf {
        self.data.join("images")
    }

    /// Directory of the values of secrets.
    pub fn secrets(&self) -> PathBuf {
        self.data.join("secrets")
    }

    /// Directory of what probing the emulators found.
    pub fn capabilities(&self) -> PathBuf {
        self.cache.join("capabilities")
    }

    /// File that takes what the hypervisor process of domain `name` says.
    ///
    /// # Errors
    /// [`StoreError::InvalidName`] when `name` cannot be part of a file name.
    pub fn domain_log(&self, name: &str) -> Result<PathBuf, StoreError> {
        names::check(name)?;
        Ok(self.log.join(format!("{name}.log")))
    }

    /// The settings file, see [`crate::settings`].
    pub fn settings(&self) -> PathBuf {
        self.config.join("lodged.toml")
    }

    /// The file with settings for guests of the system instance, see [`crate::settings::QemuConf`].
    pub fn qemu_conf(&self) -> PathBuf {
        self.config.join("qemu.conf")
    }

    /// Directories that hold something of every guest, or of the service alone: what of them is not its own is no
    /// guest's business.
    pub fn private(&self) -> Vec<PathBuf> {
        vec![
            self.config.clone(),
            self.runtime.clone(),
            self.log.clone(),
            self.nvram(),
            self.tpm(),
            self.secrets(),
            self.networks(),
            self.cache.clone(),
        ]
    }

    fn from_environment(variable: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Result<Self, StoreError> {
        // "All paths set in these environment variables must be absolute. If an implementation encounters a relative path
        // [...] it should consider the path invalid and ignore it."
        let absolute = |key| variable(key).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = home.filter(|path| path.is_absolute());
        let base = |key, default| match (absolute(key), &home) {
            (Some(path), _) => Ok(path.join(NAME)),
            (None, Some(home)) => Ok(home.join(default).join(NAME)),
            (None, None) => Err(StoreError::NoHome),
        };
        let state = base("XDG_STATE_HOME", ".local/state")?;
        // The login manager makes the runtime directory; one that is named but absent is not ours to invent.
        let runtime = match absolute("XDG_RUNTIME_DIR").filter(|path| path.is_dir()) {
            Some(path) => path.join(NAME),
            None => {
                let fallback = state.join("run");
                tracing::warn!("XDG_RUNTIME_DIR names no directory; sockets and status files go to {}", fallback.display());
                fallback
            }
        };
        Ok(Self {
            config: base("XDG_CONFIG_HOME", ".config")?,
            data: base("XDG_DATA_HOME", ".local/share")?,
            cache: base("XDG_CACHE_HOME", ".cache")?,
            log: state.join("log"),
            state,
            runtime,
            searchable: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(variables: &[(&str, &str)], home: Option<&str>) -> Result<Layout, StoreError> {
        let variable = |key: &str| variables.iter().find(|(name, _)| *name == key).map(|(_, value)| OsString::from(value));
        Layout::from_environment(variable, home.map(PathBuf::from))
    }

    #[test]
    fn home_is_the_default() {
        let layout = session(&[], Some("/home/a")).unwrap();
        assert_eq!(layout.config, Path::new("/home/a/.config/lodge"));
        assert_eq!(layout.data, Path::new("/home/a/.local/share/lodge"));
        assert_eq!(layout.state, Path::new("/home/a/.local/state/lodge"));
        assert_eq!(layout.cache, Path::new("/home/a/.cache/lodge"));
        assert_eq!(layout.runtime, Path::new("/home/a/.local/state/lodge/run"));
        assert_eq!(layout.log, Path::new("/home/a/.local/state/lodge/log"));
    }

    #[test]
    fn variables_win_unless_relative() {
        let runtime = tempfile::tempdir().unwrap();
        let runtime_path = runtime.path().to_str().unwrap();
        let variables =
            [("XDG_CONFIG_HOME", "/c"), ("XDG_DATA_HOME", "relative"), ("XDG_STATE_HOME", "/s"), ("XDG_RUNTIME_DIR", runtime_path)];
        let layout = session(&variables, Some("/home/a")).unwrap();
        assert_eq!(layout.config, Path::new("/c/lodge"));
        assert_eq!(layout.data, Path::new("/home/a/.local/share/lodge"));
        assert_eq!(layout.log, Path::new("/s/lodge/log"));
        assert_eq!(layout.runtime, runtime.path().join("lodge"));

        let absent = session(&[("XDG_RUNTIME_DIR", "/nonexistent/user/0")], Some("/home/a")).unwrap();
        assert_eq!(absent.runtime, Path::new("/home/a/.local/state/lodge/run"));
    }

    #[test]
    fn no_home_is_an_error() {
        assert!(matches!(session(&[("XDG_CONFIG_HOME", "/c")], None), Err(StoreError::NoHome)));
        assert!(matches!(session(&[], Some("relative")), Err(StoreError::NoHome)));
    }

    #[test]
    fn names_stay_in_their_directory() {
        let layout = Layout::under(Path::new("/r"));
        assert_eq!(layout.domain_log("web").unwrap(), Path::new("/r/log/web.log"));
        assert!(layout.domain_log("../web").is_err());
        assert_eq!(layout.domain_runtime(Uuid::nil()), Path::new("/r/run/domains/00000000-0000-0000-0000-000000000000"));
    }
}
