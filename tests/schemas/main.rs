//! tmp

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod grammar;
mod sample;
mod walk;

#[test]
fn probe() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../build/libvirt-schemas");
    let grammar = grammar::Grammar::load(&dir.join("domain.rng"));
    let mut count = 0;
    let mut paths = std::collections::BTreeMap::<String, (String, usize, String)>::new();
    let mut all = std::collections::BTreeSet::new();
    walk::walk(&grammar, &mut |path, document| {
        count += 1;
        all.insert(path.clone());
        let problem = match lodge_model::documents::examine(&document) {
            Err(error) => format!("E {error}"),
            Ok(examined) => match examined.warnings.first() { Some(warning) => format!("W {warning}"), None => return },
        };
        paths.entry(path).or_insert((problem, 0, document)).1 += 1;
    });
    println!("{count} targets, {} paths, {} not understood", all.len(), paths.len());
    for (path, (problem, n, document)) in paths { println!("{path}\t{n}\t{problem}\t{document}"); }
}
