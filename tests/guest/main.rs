//! Real guests: QEMU run by the built `lodged`, which a real message bus starts.
//!
//! What outlives what is the matter here: guests go on without the service, and the service finds them, or their end,
//! when it comes back. Nothing waits by time; the limits are for what hangs.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod documents;
mod host;
mod processes;

mod demo;
mod ends;
mod examples;
mod interrupted;
mod uefi;
