//! The targets of `lodge_tests::fuzz` without a fuzzer: every seed, and some changes to them that are the same in every run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use lodge_tests::fuzz::{Mutator, Seeds, TARGETS, run};

/// Changed seeds for each target.
const CHANGED: usize = 400;

/// The input, if the target fails with it.
fn failing(target: &str, what: &str, bytes: &[u8]) -> Option<String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| run(target, bytes)));
    outcome.is_err().then(|| format!("the target {target} fails with {what}:\n{}", bytes.escape_ascii()))
}

/// The first input that a target fails with.
fn first_failing(seeds: &Seeds) -> Option<String> {
    let target = &seeds.target;
    let all = seeds.read();
    let mut as_they_are = all.iter().map(|seed| failing(target, &seed.path.display().to_string(), &seed.bytes));
    let mut changed = (0..CHANGED).map(|number| {
        // All seeds have their turn, and meet others each time.
        let (seed, other) = (&all[number % all.len()], &all[(number * 7 + number / all.len()) % all.len()]);
        let bytes = Mutator::new(&seeds.words, number as u64).change(&seed.bytes, &other.bytes);
        failing(target, &format!("change {number} of {}", seed.path.display()), &bytes)
    });
    as_they_are.find_map(|failing| failing).or_else(|| changed.find_map(|failing| failing))
}

#[test]
fn no_input_does_harm() {
    let table = Seeds::table();
    let failing = std::thread::scope(|scope| {
        let (one, other) = table.split_at(table.len() / 2);
        let halves = [one, other].map(|half| scope.spawn(|| half.iter().filter_map(first_failing).collect::<Vec<_>>()));
        halves.map(|half| half.join().expect("failures are caught")).concat()
    });
    assert!(failing.is_empty(), "\n{}", failing.join("\n"));
}

#[test]
fn every_target_has_seeds_and_a_program() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let table = Seeds::table();
    let seeded: Vec<&str> = table.iter().map(|seeds| seeds.target.as_str()).collect();
    assert_eq!(seeded, names, "tests/fuzz/seeds has a line for each target, in the order of TARGETS");
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(home.join("Cargo.toml")).expect("tests/fuzz has a manifest");
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"targets/{name}.rs\"\n")), "tests/fuzz/Cargo.toml lacks {name}");
        let program = std::fs::read_to_string(home.join(format!("targets/{name}.rs"))).expect("each target has a program");
        assert!(program.contains(&format!("run(\"{name}\", data)")), "targets/{name}.rs runs another target");
    }
}
