//! The `a{sv} options` of each method as a struct: filled in and sent by clients, read strictly by the service.
//!
//! Invariants: a key that the method does not have, a value of the wrong type and an unknown word are
//! [`Error::InvalidOption`], never ignored. What is left out has its default, and every boolean's default is false. The keys
//! are documented with their methods in `xml/`.

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant};

use crate::errors::{Error, Result};
use crate::types::{Overwrite, ShutdownMode, WipeAlgorithm};

/// Options as a client sends them.
type Sent = HashMap<&'static str, Variant<'static>>;
/// A dictionary that the service answers, such as one display or one machine type.
pub type Dictionary = HashMap<String, OwnedVariant>;
/// Options as the service gets them.
pub type Received = HashMap<String, OwnedVariant>;

/// Declares the options of a method: `options! { /// docs  pub struct Name { /// docs  "key" field: type, } }`.
macro_rules! options {
    ($($(#[$docs:meta])* pub struct $name:ident { $($(#[$field_docs:meta])* $key:literal $field:ident: $type:ty,)* })+) => {$(
        $(#[$docs])*
        #[derive(Clone, Debug, Default, Eq, PartialEq)]
        pub struct $name {
            $($(#[$field_docs])* pub $field: $type,)*
        }

        impl $name {
            /// The keys that the method has.
            pub const KEYS: &'static [&'static str] = &[$($key),*];

            /// Reads what a client sent.
            ///
            /// # Errors
            /// [`Error::InvalidOption`] names the key that is not known, or the value that does not fit.
            pub fn read(received: &Received) -> Result<Self> {
                refuse_unknown(received, Self::KEYS)?;
                Ok(Self { $($field: read(received, $key)?,)* })
            }

            /// What goes on the wire.
            fn sent(&self) -> Sent {
                let all: [(&'static str, Option<Variant<'static>>); _] = [$(($key, self.$field.write()),)*];
                all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
            }
        }

        impl zbus::Type for $name {
            const SIGNATURE: &'static zbus::Signature = <Sent as zbus::Type>::SIGNATURE;
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                self.sent().serialize(serializer)
            }
        }
    )+};
}

options! {
    /// Of a method that has no keys yet.
    pub struct NoOptions {}

    /// Of `Manager.DefineDomain`.
    pub struct DefineOptions {
        /// Refuse to replace the definition of an existing domain.
        "new" new: bool,
    }

    /// Of `Manager.CreateDomain`.
    pub struct CreateOptions {
        /// Leave the processors stopped.
        "paused" paused: bool,
    }

    /// Of `Domain.Start`.
    pub struct StartOptions {
        /// Leave the processors stopped.
        "paused" paused: bool,
        /// Answer at once with the job.
        "no-wait" no_wait: bool,
    }

    /// Of `Domain.Shutdown` and `Domain.Reboot`.
    pub struct ShutdownOptions {
        /// How to ask the guest.
        "mode" mode: ShutdownMode,
    }

    /// Of `Domain.Destroy`.
    pub struct DestroyOptions {
        /// Never kill the hypervisor.
        "graceful" graceful: bool,
    }

    /// Of `Domain.Undefine`.
    pub struct UndefineOptions {
        /// Leave the firmware variables.
        "keep-nvram" keep_nvram: bool,
        /// Leave the TPM's state.
        "keep-tpm" keep_tpm: bool,
    }

    /// Of `Domain.GetXml`.
    pub struct XmlOptions {
        /// The stored definition even while the domain runs.
        "inactive" inactive: bool,
        /// With passwords.
        "secure" secure: bool,
    }

    /// Of `Domain.GetMetadata`.
    pub struct MetadataOptions {
        /// From the stored definition even while the domain runs.
        "inactive" inactive: bool,
    }

    /// Of the methods that change the running guest, the definition or both. Neither is true: all that exist.
    pub struct ChangeOptions {
        /// Change the running guest.
        "live" live: bool,
        /// Change the definition.
        "config" config: bool,
    }

    /// Of `Domain.GetInterfaceAddresses`.
    pub struct AddressOptions {
        /// Where they are known from; empty is `lease`.
        "source" source: String,
    }

    /// Of `Network.GetXml` and `StoragePool.GetXml`.
    pub struct InactiveOptions {
        /// The stored definition even while it runs.
        "inactive" inactive: bool,
    }

    /// Of `Network.Update`. Neither of the first two is true: all that exist.
    pub struct NetworkUpdateOptions {
        /// Change what runs.
        "live" live: bool,
        /// Change the definition.
        "config" config: bool,
        /// The `<ip>` that the element is in, counted from 0.
        "parent" parent: Option<u32>,
    }

    /// Of `Domain.OpenConsole`.
    pub struct ConsoleOptions {
        /// Begin with what the guest prints from now on.
        "no-replay" no_replay: bool,
    }

    /// Of `Hypervisor.GetDomainCapabilities`. What is empty is left open.
    pub struct DomainCapabilitiesOptions {
        /// The architecture.
        "arch" arch: String,
        /// The machine type.
        "machine" machine: String,
        /// The domain type.
        "type" domain_type: String,
    }

    /// Of `Manager.CreatePool`.
    pub struct CreatePoolOptions {
        /// Build it first.
        "build" build: bool,
        /// Whether a device is formatted for it.
        "overwrite" overwrite: Overwrite,
    }

    /// Of `StoragePool.Build`.
    pub struct BuildOptions {
        /// Whether a device is formatted.
        "overwrite" overwrite: Overwrite,
        /// Answer at once with the job.
        "no-wait" no_wait: bool,
    }

    /// Of `StoragePool.Start`.
    pub struct PoolStartOptions {
        /// Build it first.
        "build" build: bool,
        /// Whether a device is formatted for that.
        "overwrite" overwrite: Overwrite,
        /// Answer at once with the job.
        "no-wait" no_wait: bool,
    }

    /// Of `StoragePool.CreateVolume` and `StoragePool.CloneVolume`.
    pub struct VolumeOptions {
        /// Write an image's own tables from the start.
        "preallocate-metadata" preallocate_metadata: bool,
        /// Answer at once with the job.
        "no-wait" no_wait: bool,
    }

    /// Of `StorageVolume.Resize`.
    pub struct ResizeOptions {
        /// It may become smaller.
        "shrink" shrink: bool,
        /// What is added is allocated.
        "allocate" allocate: bool,
        /// Answer at once with the job.
        "no-wait" no_wait: bool,
    }

    /// Of `StorageVolume.Wipe`.
    pub struct WipeOptions {
        /// Which passes of which bytes.
        "algorithm" algorithm: WipeAlgorithm,
        /// Answer at once with the job.
        "no-wait" no_wait: bool,
    }

    /// Of `StorageVolume.Upload` and `StorageVolume.Download`.
    pub struct TransferOptions {
        /// The first byte.
        "offset" offset: u64,
        /// How many bytes; 0 for all.
        "length" length: u64,
        /// Answer at once with the job.
        "no-wait" no_wait: bool,
    }
}

/// A type that an option can have.
trait OptionValue: Sized + Default {
    /// What fits, for the error message.
    fn expected() -> String;
    /// `None` where the value does not fit.
    fn read(value: &Variant<'_>) -> Option<Self>;
    /// `None` for the default, which need not be sent.
    fn write(&self) -> Option<Variant<'static>>;
}

impl OptionValue for bool {
    fn expected() -> String {
        "a boolean (b)".to_owned()
    }

    fn read(value: &Variant<'_>) -> Option<Self> {
        value.try_into().ok()
    }

    fn write(&self) -> Option<Variant<'static>> {
        self.then(|| Variant::from(true))
    }
}

impl OptionValue for String {
    fn expected() -> String {
        "a text (s)".to_owned()
    }

    fn read(value: &Variant<'_>) -> Option<Self> {
        value.try_into().ok()
    }

    fn write(&self) -> Option<Variant<'static>> {
        (!self.is_empty()).then(|| Variant::from(self.clone()))
    }
}

impl OptionValue for Option<u32> {
    fn expected() -> String {
        "a number (u)".to_owned()
    }

    fn read(value: &Variant<'_>) -> Option<Self> {
        value.try_into().ok().map(Some)
    }

    fn write(&self) -> Option<Variant<'static>> {
        self.map(Variant::from)
    }
}

