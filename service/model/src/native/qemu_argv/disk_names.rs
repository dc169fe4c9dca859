//! Names of disks in the guest, which documents need and command lines do not have.

use std::collections::{HashMap, HashSet};

/// Names of disks given so far.
#[derive(Debug, Default)]
pub struct Names {
    used: HashSet<String>,
    /// Where to look for a free letter, by prefix.
    next: HashMap<&'static str, u32>,
}

impl Names {
    /// The name with this letter if it is free, else the next free one.
    pub fn give(&mut self, prefix: &'static str, wanted: Option<u32>) -> String {
        let wanted = wanted.map(|index| format!("{prefix}{}", letters(index)));
        let name = wanted.filter(|name| !self.used.contains(name)).unwrap_or_else(|| {
            let next = self.next.entry(prefix).or_default();
            loop {
                let name = format!("{prefix}{}", letters(*next));
                *next += 1;
                if !self.used.contains(&name) {
                    return name;
                }
            }
        });
        self.used.insert(name.clone());
        name
    }
}

/// 0 is `a`, 26 is `aa`.
fn letters(mut index: u32) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'a' + u8::try_from(index % 26).unwrap_or_default()));
        if index < 26 {
            return letters.into_iter().rev().collect();
        }
        index = index / 26 - 1;
    }
}
