//! `<clock>`: the guest's clock and timers.

use std::borrow::Cow;

use crate::element;
use crate::keywords;
use crate::xml::{Reader, Value, Writer, XmlError, YesNo};

keywords! {
    /// What the guest's clock shows at boot.
    pub enum ClockOffset {
        /// UTC.
        Utc = "utc",
        /// The host's local time.
        LocalTime = "localtime",
        /// The time of a time zone.
        TimeZone = "timezone",
        /// A time that the guest moved away from UTC or local time, kept from boot to boot.
        Variable = "variable",
        /// A fixed time.
        Absolute = "absolute",
    }
}

/// What happens to seconds that the guest moved its clock by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjustment {
    /// They are forgotten at each start.
    Reset,
    /// They are kept, and so many of them at first.
    Seconds(i64),
}

impl Value for Adjustment {
    const EXPECTED: &'static str = "'reset' or a number of seconds";
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "reset" => Some(Self::Reset),
            number => number.parse().ok().map(Self::Seconds),
        }
    }
    fn format(&self) -> Cow<'_, str> {
        match self {
            Self::Reset => Cow::Borrowed("reset"),
            Self::Seconds(seconds) => Cow::Owned(seconds.to_string()),
        }
    }
}

keywords! {
    /// What a variable offset is relative to.
    pub enum ClockBasis {
        /// UTC.
        Utc = "utc",
        /// The host's local time.
        LocalTime = "localtime",
    }
}

element! {
    /// The guest's clock.
    pub struct Clock {
        /// What it shows at boot.
        offset "offset" offset: Option<ClockOffset>,
        /// What happens to the guest's changes.
        attr "adjustment" adjustment: Option<Adjustment>,
        /// What a variable offset is relative to.
        attr "basis" basis: Option<ClockBasis>,
        /// Name of a time zone, such as `Europe/Paris`.
        attr "timezone" time_zone: Option<String>,
        /// A fixed time, seconds since 1970 in UTC.
        attr "start" start: Option<u64>,
        /// Timers.
        children "timer" timers: Vec<Timer>,
    }
}

/// The offset under its name of today or that of old, `sync`.
trait ReadOffset {
    fn offset(&mut self, name: &str) -> Result<Option<ClockOffset>, XmlError>;
}

impl ReadOffset for Reader<'_, '_> {
    fn offset(&mut self, name: &str) -> Result<Option<ClockOffset>, XmlError> {
        match self.attr(name)? {
            Some(offset) => Ok(Some(offset)),
            None => self.attr("sync"),
        }
    }
}

/// The offset under its name of today.
trait WriteOffset {
    fn offset(&mut self, name: &str, offset: &Option<ClockOffset>);
}

impl WriteOffset for Writer {
    fn offset(&mut self, name: &str, offset: &Option<ClockOffset>) {
        self.attr(name, offset);
    }
}

keywords! {
    /// A timer.
    pub enum TimerName {
        /// Real time clock.
        Rtc = "rtc",
        /// Programmable interval timer.
        Pit = "pit",
        /// High precision event timer.
        Hpet = "hpet",
        /// Time stamp counter.
        Tsc = "tsc",
        /// KVM's clock.
        KvmClock = "kvmclock",
        /// Hyper-V's reference time.
        HypervClock = "hypervclock",
        /// Timer of the platform (Xen).
        Platform = "platform",
        /// Virtual timer of ARM.
        ArmVirtual = "armvtimer",
    }
}

keywords! {
    /// What a timer follows.
    pub enum TimerTrack {
        /// The host's time since it booted.
        Boot = "boot",
        /// The guest's time.
        Guest = "guest",
        /// The host's time of day.
        Wall = "wall",
        /// The host's time of day (Xen).
        RealTime = "realtime",
    }
}

keywords! {
    /// What happens to ticks that the guest missed.
    pub enum TickPolicy {
        /// They come late, at the usual rate.
        Delay = "delay",
        /// They come late, at a higher rate.
        CatchUp = "catchup",
        /// They become one.
        Merge = "merge",
        /// They are lost.
        Discard = "discard",
    }
}

keywords! {
    /// How the time stamp counter is made (Xen).
    pub enum TimerMode {
        /// As fits.
        Auto = "auto",
        /// By the processor.
        Native = "native",
        /// By the hypervisor.
        Emulate = "emulate",
        /// With the guest's help.
        Paravirt = "paravirt",
        /// By the processor, equal on all of them.
        SmpSafe = "smpsafe",
    }
}

element! {
    /// A timer.
    pub struct Timer {
        /// Which.
        required "name" name: TimerName,
        /// Whether the guest has it.
        attr "present" present: Option<YesNo>,
        /// What happens to ticks that the guest missed.
        attr "tickpolicy" tick_policy: Option<TickPolicy>,
        /// What it follows.
        attr "track" track: Option<TimerTrack>,
        /// Hertz, of the time stamp counter.
        attr "frequency" frequency: Option<u64>,
        /// How the time stamp counter is made.
        attr "mode" mode: Option<TimerMode>,
        /// How missed ticks are caught up with.
        child "catchup" catch_up: Option<CatchUp>,
    }
}

element! {
    /// How missed ticks are caught up with.
    pub struct CatchUp {
        /// Behind by so much it begins.
        attr "threshold" threshold: Option<u32>,
        /// At what rate.
        attr "slew" slew: Option<u32>,
        /// Behind by so much it is given up.
        attr "limit" limit: Option<u32>,
    }
}
