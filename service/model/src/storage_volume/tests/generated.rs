//! Volumes made up, of every shape.

use proptest::prelude::*;

use super::*;
use crate::testing::strategies::{any_of, encryption, few, is_read_as_written, maybe, permissions, size, text, timestamps, type_name};

prop_compose! {
    fn device()(path in text(), extents in few(any::<(u64, u64)>())) -> VolumeDevice {
        let extent = |(start, end)| Extent { start, end, ..Default::default() };
        VolumeDevice { path, extents: extents.into_iter().map(extent).collect(), ..Default::default() }
    }
}

prop_compose! {
    fn target()(
        path in maybe(text()), format in type_name(), permissions in maybe(permissions()), timestamps in maybe(timestamps().boxed()),
        encryption in maybe(encryption().boxed()), compat in maybe(text()), nocow in any::<bool>(), cluster_size in size(),
        features in maybe(any::<(bool, bool)>()),
    ) -> VolumeTarget {
        let features = features.map(|(lazy_refcounts, extended_l2)| VolumeFeatures { lazy_refcounts, extended_l2, ..Default::default() });
        VolumeTarget { path, format, permissions, timestamps, encryption, compat, nocow, cluster_size, features, ..Default::default() }
    }
}

prop_compose! {
    fn backing_store()(
        path in maybe(text()), format in type_name(), permissions in maybe(permissions()), timestamps in maybe(timestamps().boxed()),
        encryption in maybe(encryption().boxed()),
    ) -> VolumeBackingStore {
        VolumeBackingStore { path, format, permissions, timestamps, encryption, ..Default::default() }
    }
}

prop_compose! {
    fn volume()(
        kind in maybe(any_of(VolumeType::ALL)), name in text(), key in maybe(text()), devices in maybe(few(device())),
        capacity in size(), allocation in size(), physical in size(), target in maybe(target().boxed()), backing_store in maybe(backing_store().boxed()),
    ) -> StorageVolume {
        let source = devices.map(|devices| VolumeSource { devices, ..Default::default() });
        StorageVolume { kind, name, key, source, capacity, allocation, physical, target, backing_store, ..Default::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(volume in volume()) {
        is_read_as_written(&volume)?;
        // Whatever it is, it can be checked.
        let _ = volume.validate();
    }
}
