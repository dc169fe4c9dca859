//! Values made up, for the property tests of every format.

use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use crate::document::Document;
use crate::domain::cpuset::CpuSet;
use crate::domain::devices::TypeName;
use crate::encryption::{Cipher, Encryption, IvGenerator, SecretReference};
use crate::permissions::{Mode, OwnerId, Permissions};
use crate::timestamps::{Timestamp, Timestamps};
use crate::units::ByteSize;
use crate::xml::{OnOff, YesNo};

/// Checks that a document is written so that it reads as the same, with nothing odd in it.
pub fn is_read_as_written<T: Document + Debug + PartialEq>(document: &T) -> Result<(), TestCaseError> {
    let written = document.to_xml();
    let (again, warnings) = T::parse(&written).map_err(|error| TestCaseError::fail(format!("{error} in {written}")))?;
    prop_assert_eq!(warnings, vec![]);
    prop_assert_eq!(&again, document);
    Ok(())
}

/// Text with everything that XML treats specially; without control characters, which it cannot hold.
pub fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![Just(' '), Just('\n'), Just('\t'), Just('\r'), Just('&'), Just('<'), Just('\''), Just(']'), any::<char>()],
        1..12,
    )
    .prop_map(|characters| characters.into_iter().filter(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r')).collect::<String>())
    .prop_filter("XML cannot hold it", |text| !text.is_empty() && !text.contains(['\u{fffe}', '\u{ffff}']))
}

/// One of the words.
pub fn any_of<T: Copy + Debug + 'static>(words: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(words)
}

/// The value, or none.
pub fn maybe<T: Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(strategy)
}

/// A switch, or none.
pub fn on_off() -> impl Strategy<Value = Option<OnOff>> {
    maybe(any::<bool>().prop_map(OnOff))
}

/// A `yes` or `no`, or none.
pub fn yes_no() -> impl Strategy<Value = Option<YesNo>> {
    maybe(any::<bool>().prop_map(YesNo))
}

/// An identity, or none.
pub fn uuid() -> impl Strategy<Value = Option<Uuid>> {
    maybe(any::<u128>().prop_map(Uuid::from_u128))
}

/// A few of them, or none.
pub fn few<T: Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    proptest::collection::vec(strategy, 0..4)
}

/// A size, or none.
pub fn size() -> impl Strategy<Value = Option<ByteSize>> {
    maybe(any::<u64>().prop_map(|bytes| ByteSize { bytes, ..Default::default() }))
}

/// Bytes, whole KiB.
pub fn kib() -> impl Strategy<Value = u64> {
    (0..u64::MAX / 1024).prop_map(|kib| kib * 1024)
}

/// Some processors.
pub fn cpus() -> impl Strategy<Value = CpuSet> {
    proptest::collection::btree_set(0..=CpuSet::MAX, 1..20).prop_map(CpuSet::from_iter)
}

/// An element that names a type, or none.
pub fn type_name() -> impl Strategy<Value = Option<TypeName>> {
    maybe(maybe(text()).prop_map(|kind| TypeName { kind, ..Default::default() }))
}

prop_compose! {
    /// Owner and mode.
    pub fn permissions()(
        mode in maybe((0..=Mode::MAX).prop_map(Mode::new)), owner in maybe(any::<u32>().prop_map(OwnerId::new)),
        group in maybe(any::<u32>().prop_map(OwnerId::new)), label in maybe(text()),
    ) -> Permissions {
        Permissions { mode, owner, group, label, ..Default::default() }
    }
}

fn timestamp() -> impl Strategy<Value = Option<Timestamp>> {
    maybe((any::<u64>(), 0..1_000_000_000_u32).prop_map(|(seconds, nanoseconds)| Timestamp(Duration::new(seconds, nanoseconds))))
}

prop_compose! {
    /// When a file was used.
    pub fn timestamps()(atime in timestamp(), mtime in timestamp(), ctime in timestamp(), btime in timestamp()) -> Timestamps {
        Timestamps { atime, mtime, ctime, btime, ..Default::default() }
    }
}

prop_compose! {
    /// The name of a secret.
    pub fn secret_reference()(kind in maybe(text()), uuid in uuid(), usage in maybe(text())) -> SecretReference {
        SecretReference { kind, uuid, usage, ..Default::default() }
    }
}

prop_compose! {
    /// Encryption of an image.
    pub fn encryption()(
        format in maybe(text()), engine in maybe(text()), secrets in few(secret_reference()),
        cipher in maybe((maybe(text()), maybe(any::<u32>()), maybe(text()), maybe(text()))), ivgen in maybe((maybe(text()), maybe(text()))),
    ) -> Encryption {
        Encryption {
            format, engine, secrets,
            cipher: cipher.map(|(name, size, mode, hash)| Cipher { name, size, mode, hash, ..Default::default() }),
            ivgen: ivgen.map(|(name, hash)| IvGenerator { name, hash, ..Default::default() }),
            ..Default::default()
        }
    }
}
