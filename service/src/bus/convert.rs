//! Engine values as values of the bus.

use std::collections::HashMap;

use lodge_dbus_interfaces::options::Dictionary;
use lodge_dbus_interfaces::types;
use lodge_model::xml::Value as _;
use zbus::{OwnedVariant, Str, Variant};

use crate::domains::{Display, DisplayValue, InterfaceAddresses};
use crate::networks::Lease;
use crate::storage::{Algorithm, Chain, Overwrite};

/// Displays as the property Graphics.
pub fn graphics(displays: &[Display]) -> Vec<HashMap<String, OwnedVariant>> {
    displays.iter().map(|display| display.iter().map(|(name, value)| ((*name).to_owned(), owned(value))).collect()).collect()
}

fn owned(value: &DisplayValue) -> OwnedVariant {
    match value {
        DisplayValue::Text(text) => OwnedVariant::from(Str::from(text.clone())),
        DisplayValue::Port(port) => OwnedVariant::from(*port),
    }
}

/// An interface with its addresses.
pub fn interface_addresses(interface: InterfaceAddresses) -> Dictionary {
    let InterfaceAddresses { name, mac, addresses } = interface;
    let prefixes: Vec<u32> = addresses.values().map(|prefix| u32::from(*prefix)).collect();
    let addresses: Vec<String> = addresses.keys().map(ToString::to_string).collect();
    dictionary([
        ("name", Some(name.into())),
        ("mac", mac.map(|mac| mac.to_string().into())),
        ("addresses", Some(addresses.into())),
        ("prefixes", Some(prefixes.into())),
    ])
}

/// An address that is lent.
pub fn lease(lease: Lease) -> Dictionary {
    const MICROSECONDS: u64 = 1_000_000;
    let Lease { expiry, mac, address, name, client_id } = lease;
    dictionary([
        ("address", Some(address.to_string().into())),
        ("expiry", Some(expiry.saturating_mul(MICROSECONDS).into())),
        ("mac", mac.map(|mac| mac.to_string().into())),
        ("hostname", name.map(Into::into)),
        ("client-id", client_id.map(Into::into)),
    ])
}

/// What a volume is laid over, the nearest first.
pub fn chain(chain: Chain) -> Vec<Dictionary> {
    let ours = chain.levels.into_iter().map(|level| {
        let volume = &level.volume;
        dictionary([
            ("path", Some(volume.path.clone().into())),
            ("format", Some(volume.format.as_str().into())),
            ("pool", Some(level.pool.clone().into())),
            ("volume", Some(volume.name.clone().into())),
        ])
    });
    let outside = chain.outside.map(|backing| {
        let format = backing.format.map(|format| format.as_str().into());
        dictionary([("path", Some(backing.path.into())), ("format", format)])
    });
    ours.chain(outside).collect()
}

fn dictionary<const N: usize>(entries: [(&str, Option<Variant<'static>>); N]) -> Dictionary {
    // Only descriptors cannot be owned, and there are none.
    let owned = |(key, value): (&str, Option<Variant<'static>>)| Some((key.to_owned(), OwnedVariant::try_from(value?).ok()?));
    entries.into_iter().filter_map(owned).collect()
}

/// Whether a device is formatted, by the option's word, which was read strictly.
pub fn overwrite(word: &types::Overwrite) -> Overwrite {
    match word {
        types::Overwrite::Everything => Overwrite::Everything,
        types::Overwrite::IfEmpty => Overwrite::IfEmpty,
        types::Overwrite::Nothing | types::Overwrite::Other(_) => Overwrite::Nothing,
    }
}

/// How a volume is wiped, by the option's word, which was read strictly.
pub fn algorithm(word: &types::WipeAlgorithm) -> Algorithm {
    Algorithm::parse(word.as_str()).unwrap_or_default()
}
