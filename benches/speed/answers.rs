//! Questions about much at once: words in all texts, and sums over all of history.

use crate::report::Report;
use crate::run::{Call, Pairs};
use crate::tracker::Tracker;
use crate::{Bench, Result};

/// `search` against the bare question to the same index.
pub fn search(bench: &Bench, report: &mut Report) -> Result<()> {
    let tracker = Tracker::of_talk(&bench.folder("search"), bench.size(10_000, 300))?;
    let count = bench.size(100, 5);
    report.heading(&format!(
        "Words in {} tasks with five or six comments each, against the bare question to the index",
        tracker.tasks
    ));
    // Two words that never meet, one of a third of all texts, three that never meet, and one that nobody
    // wrote: where nothing is found, all ways of finding are tried.
    for (words, query) in [
        ("release flaky", "\"release\" * \"flaky\" *"),
        ("timeout", "\"timeout\" *"),
        ("parser index reader", "\"parser\" * \"index\" * \"reader\" *"),
        ("zorkmid", "\"zorkmid\" *"),
    ] {
        let bare = |_: usize| {
            let args = [tracker.file().into_os_string(), query.into()];
            Call::new(&bench.bare_search, &tracker.dir, args)
        };
        let search = |_: usize| tracker.call(&bench.lattice, &["search", words]);
        report.pairs(&format!("search {words}"), &Pairs::measure(count, search, bare)?, Some(3.0));
    }
    Ok(())
}

/// `stats` and `weather` against the bare read of one row.
pub fn sums(bench: &Bench, report: &mut Report) -> Result<()> {
    let tracker = Tracker::make(&bench.folder("sums"), bench.size(10_000, 300), 9)?;
    let count = bench.size(50, 5);
    report.heading(&format!("Sums over {} tasks with nine events each, against a bare read", tracker.tasks));
    let keys = crate::pair::keys(&tracker)?;
    let bare = |turn: usize| {
        let args = [tracker.file().into_os_string(), keys[turn * 37 % keys.len()].clone().into()];
        Call::new(&bench.bare_read, &tracker.dir, args)
    };
    for command in ["stats", "weather"] {
        let pairs = Pairs::measure(count, |_| tracker.call(&bench.lattice, &[command]), bare)?;
        report.pairs(command, &pairs, Some(10.0));
    }
    Ok(())
}
