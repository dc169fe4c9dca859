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
        "rtc" => real_time_clock(to, &to.props(option, "base")?),
        "no-hpet" => {
            to.clock.add(element("timer").with("name", "hpet").with("present", "no"));
            Outcome::Done
        }
        _ => return Ok(None),
    }))
}

fn real_time_clock(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    match props.take("base") {
        Some("localtime") => to.clock_offset = Some("localtime"),
        Some("utc") | None => {}
        Some(date) => return Outcome::Kept(format!("no element says that the clock starts at {date}")),
    }
    let mut rtc = element("timer").with("name", "rtc");
    if props.take("driftfix") == Some("slew") {
        rtc = rtc.with("tickpolicy", "catchup");
    }
    if let Some(track) = props.take("clock") {
        rtc = rtc.with(
            "track",
            match track {
                "host" => "wall",
                "rt" => "realtime",
                _ => "guest",
            },
        );
    }
    if rtc.attributes.len() > 1 {
        to.clock.add(rtc);
    }
    partly(props)
}

/// Writes what the clock starts with.
pub fn finish(to: &mut Conversion<'_>) {
    to.clock.set_attribute("offset", to.clock_offset.unwrap_or("utc"));
}
