//! The device kinds on fixtures and tables.
//!
//! Each `*.xml` here is a `<devices>` element in the form that the codec writes; between them they
//! use every attribute and element of their kinds.

mod fixtures;
mod properties;
mod views;
