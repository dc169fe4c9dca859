//! The words of the contract as enums. Their meaning in full stands in `xml/`.
//!
//! Invariant: decoding never fails for a word that is not known here.

words! {
    /// `Domain.State`.
    pub enum State {
        /// The guest executes.
        Running = "running",
        /// The machine exists, its processors are stopped.
        Paused = "paused",
        /// The guest has powered off, the machine is being taken down.
        ShuttingDown = "shutting-down",
        /// There is no machine.
        ShutOff = "shut-off",
        /// The guest has crashed and its machine is kept.
        Crashed = "crashed",
        /// The guest sleeps (suspend to memory).
        Suspended = "suspended",
    }

    /// `Domain.StateReason`. [`State::reasons`] says which belong to which state.
    pub enum StateReason {
        /// Not seen to happen.
        Unknown = "unknown",
        /// Running: started.
        Booted = "booted",
        /// Running: after a pause.
        Unpaused = "unpaused",
        /// Running: after the guest's sleep.
        Woken = "woken",
        /// Paused, shutting down: a client asked.
        User = "user",
        /// Paused: before the first instruction.
        StartingUp = "starting-up",
        /// Paused: a disk failed.
        IoError = "io-error",
        /// Paused: the guest's watchdog ran out.
        Watchdog = "watchdog",
        /// Paused, crashed: the guest's kernel reported its crash.
        Panicked = "panicked",
        /// Paused: the hypervisor cannot go on.
        InternalError = "internal-error",
        /// Shutting down, suspended: the guest by itself.
        Guest = "guest",
        /// Shut off: the guest powered off.
        Shutdown = "shutdown",
        /// Shut off: `Destroy`.
        Destroyed = "destroyed",
        /// Shut off: the guest crashed.
        Crashed = "crashed",
        /// Shut off: it could not start, or ended unexpectedly.
        Failed = "failed",
        /// Shut off: it ended while the service was not running.
        Lost = "lost",
        /// Shut off: the service stopped it.
        Daemon = "daemon",
    }

    /// The option "mode" of `Domain.Shutdown` and `Domain.Reboot`.
    #[derive(Default)]
    pub enum ShutdownMode {
        /// The guest agent where it answers, else the power button.
        #[default]
        Auto = "auto",
        /// The power button.
        Acpi = "acpi",
        /// The guest agent.
        Agent = "agent",
    }

    /// The option "overwrite" of `StoragePool.Build` and `StoragePool.Start`.
    #[derive(Default)]
    pub enum Overwrite {
        /// No device is formatted.
        #[default]
        Nothing = "nothing",
        /// A device is formatted if there is nothing on it.
        IfEmpty = "if-empty",
        /// A device is formatted whatever is on it.
        Everything = "everything",
    }

    /// The option "algorithm" of `StorageVolume.Wipe`.
    #[derive(Default)]
    pub enum WipeAlgorithm {
        /// One pass of zeros.
        #[default]
        Zero = "zero",
        /// Four passes of NAP-14.1-C.
        Nnsa = "nnsa",
        /// Four passes of DoD 5220.22-M.
        Dod = "dod",
        /// Nine passes of the BSI.
        Bsi = "bsi",
        /// 35 passes of Gutmann.
        Gutmann = "gutmann",
        /// Seven passes of Schneier.
        Schneier = "schneier",
        /// Seven random passes.
        Pfitzner7 = "pfitzner7",
        /// 33 random passes.
        Pfitzner33 = "pfitzner33",
        /// One random pass.
        Random = "random",
        /// Blocks are given back.
        Trim = "trim",
    }

    /// `Manager.InstanceKind`.
    pub enum InstanceKind {
        /// The service of one user.
        Session = "session",
        /// The service of the machine.
        System = "system",
    }

    /// `Job.State`.
    pub enum JobState {
        /// At work.
        Running = "running",
        /// Done.
        Succeeded = "succeeded",
        /// Not done; `Job.Message` says why.
        Failed = "failed",
        /// Undone because a client asked.
        Cancelled = "cancelled",
    }

    /// What becomes of the machine after `Domain.GuestPanicked`.
    pub enum PanicAction {
        /// It is kept, crashed.
        Preserve = "preserve",
        /// It is destroyed.
        Destroy = "destroy",
        /// It starts anew.
        Restart = "restart",
        /// It goes on.
        Ignore = "ignore",
    }

    /// What happens after `Domain.WatchdogFired`.
    pub enum WatchdogAction {
        /// The guest is reset.
        Reset = "reset",
        /// The guest is asked to power off.
        Shutdown = "shutdown",
        /// The machine is destroyed.
        Poweroff = "poweroff",
        /// The guest is paused.
        Pause = "pause",
        /// The hypervisor only notes it.
        Debug = "debug",
        /// Nothing.
        Nothing = "none",
        /// The guest gets a non-maskable interrupt.
        InjectNmi = "inject-nmi",
    }

    /// What failed in `Domain.IoError`.
    pub enum IoOperation {
        /// Reading.
        Read = "read",
        /// Writing.
        Write = "write",
    }

    /// Why it failed in `Domain.IoError`.
    pub enum IoErrorReason {
        /// The host ran out of room.
        NoSpace = "no-space",
        /// Anything else.
        Failed = "failed",
    }

    /// What the guest noticed of `Domain.IoError`.
    pub enum IoErrorAction {
        /// Nothing.
        Ignore = "ignore",
        /// An error.
        Report = "report",
        /// It was paused.
        Pause = "pause",
    }
}

impl State {
    /// The reasons that this version gives for a state, besides [`StateReason::Unknown`]; none for a state it does not know.
    #[must_use]
    pub const fn reasons(&self) -> &'static [StateReason] {
        use StateReason as Reason;
        match self {
            Self::Running => &[Reason::Booted, Reason::Unpaused, Reason::Woken],
            Self::Paused => &[Reason::User, Reason::StartingUp, Reason::IoError, Reason::Watchdog, Reason::Panicked, Reason::InternalError],
            Self::ShuttingDown => &[Reason::User, Reason::Guest],
            Self::ShutOff => &[Reason::Shutdown, Reason::Destroyed, Reason::Crashed, Reason::Failed, Reason::Lost, Reason::Daemon],
            Self::Crashed => &[Reason::Panicked],
            Self::Suspended => &[Reason::Guest],
            Self::Other(_) => &[],
        }
    }
}
