//! Which process made something, as text that can be written onto the thing: a later process tells from it whether the maker
//! still runs.
//!
//! Process ids are used again, so the text has the start time and the boot as well.

use std::io;

use rustix::process::{Pid, getpid};

use super::tracked::Stat;
use crate::host::boot;

/// This process, as letters, digits, dots and hyphens.
///
/// # Errors
/// `/proc` cannot be read.
pub fn this() -> io::Result<String> {
    let stat = Stat::read(getpid())?.ok_or(io::ErrorKind::NotFound)?;
    Ok(format!("{}.{}.{}", getpid().as_raw_nonzero(), stat.start_time, boot::id()?))
}

/// Whether the process that a text of [`this`] names has ended. What is no such text names none.
pub fn has_ended(maker: &str) -> bool {
    let mut parts = maker.splitn(3, '.');
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (Some(pid), Some(start_time), Some(boot)) = (number(), number(), parts.next()) else { return true };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    match (boot::id(), pid.map(Stat::read)) {
        (Ok(now), Some(Ok(Some(stat)))) => boot != now || stat.is_over() || stat.start_time != start_time,
        // Nobody can tell: then it is left alone.
        (Err(_), _) | (_, Some(Err(_))) => false,
        (Ok(_), Some(Ok(None)) | None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_that_runs_is_there() {
        let this = this().unwrap();
        assert!(!has_ended(&this), "{this}");
        let (pid, rest) = this.split_once('.').unwrap();
        let (start, boot) = rest.split_once('.').unwrap();
        for other in [format!("{pid}.1.{boot}"), format!("{pid}.{start}.another-boot"), "1".into(), String::new(), format!("0.{rest}")] {
            assert!(has_ended(&other), "{other}");
        }
    }
}
