//! The results of benchmarks as Markdown tables, and their places in `docs/benchmarks.md`.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Whatever went wrong, for the person who reads it.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the numbers of a row are.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Seconds.
    Time,
    /// KiB.
    Memory,
    /// A number without a unit.
    Multiple,
}

/// What is asked of a row.
enum Target {
    None,
    /// Theirs divided by ours.
    Ratio(f64),
    /// Ours, in the row's unit.
    Ours(f64),
}

/// One measurement of both sides.
pub struct Row {
    what: String,
    unit: Unit,
    ours: f64,
    theirs: f64,
    target: Target,
}

impl Row {
    /// A row without a target.
    pub fn new(what: impl Into<String>, unit: Unit, ours: f64, theirs: f64) -> Self {
        Self { what: what.into(), unit, ours, theirs, target: Target::None }
    }

    /// Theirs shall be so many times ours.
    pub fn at_least(self, ratio: f64) -> Self {
        Self { target: Target::Ratio(ratio), ..self }
    }

    /// Ours shall not be more.
    pub fn ours_at_most(self, limit: f64) -> Self {
        Self { target: Target::Ours(limit), ..self }
    }
}

/// A table of both sides.
pub struct Report {
    /// Its rows.
    pub rows: Vec<Row>,
    /// What the numbers are of, as a clause.
    pub of: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | Lodge | libvirt | ratio | target |\n|---|---:|---:|---:|---|")?;
        for row in &self.rows {
            let Row { what, unit, ours, theirs, target } = row;
            let ratio = theirs / ours;
            let target = match *target {
                Target::None => String::new(),
                Target::Ratio(wanted) => verdict(format!("ratio at least {wanted}"), ratio >= wanted),
                Target::Ours(limit) => verdict(format!("at most {}", shown(limit, *unit)), *ours <= limit),
            };
            writeln!(f, "| {what} | {} | {} | {ratio:.1} | {target} |", shown(*ours, *unit), shown(*theirs, *unit))?;
        }
        writeln!(f, "\n{}; {}", self.of, machine())
    }
}

/// What was wanted, and whether it is so.
pub fn verdict(target: String, met: bool) -> String {
    format!("{target}: {}", if met { "met" } else { "**missed**" })
}

/// A value of a unit as it stands in a table.
pub fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Time if value >= 1.0 => format!("{value:.2} s"),
        Unit::Time if value >= 0.01 => format!("{:.0} ms", value * 1e3),
        Unit::Time if value >= 0.000_25 => format!("{:.2} ms", value * 1e3),
        Unit::Time => format!("{:.0} µs", value * 1e6),
        Unit::Memory => format!("{:.1} MiB", value / 1024.0),
        Unit::Multiple => format!("{value:.2}"),
    }
}

/// What was measured on, without anything that tells whose machine it is.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("unknown", |(_, model)| model);
    let count = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let release = read("/proc/sys/kernel/osrelease");
    let kernel: String = release.trim().split('.').take(2).collect::<Vec<_>>().join(".");
    let load = read("/proc/loadavg");
    let load = load.split(' ').nth(1).unwrap_or("unknown");
    format!("{count} processors ({model}), Linux {kernel}, load of the last five minutes {load}.")
}

/// The document that takes the tables; none unless `LODGE_BENCH_UPDATE` is set.
///
/// # Errors
/// It cannot be opened.
pub fn open_document() -> Result<Option<File>> {
    if std::env::var_os("LODGE_BENCH_UPDATE").is_none() {
        return Ok(None);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    Ok(Some(OpenOptions::new().read(true).write(true).open(path)?))
}

/// Puts a table in the place of the one of that name that is there.
///
/// # Errors
/// There is no such place, or the file cannot be changed.
pub fn replace_table(document: &mut File, name: &str, table: &str) -> Result<()> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->\n"));
    document.rewind()?;
    let mut text = String::new();
    document.read_to_string(&mut text)?;
    let (before, rest) = text.split_once(&begin).ok_or("docs/benchmarks.md has no place for the table")?;
    let (_, after) = rest.split_once(&end).ok_or("the place for the table in docs/benchmarks.md has no end")?;
    let text = format!("{before}{begin}\n{table}\n{end}{after}");
    document.rewind()?;
    document.set_len(0)?;
    document.write_all(text.as_bytes())?;
    Ok(())
}
