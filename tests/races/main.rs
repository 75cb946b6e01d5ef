//! Races: up to 32 processes of the real program at once on one tracker, a third of their changes
//! killed. All that they were told must fit one order in which the calls were carried out one after
//! the other (the history is linearizable), and the file must be what that order leaves.
//!
//! `LATTICE_SOAK=1` goes on for an hour, `LATTICE_SOAK_SECONDS=N` for another time.

#[path = "../support/mod.rs"]
mod support;

#[path = "../faults/injector.rs"]
#[allow(dead_code, reason = "made for more than is asked for here")]
mod injector;
#[path = "../faults/sandbox.rs"]
#[allow(dead_code, reason = "made for more than is asked for here")]
mod sandbox;

mod call;
mod choice;
mod crowd;
mod file;
mod histories;
mod model;
mod search;
mod verdict;

use std::io::Write;
use std::time::{Duration, Instant};

use crowd::{Size, use_it};
use verdict::{Counts, judge};

/// Commits that a run makes at least.
const COMMITS: usize = 2_000;
/// A long run, unless it is told otherwise.
const HOUR: u64 = 60 * 60;
/// What is played, again and again.
const SIZES: [Size; 3] = [
    Size { processes: 8, calls: 1_000, killed: 3 },
    Size { processes: 16, calls: 1_000, killed: 0 },
    Size { processes: 32, calls: 1_000, killed: 3 },
];

#[test]
fn all_answers_fit_one_order_and_the_file_is_what_it_leaves() {
    let began = Instant::now();
    let is_soak = std::env::var_os("LATTICE_SOAK").is_some_and(|value| value == "1");
    let least = Duration::from_secs(if is_soak { seconds() } else { 0 });
    let mut all = Counts::default();
    let mut rounds = 0;
    while rounds < SIZES.len() as u64 || all.commits < COMMITS || began.elapsed() < least {
        let size = SIZES[(rounds % SIZES.len() as u64) as usize];
        rounds += 1;
        all = all.and(judge(&use_it(size, rounds)));
    }
    say(&all.line(rounds, began.elapsed()));
    let interesting = all.kept > 0 || injector::injector().is_none();
    assert!(interesting && all.kept < all.kills && all.late > 0, "death came at no interesting moment");
}

fn seconds() -> u64 {
    std::env::var("LATTICE_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(HOUR)
}

impl Counts {
    fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            reads: self.reads + other.reads,
            refused: self.refused + other.refused,
            commits: self.commits + other.commits,
            kills: self.kills + other.kills,
            kept: self.kept + other.kept,
            posthumous: self.posthumous + other.posthumous,
            remains: self.remains + other.remains,
            late: self.late + other.late,
            busy: self.busy + other.busy,
        }
    }

    fn line(&self, rounds: u64, time: Duration) -> String {
        let Self { calls, reads, refused, commits, kills, kept, posthumous, remains, late, busy } = self;
        let seconds = time.as_secs_f64();
        format!(
            "{rounds} rounds of 8, 16, 32 processes, {calls} calls ({reads} reads, {refused} refused), {commits} commits, \
             {kills} killed before the answer ({kept} of them had committed, {posthumous} came to light later; {remains} rounds left one in the log), {late} after it, \
             {busy} busy, {seconds:.1} s"
        )
    }
}

/// Past what the test runner catches, so that it is seen.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "races: {text}");
}
