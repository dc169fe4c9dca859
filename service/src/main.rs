//! `lodged`.
fn main() {}
