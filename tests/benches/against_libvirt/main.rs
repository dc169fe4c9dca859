//! The same work done by Lodge and by Debian's libvirtd with libvirt-dbus, in one run, as ratios.
//!
//! Both sides get the same documents, run as the same user on one private bus, keep their files in one temporary directory on
//! disk, and are called by the same client code, which decodes the answers of both. The two take turns in short rounds, so
//! that whatever else the machine does meets both; each figure is the median of its rounds.
//!
//! Prints Markdown tables. With `LODGE_BENCH_UPDATE=1` they also go into `docs/benchmarks.md`. `LODGE_BENCH_DOMAINS` changes
//! the number of domains from 1,000, and words as arguments choose groups of rows (see [`measure::GROUPS`]), for a quick look.
//!
//! Invariants: nothing of the user's own libvirt or Lodge is touched; root becomes `nobody` first, because the libvirt of root
//! would be the system's; what was started is ended by its process, whatever happens. No time is ever a reason to fail.

#![allow(clippy::print_stdout, reason = "the table is the result")]

mod bare_qemu;
mod devices;
mod documents;
mod libvirt;
mod lodge;
mod measure;
mod pools;
mod process;
mod sandbox;
mod service;

use lodge_tests::report::{self, Report, Result};
use sandbox::Sandbox;

fn main() -> Result<()> {
    let domains = match std::env::var("LODGE_BENCH_DOMAINS") {
        Ok(number) => number.parse()?,
        Err(_) => 1000,
    };
    let groups: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    // Before the change of the user, who may not be allowed to.
    let mut document = report::open_document()?;
    let sandbox = Sandbox::new()?;
    let rows = tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure::all(&sandbox, domains, &groups))?;
    for (name, rows, of) in [("table", rows.domains, format!("{domains} domains")), ("host", rows.host, "no domains".to_owned())] {
        // A single row are the definitions, which were only on the way.
        if rows.len() > 1 {
            let table = Report { rows, of }.to_string();
            println!("{table}");
            if let Some(document) = &mut document {
                report::replace_table(document, name, &table)?;
            }
        }
    }
    Ok(())
}
