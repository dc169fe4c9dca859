//! The interface files against their own rules, and the Rust side against the interface files.

mod documentation;
mod interface_files;
mod proxies;
