//! Golden fixtures, for the tests of every format.
//!
//! The fixtures of a format are `tests/fixtures/FOLDER/NAME.xml`, each with the expected text in
//! `NAME.normalized.xml` and the expected warnings, if there are any, in `NAME.warnings`.
//! `UPDATE_EXPECT=1` rewrites these two.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use crate::document::Document;

/// The fixtures in a folder, by name.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let mut fixtures = with_extension(folder, "xml");
    fixtures.retain(|path| !path.to_string_lossy().ends_with(".normalized.xml"));
    fixtures
}

/// The files in a folder that end so, by name.
pub fn with_extension(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.map(|entry| entry.unwrap().path());
    let mut fixtures: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    fixtures.sort();
    fixtures
}

/// A fixture's name.
pub fn name(fixture: &Path) -> String {
    fixture.file_stem().unwrap().to_string_lossy().into_owned()
}

/// A fixture's text.
pub fn text(fixture: &Path) -> String {
    fs::read_to_string(fixture).unwrap_or_else(|error| panic!("{}: {error}", fixture.display()))
}

/// Compares with an expected file, or writes it when asked to.
pub fn expect(file: &Path, found: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(file, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}; UPDATE_EXPECT=1 writes it", file.display()));
    assert!(expected == found, "{} differs; found:\n{found}", file.display());
}

/// Reads and writes every fixture of a folder that has at least `minimum`.
pub fn are_read_and_written_as_expected<T: Document + Debug + PartialEq>(folder: &str, minimum: usize) {
    let files = files(folder);
    assert!(files.len() >= minimum, "only {} fixtures in {folder}", files.len());
    for file in files {
        let name = name(&file);
        let (document, warnings) = T::parse(&text(&file)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let written = document.to_xml();
        expect(&file.with_extension("normalized.xml"), &written);
        let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        if file.with_extension("warnings").exists() {
            expect(&file.with_extension("warnings"), &(warnings.join("\n") + "\n"));
        } else {
            assert_eq!(warnings, Vec::<String>::new(), "{name}; expected ones stand in {name}.warnings");
        }
        let (again, _) = T::parse(&written).unwrap_or_else(|error| panic!("{name}: {error} in {written}"));
        assert_eq!(again, document, "{name}: read(write(x)) == x");
        assert_eq!(again.to_xml(), written, "{name}: written text is normalized");
        assert_eq!(document.validate(), Ok(()), "{name}");
    }
}
