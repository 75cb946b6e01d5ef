//! Single bits that flip in the database and in its log: whatever they change of what a tracker says,
//! `doctor` finds, and no command presents as whole.
//!
//! `LATTICE_SOAK=1` flips 100,000 bits; without it some thousands, by the same lot.

#[path = "../support/mod.rs"]
mod support;

mod bits;
mod content;
mod programs;
mod tracker;

use std::io::Write;

/// Whether many times as many bits are to be flipped.
fn soak() -> bool {
    std::env::var_os("LATTICE_SOAK").is_some_and(|value| value == "1")
}

/// Says what was done, past the test runner, which swallows what passing tests print.
fn say(line: &str) {
    std::io::stderr().write_all(format!("flips: {line}\n").as_bytes()).unwrap();
}

/// Numbers by lot, the same ones in every run: Vigna's SplitMix64.
struct Lot(u64);

impl Lot {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}
