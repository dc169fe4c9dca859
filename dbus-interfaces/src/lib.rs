//! The bus contract of Lodge: what the service offers, and what every client can rely on.
//!
//! The files in `xml/` are the source of truth; everything here is their Rust side, shared by the daemon, `lodgectl`, the
//! desktop app and the tests:
//!
//! - [`types`]: the words of the contract (states, reasons, modes) as enums
//! - [`options`]: the `a{sv} options` of each method as structs, read strictly
//! - [`errors`]: the closed set of errors
//! - [`paths`]: object paths and their escaping
//! - [`proxies`]: one typed proxy per interface; the object manager's is [`zbus::fdo::ObjectManagerProxy`] at [`ROOT_PATH`]
//!
//! There is no logic here, and nothing knows the service.
//!
//! # The interface files
//! Directly before each interface, method, property and signal stands a comment: a line `Member:`, a line `@argument: ...`
//! for each argument, a line `since: VERSION`, an empty line, the text. A property without an `EmitsChangedSignal`
//! annotation is announced with its value, as the D-Bus specification has it; the annotation is written where it is not so.
//! Dictionary keys stand in double quotes, words of a state in back quotes.
//!
//! # Adding a member
//! The contract only grows; nothing is renamed, removed or given another signature. What cannot grow gets a new member.
//! 1. Write it into `xml/`, documented, `since` the version to be released. A method ends its inputs with `a{sv} options`.
//! 2. Add the same member to the proxy in `proxies/`, words to `types.rs`, keys of options to `options.rs`.
//! 3. Call it in `tests/contract/proxies.rs`, which names what is missing.
//! 4. Serve it: the service's test of its live introspection fails until it does.
//!
//! A new word in an enum or a new key in a dictionary is such growth too: clients must get on with words and keys that
//! they do not know.

#[macro_use]
mod words;

pub mod errors;
pub mod options;
pub mod paths;
pub mod proxies;
pub mod types;

pub use errors::{Error, Result};

/// The well-known name, on the system and on the session bus.
pub const BUS_NAME: &str = "org.lodge.Lodge1";
/// The object of the Manager and the ObjectManager.
pub const ROOT_PATH: &str = "/org/lodge/Lodge1";
/// The name of [`proxies::ManagerProxy`]'s interface.
pub const MANAGER_INTERFACE: &str = "org.lodge.Lodge1.Manager";
/// The name of [`proxies::HypervisorProxy`]'s interface.
pub const HYPERVISOR_INTERFACE: &str = "org.lodge.Lodge1.Hypervisor";
/// The name of [`proxies::DomainProxy`]'s interface.
pub const DOMAIN_INTERFACE: &str = "org.lodge.Lodge1.Domain";
/// The name of [`proxies::JobProxy`]'s interface.
pub const JOB_INTERFACE: &str = "org.lodge.Lodge1.Job";

/// The name of [`proxies::NetworkProxy`]'s interface.
pub const NETWORK_INTERFACE: &str = "org.lodge.Lodge1.Network";

/// The name of [`proxies::SecretProxy`]'s interface.
pub const SECRET_INTERFACE: &str = "org.lodge.Lodge1.Secret";

/// The name of [`proxies::StoragePoolProxy`]'s interface.
pub const STORAGE_POOL_INTERFACE: &str = "org.lodge.Lodge1.StoragePool";

/// The name of [`proxies::StorageVolumeProxy`]'s interface.
pub const STORAGE_VOLUME_INTERFACE: &str = "org.lodge.Lodge1.StorageVolume";

/// Every interface of the contract with its file from `xml/`.
pub const INTERFACE_FILES: [(&str, &str); 8] = [
    (MANAGER_INTERFACE, include_str!("../xml/org.lodge.Lodge1.Manager.xml")),
    (HYPERVISOR_INTERFACE, include_str!("../xml/org.lodge.Lodge1.Hypervisor.xml")),
    (DOMAIN_INTERFACE, include_str!("../xml/org.lodge.Lodge1.Domain.xml")),
    (JOB_INTERFACE, include_str!("../xml/org.lodge.Lodge1.Job.xml")),
    (NETWORK_INTERFACE, include_str!("../xml/org.lodge.Lodge1.Network.xml")),
    (SECRET_INTERFACE, include_str!("../xml/org.lodge.Lodge1.Secret.xml")),
    (STORAGE_POOL_INTERFACE, include_str!("../xml/org.lodge.Lodge1.StoragePool.xml")),
    (STORAGE_VOLUME_INTERFACE, include_str!("../xml/org.lodge.Lodge1.StorageVolume.xml")),
];
