//! The same documents read and written by both sides.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_service::hypervisors::qemu::capabilities::Capabilities;
use lodge_service::hypervisors::qemu::complete::complete;
use lodge_tests::fuzz::numbers;
use lodge_tests::report::{Report, Result, Row, Unit};

use crate::libvirt::Libvirt;

const TYPICAL: &str = include_str!("../against_libvirt/typical.xml");

/// Rounds in which the sides take turns.
const ROUNDS: usize = 15;
/// Calls in a round, of a single document and of each of many.
const CALLS: u32 = 400;
const CALLS_OF_EACH: u32 = 40;

/// A document that both sides take.
struct Sample {
    path: PathBuf,
    text: String,
}

/// What we do with a document.
type Work = fn(&str, &Capabilities) -> Option<usize>;

fn read_and_write(text: &str, _: &Capabilities) -> Option<usize> {
    Some(Domain::parse(text).ok()?.0.to_xml().len())
}

fn checked(text: &str, _: &Capabilities) -> Option<usize> {
    let (domain, _) = Domain::parse(text).ok()?;
    domain.validate().ok()?;
    Some(domain.to_xml().len())
}

fn completed(text: &str, capabilities: &Capabilities) -> Option<usize> {
    let (mut domain, _) = Domain::parse(text).ok()?;
    domain.validate().ok()?;
    complete(&mut domain, capabilities, &mut numbers()).ok()?;
    Some(domain.to_xml().len())
}

/// The table.
pub fn table() -> Result<String> {
    let home = tempfile::tempdir()?;
    let mut libvirt = Libvirt::start()?;
    let capabilities = serde_json::from_slice(&std::fs::read(fixtures().join("qemu/capabilities-10.0.json"))?)?;
    let mut contest = Contest { libvirt: &mut libvirt, capabilities };
    let typical = [contest.sample(home.path(), "typical", &filled(), completed)?.ok_or("libvirt does not take the typical document")?];
    let samples = contest.samples(home.path(), "domain", checked)?;
    let for_qemu = contest.samples(home.path(), "completed", completed)?;
    let rows = vec![
        contest.row("Read and write a typical document", &typical, CALLS, read_and_write)?.at_least(1.0),
        contest.row("the same; ours checked as well", &typical, CALLS, checked)?.at_least(1.0),
        contest.row("the same; ours completed as well", &typical, CALLS, completed)?.at_least(1.0),
        contest.row(&format!("{} documents of all kinds; ours checked as well", samples.len()), &samples, CALLS_OF_EACH, checked)?,
        contest.row(&format!("{} complete documents; ours completed as well", for_qemu.len()), &for_qemu, CALLS_OF_EACH, completed)?,
    ];
    let of = format!("each without a daemon and a bus; libvirt {}", contest.libvirt.version);
    Ok(Report { rows, of }.to_string())
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn filled() -> String {
    let identity = "7d0f2a60-1f5e-4a55-9a3f-000000000000";
    TYPICAL.replace("@NAME@", "bench").replace("@UUID@", identity).replace("@MAC@", "52:54:00:5b:00:00")
}

struct Contest<'a> {
    libvirt: &'a mut Libvirt,
    capabilities: Capabilities,
}

impl Contest<'_> {
    /// The document in a file; `None` when libvirt or we do not take it.
    fn sample(&mut self, home: &Path, name: &str, text: &str, work: Work) -> Result<Option<Sample>> {
        let path = home.join(format!("{name}.xml"));
        std::fs::write(&path, text)?;
        // Twice: one without a UUID gets another each time, and is then refused.
        let theirs = self.libvirt.define(&path, 2)?.is_some();
        let ours = work(text, &self.capabilities).is_some();
        Ok((theirs && ours).then(|| Sample { path, text: text.to_owned() }))
    }

    /// The fixtures of a folder that both sides take.
    fn samples(&mut self, home: &Path, folder: &str, work: Work) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        for entry in std::fs::read_dir(fixtures().join(folder))? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == "xml") && !name.ends_with(".normalized") {
                let text = std::fs::read_to_string(&path)?;
                samples.extend(self.sample(home, &format!("{folder}-{name}"), &text, work)?);
            }
        }
        Ok(samples)
    }

    /// Both sides on all samples, in turns. The first round, which warms up, does not count.
    fn row(&mut self, what: &str, samples: &[Sample], calls: u32, work: Work) -> Result<Row> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..=ROUNDS {
            ours.push(self.our_round(samples, calls, work)?);
            let mut taken = Duration::ZERO;
            for sample in samples {
                taken += self.libvirt.define(&sample.path, calls)?.ok_or("libvirt does not take again what it took")?;
            }
            theirs.push(taken);
        }
        Ok(Row::new(what, Unit::Time, median(ours, calls), median(theirs, calls)))
    }

    fn our_round(&self, samples: &[Sample], calls: u32, work: Work) -> Result<Duration> {
        let since = Instant::now();
        for sample in samples {
            for _ in 0..calls {
                let length = work(black_box(&sample.text), &self.capabilities);
                black_box(length.ok_or_else(|| format!("{} is refused", sample.path.display()))?);
            }
        }
        Ok(since.elapsed())
    }
}

/// The median of the rounds but the first, in seconds for one call.
fn median(mut rounds: Vec<Duration>, calls: u32) -> f64 {
    let mut rounds = rounds.split_off(1);
    rounds.sort_unstable();
    rounds.get(rounds.len() / 2).map_or(f64::NAN, |round| round.as_secs_f64() / f64::from(calls))
}
