//! PCI and PCI Express addresses.
//!
//! What is written is kept and checked first ([`Topology::keep`]); then each device without an address gets one on a
//! bus of its kind ([`place`](Topology::place)), and bridges and ports are added where there is no room. Who wants what
//! is a table ([`need`]).
//!
//! Invariant: no two devices have one address, and every address names a bus that is there.

mod bridge;
mod bus;
mod need;
mod topology;

use lodge_model::domain::devices::Devices;

use super::Result;
use super::list::settle;
use super::machine::Machine;

use need::need;
use topology::Topology;

/// Free root ports that are left for hot-plugging where we add ports. A definition that has all its ports keeps them
/// as they are.
const SPARE_PORTS: usize = 2;

pub(super) fn place(devices: &mut Devices, machine: &Machine<'_>) -> Result<()> {
    bridge::complete(devices);
    let before = devices.list.len();
    let mut topology = Topology::new(&mut devices.list, machine.family);
    topology.keep()?;
    let mut wanted: Vec<_> = (0..before).filter_map(|index| Some((need(topology.list, index, machine)?, index))).collect();
    wanted.sort_by_key(|(need, index)| (need.rank, *index));
    for (done, (need, index)) in wanted.iter().enumerate() {
        topology.place(*index, need.home, wanted.len() - done)?;
    }
    topology.add_spare_ports(SPARE_PORTS)?;
    topology.mark_multifunction()?;
    bridge::complete(devices);
    settle(devices, before);
    Ok(())
}
