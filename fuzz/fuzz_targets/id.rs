//! Fuzzes `id` of `tests/fuzzing/targets.rs`.
#![no_main]
#![allow(dead_code, reason = "one target of many")]

#[path = "../../tests/fuzzing/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::id(data));
