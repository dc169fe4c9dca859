//! A macro for elements whose meaning depends on one of their attributes.

/// An element that is one of several types, told apart by the word in an attribute. The types are
/// made with [`element!`](crate::element) and do not list that attribute.
#[macro_export]
macro_rules! tagged {
    ($(#[$meta:meta])* pub enum $name:ident by $tag:literal {
        $( $(#[$variant_meta:meta])* $variant:ident($type:ty) = $word:literal, )*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant($type), )*
        }

        impl $crate::xml::Content for $name {
            fn read(reader: &mut $crate::xml::Reader<'_, '_>) -> Result<Self, $crate::xml::XmlError> {
                let word: String = reader.required($tag)?;
                match word.trim() {
                    $( $word => <$type>::read(reader).map(Self::$variant), )*
                    other => {
                        let words = [$( concat!("'", $word, "'"), )*].join(", ");
                        Err(reader.error(format!(concat!("expected the attribute ", $tag, " to be one of {}, found '{}'"), words, other)))
                    }
                }
            }

            fn write(&self, writer: &mut $crate::xml::Writer) {
                match self {
                    $( Self::$variant(value) => {
                        writer.required($tag, &$word.to_owned());
                        value.write(writer);
                    } )*
                }
            }
        }
    };
}
