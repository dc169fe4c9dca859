//! What is measured, and in which order the two sides take turns.

use std::time::{Duration, Instant};

use lodge_tests::report::{Row, Unit};
use zbus::Connection;
use zbus::connection::Builder;

use crate::documents;
use crate::libvirt::Libvirt;
use crate::lodge::Lodge;
use crate::sandbox::Sandbox;
use crate::service::Service;
use crate::{Result, bare_qemu, devices, pools};

/// Rounds of a measurement that is over in a moment.
const ROUNDS: usize = 15;
/// Rounds of one that takes seconds.
const FEW_ROUNDS: usize = 5;
/// Calls in one round of a short call.
const CALLS: usize = 200;

/// The groups of rows, besides the definitions, which all need.
pub const GROUPS: &[&str] = &["inventory", "calls", "devices", "pools", "launch", "start"];

/// The rows of both tables.
pub struct Rows {
    /// Of domains; only the definitions when none of their groups is wanted.
    pub domains: Vec<Row>,
    /// Of the host's devices and of pools.
    pub host: Vec<Row>,
}

/// The rows of the groups with these names; of all when there are none.
pub async fn all(sandbox: &Sandbox, domains: usize, groups: &[String]) -> Result<Rows> {
    if let Some(unknown) = groups.iter().find(|group| !GROUPS.contains(&group.as_str())) {
        return Err(format!("there is no group '{unknown}' of measurements; there are {GROUPS:?}").into());
    }
    let wanted = |group: &str| groups.is_empty() || groups.iter().any(|wanted| wanted == group);
    let mut lodge = Lodge::new(sandbox, connect(sandbox).await?);
    let mut libvirt = Libvirt::new(sandbox, connect(sandbox).await?);
    lodge.launch().await?;
    libvirt.launch().await?;
    // Before there are domains, of which an inventory would tell as well.
    let mut host = Vec::new();
    if wanted("devices") {
        host.extend(devices(&lodge, &libvirt).await?);
    }
    if wanted("pools") {
        for volumes in [1000, 10_000] {
            host.extend(pools(sandbox, &lodge, &libvirt, volumes).await?);
        }
    }
    let mut rows = vec![define(&mut lodge, &mut libvirt, domains).await?];
    if wanted("inventory") {
        rows.extend(inventory(&lodge, &libvirt, domains).await?);
    }
    if wanted("calls") {
        rows.extend(short_calls(&lodge, &libvirt).await?);
    }
    if wanted("launch") {
        rows.extend(launch(&mut lodge, &mut libvirt, domains).await?);
    }
    if wanted("start") {
        rows.extend(start(sandbox, &mut lodge, &mut libvirt).await?);
    }
    Ok(Rows { domains: rows, host })
}

/// Each side is called over a connection of its own, so that neither's signals reach the other's client.
async fn connect(sandbox: &Sandbox) -> Result<Connection> {
    Ok(Builder::address(sandbox.address.as_str()).build().await?)
}

/// The time of each round of one measurement.
#[derive(Default)]
struct Series(Vec<f64>);

impl Series {
    /// Notes one round, as seconds for one of the `times` that the work was done in it.
    fn add(&mut self, taken: Duration, times: usize) {
        self.0.push(taken.as_secs_f64() / times as f64);
    }

    /// Does the work a number of times and notes that as one round.
    async fn round(&mut self, times: usize, mut work: impl AsyncFnMut() -> Result<()>) -> Result<()> {
        let since = Instant::now();
        for _ in 0..times {
            work().await?;
        }
        self.add(since.elapsed(), times);
        Ok(())
    }