impl OptionValue for u64 {
    fn expected() -> String {
        "a number of 64 bits (t)".to_owned()
    }

    fn read(value: &Variant<'_>) -> Option<Self> {
        value.try_into().ok()
    }

    fn write(&self) -> Option<Variant<'static>> {
        (*self != 0).then(|| Variant::from(*self))
    }
}

/// Lets a word be an option.
macro_rules! word_options {
    ($($word:ident),*) => {$(
        impl OptionValue for $word {
            fn expected() -> String {
                let words: Vec<_> = Self::KNOWN.iter().map(Self::as_str).collect();
                format!("one of the words {} (s)", words.join(", "))
            }

            fn read(value: &Variant<'_>) -> Option<Self> {
                let word: &str = value.try_into().ok()?;
                Some(Self::from(word)).filter(|word| Self::KNOWN.contains(word))
            }

            fn write(&self) -> Option<Variant<'static>> {
                (*self != Self::default()).then(|| Variant::from(self.as_str().to_owned()))
            }
        }
    )*};
}

word_options!(ShutdownMode, Overwrite, WipeAlgorithm);

/// Names the first unknown key in alphabetical order, so that the answer does not depend on the map's.
fn refuse_unknown(received: &Received, keys: &[&str]) -> Result<()> {
    let unknown = received.keys().filter(|key| !keys.contains(&key.as_str())).min();
    let Some(key) = unknown else { return Ok(()) };
    let accepted =
        if keys.is_empty() { "this method has no options yet".to_owned() } else { format!("this method has {}", keys.join(", ")) };
    Err(Error::InvalidOption(format!("there is no option \"{key}\"; {accepted}")))
}

