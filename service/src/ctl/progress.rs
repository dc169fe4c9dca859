//! A job that is waited for, with a bar on the person's terminal.
//!
//! On a terminal the method is asked to answer at once, and the job is followed; an interrupt from the keyboard cancels it.
//! Elsewhere the method's own answer is waited for, so that a script gets the whole error.

use std::io::{self, IsTerminal as _, Write as _};

use futures_util::StreamExt as _;
use lodge_dbus_interfaces::BUS_NAME;
use lodge_dbus_interfaces::options::NoOptions;
use lodge_dbus_interfaces::proxies::JobProxy;
use lodge_dbus_interfaces::types::JobState;
use zbus::OwnedObjectPath;
use zbus::fdo::PropertiesProxy;
use zbus::proxy::CacheProperties;

use super::failure::{Failure, Outcome};
use super::output::Output;
use super::service::{Service, property};
use super::signals::Ending;

/// Cells of a full bar.
const WIDTH: u32 = 30;

/// Whether somebody looks.
pub fn is_shown(output: Output) -> bool {
    !output.quiet && io::stderr().is_terminal()
}

/// Waits until a job has ended, and shows how far it is.
///
/// # Errors
/// Why the job failed, or that it was cancelled.
pub async fn follow(service: &Service, path: OwnedObjectPath, what: &str) -> Outcome {
    let job = JobProxy::builder(&service.connection).path(path.clone()).cache_properties(CacheProperties::No).build().await?;
    let properties = PropertiesProxy::builder(&service.connection).destination(BUS_NAME).path(path).build().await?;
    let mut changes = properties.receive_properties_changed().await?;
    let mut ending = Ending::listen()?;
    let bar = Bar { what };
    loop {
        let state = JobState::from(property::<String>(job.inner(), "State").await?.as_str());
        match state {
            JobState::Running => {
                let known: bool = property(job.inner(), "ProgressValid").await?;
                let fraction: f64 = if known { property(job.inner(), "Progress").await? } else { 0.0 };
                bar.show(known.then_some(fraction));
            }
            JobState::Succeeded => return Ok(()),
            JobState::Cancelled => return Err(format!("{what} was cancelled; nothing is left of it").into()),
            _ => return Err(property::<String>(job.inner(), "Message").await?.into()),
        }
        tokio::select! {
            change = changes.next() => drop(change.ok_or("the bus went away")?),
            signal = ending.recv() => {
                job.cancel(&NoOptions {}).await?;
                return Err(Failure::Signal(signal));
            }
        }
    }
}

/// A line that is drawn over and over, and taken away at last.
struct Bar<'a> {
    what: &'a str,
}

impl Bar<'_> {
    fn show(&self, fraction: Option<f64>) {
        let line = match fraction {
            Some(fraction) => format!("\r{} {}", self.what, bar(fraction)),
            None => format!("\r{} ...", self.what),
        };
        // A terminal that is gone shows nothing.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        let _ = io::stderr().write_all(b"\r\x1b[K");
    }
}

fn bar(fraction: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let thousandths = (fraction.clamp(0.0, 1.0) * 1000.0) as u32;
    let full = thousandths * WIDTH / 1000;
    let cells: String = (0..WIDTH).map(|cell| if cell < full { '#' } else { '.' }).collect();
    format!("[{cells}] {:3} %", thousandths / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        assert_eq!(bar(0.0), format!("[{}]   0 %", ".".repeat(30)));
        assert_eq!(bar(0.5), format!("[{}{}]  50 %", "#".repeat(15), ".".repeat(15)));
        assert_eq!(bar(7.0), format!("[{}] 100 %", "#".repeat(30)));
    }
}
