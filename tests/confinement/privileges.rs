//! Capabilities of a guest's program, as the kernel tells them: none, but the one that a disk may ask for.

use std::sync::Arc;

use lodge_service::confinement::Stack;
use lodge_service::confinement::dac::{self, Dac};
use lodge_service::hypervisors::confine::Confine;

use crate::host::{GUEST, Host, Running};

/// CAP_SYS_RAWIO is number 17 (linux/capability.h).
const RAW_IO: u64 = 1 << 17;

#[tokio::test]
async fn only_a_disk_that_asks_for_raw_commands_leaves_a_capability() {
    let host = Host::new();
    let disk = |rawio| {
        format!(
            "<devices><disk type='block' device='lun' rawio='{rawio}'><source dev='/dev/null'/><target dev='sda' bus='scsi'/></disk></devices>"
        )
    };
    for user in [0, GUEST] {
        let options = dac::Options { user: format!("+{user}"), group: None, dynamic_ownership: true, remember_owner: true };
        let stack = Stack::new(vec![Arc::new(Dac::new(options, "boot".into())), host.layer("capabilities")]);
        for (rawio, expected) in [("no", 0), ("yes", RAW_IO)] {
            let guest = host.guest("one", &disk(rawio), Vec::new());
            let confined = stack.plan(&guest).await.unwrap().unwrap();
            confined.apply().await.unwrap();
            let running = Running::start(Some(&*confined), &guest, &["wait".to_owned()]).await;
            let status = std::fs::read_to_string(format!("/proc/{}/status", running.process.pid())).unwrap();
            let set = |name: &str| {
                let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                u64::from_str_radix(value.trim(), 16).unwrap()
            };
            assert_eq!(["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"].map(set), [expected; 4], "user {user}, rawio {rawio}\n{status}");
            assert_eq!(set("CapBnd:"), 0, "user {user}, rawio {rawio}");
            confined.release().await.unwrap();
        }
    }
}
