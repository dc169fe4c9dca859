//! The macro behind every enum that travels as a lower-case word.
//!
//! Such an enum decodes any word: one that a later version added becomes `Other` and is shown as it came, so that an older
//! client goes on working.

/// Declares an enum of words: `words! { /// docs  pub enum Name { /// docs  Variant = "word", } }`.
macro_rules! words {
    ($($(#[$docs:meta])* pub enum $name:ident { $($(#[$variant_docs:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$docs])*
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[$variant_docs])* $variant,)+
            /// A word of a later version of the contract.
            Other(String),
        }

        impl $name {
            /// All words of this version.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the bus.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(word))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl zbus::Type for $name {
            const SIGNATURE: &'static zbus::Signature = <str as zbus::Type>::SIGNATURE;
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)
                    .map(|word| Self::from(word.as_ref()))
            }
        }
    )+};
}
