//! Sets of processors or NUMA nodes, written as `0-3,^2,6`.

use std::borrow::Cow;
use std::fmt;

use crate::xml::Value;

/// A set of small numbers: host processors, virtual processors, or NUMA nodes.
///
/// Invariant: it takes no more memory than the text it was read from, however many numbers that means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CpuSet {
    /// First and last numbers, in order, with a number between each two ranges that is not there.
    ranges: Vec<(u16, u16)>,
}

impl CpuSet {
    /// The largest number in a set.
    pub const MAX: u32 = 16383;

    /// Reads a comma-separated list of numbers, ranges, and `^` numbers that are taken out of what
    /// stands before them. `None` when it is no such list, is empty, or has a number over [`Self::MAX`].
    fn read(text: &str) -> Option<Self> {
        let mut bits = Bits::default();
        for part in text.split(',').map(str::trim) {
            if let Some(number) = part.strip_prefix('^') {
                let number = read_number(number)?;
                bits.set(number, number, false);
                continue;
            }
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (read_number(first)?, read_number(last)?);
            if first > last {
                return None;
            }
            bits.set(first, last, true);
        }
        let ranges = bits.ranges();
        if ranges.is_empty() { None } else { Some(Self { ranges }) }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.ranges.iter().flat_map(|(first, last)| u32::from(*first)..=u32::from(*last))
    }
}

fn read_number(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|number| u32::from(*number) <= CpuSet::MAX)
}

/// Every number that can be in a set, and whether it is.
struct Bits([u64; (CpuSet::MAX as usize + 1) / 64]);

impl Default for Bits {
    fn default() -> Self {
        Self([0; _])
    }
}

impl Bits {
    fn set(&mut self, first: u16, last: u16, there: bool) {
        for word in first / 64..=last / 64 {
            let from = if word == first / 64 { first % 64 } else { 0 };
            let to = if word == last / 64 { last % 64 } else { 63 };
            let mask = (u64::MAX << from) & (u64::MAX >> (63 - to));
            if let Some(bits) = self.0.get_mut(usize::from(word)) {
                *bits = if there { *bits | mask } else { *bits & !mask };
            }
        }
    }

    fn ranges(&self) -> Vec<(u16, u16)> {
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for (start, word) in (0_u16..).step_by(64).zip(self.0) {
            let mut left = word;
            while left != 0 {
                let from = left.trailing_zeros();
                let length = (left >> from).trailing_ones();
                left &= u64::MAX.unbounded_shl(from + length);
                let first = start + u16::try_from(from).unwrap_or_default();
                let last = first + u16::try_from(length - 1).unwrap_or_default();
                match ranges.last_mut() {
                    Some((_, before)) if *before + 1 == first => *before = last,
                    _ => ranges.push((first, last)),
                }
            }
        }
        ranges
    }
}

/// Numbers and ranges in order, the shortest way.
impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (first, last) in &self.ranges {
            write!(f, "{separator}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

/// Numbers over [`CpuSet::MAX`] are left out.
impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut bits = Bits::default();
        for number in numbers.into_iter().filter(|number| *number <= Self::MAX).filter_map(|number| u16::try_from(number).ok()) {
            bits.set(number, number, true);
        }
        Self { ranges: bits.ranges() }
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
        for (text, written) in [
            ("0", "0"),
            ("0-3,^2,6", "0-1,3,6"),
            ("3,1,2", "1-3"),
            (" 0 - 1 , 4 ", "0-1,4"),
            ("0-3,^0,^3,7,8,10", "1-2,7-8,10"),
            ("60-70,128-16383,^130", "60-70,128-129,131-16383"),
        ] {
            assert_eq!(CpuSet::parse(text).map(|set| set.to_string()).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn sets_are_those_of_their_numbers() {
        let set = CpuSet::from_iter([5, 63, 64, 16383, 3, 4, 4]);
        assert_eq!(set.to_string(), "3-5,63-64,16383");
        assert_eq!(set.iter().collect::<Vec<_>>(), [3, 4, 5, 63, 64, 16383]);
        assert_eq!(CpuSet::from_iter(set.iter()), set);
        assert!(CpuSet::default().is_empty());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", ",", "a", "3-1", "0-4294967295", "16384", "0,^0", "1--2", "-1"] {
            assert_eq!(CpuSet::parse(text), None, "{text}");
        }
    }
}
