//! The built `lodged` on a real message bus: activation, idleness, signals, other people's clients.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod clients;
mod install;
mod life;
mod lodged;
mod system;
