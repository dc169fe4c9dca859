//! Values made up, for the property tests of every format.

use std::fmt::Debug;

use proptest::prelude::*;
use uuid::Uuid;

use crate::xml::{OnOff, YesNo};

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
