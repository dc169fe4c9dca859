//! The target `images` of `lodge_tests::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lodge_tests::fuzz::run("images", data));
