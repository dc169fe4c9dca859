//! Validation by xmllint, of many documents at once.

use std::path::Path;

use lodge_tests::binaries::{command, installed};

/// Documents in one call of xmllint: their names must fit into its arguments.
const BATCH: usize = 2000;

/// Validates documents, each with a name; returns the name of each that is not valid with what xmllint says.
pub fn invalid(schema: &Path, documents: &[(String, String)]) -> Vec<String> {
    documents.chunks(BATCH).flat_map(|batch| invalid_of_batch(schema, batch)).collect()
}

fn invalid_of_batch(schema: &Path, documents: &[(String, String)]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let files: Vec<String> = (0..documents.len()).map(|number| format!("{number}.xml")).collect();
    for (file, (_, document)) in files.iter().zip(documents) {
        std::fs::write(directory.path().join(file), document).unwrap();
    }
    let mut xmllint = command(installed("xmllint", "libxml2-utils"));
    xmllint.current_dir(directory.path()).args(["--noout", "--relaxng"]).arg(schema).args(&files);
    let said = String::from_utf8(xmllint.output().unwrap().stderr).unwrap();

    let verdict = |line: &str, end: &str| line.strip_suffix(end).and_then(|file| file.strip_suffix(".xml")?.parse::<usize>().ok());
    let (mut valid, mut invalid, mut errors) = (0, Vec::new(), Vec::new());
    for line in said.lines() {
        if verdict(line, " validates").is_some() {
            valid += 1;
            errors.clear();
        } else if let Some(number) = verdict(line, " fails to validate") {
            let (name, document) = &documents[number];
            invalid.push(format!("{name}: {}\n{document}", errors.join("\n")));
            errors.clear();
        } else {
            errors.push(line);
        }
    }
    assert_eq!(valid + invalid.len(), documents.len(), "xmllint did not judge every document: {}", errors.join("\n"));
    invalid
}
