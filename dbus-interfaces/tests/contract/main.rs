//! The interface files against their own rules, and the Rust side against the interface files.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod documentation;
mod interface_files;
mod proxies;
