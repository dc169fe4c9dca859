//! Reading and writing documents: how fast beside libvirt's own code, and what becomes of documents made to be slow.
//!
//! Prints two Markdown tables. With `LODGE_BENCH_UPDATE=1` they also go into `docs/benchmarks.md`. Words as arguments choose
//! among the tables, `codec` and `shapes`.
//!
//! Invariants: both sides get the same documents, in one run and in turns; a figure is the median of its rounds. No time is
//! ever a reason to fail.

#![allow(clippy::print_stdout, reason = "the tables are the result")]

mod codec;
mod libvirt;
mod shapes;

use lodge_tests::report::{self, Result};

/// A table: its name in the document, and what makes it.
type Table = (&'static str, fn() -> Result<String>);

const TABLES: [Table; 2] = [("codec", codec::table), ("shapes", shapes::table)];

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut document = report::open_document()?;
    for (name, table) in TABLES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name)) {
        let table = table()?;
        println!("{table}");
        if let Some(document) = &mut document {
            report::replace_table(document, name, &table)?;
        }
    }
    Ok(())
}
