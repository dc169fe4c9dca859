//! The guest's clock and timers: `-rtc`, `-global kvm-pit`.

use lodge_model::domain::clock::{Adjustment, Clock, ClockBasis, ClockOffset, TickPolicy, TimerName, TimerTrack};

use super::draft::Draft;
use crate::hypervisors::qemu::props::Options;

/// Adds the clock and its timers.
pub fn add(draft: &mut Draft<'_>) {
    let empty = Clock::default();
    let clock = draft.domain.clock.as_ref().unwrap_or(&empty);
    let base = match clock.offset.unwrap_or_default() {
        ClockOffset::Utc => adjusted(draft, clock).unwrap_or_else(|| "utc".to_owned()),
        ClockOffset::LocalTime => "localtime".to_owned(),
        ClockOffset::TimeZone => {
            if let Some(zone) = &clock.time_zone {
                draft.variable("TZ", zone);
            }
            "localtime".to_owned()
        }
        ClockOffset::Variable if clock.basis == Some(ClockBasis::LocalTime) => "localtime".to_owned(),
        ClockOffset::Variable => adjusted(draft, clock).unwrap_or_else(|| "utc".to_owned()),
        ClockOffset::Absolute => date(clock.start.unwrap_or(draft.input.now)),
    };
    if draft.is_by_hand() && base.contains(':') && clock.offset != Some(ClockOffset::Absolute) {
        draft.warn("the guest's clock starts at the time that is printed after base=, which was right when the command was made");
    }
    let options = Options::of("base", base);
    let rtc = clock.timers.iter().find(|timer| timer.name == TimerName::Rtc);
    let source = rtc.and_then(|timer| timer.track).and_then(|track| match track {
        TimerTrack::Guest => Some("vm"),
        TimerTrack::Wall => Some("host"),
        TimerTrack::Boot => Some("rt"),
        TimerTrack::RealTime => None,
    });
    let options = options.opt("clock", source);
    let slew = rtc.and_then(|timer| timer.tick_policy).is_some_and(|policy| policy == TickPolicy::CatchUp);
    draft.option("-rtc", options.opt("driftfix", slew.then_some("slew")).render());
    let pit = clock.timers.iter().find(|timer| timer.name == TimerName::Pit).and_then(|timer| timer.tick_policy);
    if let Some(policy @ (TickPolicy::Delay | TickPolicy::Discard)) = pit.filter(|_| draft.is_kvm()) {
        draft.option("-global", format!("kvm-pit.lost_tick_policy={policy}"));
    }
}

/// The time that a guest which was moved away from the host's has now.
fn adjusted(draft: &Draft<'_>, clock: &Clock) -> Option<String> {
    match clock.adjustment {
        Some(Adjustment::Seconds(seconds)) if seconds != 0 => Some(date(draft.input.now.saturating_add_signed(seconds))),
        _ => None,
    }
}

/// A time as `-rtc` has it, in UTC, from seconds since 1970.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86400, seconds % 86400);
    // Years counted from March have the leap day at their end (Hinnant, "chrono-compatible low-level date algorithms").
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_234_567_890, "2009-02-13T23:31:30"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }
}
