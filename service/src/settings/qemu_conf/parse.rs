//! The syntax of libvirt's `.conf` files: `key = value` a line; a value is a number, a text in quotes, or a list of values
//! in brackets, which may go on over lines. What follows a `#` is a comment.
//!
//! A text stands as it is between two `"` or two `'` on a line, or between two `"""` over lines; nothing in it is escaped.

/// A setting as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: String,
    /// The line it begins on, from 1.
    pub line: usize,
    /// What it is set to.
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Several values, which are no lists.
    List(Vec<Self>),
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what is allowed, as a clause.
    pub reason: String,
}

/// Settings in a file, and values in a list, at most.
const MOST: usize = 1000;

/// Reads all settings of a file.
pub fn parse(text: &str) -> Result<Vec<Entry>, Problem> {
    let mut reader = Reader { rest: text, line: 1 };
    let mut entries: Vec<Entry> = Vec::new();
    while reader.skip_blank_lines() {
        let entry = reader.entry()?;
        if let Some(first) = entries.iter().find(|other| other.key == entry.key) {
            return Err(Problem { line: entry.line, reason: format!("{} is set on line {} already; leave one", entry.key, first.line) });
        }
        entries.push(entry);
        if entries.len() > MOST {
            return Err(reader.problem(format!("there are more than {MOST} settings")));
        }
    }
    Ok(entries)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn problem(&self, reason: impl Into<String>) -> Problem {
        Problem { line: self.line, reason: reason.into() }
    }

    fn advance(&mut self, bytes: usize) -> &str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.line += taken.matches('\n').count();
        taken
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        let length = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.advance(length);
    }

    /// Skips blanks on this line, and a comment at its end.
    fn skip_blanks(&mut self) {
        self.skip(|c| c == ' ' || c == '\t' || c == '\r');
        if self.rest.starts_with('#') {
            self.skip(|c| c != '\n');
        }
    }

    /// Says whether anything follows.
    fn skip_blank_lines(&mut self) -> bool {
        loop {
            self.skip_blanks();
            if !self.rest.starts_with('\n') {
                return !self.rest.is_empty();
            }
            self.advance(1);
        }
    }

    fn entry(&mut self) -> Result<Entry, Problem> {
        let line = self.line;
        let length = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.-".contains(c)).unwrap_or(self.rest.len());
        if length == 0 {
            return Err(self.problem("a setting is expected, as: key = value"));
        }
        let key = self.advance(length).to_owned();
        self.skip_blanks();
        if !self.rest.starts_with('=') {
            return Err(self.problem(format!("'=' is expected behind {key}")));
        }
        self.advance(1);
        self.skip_blanks();
        let value = self.value(&key)?;
        self.skip_blanks();
        match self.rest.starts_with('\n') || self.rest.is_empty() {
            true => Ok(Entry { key, line, value }),
            false => Err(self.problem(format!("the line goes on behind the value of {key}"))),
        }
    }

    fn value(&mut self, key: &str) -> Result<Value, Problem> {
        match self.rest.chars().next() {
            Some('[') => self.list(key),
            _ => self.simple(key),
        }
    }

    fn list(&mut self, key: &str) -> Result<Value, Problem> {
        self.advance(1);
        let mut values = Vec::new();
        loop {
            self.skip_blank_lines();
            if self.rest.starts_with(']') {
                break;
            }
            values.push(self.simple(key)?);
            if values.len() > MOST {
                return Err(self.problem(format!("{key} has more than {MOST} values")));
            }
            self.skip_blank_lines();
            match self.rest.chars().next() {
                Some(',') => drop(self.advance(1).len()),
                Some(']') => break,
                _ => return Err(self.problem(format!("',' or ']' is expected in the list of {key}"))),
            }
        }
        self.advance(1);
        Ok(Value::List(values))
    }

    fn simple(&mut self, key: &str) -> Result<Value, Problem> {
        for quote in ["\"\"\"", "\"", "'"] {
            if self.rest.starts_with(quote) {
                return self.text(key, quote);
            }
        }
        let length = self.rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(self.rest.len());
        match self.rest[..length].parse() {
            Ok(number) => {
                self.advance(length);
                Ok(Value::Number(number))
            }
            Err(_) => {
                Err(self.problem(format!("{key} is set to what is no value: a number, a text in quotes, or a list in brackets is one")))
            }
        }
    }

    fn text(&mut self, key: &str, quote: &str) -> Result<Value, Problem> {
        let begin = quote.len();
        let end = self.rest[begin..].find(quote).map(|length| &self.rest[begin..begin + length]);
        match end.filter(|text| quote.len() > 1 || !text.contains('\n')) {
            Some(text) => {
                let (text, whole) = (text.to_owned(), text.len() + 2 * quote.len());
                self.advance(whole);
                Ok(Value::Text(text))
            }
            None => Err(self.problem(format!("the text of {key} does not end: {quote} is missing"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_values_are_read() {
        let text = "# comment\n\nuser = \"a # b\" # more\nnumber=-5\r\nempty = []\nlist = [ 'x', # one\n\n  \"y\",\n 3, ]\nlong = \"\"\"a\n\"b\" \"\"\"\nlast = 1";
        let value = |text: &str| Value::Text(text.to_owned());
        let expected = [
            ("user", 3, value("a # b")),
            ("number", 4, Value::Number(-5)),
            ("empty", 5, Value::List(Vec::new())),
            ("list", 6, Value::List(vec![value("x"), value("y"), Value::Number(3)])),
            ("long", 10, value("a\n\"b\" ")),
            ("last", 12, Value::Number(1)),
        ];
        let entries = parse(text).unwrap();
        let found: Vec<_> = entries.into_iter().map(|entry| (entry.key, entry.line, entry.value)).collect();
        assert_eq!(found, expected.map(|(key, line, value)| (key.to_owned(), line, value)));
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn problems_have_their_line() {
        let table = [
            ("\nuser\n", 2, "'=' is expected behind user"),
            ("user = root", 1, "no value"),
            ("user = \"a\nb\"", 1, "does not end"),
            ("user = 'a' 'b'", 1, "goes on"),
            ("a = 1\n\na = 2", 3, "set on line 1 already"),
            ("a = [ 1\n 2 ]", 2, "',' or ']'"),
            ("a = [ [ 1 ] ]", 1, "no value"),
            ("a = [ 1,", 1, "no value"),
            ("a = 99999999999999999999", 1, "no value"),
            ("a = --5", 1, "no value"),
            ("= 1", 1, "a setting is expected"),
            ("[section]", 1, "a setting is expected"),
        ];
        for (text, line, expected) in table {
            let problem = parse(text).unwrap_err();
            assert!(problem.line == line && problem.reason.contains(expected), "{text:?}: {problem:?}");
        }
        let many: String = (0..=MOST).map(|number| format!("k{number} = 1\n")).collect();
        assert!(parse(&many).unwrap_err().reason.contains("more than"));
    }
}
