//! Guests whose QEMU ends without anybody having asked the service for it.

use rustix::process::{Signal, kill_process};

use crate::documents;
use crate::host::{Host, PATIENCE};
use crate::processes;

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_qemu_is_told_with_its_reason() {
    let host = Host::new().await;
    let guest = host.define(&documents::bare("bare")).await;
    for (signal, reason) in [(Signal::KILL, "failed"), (Signal::TERM, "destroyed")] {
        guest.start().await;
        let mut changes = guest.changes().await;
        kill_process(guest.qemu(), signal).unwrap();
        assert_eq!(changes.until("shut-off").await, reason);
        assert!(!guest.runtime().exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_nobody_saw_is_found_out_later() {
    let mut host = Host::new().await;
    // QEMU says in its log who sent it SIGTERM; of SIGKILL it does not learn.
    for (signal, state) in [(Signal::KILL, "shut-off (lost)"), (Signal::TERM, "shut-off (destroyed)")] {
        let (path, pid) = {
            let guest = host.define(&documents::bare("bare")).await;
            guest.start().await;
            (guest.domain.inner().path().to_string(), guest.qemu())
        };
        host.kill_service().await;
        kill_process(pid, signal).unwrap();
        processes::ended(pid, PATIENCE).await;
        let guest = host.guest(&path).await;
        assert_eq!(guest.state().await, state);
        assert_eq!((guest.domain.id().await.unwrap(), guest.domain.persistent().await.unwrap()), (0, true));
        assert!(!guest.runtime().exists());
    }
}
