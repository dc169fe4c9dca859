//! Interfaces that a guest gets as files: how QEMU is told their numbers.

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;

use super::Host;
use crate::hypervisors::qemu::command::plan;
use crate::hypervisors::qemu::complete;
use crate::hypervisors::qemu::input::{Nics, PlanInput};
use crate::hypervisors::qemu::plan::Slot;

/// Files of taps have numbers from 10, those of the kernel's service from 50; an interface has ten.
fn number(slot: Slot) -> i32 {
    let place = |interface: usize, queue: usize| i32::try_from(10 * interface + queue).unwrap();
    match slot {
        Slot::Qmp => 3,
        Slot::Tap { interface, queue } => 10 + place(interface, queue),
        Slot::Vhost { interface, queue } => 50 + place(interface, queue),
    }
}

fn arguments(interfaces: &str, nics: Nics) -> Vec<String> {
    let mut host = Host::recorded("10.0");
    host.nics = nics;
    let xml = format!(
        "<domain type='qemu'><name>a</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{interfaces}</devices></domain>"
    );
    let (mut domain, _) = Domain::parse(&xml).unwrap();
    complete::complete(&mut domain, &host.capabilities, &mut || 7).unwrap();
    let plan = plan(&domain, &PlanInput { session: false, ..host.input() }).unwrap_or_else(|refusal| panic!("{}", refusal.message));
    plan.arguments.iter().map(|argument| argument.render(number)).collect()
}

#[test]
fn a_tap_is_told_by_the_number_of_its_file() {
    let interface = "<interface type='network'><source network='default'/><model type='e1000e'/></interface>";
    let arguments = arguments(interface, Nics::from([(0, (1, 0))]));
    assert!(arguments.contains(&r#"{"type":"tap","id":"hostnet0","fd":"10"}"#.to_owned()), "{arguments:#?}");
}

#[test]
fn several_queues_and_the_kernels_files_are_told_in_their_order() {
    let interfaces = "<interface type='user'><model type='virtio'/></interface>\
                      <interface type='bridge'><source bridge='br0'/><model type='virtio'/><driver queues='3'/></interface>";
    let arguments = arguments(interfaces, Nics::from([(1, (3, 3))]));
    let netdev = r#"{"type":"tap","id":"hostnet1","fds":"20:21:22","vhost":true,"vhostfds":"60:61:62"}"#;
    assert!(arguments.contains(&netdev.to_owned()), "{arguments:#?}");
    let card = arguments.iter().find(|argument| argument.contains(r#""netdev":"hostnet1""#)).unwrap();
    assert!(card.contains(r#""mq":true,"vectors":8"#), "{card}");
}
