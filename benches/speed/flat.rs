//! Whether a command takes longer in a large tracker than in a small one.

use crate::report::Report;
use crate::run::Pairs;
use crate::tracker::Tracker;
use crate::{Bench, Result};

/// What a thousand times more tasks may cost.
const MOST: f64 = 1.15;

/// `show`, `next`, `create` and the first page of `list` in a small and a large tracker in turns.
pub fn flat(bench: &Bench, report: &mut Report) -> Result<()> {
    let small = Tracker::make(&bench.folder("flat-small"), 100, 5)?;
    let large = Tracker::make(&bench.folder("flat-large"), bench.size(100_000, 2_000), 5)?;
    let count = bench.size(200, 5);
    report.heading(&format!("The same command with {} tasks, against {} tasks", large.tasks, small.tasks));
    let mut compare = |what: &str, args: &dyn Fn(&Tracker, usize) -> Vec<String>| -> Result<()> {
        let call = |tracker: &Tracker, turn: usize| {
            let args = args(tracker, turn);
            tracker.call(&bench.lattice, &args.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let pairs = Pairs::measure(count, |turn| call(&large, turn), |turn| call(&small, turn))?;
        report.pairs(what, &pairs, Some(MOST));
        Ok(())
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    compare("show", &|tracker, turn| words(&["show", &tracker.name(turn * 37 + 5)]))?;
    compare("next", &|_, _| words(&["next"]))?;
    compare("next --actor", &|_, turn| words(&["next", "--actor", &format!("agent:worker-{}", turn % 12)]))?;
    compare("list --limit 20", &|_, _| words(&["list", "--limit", "20"]))?;
    compare("create", &|_, _| words(&["create", "A measured task", "--actor", "agent:bench"]))?;
    compare("comment", &|tracker, turn| {
        words(&["comment", &tracker.backlog(turn * 37), "Seen again", "--actor", "agent:bench"])
    })?;
    Ok(())
}
