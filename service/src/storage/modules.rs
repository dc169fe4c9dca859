//! Modules of the kernel that programs of storage would load by themselves.
//!
//! The service may load none, nor may what it starts (`ProtectKernelModules=` of its unit). What the kernel itself misses it loads,
//! such as file systems; what iscsiadm(8) and lvm(8) want to load by modprobe(8), systemd is asked for, as for the unit's own needs.

use std::path::Path;

use super::backends::blocking;
use super::tool::Tool;

/// Has a module loaded, if it is not there yet. Where that does not work, the program that needs it says what it misses.
pub async fn load(module: &str) {
    // A module's directory has underscores, whatever its file is called.
    let directory = Path::new("/sys/module").join(module.replace('-', "_"));
    if blocking(move || Ok(directory.is_dir())).await.is_ok_and(|loaded| loaded) {
        return;
    }
    let unit = format!("modprobe@{module}.service");
    if let Err(error) = Tool::new("systemctl").args(["--no-ask-password", "start", "--", &unit]).done().await {
        tracing::debug!("module {module} is not loaded through systemd: {error}");
    }
}
