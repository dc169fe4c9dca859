//! What is told of a document, for the tests of every format.

use crate::document::Document;

/// Every problem of a document as it is told, a line each; empty for one that is valid.
pub fn told<T: Document>(text: &str) -> String {
    let (document, _) = T::parse(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    let problems = document.validate().err().unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// Of each document of a table, checks what is told: as many problems as there are lines expected,
/// each beginning with the path and holding the words of its line, `PATH: WORDS`.
pub fn are_told<T: Document>(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let told = told::<T>(text);
        assert_eq!(told.lines().count(), expected.lines().count(), "{text}\n{told}");
        for (line, expected) in told.lines().zip(expected.lines().map(str::trim)) {
            let (path, words) = expected.split_once(": ").unwrap();
            assert!(line.starts_with(&format!("{path}: ")) && line.contains(words), "{text}\n{line}\nexpected {expected}");
        }
    }
}