fn read<T: OptionValue>(received: &Received, key: &str) -> Result<T> {
    let Some(value) = received.get(key) else {
        return Ok(T::default());
    };
    T::read(value).ok_or_else(|| Error::InvalidOption(format!("option \"{key}\" must be {}, not {}", T::expected(), &**value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(sent: Vec<(&str, Variant<'static>)>) -> Received {
        sent.into_iter().map(|(key, value)| (key.to_owned(), OwnedVariant::try_from(value).unwrap())).collect()
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
        match result.unwrap_err() {
            Error::InvalidOption(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_client_sends_is_what_the_service_reads() {
        let start = StartOptions { paused: true, no_wait: true };
        let sent = start.sent();
        assert_eq!(sent.len(), 2);
        let received = received(sent.into_iter().collect());
        assert_eq!(StartOptions::read(&received).unwrap(), start);
    }

    #[test]
    fn modes_travel_as_words() {
        for mode in ShutdownMode::KNOWN {
            let options = ShutdownOptions { mode: mode.clone() };
            let received = received(options.sent().into_iter().collect());
            assert_eq!(ShutdownOptions::read(&received).unwrap(), options);
        }
    }

    #[test]
    fn texts_travel_as_they_are() {
        let options = DomainCapabilitiesOptions { machine: "q35".to_owned(), ..DomainCapabilitiesOptions::default() };
        let received = received(options.sent().into_iter().collect());
        assert_eq!(received.keys().collect::<Vec<_>>(), ["machine"]);
        assert_eq!(DomainCapabilitiesOptions::read(&received).unwrap(), options);
    }

    #[test]
    fn defaults_are_not_sent() {
        assert!(ChangeOptions::default().sent().is_empty());
        assert!(ShutdownOptions::default().sent().is_empty());
        assert_eq!(ChangeOptions::read(&Received::new()).unwrap(), ChangeOptions::default());
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let sent = received(vec![("zzz", true.into()), ("pausd", true.into())]);
        assert_eq!(refusal(StartOptions::read(&sent)), "there is no option \"pausd\"; this method has paused, no-wait");
        assert_eq!(refusal(NoOptions::read(&sent)), "there is no option \"pausd\"; this method has no options yet");
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused() {
        let sent = received(vec![("paused", "yes".into())]);
        assert_eq!(refusal(StartOptions::read(&sent)), "option \"paused\" must be a boolean (b), not \"yes\"");
        let sent = received(vec![("arch", true.into())]);
        assert_eq!(refusal(DomainCapabilitiesOptions::read(&sent)), "option \"arch\" must be a text (s), not true");
        let sent = received(vec![("mode", "axe".into())]);
        assert_eq!(refusal(ShutdownOptions::read(&sent)), "option \"mode\" must be one of the words auto, acpi, agent (s), not \"axe\"");
    }
}
