//! What happened in a run, so that one in which nothing did cannot pass for a proof.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::time::Instant;

/// How often what happened.
#[derive(Debug)]
pub struct Counts {
    found: Mutex<BTreeMap<&'static str, usize>>,
    began: Instant,
}

impl Default for Counts {
    fn default() -> Self {
        Self { found: Mutex::default(), began: Instant::now() }
    }
}

impl Counts {
    pub fn add(&self, what: &'static str, n: usize) {
        if n > 0 {
            *self.found.lock().unwrap().entry(what).or_default() += n;
        }
    }

    pub fn one(&self, what: &'static str) {
        self.add(what, 1);
    }

    /// All of it in one line.
    pub fn line(&self, cases: u64) -> String {
        let found = self.found.lock().unwrap();
        let list: Vec<String> = found.iter().map(|(what, n)| format!("{n} {what}")).collect();
        format!("{cases} cases in {:.1} s: {}", self.began.elapsed().as_secs_f64(), list.join(", "))
    }

    /// What should have happened in a run of some size, and did not: commands of these kinds, and
    /// all that a run without says little.
    pub fn missing(&self, commands: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
        let found = self.found.lock().unwrap();
        commands.chain(NEEDED.iter().copied()).filter(|what| !found.contains_key(what)).collect()
    }
}

/// A run without these says little.
const NEEDED: &[&str] = &[
    "clean merges",
    "fast-forwards",
    "merges with conflicts",
    "conflicted snapshots",
    "conflicted texts",
    "conflicted configurations",
    "logs in both folders",
    "texts settled by hand",
    "hand edits",
    "imports without export",
    "exports refused",
    "copies over",
    "copies in part",
    "redactions",
    "contested numbers",
    "payloads",
    "parents held against the model",
    "histories held against the model",
    "contested things",
    "ends through git",
    "ends by copies",
];

/// Says something past the test runner, which swallows what passing tests print.
pub fn say(line: &str) {
    std::io::stderr().write_all(format!("merging: {line}\n").as_bytes()).unwrap();
}
