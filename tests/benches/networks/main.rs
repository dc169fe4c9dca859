//! Starting and stopping a virtual network, by Lodge and by Debian's libvirtd with libvirt-dbus, in one run, as ratios.
//!
//! Both are the system's instances with a real polkitd on a private system bus, in a network and mount namespace of their own: their files
//! lie in one temporary directory, and the machine's networks, rules and files are not touched. They take turns, and each figure is the
//! median of its rounds.
//!
//! Prints a Markdown table. With `LODGE_BENCH_UPDATE=1` it also goes into `docs/benchmarks.md`. Needs root.
//!
//! Invariant: a start after which there is no bridge, and a stop after which there is one, end the run. No time is ever a reason to fail.

#![allow(clippy::print_stdout, reason = "the table is the result")]

#[path = "../against_libvirt/process.rs"]
#[allow(dead_code, reason = "the other benchmark looks at memory, too")]
mod process;
mod sides;
mod world;

use std::time::Instant;

use lodge_tests::report::{self, Report, Result, Row, Unit};
use sides::Side;
use world::World;

/// How often each side starts and stops its network.
const ROUNDS: usize = 15;

fn main() -> Result<()> {
    let mut document = report::open_document()?;
    let world = World::new()?;
    let rows = tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(&world))?;
    let table = Report { rows, of: format!("{ROUNDS} rounds of a network with NAT, addresses by DHCP and names") }.to_string();
    println!("{table}");
    if let Some(document) = &mut document {
        report::replace_table(document, "networks", &table)?;
    }
    Ok(())
}

async fn measure(world: &World) -> Result<Vec<Row>> {
    let (ours, theirs) = (Side::lodge(world).await?, Side::libvirt(world).await?);
    let mut times = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    // The first round warms up.
    for round in 0..=ROUNDS {
        for (place, side) in [&ours, &theirs].into_iter().enumerate() {
            let since = Instant::now();
            side.start().await?;
            let started = since.elapsed();
            world.require_bridge(side.bridge, true)?;
            let since = Instant::now();
            side.stop().await?;
            let stopped = since.elapsed();
            world.require_bridge(side.bridge, false)?;
            if round > 0 {
                times[place].push(started.as_secs_f64());
                times[2 + place].push(stopped.as_secs_f64());
            }
        }
    }
    let [start, their_start, stop, their_stop] = times.map(median);
    Ok(vec![
        Row::new("Start a network", Unit::Time, start, their_start).at_least(1.0),
        Row::new("Stop it", Unit::Time, stop, their_stop).at_least(1.0),
    ])
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
