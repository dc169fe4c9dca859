//! The XML codec every format is written with.
//!
//! A document becomes a small tree of positioned [`Element`]s ([`parse`]); a format's types read
//! themselves from it with the combinators of [`Reader`] and write themselves with the equally
//! named ones of [`Writer`]. [`element!`](crate::element) lists a type's fields once and derives
//! both directions, so they cannot drift apart.
//!
//! Invariants:
//! - Nothing that a person wrote is lost: what no field consumed (attributes, elements, comments,
//!   stray text) is kept in the [`Rest`] of the nearest type, written back where it stood, and
//!   reported as a [`Warning`] (comments are kept without one).
//! - Parsing is bounded: size, depth and node count are capped, document type definitions and
//!   entities other than the five of XML 1.0 are refused.
//! - This module knows no format.

mod characters;
mod codec;
mod element;
mod error;
mod namespace;
mod parse;
mod reader;
mod rest;
mod value;
mod writer;

pub use characters::{first_forbidden, is_allowed};
pub use element::{Attribute, Element, Node, Position};
pub use error::{Warning, XmlError};
pub use namespace::Namespace;
pub use parse::{MAX_DEPTH, MAX_NODES, MAX_SIZE, parse};
pub use reader::{Choice, Content, Reader, read_document, read_document_with};
pub use rest::Rest;
pub use value::{Hex, OnOff, RawXml, Value, YesNo};
pub use writer::{Writer, write_document, write_document_with};

#[cfg(test)]
mod tests;
