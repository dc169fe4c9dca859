//! Domains: what they are asked for, what becomes of it, how they look.
//!
//! ```text
//!  DomainHandle ──request──▶ actor ──job──▶ Driver / Machine
//!       ▲                     │ ▲                │
//!       └──── DomainView ◀────┘ └─── events ─────┘
//! ```
//! [`Registry`] knows all domains by name, identity and number. Each has one actor, the only one to
//! change it: it judges a request ([`admission`]), hands long work to a task of its own, and applies
//! the outcome. Everybody else reads the [`DomainView`].
//!
//! Invariants: nothing here knows D-Bus; an actor never waits for another actor, a client or a
//! hypervisor; what the store holds is on disk before a request is answered.

mod actor;
mod addresses;
mod admission;
mod agent;
mod capabilities;
mod changes;
mod console;
mod edit;
mod engine;
mod handle;
mod host_devices;
mod interfaces;
mod live;
mod metadata;
pub mod native;
mod recover;
mod registry;
mod request;
mod secrets;
mod state;
mod status;
mod view;
mod volumes;
mod work;

pub use addresses::{AddressSource, InterfaceAddresses};
pub use edit::Edit;
pub use engine::{Defined, Draft, Engine, Parts};
pub use handle::DomainHandle;
pub use metadata::get as metadata;
pub use registry::Registry;
pub use request::{Definition, Request, Start, Undefine};
pub use secrets::without_secrets;
pub use state::{Running, ShutOff, ShuttingDown, State};
pub use status::Status;
pub use view::{Display, DisplayValue, DomainView, Facts};
pub use volumes::VolumeUsers;
