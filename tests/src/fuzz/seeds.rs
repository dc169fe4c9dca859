//! What each target begins with: its own corpus in `tests/fuzz/corpus`, and fixtures that the table `tests/fuzz/seeds` names.

use std::fs;
use std::path::{Path, PathBuf};

/// Larger files are no seeds, in bytes: a change of one would rarely hit what matters.
const MAX_SEED: u64 = 32 << 10;

/// An input that some target begins with.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Seeds {
    /// The target.
    pub target: String,
    /// Words that mean something to it.
    pub words: Vec<Vec<u8>>,
    /// Folders that are read whole.
    folders: Vec<PathBuf>,
}

impl Seeds {
    /// The table: a target, its dictionary, and folders of fixtures.
    ///
    /// # Panics
    /// A line is none, or its dictionary cannot be read.
    pub fn table() -> Vec<Self> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = read(&home.join("fuzz/seeds"));
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        lines
            .map(|line| {
                let mut words = line.split_whitespace().map(str::to_owned);
                let (Some(target), Some(dictionary)) = (words.next(), words.next()) else { panic!("'{line}' names no dictionary") };
                let own = home.join("fuzz/corpus").join(&target);
                let folders = words.map(|folder| home.join("fixtures").join(folder)).chain([own]).collect();
                let words = dictionary_words(&read(&home.join("fuzz/words").join(dictionary)));
                Self { target, words, folders }
            })
            .collect()
    }

    /// All seeds, by name.
    ///
    /// # Panics
    /// A folder cannot be read, or there are none.
    pub fn read(&self) -> Vec<Seed> {
        let mut found = Vec::new();
        self.folders.iter().for_each(|folder| find(folder, &mut found));
        found.sort();
        assert!(!found.is_empty(), "{} has no seeds", self.target);
        found
            .into_iter()
            .map(|path| Seed { bytes: fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())), path })
            .collect()
    }
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => find(&path, found),
            Ok(metadata) if metadata.len() <= MAX_SEED => found.push(path),
            _ => {}
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words of a dictionary of libFuzzer: `"word"` a line, with `\\`, `\"` and `\xNN`.
fn dictionary_words(text: &str) -> Vec<Vec<u8>> {
    let quoted = |line: &str| Some(line.trim().strip_prefix('"')?.strip_suffix('"')?.to_owned());
    text.lines().filter_map(quoted).map(|word| unescaped(&word)).collect()
}

fn unescaped(word: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = word;
    while let Some((before, behind)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let code = behind.strip_prefix('x').and_then(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok());
        let (byte, length) = code.map_or((behind.bytes().next(), 1), |code| (Some(code), 3));
        bytes.extend(byte);
        rest = behind.get(length..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_libfuzzer() {
        let text = "# quotes\n\"a\"\nname=\"b\"\n\n\"\\\"\\\\ \\x0a\\xffz\"\n";
        assert_eq!(dictionary_words(text), [b"a".to_vec(), b"\"\\ \n\xffz".to_vec()]);
    }
}
