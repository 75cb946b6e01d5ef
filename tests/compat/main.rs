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

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use calls::{Section, Step};
use expected::{Expected, Seen};
use side::{Side, Who};

fn main() -> ExitCode {
    let Some(predecessor) = std::env::var_os("LATTICE_PREDECESSOR").map(PathBuf::from) else {
        println!("skipped: LATTICE_PREDECESSOR does not name the predecessor's program; try `make compat`");
        return ExitCode::SUCCESS;
    };
    let only = std::env::args().nth(1);
    let mut sections = calls::read(include_str!("calls.txt"));
    sections.retain(|section| only.as_ref().is_none_or(|only| section.title.contains(only.as_str())));
    let mut expected = Expected::read(include_str!("differences.txt"));
    let mut calls = 0;
    for seen in play_all(&sections, &predecessor) {
        calls += 1;
        expected.judge(&seen);
    }
    if only.is_none() {
        trees::real(&predecessor).iter().for_each(|seen| expected.judge(seen));
    }
    println!("{calls} answers, {} differences that are expected", expected.seen());
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

/// Plays the sections, as many at once as the machine likes.
fn play_all(sections: &[Section], predecessor: &Path) -> Vec<Seen> {
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(section) = sections.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = play(section, predecessor);
            println!("{}", section.title);
            seen.lock().unwrap().extend(found);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    seen.into_inner().unwrap()
}

/// Plays a section on both sides.
fn play(section: &Section, predecessor: &Path) -> Vec<Seen> {
    let mut theirs = Side::new(Who::Theirs, predecessor);
    let mut ours = Side::new(Who::Ours, env!("CARGO_BIN_EXE_lattice").as_ref());
    if !section.is_bare() {
        for side in [&mut theirs, &mut ours] {
            let made = side.call(&words("init --actor human:ada --project-code LAT --no-setup-agents"), None);
            assert_eq!(made.status, 0, "{made:?}");
        }
    }
    let mut seen = Vec::new();
    let mut stdin = None;
    for step in &section.steps {
        match step {
            Step::Bare => {}
            Step::Second => std::thread::sleep(std::time::Duration::from_secs(1)),
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
                let source = format!("calls.txt, line {line}");
                seen.push(Seen { source, call: text.clone(), differences: answer::compare(&their, &our) });
            }
        }
    }
    seen.extend(trees::exchange(&section.title, &theirs, &ours));
    seen
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}
