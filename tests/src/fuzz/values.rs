//! Values that stand in attributes and texts: what is one is written so that it reads as the same.

use std::fmt::Debug;

use lodge_model::domain::cpuset::CpuSet;
use lodge_model::domain::devices::MacAddress;
use lodge_model::domain::{DomainType, GenerationId};
use lodge_model::permissions::{Mode, OwnerId};
use lodge_model::timestamps::Timestamp;
use lodge_model::units::{bytes_in_unit, to_bytes};
use lodge_model::xml::{Hex, OnOff, Value, YesNo};
use uuid::Uuid;

/// Each kind of value.
const KINDS: &[fn(&str)] = &[
    comes_back::<u8>,
    comes_back::<u16>,
    comes_back::<u32>,
    comes_back::<u64>,
    comes_back::<i32>,
    comes_back::<i64>,
    comes_back::<f64>,
    comes_back::<Uuid>,
    comes_back::<YesNo>,
    comes_back::<OnOff>,
    comes_back::<Hex<4>>,
    comes_back::<CpuSet>,
    comes_back::<Timestamp>,
    comes_back::<Mode>,
    comes_back::<OwnerId>,
    comes_back::<MacAddress>,
    comes_back::<GenerationId>,
    comes_back::<DomainType>,
];

/// The text as every kind of value, and as a size: a number, a blank and a unit.
pub fn all(text: &str) {
    KINDS.iter().for_each(|comes_back| comes_back(text));
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    match to_bytes(number, Some(unit), 1) {
        Ok(bytes) => {
            let scale = bytes_in_unit(unit).unwrap_or_else(|| panic!("'{unit}' is no unit, and {bytes} bytes came of it"));
            assert_eq!(bytes % scale, 0);
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
}

fn comes_back<T: Value + PartialEq + Debug>(text: &str) {
    if let Some(value) = T::parse(text) {
        let written = value.format().into_owned();
        assert_eq!(T::parse(&written).as_ref(), Some(&value), "{text:?} became {written:?}");
        assert!(written.len() <= text.len().max(4096) * 2, "{} bytes became {}", text.len(), written.len());
    }
}
