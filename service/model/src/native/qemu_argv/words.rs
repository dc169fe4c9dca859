//! Text as a shell would take it apart, and no further: quotes, backslashes, comments, redirections and
//! the ends of commands are understood (POSIX shell, "Quoting" and "Token Recognition"); nothing is
//! expanded, looked up or executed.

use super::super::{ReadError, Warnings};
use crate::xml::{Position, first_forbidden};

/// Most words that are read.
const MAX_WORDS: usize = 20_000;

/// A word, its quotes removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Where it begins.
    pub position: Position,
}

/// Takes a text apart into commands. A line that begins with a dash goes on with the command before it:
/// command lines are often copied without the backslashes at their ends.
///
/// # Errors
/// A quote without its end, a character that no document can hold, or more than [`MAX_WORDS`] words.
pub fn split(text: &str, warnings: &mut Warnings) -> Result<Vec<Vec<Word>>, ReadError> {
    if let Some((at, character)) = first_forbidden(text) {
        let reason = format!("found {character:?}, a control character that a domain cannot hold; remove it");
        return Err(ReadError { position: Position::of(text, at), reason });
    }
    let mut splitter = Splitter { text: text.char_indices().peekable(), position: Position { line: 1, column: 1 }, word: None, words: 0 };
    let (mut commands, mut command) = (Vec::new(), Vec::new());
    loop {
        let end = splitter.token(&mut command, warnings)?;
        match end {
            End::Word => {}
            End::Line if splitter.next_line_is_an_option() => {}
            End::Line | End::Command | End::Text => {
                if !command.is_empty() {
                    commands.push(std::mem::take(&mut command));
                }
            }
        }
        if end == End::Text {
            return Ok(commands);
        }
    }
}

/// What comes after a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Word,
    Line,
    Command,
    Text,
}

struct Splitter<'a> {
    text: std::iter::Peekable<std::str::CharIndices<'a>>,
    position: Position,
    word: Option<Word>,
    words: usize,
}

