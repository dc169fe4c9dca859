//! What happens when a guest stops, sleeps or crashes, and what is counted while it runs.

use crate::element;
use crate::keywords;
use crate::xml::YesNo;

keywords! {
    /// What follows on a guest's power-off, reboot or crash.
    pub enum LifecycleAction {
        /// The domain ends.
        Destroy = "destroy",
        /// It starts again.
        Restart = "restart",
        /// It is kept as it stands, for a look at it.
        Preserve = "preserve",
        /// It starts again under another name, and the old one is kept (Xen).
        RenameRestart = "rename-restart",
        /// Its memory is written to a file, then it ends; on a crash only.
        CoredumpDestroy = "coredump-destroy",
        /// Its memory is written to a file, then it starts again; on a crash only.
        CoredumpRestart = "coredump-restart",
    }
}

keywords! {
    /// What follows when the lock on a domain's disks is lost.
    pub enum LockFailureAction {
        /// The domain ends.
        PowerOff = "poweroff",
        /// It starts again, if the lock can be had.
        Restart = "restart",
        /// It is paused.
        Pause = "pause",
        /// Nothing.
        Ignore = "ignore",
    }
}

element! {
    /// `<pm>`: whether the guest may sleep.
    pub struct PowerManagement {
        /// S3.
        child "suspend-to-mem" suspend_to_mem: Option<Sleep>,
        /// S4.
        child "suspend-to-disk" suspend_to_disk: Option<Sleep>,
    }
}

element! {
    /// A state of sleep.
    pub struct Sleep {
        /// Whether the guest is offered it.
        attr "enabled" enabled: Option<YesNo>,
    }
}

element! {
    /// `<perf>`: performance counters to keep.
    pub struct PerformanceEvents {
        /// One by one.
        children "event" events: Vec<PerformanceEvent>,
    }
}

element! {
    /// A performance counter.
    pub struct PerformanceEvent {
        /// Which, such as `cpu_cycles`.
        required "name" name: String,
        /// Whether it is kept.
        required "enabled" enabled: YesNo,
    }
}
