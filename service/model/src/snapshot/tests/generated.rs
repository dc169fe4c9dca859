//! Snapshots made up, of every shape.

use proptest::prelude::*;

use super::*;
use crate::domain::DomainType;
use crate::testing::strategies::{any_of, few, is_read_as_written, maybe, text, uuid};

prop_compose! {
    fn disk()(
        name in text(), snapshot in maybe(any_of(DiskSnapshot::ALL)), kind in maybe(any_of(DiskType::ALL)),
        format in maybe(maybe(text())), source in maybe((maybe(text()), maybe(text()), maybe(text()))), delete_in_progress: bool,
    ) -> SnapshotDisk {
        let source = source.map(|(file, dev, protocol)| DiskSourceElement { file, dev, protocol, ..Default::default() });
        let driver = format.map(|kind| SourceFormat { kind, ..Default::default() });
        SnapshotDisk { name, snapshot, kind, driver, source, delete_in_progress, ..Default::default() }
    }
}

fn disks() -> impl Strategy<Value = Option<SnapshotDisks>> {
    maybe(few(disk()).prop_map(|disks| SnapshotDisks { disks, ..Default::default() }))
}

prop_compose! {
    fn whole()(kind in any_of(DomainType::ALL), name in text(), uuid in uuid(), title in maybe(text())) -> Box<Domain> {
        Box::new(Domain { kind, name, uuid, title, ..Default::default() })
    }
}

fn domain() -> impl Strategy<Value = SnapshotDomain> {
    let identity = uuid().prop_map(|uuid| SnapshotDomain::Identity(DomainIdentity { uuid, ..Default::default() }));
    prop_oneof![whole().prop_map(SnapshotDomain::Whole), identity]
}

prop_compose! {
    fn snapshot()(
        name in maybe(text()), description in maybe(text()), state in maybe(any_of(SnapshotState::ALL)), parent in maybe(text()),
        creation_time in maybe(any::<u64>()), memory in maybe((maybe(any_of(DiskSnapshot::ALL)), maybe(text()))), disks in disks(),
        revert_disks in disks(), active in maybe(any_of(ActiveFlag::ALL)), domain in maybe(domain().boxed()), inactive_domain in maybe(whole()),
        cookie in maybe("(<a b=\"[a-z]*\"/>|[ \n]|<!-- [a-z]* -->){0,4}"),
    ) -> Snapshot {
        Snapshot {
            name, description, state, creation_time, disks, revert_disks, active, domain, inactive_domain,
            parent: parent.map(|name| SnapshotParent { name, ..Default::default() }),
            memory: memory.map(|(snapshot, file)| SnapshotMemory { snapshot, file, ..Default::default() }),
            cookie: cookie.map(RawXml),
            ..Default::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(snapshot in snapshot()) {
        is_read_as_written(&snapshot)?;
        // Whatever it is, it can be checked.
        let _ = snapshot.validate();
    }
}