    /// In seconds.
    fn median(mut self) -> f64 {
        self.0.sort_by(f64::total_cmp);
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

async fn define(lodge: &mut Lodge<'_>, libvirt: &mut Libvirt<'_>, domains: usize) -> Result<Row> {
    let (mut ours, mut theirs) = (Series::default(), Series::default());
    let numbers: Vec<usize> = (0..domains).collect();
    for batch in numbers.chunks(domains.div_ceil(20)) {
        let documents: Vec<String> = batch.iter().map(|number| documents::typical(*number)).collect();
        let mut next = documents.iter();
        ours.round(batch.len(), async || lodge.define(next.next().ok_or("out of documents")?).await).await?;
        let mut next = documents.iter();
        theirs.round(batch.len(), async || libvirt.define(next.next().ok_or("out of documents")?).await).await?;
    }
    Ok(Row::new("Define a domain", Unit::Time, ours.median(), theirs.median()).at_least(1.0))
}

async fn inventory(lodge: &Lodge<'_>, libvirt: &Libvirt<'_>, domains: usize) -> Result<Vec<Row>> {
    let complete = |seen: usize| if seen == domains { Ok(()) } else { Err(format!("{seen} domains instead of {domains}")) };
    let (mut ours, mut theirs, mut at_once) = (Series::default(), Series::default(), Series::default());
    for _ in 0..FEW_ROUNDS {
        ours.round(5, async || Ok(complete(lodge.inventory().await?)?)).await?;
        theirs.round(1, async || Ok(complete(libvirt.inventory().await?)?)).await?;
        at_once.round(1, async || Ok(complete(libvirt.inventory_at_once().await?)?)).await?;
    }
    let ours = ours.median();
    Ok(vec![
        Row::new(format!("Full inventory of {domains}"), Unit::Time, ours, theirs.median()).at_least(100.0),
        Row::new("the same, theirs with 16 calls under way", Unit::Time, ours, at_once.median()),
    ])
}

async fn short_calls(lodge: &Lodge<'_>, libvirt: &Libvirt<'_>) -> Result<Vec<Row>> {
    let (mut property, mut ping, mut document) = <(Series, Series, Series)>::default();
    let (mut their_property, mut their_ping, mut their_document) = <(Series, Series, Series)>::default();
    for _ in 0..ROUNDS {
        ping.round(CALLS, async || lodge.ping().await).await?;
        property.round(CALLS, async || lodge.read_property().await).await?;
        document.round(CALLS, async || lodge.document().await.map(drop)).await?;
        their_ping.round(CALLS, async || libvirt.ping().await).await?;
        their_property.round(CALLS, async || libvirt.read_property().await).await?;
        their_document.round(CALLS, async || libvirt.document().await.map(drop)).await?;
    }
    let (ping, their_ping) = (ping.median(), their_ping.median());
    let (property, their_property) = (property.median(), their_property.median());
    Ok(vec![
        Row::new("`Peer.Ping`", Unit::Time, ping, their_ping),
        Row::new("Read one property", Unit::Time, property, their_property),
        Row::new("the same, in `Peer.Ping`s of the same service", Unit::Multiple, property / ping, their_property / their_ping)
            .ours_at_most(1.25),
        Row::new("Read the document", Unit::Time, document.median(), their_document.median()),
    ])
}

async fn devices(lodge: &Lodge<'_>, libvirt: &Libvirt<'_>) -> Result<Vec<Row>> {
    let (mut ours, mut theirs, mut documents, mut their_documents) = <(Series, Series, Series, Series)>::default();
    let found = devices::of_lodge(lodge.connection()).await?;
    for _ in 0..ROUNDS {
        ours.round(1, async || devices::compare(&devices::of_lodge(lodge.connection()).await?, &found)).await?;
        theirs.round(1, async || devices::compare(&found, &devices::of_libvirt(libvirt.connection()).await?)).await?;
        documents.round(1, async || devices::documents_of_lodge(lodge.connection(), &found).await).await?;
        their_documents.round(1, async || devices::documents_of_libvirt(libvirt.connection()).await).await?;
    }
    let count = found.len();
    Ok(vec![
        Row::new(
            format!("The {count} devices of the host, the same names on the same parents"),
            Unit::Time,
            ours.median(),
            theirs.median(),
        )
        .at_least(1.0),
        Row::new("Their documents, one by one", Unit::Time, documents.median(), their_documents.median()).at_least(1.0),
    ])
}

async fn pools(sandbox: &Sandbox, lodge: &Lodge<'_>, libvirt: &Libvirt<'_>, volumes: usize) -> Result<Vec<Row>> {
    let (mut ours, mut theirs, mut touched, mut their_touched) = <(Series, Series, Series, Series)>::default();
    let images = pools::Images::new(sandbox, volumes)?;
    let pool = pools::OfLodge::create(lodge.connection(), &images).await?;
    let their_pool = pools::OfLibvirt::create(libvirt.connection(), &images).await?;
    for _ in 0..FEW_ROUNDS {
        ours.round(1, async || pool.refresh().await).await?;
        pool.inventory().await?;
        theirs.round(1, async || their_pool.refresh().await).await?;
        their_pool.list().await?;
        images.touch()?;
        touched.round(1, async || pool.refresh().await).await?;
        pool.inventory().await?;
        their_touched.round(1, async || their_pool.refresh().await).await?;
        their_pool.list().await?;
    }
    pool.stop().await?;
    their_pool.stop().await?;
    let what = format!("Refresh a pool of {volumes} qcow2 images");
    Ok(vec![
        Row::new(what, Unit::Time, ours.median(), theirs.median()).at_least(5.0),
        Row::new("the same, all of them changed meanwhile", Unit::Time, touched.median(), their_touched.median()).at_least(5.0),
    ])
}

async fn launch(lodge: &mut Lodge<'_>, libvirt: &mut Libvirt<'_>, domains: usize) -> Result<Vec<Row>> {
    let (mut ours, mut theirs) = (Series::default(), Series::default());
    for _ in 0..FEW_ROUNDS {
        ours.add(relaunch(lodge).await?, 1);
        theirs.add(relaunch(libvirt).await?, 1);
    }
    lodge.inventory().await?;
    libvirt.inventory().await?;
    let (memory, their_memory) = (lodge.memory()?, libvirt.memory()?);
    Ok(vec![
        Row::new(format!("Start of the daemon with {domains} definitions"), Unit::Time, ours.median(), theirs.median()),
        Row::new("Resident memory then", Unit::Memory, memory.resident as f64, their_memory.resident as f64).at_least(2.0),
        Row::new("Proportional set size then", Unit::Memory, memory.proportional as f64, their_memory.proportional as f64),
    ])
}

async fn relaunch<S: Service>(service: &mut S) -> Result<Duration> {
    service.end();
    crate::service::gone(service.connection(), S::NAME).await?;
    service.launch().await
}

async fn start(sandbox: &Sandbox, lodge: &mut Lodge<'_>, libvirt: &mut Libvirt<'_>) -> Result<Vec<Row>> {
    let xml = documents::startable();
    lodge.define(&xml).await?;
    libvirt.define(&xml).await?;
    let (mut ours, mut theirs, mut virsh, mut bare) = <(Series, Series, Series, Series)>::default();
    // The first start of each side asks the emulator what it can.
    for round in 0..=ROUNDS {
        bare.add(bare_qemu::greeting(sandbox)?, 1);
        ours.round(1, async || lodge.start_guest().await).await?;
        must_run()?;
        lodge.destroy_guest().await?;
        theirs.round(1, async || libvirt.start_guest().await).await?;
        must_run()?;
        libvirt.destroy_guest().await?;
        virsh.round(1, async || libvirt.virsh_start()).await?;
        libvirt.destroy_guest().await?;
        if round == 0 {
            for series in [&mut bare, &mut ours, &mut theirs, &mut virsh] {
                series.0.clear();
            }
        }
    }
    let (ours, bare) = (ours.median(), bare.median());
    Ok(vec![
        Row::new("Start a guest; theirs: `virsh start`", Unit::Time, ours, virsh.median()),
        Row::new("the same; theirs: `Create` of libvirt-dbus", Unit::Time, ours, theirs.median()),
        Row::new("the same; instead of theirs: bare QEMU to its greeting", Unit::Time, ours, bare).ours_at_most(bare + 0.060),
    ])
}

/// A start that started nothing is not fast.
fn must_run() -> Result<()> {
    let uuid = documents::uuid(0xffff);
    for process in std::fs::read_dir("/proc")? {
        // Most of it are no processes, and some end meanwhile.
        let command = std::fs::read(process?.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(&uuid) {
            return Ok(());
        }
    }
    Err(format!("no process of the guest with UUID {uuid} after its start").into())
}
