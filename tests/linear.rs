//! Twice as much of anything takes twice as much memory to read, and no more: counted in bytes and allocations, not in time.
//!
//! What is counted is all that was ever asked for, so that copying what is there again and again is noticed as well.

use allocation_counter::{AllocationInfo, measure};
use lodge_model::document::Document as _;
use lodge_model::documents;
use lodge_model::domain::Domain;
use lodge_model::native;
use lodge_tests::shapes::Pieces;
use lodge_tests::shapes::{native as native_shapes, xml as xml_shapes};

/// Pieces of the smaller text; enough for what is not linear to stand out.
const PIECES: usize = 1500;
/// What all texts may ask for besides, in bytes and allocations: tables that grow by doubling, errors, the first element.
const SLACK: u64 = 64 << 10;

fn is_linear(what: &str, pieces: &Pieces, read: impl Fn(&str)) {
    let ask = |times: usize| -> AllocationInfo {
        let text = pieces.repeated(times);
        measure(|| read(&text))
    };
    let (once, twice) = (ask(PIECES), ask(2 * PIECES));
    for (unit, once, twice) in [("bytes", once.bytes_total, twice.bytes_total), ("allocations", once.count_total, twice.count_total)] {
        assert!(twice <= once * 5 / 2 + SLACK, "{what}: {once} {unit} for {PIECES} pieces, {twice} for twice as many");
    }
}

#[test]
fn reading_and_writing_xml_takes_memory_in_proportion() {
    for shape in xml_shapes::SHAPES {
        is_linear(shape.what, &shape.pieces, |text| {
            if let Ok((domain, _)) = Domain::parse(text) {
                drop((domain.validate(), domain.to_xml()));
            } else {
                drop(documents::examine(text));
            }
        });
    }
}

#[test]
fn reading_native_configurations_takes_memory_in_proportion() {
    for shape in native_shapes::SHAPES {
        is_linear(shape.what, &shape.pieces, |text| drop(native::read(shape.format, text)));
    }
}
