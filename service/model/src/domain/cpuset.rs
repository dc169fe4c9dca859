//! Sets of processors or NUMA nodes, written as `0-3,^2,6`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use crate::xml::Value;

/// A set of small numbers: host processors, virtual processors, or NUMA nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CpuSet(pub BTreeSet<u32>);

impl CpuSet {
    /// The largest number in a set.
    pub const MAX: u32 = 16383;

    /// Reads a comma-separated list of numbers, ranges, and `^` numbers that are taken out of what
    /// stands before them. `None` when it is no such list, is empty, or has a number over [`Self::MAX`].
    fn read(text: &str) -> Option<Self> {
        let mut set = BTreeSet::new();
        for part in text.split(',').map(str::trim) {
            if let Some(number) = part.strip_prefix('^') {
                set.remove(&read_number(number)?);
                continue;
            }
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (read_number(first)?, read_number(last)?);
            if first > last {
                return None;
            }
            set.extend(first..=last);
        }
        if set.is_empty() { None } else { Some(Self(set)) }
    }
}

fn read_number(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|number| *number <= CpuSet::MAX)
}

/// Numbers and ranges in order, the shortest way.
impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = self.0.iter().copied().peekable();
        let mut separator = "";
        while let Some(first) = numbers.next() {
            let mut last = first;
            while numbers.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            write!(f, "{separator}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().collect())
    }
}

impl Value for CpuSet {
    const EXPECTED: &'static str = "a list of numbers up to 16383 such as 0-3,^2,6";
    fn parse(text: &str) -> Option<Self> {
        Self::read(text)
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written_the_shortest_way() {
        for (text, written) in
            [("0", "0"), ("0-3,^2,6", "0-1,3,6"), ("3,1,2", "1-3"), (" 0 - 1 , 4 ", "0-1,4"), ("0-3,^0,^3,7,8,10", "1-2,7-8,10")]
        {
            assert_eq!(CpuSet::parse(text).map(|set| set.to_string()).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", ",", "a", "3-1", "0-4294967295", "16384", "0,^0", "1--2", "-1"] {
            assert_eq!(CpuSet::parse(text), None, "{text}");
        }
    }
}
