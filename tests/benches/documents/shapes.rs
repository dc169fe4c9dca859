//! What becomes of documents that are made to be slow: each shape as large as the limits let it be, and at 10 MiB.
//!
//! A domain goes the way of `DefineDomain`: read, checked, completed and written. A native configuration is read, and the domain
//! written.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lodge_model::document::Document as _;
use lodge_model::documents;
use lodge_model::domain::Domain;
use lodge_model::native;
use lodge_service::hypervisors::qemu::complete::complete;
use lodge_service::hypervisors::qemu::script::assumed;
use lodge_tests::fuzz::numbers;
use lodge_tests::report::{Result, Unit, machine, shown, verdict};
use lodge_tests::shapes::native::OPTIONS;
use lodge_tests::shapes::{Pieces, native as native_shapes, xml as xml_shapes};

/// No document may take longer.
const LIMIT: Duration = Duration::from_secs(1);
/// Each document is read so often, and the least time counts.
const TRIES: usize = 5;
/// A size that nobody's document has.
const HUGE: usize = 10 << 20;

/// What became of a document.
enum Outcome {
    Read,
    /// It was read, and something about it refused later.
    ReadAndRefused(String),
    Refused(String),
}

/// One document: what it is, its size, what came of it and how long that took.
struct Trial {
    what: String,
    size: usize,
    outcome: Outcome,
    taken: Duration,
    /// The same at [`HUGE`].
    huge: (Outcome, Duration),
}

/// The table.
pub fn table() -> Result<String> {
    let mut trials = Vec::new();
    for shape in xml_shapes::SHAPES {
        trials.push(trial(format!("XML: {}", shape.what), &shape.largest(), &huge(&shape.pieces), xml));
        // As many devices as the completion takes.
        if matches!(&trials.last().map(|trial| &trial.outcome), Some(Outcome::ReadAndRefused(reason)) if reason.contains("devices")) {
            trials.push(trial(format!("XML: 2000 {}", shape.what), &shape.pieces.repeated(2000), &huge(&shape.pieces), xml));
        }
    }
    for shape in native_shapes::SHAPES {
        let read = |text: &str| configuration(shape.format, text);
        let name = format!("{}: {}", shape.format, shape.what);
        let (full, huge) = (shape.largest(), huge(&shape.pieces));
        // One limit met early says nothing of what is just below it.
        let fewer = shape.pieces.repeated(OPTIONS);
        let text = if matches!(read(&full), Outcome::Refused(_)) && fewer.len() < full.len() { fewer } else { full };
        trials.push(trial(name, &text, &huge, read));
    }
    Ok(printed(&trials))
}

fn huge(pieces: &Pieces) -> String {
    pieces.repeated(pieces.in_size(HUGE))
}

fn trial(what: String, text: &str, huge: &str, read: impl Fn(&str) -> Outcome) -> Trial {
    let once = |text: &str| {
        let since = Instant::now();
        let outcome = read(text);
        (outcome, since.elapsed())
    };
    // The least of some: what else the machine does is not the document's fault.
    let timed = |text: &str| {
        let (outcome, first) = once(text);
        (outcome, (1..TRIES).map(|_| once(text).1).fold(first, Duration::min))
    };
    let (outcome, taken) = timed(text);
    Trial { what, size: text.len(), outcome, taken, huge: timed(huge) }
}

fn xml(text: &str) -> Outcome {
    match Domain::parse(text) {
        Ok((mut domain, _)) => {
            let problem = domain.validate().err().and_then(|problems| Some(problems.first()?.to_string()));
            let capabilities = assumed::capabilities(&domain);
            let refusal = complete(&mut domain, &capabilities, &mut numbers()).err().map(|error| error.to_string());
            assert!(!domain.to_xml().is_empty());
            problem.or(refusal).map_or(Outcome::Read, Outcome::ReadAndRefused)
        }
        Err(_) => match documents::examine(text) {
            Ok(_) => Outcome::Read,
            Err(error) => Outcome::Refused(error.reason),
        },
    }
}

fn configuration(format: native::Format, text: &str) -> Outcome {
    match native::read(format, text) {
        Ok(converted) if !converted.domain.to_xml().is_empty() => Outcome::Read,
        Ok(_) => Outcome::ReadAndRefused("it is empty".to_owned()),
        Err(error) => Outcome::Refused(error.reason),
    }
}

fn printed(trials: &[Trial]) -> String {
    let mut text = String::from("| | size | time | what came of it | 10 MiB |\n|---|---:|---:|---|---:|\n");
    for Trial { what, size, outcome, taken, huge } in trials {
        let size = if *size >= 1 << 20 { format!("{:.1} MiB", *size as f64 / 1_048_576.0) } else { format!("{} KiB", size >> 10) };
        let of_huge = match &huge.0 {
            Outcome::Refused(_) => "refused",
            Outcome::Read | Outcome::ReadAndRefused(_) => "read",
        };
        let (taken, of_huge_in) = (shown(taken.as_secs_f64(), Unit::Time), shown(huge.1.as_secs_f64(), Unit::Time));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {what} | {size} | {taken} | {} | {of_huge} in {of_huge_in} |", told(outcome));
    }
    let slow = trials.iter().filter(|trial| trial.taken.max(trial.huge.1) > LIMIT).count();
    let met = verdict(format!("at most {} for each", shown(LIMIT.as_secs_f64(), Unit::Time)), slow == 0);
    let _ = writeln!(text, "\n{met}; {}", machine());
    text
}

fn told(outcome: &Outcome) -> String {
    let short = |reason: &str| {
        let words: String = reason.chars().take(70).collect();
        let words = if words.len() < reason.len() { words + "…" } else { words };
        words.replace('|', "\\|").replace('\n', " ")
    };
    match outcome {
        Outcome::Read => "read".to_owned(),
        Outcome::ReadAndRefused(reason) => format!("read, then refused: {}", short(reason)),
        Outcome::Refused(reason) => format!("refused: {}", short(reason)),
    }
}
