//! Pools made up, of every shape.

use proptest::prelude::*;

use super::*;
use crate::domain::devices::{Initiator, Iqn, Password, PciAddress};
use crate::testing::strategies::{
    any_of, encryption, few, is_read_as_written, maybe, permissions, secret_reference, size, text, type_name, uuid, yes_no,
};
use crate::xml::Hex;

fn named() -> impl Strategy<Value = Option<NamedPart>> {
    maybe(text().prop_map(|name| NamedPart { name, ..Default::default() }))
}

fn host() -> impl Strategy<Value = PoolHost> {
    (text(), maybe(any::<u16>())).prop_map(|(name, port)| PoolHost { name, port, ..Default::default() })
}

fn device() -> impl Strategy<Value = PoolDevice> {
    let extent = any::<(u64, u64)>().prop_map(|(start, end)| Extent { start, end, ..Default::default() });
    (text(), yes_no(), few(extent)).prop_map(|(path, part_separator, free_extents)| PoolDevice {
        path,
        part_separator,
        free_extents,
        ..Default::default()
    })
}

prop_compose! {
    fn parent_address()(unique_id in maybe(any::<u32>()), slot in maybe(maybe(any::<u32>()))) -> ParentAddress {
        let address = slot.map(|slot| PciAddress { slot: slot.map(Hex), ..Default::default() });
        ParentAddress { unique_id, address, ..Default::default() }
    }
}

prop_compose! {
    fn adapter()(
        kind in maybe(any_of(AdapterType::ALL)), name in maybe(text()), parent in maybe(text()), managed in yes_no(),
        parent_names in (maybe(text()), maybe(text()), maybe(text())), names in (maybe(text()), maybe(text())),
        parent_address in maybe(parent_address()),
    ) -> PoolAdapter {
        let (parent_wwnn, parent_wwpn, parent_fabric_wwn) = parent_names;
        let (wwnn, wwpn) = names;
        PoolAdapter { kind, name, parent, managed, parent_wwnn, parent_wwpn, parent_fabric_wwn, wwnn, wwpn, parent_address, ..Default::default() }
    }
}

prop_compose! {
    fn auth()(
        kind in maybe(text()), username in maybe(text()), login in maybe(text()), password in maybe(text().prop_map(Password)),
        secret in maybe(secret_reference()),
    ) -> PoolAuth {
        PoolAuth { kind, username, login, password, secret, ..Default::default() }
    }
}

prop_compose! {
    fn source()(
        hosts in few(host()), devices in few(device()), dir in maybe(text()), adapter in maybe(adapter().prop_map(Box::new).boxed()),
        name in maybe(text()), initiator in maybe(maybe(text())), auth in maybe(auth().prop_map(Box::new).boxed()), format in type_name(),
        version in maybe(text()), vendor in named(), product in named(),
    ) -> PoolSource {
        let iqn = |name| Iqn { name, ..Default::default() };
        PoolSource {
            hosts, devices, adapter, name, auth, format, vendor, product,
            dir: dir.map(|path| PoolDirectory { path, ..Default::default() }),
            initiator: initiator.map(|name| Initiator { iqn: name.map(iqn), ..Default::default() }),
            protocol: version.map(|version| PoolProtocol { version, ..Default::default() }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn target()(path in maybe(text()), permissions in maybe(permissions()), encryption in maybe(encryption().boxed())) -> PoolTarget {
        PoolTarget { path, permissions, encryption, ..Default::default() }
    }
}

fn features() -> impl Strategy<Value = PoolFeatures> {
    yes_no().prop_map(|state| PoolFeatures { cow: state.map(|state| CopyOnWrite { state, ..Default::default() }), ..Default::default() })
}

fn refresh() -> impl Strategy<Value = PoolRefresh> {
    maybe(maybe(any_of(RefreshAllocation::ALL))).prop_map(|volume| PoolRefresh {
        volume: volume.map(|allocation| VolumeRefresh { allocation, ..Default::default() }),
        ..Default::default()
    })
}

prop_compose! {
    fn pool()(
        kind in any_of(PoolType::ALL), name in maybe(text()), uuid in uuid(), capacity in size(), allocation in size(), available in size(),
        features in maybe(features()), source in maybe(source().boxed()), target in maybe(target().boxed()), refresh in maybe(refresh()),
        mount_options in maybe(few(text())), config_options in maybe(few((text(), text()))),
    ) -> StoragePool {
        let mount_option = |name| MountOption { name, ..Default::default() };
        let config_option = |(name, value)| ConfigOption { name, value, ..Default::default() };
        StoragePool {
            kind, name, uuid, capacity, allocation, available, features, source, target, refresh,
            mount_options: mount_options
                .map(|options| MountOptions { options: options.into_iter().map(mount_option).collect(), ..Default::default() }),
            config_options: config_options
                .map(|options| ConfigOptions { options: options.into_iter().map(config_option).collect(), ..Default::default() }),
            ..Default::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(pool in pool()) {
        is_read_as_written(&pool)?;
    }

    #[test]
    fn views_tell_nothing_that_the_check_does_not(pool in pool()) {
        let told = pool.validate().err().unwrap_or_default();
        let of_the_view = pool.view().err().unwrap_or_default();
        prop_assert!(of_the_view.iter().all(|problem| told.contains(problem)), "{:?} in {:?}", of_the_view, told);
    }
}
