//! Changes to a seed, as libFuzzer makes them, for machines that have only a Rust toolchain.
//!
//! Invariant: the same numbers make the same changes, so a test that failed fails again.

/// Longest input that is made, in bytes.
const MAX_INPUT: usize = 64 << 10;
/// Most changes to one seed.
const MAX_CHANGES: usize = 5;
/// Longest piece that is moved about, in bytes.
const MAX_PIECE: usize = 200;
/// Most copies of a piece in a row.
const MAX_COPIES: usize = 60;

/// Numbers of which something may depend.
const NUMBERS: &[&str] = &["0", "-1", "1", "255", "256", "65536", "2147483648", "4294967295", "18446744073709551615", "1e999", "0x1", ""];

/// A source of changed seeds.
#[derive(Debug)]
pub struct Mutator<'a> {
    words: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutator<'a> {
    /// One that uses the words; others of another number make other changes.
    pub fn new(words: &'a [Vec<u8>], number: u64) -> Self {
        Self { words, state: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) }
    }

    /// A seed with some changes; pieces of the other seed may come into it.
    pub fn change(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(MAX_CHANGES) {
            self.change_once(&mut bytes, other);
        }
        bytes.truncate(MAX_INPUT);
        bytes
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.piece(bytes);
        match self.below(9) {
            0 => drop(bytes.drain(at)),
            1 => drop(bytes.splice(at, self.word())),
            2 => {
                let word = self.word();
                bytes.splice(at.start..at.start, word);
            }
            3 => {
                let copied = other[self.piece(other)].to_vec();
                bytes.splice(at, copied);
            }
            4 => {
                let copied = bytes[at.clone()].repeat(1 + self.below(3));
                bytes.splice(at.start..at.start, copied);
            }
            5 => {
                let copied = bytes[at.clone()].repeat(self.below(MAX_COPIES));
                bytes.splice(at.start..at.start, copied);
            }
            6 => self.change_number(bytes, at.start),
            7 => {
                let mut moved: Vec<u8> = bytes.drain(at).collect();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, moved.drain(..));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at.start) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }

    /// Puts another number in the place of the first one from a place on.
    fn change_number(&mut self, bytes: &mut Vec<u8>, from: usize) {
        let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|offset| from + offset) else { return };
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = NUMBERS[self.below(NUMBERS.len())];
        bytes.splice(start..start + length, number.bytes());
    }

    /// A range, mostly short.
    fn piece(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        let longest = if self.below(3) == 0 { MAX_PIECE } else { 12 };
        start..(start + self.below(longest)).min(bytes.len())
    }

    fn word(&mut self) -> Vec<u8> {
        let at = self.below(self.words.len());
        self.words.get(at).cloned().unwrap_or_default()
    }

    /// A number below the limit; 0 where there is none (SplitMix64).
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or_default().checked_rem(limit).unwrap_or_default()
    }
}
