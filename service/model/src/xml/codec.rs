//! The macros that list a type once and derive its reader and its writer.

/// A type that an element becomes. Each field names the combinator that reads and writes it, the
/// attribute or element name, and its Rust name and type:
///
/// | combinator | field type | XML |
/// |---|---|---|
/// | `attr "n"` | `Option<V>` | attribute |
/// | `required "n"` | `V` | attribute that must be there |
/// | `text ""` | `Option<V>` | the element's own text |
/// | `leaf "n"` | `Option<V>` | text of a child element |
/// | `required_leaf "n"` | `V` | text of a child element that must be there |
/// | `leaves "n"` | `Vec<V>` | texts of child elements |
/// | `flag "n"` | `bool` | an empty child element |
/// | `child "n"` | `Option<T>` | child element of another type |
/// | `section "n"` | `T` | child element whose absence means the same as an empty one |
/// | `children "n"` | `Vec<T>` | child elements of another type |
/// | `each "*"` | `Vec<C>` | child elements that are one of a [`Choice`](crate::xml::Choice) |
/// | `raw "n"` | `Option<RawXml>` | child element kept byte for byte |
///
/// `V` is a [`Value`](crate::xml::Value), `T` a [`Content`](crate::xml::Content). Fields are
/// written in the order listed. A field `rest` is added for what was not understood.
#[macro_export]
macro_rules! element {
    ($(#[$meta:meta])* pub struct $name:ident {
        $( $(#[$field_meta:meta])* $combinator:ident $xml:literal $field:ident: $type:ty, )*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
            /// What was not understood, written back where it stood.
            pub rest: $crate::xml::Rest,
        }

        impl $crate::xml::Content for $name {
            fn read(reader: &mut $crate::xml::Reader<'_, '_>) -> Result<Self, $crate::xml::XmlError> {
                Ok(Self {
                    $( $field: reader.$combinator($xml)?, )*
                    rest: reader.rest(),
                })
            }

            fn write(&self, writer: &mut $crate::xml::Writer) {
                $( writer.$combinator($xml, &self.$field); )*
                writer.rest(&self.rest);
            }
        }
    };
}

/// A closed set of words. The first is the default. A word may be followed by `| "other"`, which is
/// read as the same and not written.
#[macro_export]
macro_rules! keywords {
    ($(#[$meta:meta])* pub enum $name:ident {
        $(#[$first_meta:meta])* $first:ident = $first_word:literal $(| $first_alias:literal)*,
        $( $(#[$variant_meta:meta])* $variant:ident = $word:literal $(| $alias:literal)*, )*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum $name {
            $(#[$first_meta])* #[default] $first,
            $( $(#[$variant_meta])* $variant, )*
        }

        impl $name {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[Self::$first, $( Self::$variant, )*];

            /// The word in a document.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $( Self::$variant => $word, )*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::xml::Value for $name {
            const EXPECTED: &'static str = concat!("one of '", $first_word, "'", $( ", '", $word, "'", )*);
            fn parse(text: &str) -> Option<Self> {
                match text.trim() {
                    $first_word $(| $first_alias)* => Some(Self::$first),
                    $( $word $(| $alias)* => Some(Self::$variant), )*
                    _ => None,
                }
            }
            fn format(&self) -> std::borrow::Cow<'_, str> {
                std::borrow::Cow::Borrowed(self.as_str())
            }
        }
    };
}
