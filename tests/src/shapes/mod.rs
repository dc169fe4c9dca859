//! Documents that a careless reader would take long for, or much memory: each is made of one piece over and over.

pub mod native;
pub mod xml;

/// A text with a piece that can be repeated. `{}` in the piece stands for a number of its own.
#[derive(Debug, Clone, Copy)]
pub struct Pieces {
    start: &'static str,
    piece: &'static str,
    end: &'static str,
}

impl Pieces {
    /// The text with so many pieces.
    pub fn repeated(&self, times: usize) -> String {
        let mut text = self.start.to_owned();
        for number in 0..times {
            text.push_str(&self.piece.replace("{}", &number.to_string()));
        }
        text + self.end
    }

    /// How many pieces there may be in a text of this size in bytes.
    pub fn in_size(&self, size: usize) -> usize {
        // No shape has more than a million pieces.
        let longest = self.piece.len() + self.piece.matches("{}").count() * 4;
        size.saturating_sub(self.start.len() + self.end.len()) / longest
    }
}
