//! What XML 1.0 can hold: characters (production 2) and names (productions 4 and 5).

/// Whether a document can hold a character, be it as a reference.
pub fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// The first character that no document can hold, and where it is.
pub fn first_forbidden(text: &str) -> Option<(usize, char)> {
    // All but two are control characters, which are bytes of their own in UTF-8.
    let suspicious = |byte: u8| (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0xef;
    let start = text.bytes().position(suspicious)?;
    let mut rest = text.get(start..)?.char_indices();
    rest.find(|(_, character)| !is_allowed(*character)).map(|(at, character)| (start + at, character))
}

/// Whether an element or attribute can be called so; colons count as letters, since namespaces came later.
pub fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(starts_name) && characters.all(goes_on_in_name)
}

fn starts_name(character: char) -> bool {
    matches!(
        character,
        'A'..='Z' | 'a'..='z' | '_' | ':' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
            | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
            | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}'
    )
}

fn goes_on_in_name(character: char) -> bool {
    starts_name(character) || matches!(character, '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_non_characters_are_forbidden() {
        for (text, found) in [
            ("a\tb\r\nc \u{7f}\u{fffd}\u{1f600}", None),
            ("ab\u{1}", Some((2, '\u{1}'))),
            ("\u{ff0c}\u{fffe}", Some((3, '\u{fffe}'))),
            ("\u{ffff}", Some((0, '\u{ffff}'))),
            ("\0", Some((0, '\0'))),
        ] {
            assert_eq!(first_forbidden(text), found, "{text:?}");
        }
    }

    #[test]
    fn names_are_those_of_xml() {
        for name in ["a", "_", "qemu:arg", "a-1.b", "größe", "機械"] {
            assert!(is_name(name), "{name}");
        }
        for text in ["", "1", "-a", ".a", "a b", "a'b", "a=b", "a<b", "a&b", "a\u{d7}b", "!a", "a/"] {
            assert!(!is_name(text), "{text}");
        }
    }
}
