//! The program itself on a database with a bit that flipped: it gives the answer that it gave before,
//! or a code; no panic, no signal, no end that does not come.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::mpsc;
use std::time::Duration;

use crate::support::Project;
use crate::{Lot, say, soak, tracker};

/// Longer than any of these commands takes on the slowest machine.
const BOUND: Duration = Duration::from_secs(120);

/// What is asked, and whether every answer is held against the log: what is not is derived from it,
/// and `doctor` finds where it differs.
const ASKED: [(&[&str], bool); 7] = [
    (&["history", "LAT-1", "--json"], true),
    (&["events", "--json"], true),
    (&["list", "--json"], false),
    (&["show", "LAT-2", "--json"], false),
    (&["export", "--file", "-"], false),
    (&["sql", "SELECT id, raw FROM events ORDER BY seq", "--json"], false),
    (&["create", "Another one", "--json"], false),
];

#[test]
fn no_command_panics_hangs_or_shows_other_events_without_a_code() {
    let original = tracker::full();
    let bytes = fs::read(original.database()).unwrap();
    let whole: Vec<String> = ASKED[..6].iter().map(|(args, _)| original.ok(*args)).collect();
    let mut lot = Lot(7);
    let (mut runs, mut codes, mut same, mut other) = (0, 0, 0, BTreeMap::<&str, usize>::new());
    for _ in 0..if soak() { 2_000 } else { 40 } {
        let project = Project::empty();
        fs::create_dir(project.lattice()).unwrap();
        let mut damaged = bytes.clone();
        let (place, bit) = (lot.below(bytes.len()), lot.below(8));
        damaged[place] ^= 1 << bit;
        fs::write(project.database(), &damaged).unwrap();
        let mut shown_otherwise = false;
        for (number, (args, is_proved)) in ASKED.iter().enumerate() {
            let what = format!("bit {bit} of byte {place}, {args:?}");
            let mut command = project.command(*args);
            command.env("LATTICE_ACTOR", "agent:test");
            let output = ended(command).unwrap_or_else(|| panic!("it does not end: {what}"));
            let (status, stdout) = judged(&output, &what);
            runs += 1;
            if status != 0 {
                codes += 1;
            } else if whole.get(number).is_none_or(|whole| *whole == stdout) {
                same += 1;
            } else {
                assert!(!is_proved, "other events, and no code: {what}: {stdout}");
                shown_otherwise = true;
                *other.entry(args[0]).or_default() += 1;
            }
        }
        if shown_otherwise {
            let doctor = ended(project.command(["doctor"])).unwrap();
            assert_eq!(doctor.status.code(), Some(1), "bit {bit} of byte {place} changed an answer");
        }
    }
    say(&format!(
        "{runs} runs of the program on damaged files: {same} answered as before, {codes} with a code, of the \
         others doctor found all: {other:?}"
    ));
    assert!(runs >= 280 && codes > 0);
}

/// The program's end; none if it goes on and on. It is left alone then: the test fails anyway.
fn ended(mut command: Command) -> Option<Output> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || drop(sender.send(command.output().unwrap())));
    receiver.recv_timeout(BOUND).ok()
}

/// Status and answer of a run that ended as runs may end.
fn judged(output: &Output, what: &str) -> (i32, String) {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = format!("{what}: {stdout}{stderr}");
    assert_eq!(output.status.signal(), None, "{said}");
    let status = output.status.code().unwrap();
    assert!([0, 1, 4].contains(&status), "{status}: {said}");
    for word in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
        assert!(!said.contains(word), "{said}");
    }
    let has_code = stdout.contains("\"code\":") || stderr.contains("[STORE_");
    assert!(status == 0 || has_code, "a failure without a code: {said}");
    (status, stdout)
}
