//! Pure types and codecs.
