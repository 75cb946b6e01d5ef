//! The same calls to this program and to the Python predecessor, and what the two answer compared.
//!
//! `make compat` installs the predecessor and runs this; `cargo test` leaves it alone. The calls
//! stand in `calls.txt`, what is expected to differ, each with its reason, in `differences.txt`. A
//! difference that is not expected fails, and so does an expected one that no longer shows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

#[path = "../support/mod.rs"]
mod support;

mod answer;
mod calls;
mod expected;
mod side;
mod trees;

use std::path::PathBuf;
use std::process::ExitCode;

use answer::Difference;
use calls::{Section, Step};
use expected::Expected;
use side::{Side, Who};

fn main() -> ExitCode {
    let Some(predecessor) = std::env::var_os("LATTICE_PREDECESSOR").map(PathBuf::from) else {
        println!("skipped: LATTICE_PREDECESSOR does not name the predecessor's program; try `make compat`");
        return ExitCode::SUCCESS;
    };
    let only = std::env::args().nth(1);
    let mut expected = Expected::read(include_str!("differences.txt"));
    let mut calls = 0;
    for section in calls::read(include_str!("calls.txt")) {
        if only.as_ref().is_some_and(|only| !section.title.contains(only.as_str())) {
            continue;
        }
        println!("{}", section.title);
        calls += play(&section, &predecessor, &mut expected);
    }
    if only.is_none() {
        trees::real(&predecessor, &mut expected);
    }
    println!("{calls} calls, {} differences that are expected", expected.seen());
    let mut failed = expected.surprises;
    if only.is_none() {
        failed.extend(expected.lines.iter().filter(|line| line.shown == 0).map(|line| {
            format!("differences.txt, line {}: this does not show any more: {}", line.number, line.text)
        }));
    }
    for complaint in &failed {
        println!("{complaint}");
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays a section on both sides. How many calls it made.
fn play(section: &Section, predecessor: &std::path::Path, expected: &mut Expected) -> usize {
    let mut theirs = Side::new(Who::Theirs, predecessor);
    let mut ours = Side::new(Who::Ours, env!("CARGO_BIN_EXE_lattice").as_ref());
    if !section.is_bare() {
        for side in [&mut theirs, &mut ours] {
            let made = side.call(&words("init --actor human:ada --project-code LAT --no-setup-agents"), None);
            assert_eq!(made.status, 0, "{made:?}");
        }
    }
    let mut calls = 0;
    let mut stdin = None;
    for step in &section.steps {
        match step {
            Step::Bare => {}
            Step::Stdin(text) => stdin = Some(text.as_str()),
            Step::Keep { name, pointer } => {
                theirs.keep(name, pointer);
                ours.keep(name, pointer);
            }
            Step::File { name, text } => {
                for side in [&theirs, &ours] {
                    std::fs::write(side.path().join(name), text).unwrap();
                }
            }
            Step::Setting { path, value } => {
                theirs.set(path, value);
                ours.set(path, value);
            }
            Step::Plan { task, text } => {
                theirs.plan(task, text);
                ours.plan(task, text);
            }
            Step::Call { line, words, text } => {
                let (their, our) = (theirs.call(words, stdin), ours.call(words, stdin));
                stdin = None;
                calls += 1;
                let differences = answer::compare(&their, &our);
                expected.judge(&format!("calls.txt, line {line}"), text, &differences);
            }
        }
    }
    trees::exchange(&section.title, &theirs, &ours, expected);
    calls
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}
