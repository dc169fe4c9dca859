//! What becomes of an option.

use super::props::{Props, spelled};

/// What became of an option.
pub enum Outcome {
    /// It is in an element.
    Done,
    /// It stays an option, because of this.
    Kept(String),
    /// It is in an element but for these properties, which stay an option of the same name.
    Partly(Vec<String>),
    /// It is left out, because of this.
    Left(&'static str),
    /// It says nothing worth a word: a default, or what the service does anyway.
    Silent,
}

/// What is left makes the whole option stay.
pub fn all_or_kept(props: &Props) -> Outcome {
    match props.left().first() {
        None => Outcome::Done,
        Some((key, value)) => Outcome::Kept(format!("no element says {key}={value}")),
    }
}

/// What is left stays an option of the same name, which QEMU puts together with ours.
pub fn partly(props: &Props) -> Outcome {
    let left = props.left();
    if left.is_empty() { Outcome::Done } else { Outcome::Partly(spelled(&left)) }
}