impl Splitter<'_> {
    /// Reads up to the end of a word, line or command and puts the word, if there is one, to the command.
    fn token(&mut self, command: &mut Vec<Word>, warnings: &mut Warnings) -> Result<End, ReadError> {
        let end = loop {
            let at = self.position;
            let Some(character) = self.take() else { break End::Text };
            match character {
                '\n' => break End::Line,
                ' ' | '\t' | '\r' => break End::Word,
                ';' | '|' | '&' | '(' | ')' => break End::Command,
                '<' | '>' => self.redirection(at, character, warnings),
                '#' if self.word.is_none() => {
                    while self.peek().is_some_and(|next| next != '\n') {
                        self.take();
                    }
                }
                '\'' => self.quoted(at, '\'', warnings)?,
                '"' => self.quoted(at, '"', warnings)?,
                '\\' => match self.take() {
                    Some('\n') => {}
                    Some('\r') if self.peek() == Some('\n') => drop(self.take()),
                    Some(other) => self.push(at, other),
                    None => {}
                },
                _ => {
                    self.tell_of_expansion(at, character, warnings);
                    self.push(at, character);
                }
            }
        };
        if let Some(word) = self.word.take() {
            self.words += 1;
            if self.words > MAX_WORDS {
                return Err(ReadError {
                    position: word.position,
                    reason: format!("there are more than the {MAX_WORDS} words that are read"),
                });
            }
            command.push(word);
        }
        Ok(end)
    }

    /// Passes over where a shell would send output, with the number before it.
    fn redirection(&mut self, at: Position, character: char, warnings: &mut Warnings) {
        if self.word.as_ref().is_some_and(|word| word.text.bytes().all(|digit| digit.is_ascii_digit())) {
            self.word = None;
        }
        let mut target = String::from(character);
        while let Some(next) = self.peek() {
            let begun = target.ends_with(|c: char| !matches!(c, '<' | '>' | '&' | ' '));
            if matches!(next, '\n' | ';' | '|') || (begun && next.is_whitespace()) {
                break;
            }
            target.push(next);
            self.take();
        }
        warnings.tell(at, format!("the redirection '{target}' is left out: the service keeps QEMU's output"));
    }

    /// Reads up to the closing quote.
    fn quoted(&mut self, from: Position, quote: char, warnings: &mut Warnings) -> Result<(), ReadError> {
        self.word.get_or_insert_with(|| Word { text: String::new(), position: from });
        loop {
            let at = self.position;
            match self.take() {
                None => return Err(ReadError { position: from, reason: format!("the quote {quote} has no end; add another {quote}") }),
                Some(character) if character == quote => return Ok(()),
                Some('\\') if quote == '"' && matches!(self.peek(), Some('"' | '\\' | '$' | '`' | '\n')) => match self.take() {
                    Some('\n') | None => {}
                    Some(other) => self.push(from, other),
                },
                Some(character) => {
                    if quote == '"' {
                        self.tell_of_expansion(at, character, warnings);
                    }
                    self.push(from, character);
                }
            }
        }
    }

    fn tell_of_expansion(&self, at: Position, character: char, warnings: &mut Warnings) {
        let expanded = matches!(character, '$' | '`') || (character == '~' && self.word.is_none());
        if expanded {
            warnings
                .tell(at, format!("'{character}' is taken as it stands: a shell would put something else there, here nothing is expanded"));
        }
    }

    fn push(&mut self, at: Position, character: char) {
        self.word.get_or_insert_with(|| Word { text: String::new(), position: at }).text.push(character);
    }

    fn peek(&mut self) -> Option<char> {
        self.text.peek().map(|(_, character)| *character)
    }

    fn take(&mut self) -> Option<char> {
        let (_, character) = self.text.next()?;
        if character == '\n' {
            self.position = Position { line: self.position.line.saturating_add(1), column: 1 };
        } else {
            self.position.column = self.position.column.saturating_add(1);
        }
        Some(character)
    }

    /// Whether the next line begins with a dash.
    fn next_line_is_an_option(&mut self) -> bool {
        while matches!(self.peek(), Some(' ' | '\t' | '\r')) {
            self.take();
        }
        self.peek() == Some('-')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Vec<Vec<String>> {
        let commands = split(text, &mut Warnings::default()).unwrap();
        commands.into_iter().map(|command| command.into_iter().map(|word| word.text).collect()).collect()
    }

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, expected) in [
            ("a b", vec![vec!["a", "b"]]),
            ("a \\\n b", vec![vec!["a", "b"]]),
            ("a\\\r\n b", vec![vec!["a", "b"]]),
            ("a 'b c' \"d\\\"e\" f\\ g", vec![vec!["a", "b c", "d\"e", "f g"]]),
            ("a '' \"\"", vec![vec!["a", "", ""]]),
            ("x'y'\"z\"", vec![vec!["xyz"]]),
            ("# nothing\na # rest\n", vec![vec!["a"]]),
            ("a#b", vec![vec!["a#b"]]),
            ("a\nb; c &\nd", vec![vec!["a"], vec!["b"], vec!["c"], vec!["d"]]),
            ("qemu -m 1\n  -smp 2\n", vec![vec!["qemu", "-m", "1", "-smp", "2"]]),
            ("a && b | c", vec![vec!["a"], vec!["b"], vec!["c"]]),
            ("a > /dev/null 2>&1 b", vec![vec!["a", "b"]]),
            ("", vec![]),
        ] {
            assert_eq!(commands(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_for_a_shell_is_told_with_its_place() {
        for (text, expected) in
            [("a\n 'b", "line 2, column 2: the quote ' has no end; add another '"), ("a \"b", "line 1, column 3: the quote \" has no end")]
        {
            let error = split(text, &mut Warnings::default()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let mut warnings = Warnings::default();
        assert_eq!(split("a $HOME/x '$b' ~/c d~", &mut warnings).unwrap().concat().len(), 5);
        let places: Vec<u32> = warnings.finish().iter().map(|warning| warning.position.column).collect();
        assert_eq!(places, [3, 16]);
    }
}
