//! The guest's clock and timers.

use super::Dialect;
use super::input::Input;
use super::is_hvm;
use super::output::Output;
use crate::domain::Domain;
use crate::domain::clock::{Adjustment, Clock, ClockBasis, ClockOffset, TickPolicy, Timer, TimerMode, TimerName};
use crate::native::ReadError;
use crate::xml::YesNo;

/// How the time stamp counter is made: words of xl, numbers of xm.
const TSC_MODES: [(&str, TimerMode); 4] = [
    ("default", TimerMode::Auto),
    ("always_emulate", TimerMode::Emulate),
    ("native", TimerMode::Native),
    ("native_paravirt", TimerMode::Paravirt),
];

/// What becomes of ticks that the guest missed: words of xl, numbers of xm. The domain says it of the
/// platform's timer, since Xen has one mode for all.
const TIMER_MODES: [(&str, TickPolicy); 4] = [
    ("delay_for_missed_ticks", TickPolicy::Delay),
    ("no_delay_for_missed_ticks", TickPolicy::CatchUp),
    ("no_missed_ticks_pending", TickPolicy::Discard),
    ("one_missed_tick_pending", TickPolicy::Merge),
];

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let local = input.switch("localtime")?.unwrap_or(false);
    let mut clock = match input.number("rtc_timeoffset", "a number of seconds")? {
        Some(seconds) => Clock {
            offset: Some(ClockOffset::Variable),
            adjustment: Some(Adjustment::Seconds(seconds)),
            basis: Some(if local { ClockBasis::LocalTime } else { ClockBasis::Utc }),
            ..Clock::default()
        },
        None => Clock { offset: Some(if local { ClockOffset::LocalTime } else { ClockOffset::Utc }), ..Clock::default() },
    };
    let timer = |name| Timer { name, ..Timer::default() };
    if let Some(mode) = mode(input, "tsc_mode", &TSC_MODES)? {
        clock.timers.push(Timer { mode: Some(mode), ..timer(TimerName::Tsc) });
    }
    if let Some(present) = input.switch("hpet")? {
        clock.timers.push(Timer { present: Some(YesNo(present)), ..timer(TimerName::Hpet) });
    }
    if let Some(policy) = mode(input, "timer_mode", &TIMER_MODES)? {
        clock.timers.push(Timer { tick_policy: Some(policy), ..timer(TimerName::Platform) });
    }
    domain.clock = Some(clock);
    Ok(())
}

/// A mode, by its word or its number.
fn mode<T: Copy>(input: &mut Input, key: &str, modes: &[(&'static str, T)]) -> Result<Option<T>, ReadError> {
    let Some(item) = input.take(key) else { return Ok(None) };
    let word = item.text(key)?;
    let by_name = modes.iter().find(|(name, _)| *name == word);
    let by_number = || word.parse::<usize>().ok().and_then(|number| modes.get(number));
    let words = || modes.iter().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    by_name.or_else(by_number).map(|(_, mode)| Some(*mode)).ok_or_else(|| item.unexpected(key, &format!("one of {}", words())))
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let utc = Clock::default();
    let clock = domain.clock.as_ref().unwrap_or(&utc);
    let offset = clock.offset.unwrap_or_default();
    let variable = offset == ClockOffset::Variable;
    let local = offset == ClockOffset::LocalTime || (variable && clock.basis == Some(ClockBasis::LocalTime));
    output.switch("localtime", Some(local).filter(|local| *local || is_hvm(domain)));
    output.number(
        "rtc_timeoffset",
        match clock.adjustment {
            Some(Adjustment::Seconds(seconds)) if variable => Some(seconds),
            _ if variable => Some(0),
            _ => None,
        },
    );
    for timer in &clock.timers {
        match timer.name {
            TimerName::Tsc => write_mode("tsc_mode", &TSC_MODES, timer.mode, output),
            TimerName::Hpet => output.switch("hpet", timer.present.map(|present| present.0)),
            TimerName::Platform => write_mode("timer_mode", &TIMER_MODES, timer.tick_policy, output),
            _ => {}
        }
    }
}

fn write_mode<T: Copy + PartialEq>(key: &'static str, modes: &[(&'static str, T)], mode: Option<T>, output: &mut Output) {
    let Some(at) = modes.iter().position(|(_, known)| Some(*known) == mode) else { return };
    if output.dialect == Dialect::Xl {
        output.text(key, Some(modes[at].0));
    } else {
        output.number(key, Some(at));
    }
}
