//! Text as a shell would take it apart, and no further: quotes, backslashes, comments, redirections and
//! the ends of commands are understood (POSIX.1-2024, XCU 2.2 "Quoting" and 2.3 "Token Recognition"); nothing is
//! expanded, looked up or executed. What a shell would put something else in place of is one word, and told.

use std::collections::HashSet;

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
    let position = Position { line: 1, column: 1 };
    let mut splitter = Splitter { text: text.chars(), position, word: None, words: 0, expansions: HashSet::new(), endless: false };
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
    text: std::str::Chars<'a>,
    position: Position,
    word: Option<Word>,
    words: usize,
    /// What was told of expansions.
    expansions: HashSet<String>,
    /// Whether a bracket was found to have no end: then none is looked for again, which could take long.
    endless: bool,
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
                '\\' => self.escaped(at),
                '$' if self.peek() == Some('\'') => self.dollar_quoted(at)?,
                '$' | '`' => self.expansion(at, character, warnings),
                '~' if self.word.is_none() => self.expansion(at, character, warnings),
                _ => self.push(at, character),
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

    /// What stands behind a backslash; nothing at the end of a line. Blanks that were copied behind it do not count.
    fn escaped(&mut self, at: Position) {
        let rest = self.text.as_str();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        if rest[blank..].starts_with('\n') {
            self.skip(blank + 1);
        } else if let Some(other) = self.take() {
            self.push(at, other);
        }
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
                Some(character @ ('$' | '`')) if quote == '"' => self.expansion(at, character, warnings),
                Some(character) => self.push(from, character),
            }
        }
    }

    /// Reads `$'…'`, in which backslashes stand for characters as in C (XCU 2.2.4).
    fn dollar_quoted(&mut self, from: Position) -> Result<(), ReadError> {
        let unfinished = || ReadError { position: from, reason: "the quote $' has no end; add another '".to_owned() };
        self.take();
        self.word.get_or_insert_with(|| Word { text: String::new(), position: from });
        loop {
            let at = self.position;
            let character = match self.take().ok_or_else(unfinished)? {
                '\'' => return Ok(()),
                '\\' => match self.take().ok_or_else(unfinished)? {
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'e' => '\u{1b}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    'x' => self.code(0, 16, 2, at)?,
                    digit @ '0'..='7' => self.code(u32::from(digit) - u32::from('0'), 8, 2, at)?,
                    // Also those that stand for themselves.
                    other => other,
                },
                other => other,
            };
            if first_forbidden(character.encode_utf8(&mut [0; 4])).is_some() {
                let reason = format!("found {character:?}, a control character that a domain cannot hold; remove it");
                return Err(ReadError { position: at, reason });
            }
            self.push(from, character);
        }
    }

    /// A character by its number: at most so many more digits of a base.
    fn code(&mut self, start: u32, base: u32, most: usize, at: Position) -> Result<char, ReadError> {
        let mut code = start;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|character| character.to_digit(base)) else { break };
            code = code * base + digit;
            self.take();
        }
        let ascii = char::from_u32(code).filter(|character| character.is_ascii() && *character != '\0');
        ascii.ok_or_else(|| ReadError { position: at, reason: format!("the character with the number {code} cannot stand in $'…' here") })
    }

    /// Takes what a shell would put something else in place of as it stands, to its end: a word is not cut by what is inside.
    fn expansion(&mut self, at: Position, first: char, warnings: &mut Warnings) {
        let rest = self.text.as_str();
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match (first, rest.chars().next()) {
            ('$', Some(open @ ('(' | '{'))) if !self.endless => {
                let length = enclosed(rest, open, if open == '(' { ')' } else { '}' });
                self.endless = length == 0;
                length
            }
            ('`', _) => rest.find('`').map_or(0, |end| end + 1),
            ('$', Some(next)) if name(next) => rest.find(|c| !name(c)).unwrap_or(rest.len()),
            // `$1`, `$@` and the like; a dollar that stands for itself.
            ('$', Some('@' | '*' | '#' | '?' | '$' | '!' | '-')) => 1,
            ('$', _) => return self.push(at, first),
            _ => 0,
        };
        let text: String = std::iter::once(first).chain(rest[..length].chars()).collect();
        self.skip(text.chars().count() - 1);
        text.chars().for_each(|character| self.push(at, character));
        if self.expansions.insert(text.clone()) {
            let reason = format!(
                "'{text}' is taken as it stands: a shell would put something else there, and here nothing is executed. Write that \
                 yourself, or convert what 'sh -x' prints of the script"
            );
            warnings.tell(at, reason);
        }
    }

    fn push(&mut self, at: Position, character: char) {
        self.word.get_or_insert_with(|| Word { text: String::new(), position: at }).text.push(character);
    }

    fn peek(&mut self) -> Option<char> {
        self.text.clone().next()
    }

    fn take(&mut self) -> Option<char> {
        let character = self.text.next()?;
        if character == '\n' {
            self.position = Position { line: self.position.line.saturating_add(1), column: 1 };
        } else {
            self.position.column = self.position.column.saturating_add(1);
        }
        Some(character)
    }

    fn skip(&mut self, characters: usize) {
        for _ in 0..characters {
            self.take();
        }
    }

    /// Whether the next line begins with a dash.
    fn next_line_is_an_option(&mut self) -> bool {
        while matches!(self.peek(), Some(' ' | '\t' | '\r')) {
            self.take();
        }
        self.peek() == Some('-')
    }
}

/// How long a text in brackets is, with both of them; the brackets may be in each other. 0 when it does not end.
fn enclosed(text: &str, open: char, close: char) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            depth -= 1;
            if depth == 0 {
                return at + close.len_utf8();
            }
        }
    }
    0
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
            ("a \\ \t\n b", vec![vec!["a", "b"]]),
            ("a $'b\\tc\\'d\\x41\\101\\q' e$'f'", vec![vec!["a", "b\tc'dAAq", "ef"]]),
            ("a $(b c; d $(e)) f", vec![vec!["a", "$(b c; d $(e))", "f"]]),
            ("a -m ${RAM:-2 G} `b c`d $HOME/x $", vec![vec!["a", "-m", "${RAM:-2 G}", "`b c`d", "$HOME/x", "$"]]),
            ("a \"$(b \"c\")\" $(d", vec![vec!["a", "$(b \"c\")", "$"], vec!["d"]]),
            ("", vec![]),
        ] {
            assert_eq!(commands(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_for_a_shell_is_told_with_its_place() {
        for (text, expected) in [
            ("a\n 'b", "line 2, column 2: the quote ' has no end; add another '"),
            ("a \"b", "line 1, column 3: the quote \" has no end"),
            ("a $'b\\'", "line 1, column 3: the quote $' has no end"),
            ("a $'\\0'", "line 1, column 5: the character with the number 0"),
            ("a $'\\e'", "line 1, column 5: found '\\u{1b}', a control character"),
        ] {
            let error = split(text, &mut Warnings::default()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let mut warnings = Warnings::default();
        assert_eq!(split("a $HOME/x '$b' ~/c d~ $HOME", &mut warnings).unwrap().concat().len(), 6);
        let warnings = warnings.finish();
        let places: Vec<u32> = warnings.iter().map(|warning| warning.position.column).collect();
        assert_eq!(places, [3, 16]);
        assert!(warnings[0].reason.starts_with("'$HOME' is taken as it stands"), "{}", warnings[0]);
    }
}
