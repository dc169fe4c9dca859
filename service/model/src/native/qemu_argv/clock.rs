//! The guest's clock and timers.

use super::ReadError;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::{Outcome, partly};
use super::props::Props;
use super::tree::{Build, element};

/// Converts options of time.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "localtime" => {
            to.clock_offset = Some("localtime");
            Outcome::Done
        }
        "startdate" => match start(&option.value) {
            Some(start) => {
                to.clock_start = Some(start);
                Outcome::Done
            }
            None => Outcome::Left("it is no date such as 2006-06-17T16:01:21"),
        },
        "rtc-td-hack" => {
            to.clock.add(element("timer").with("name", "rtc").with("tickpolicy", "catchup"));
            Outcome::Done
        }
        "no-kvm-pit-reinjection" => {
            to.clock.add(element("timer").with("name", "pit").with("tickpolicy", "discard"));
            Outcome::Done
        }
        "rtc" => real_time_clock(to, &to.props(option, "base")?),
        "no-hpet" => {
            to.clock.add(element("timer").with("name", "hpet").with("present", "no"));
            Outcome::Done
        }
        _ => return Ok(None),
    }))
}

/// What the clock goes by: QEMU's words and those of documents.
const TRACKS: &[(&str, &str)] = &[("host", "wall"), ("rt", "realtime"), ("vm", "guest")];

fn real_time_clock(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    match props.take("base") {
        Some("localtime") => to.clock_offset = Some("localtime"),
        Some("utc") | None => {}
        Some(date) => match start(date) {
            Some(start) => to.clock_start = Some(start),
            None => return Outcome::Kept(format!("'{date}' is no date such as 2006-06-17T16:01:21")),
        },
    }
    let policy = match props.get("driftfix") {
        Some("slew") => Some("catchup"),
        _ => None,
    };
    if matches!(props.get("driftfix"), Some("slew" | "none")) {
        props.take("driftfix");
    }
    let track = props.get("clock").and_then(|clock| TRACKS.iter().find(|(theirs, _)| *theirs == clock)).map(|(_, ours)| *ours);
    if track.is_some() {
        props.take("clock");
    }
    if policy.is_some() || track.is_some() {
        to.clock.add(element("timer").with("name", "rtc").maybe("tickpolicy", policy).maybe("track", track));
    }
    partly(props)
}

/// Seconds from 1970 to a date, with or without a time, in UTC.
fn start(date: &str) -> Option<u64> {
    let (date, time) = date.split_once('T').unwrap_or((date, "0:0:0"));
    let numbers = |text: &str, separator| text.split(separator).map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    let (date, time) = (numbers(date, '-')?, numbers(time, ':')?);
    let ([year @ 1970..=9999, month @ 1..=12, day @ 1..=31], [hour @ 0..24, minute @ 0..60, second @ 0..60]) =
        (date.as_slice(), time.as_slice())
    else {
        return None;
    };
    // Years counted from March have the leap day at their end (Hinnant, "chrono-compatible low-level date algorithms").
    let year = year - u64::from(*month <= 2);
    let month_from_march = (month + 9) % 12;
    let day_of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + (153 * month_from_march + 2) / 5 + day - 1;
    let days = year / 400 * 146_097 + day_of_era - 719_468;
    Some(days * 86400 + hour * 3600 + minute * 60 + second)
}

/// Writes what the clock starts with.
pub fn finish(to: &mut Conversion<'_>) {
    match to.clock_start {
        Some(start) => {
            to.clock.set_attribute("offset", "absolute");
            to.clock.set_attribute("start", &start.to_string());
        }
        None => to.clock.set_attribute("offset", to.clock_offset.unwrap_or("utc")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (date, expected) in [
            ("1970-01-01", Some(0)),
            ("2000-02-28T23:59:59", Some(951_782_399)),
            ("2000-2-29", Some(951_782_400)),
            ("2009-02-13T23:31:30", Some(1_234_567_890)),
            ("2100-03-01T00:00:00", Some(4_107_542_400)),
            ("1969-12-31", None),
            ("2000-13-01", None),
            ("2000-01-01T24:00:00", None),
            ("now", None),
        ] {
            assert_eq!(start(date), expected, "{date}");
        }
    }
}
