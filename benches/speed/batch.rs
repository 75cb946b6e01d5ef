//! Many changes in one call against one call for each, and what a long batch takes.

use std::time::Duration;

use crate::report::Report;
use crate::run::{Call, median, millis};
use crate::tracker::Tracker;
use crate::{Bench, Result};

/// How often a batch is measured, and the calls in between in so many parts.
const TURNS: usize = 20;

/// A thousand creates each way; then ten times as many, which may take ten times as long.
pub fn batch(bench: &Bench, report: &mut Report) -> Result<()> {
    let count = bench.size(1_000, 20);
    report.heading(&format!("Batch: {count} creates in one call, against {count} calls"));
    let model = Tracker::make(&bench.folder("batch"), bench.size(1_000, 100), 5)?;
    let single = model.copy(&bench.folder("batch-single"))?;
    let (mut calls, mut batches) = (Duration::ZERO, Vec::new());
    // In turns, so that what disturbs the machine for a while disturbs both.
    for turn in 0..TURNS {
        batches.push(run(bench, &model, &format!("batch-once-{turn}"), count)?.0);
        for number in count * turn / TURNS..count * (turn + 1) / TURNS {
            calls +=
                single.call(&bench.lattice, &["create", &title(number), "--actor", "agent:bench"]).time()?;
        }
    }
    let once = median(&batches);
    let ratio = millis(calls) / millis(once);
    report.figure(
        "calls against one batch",
        &format!("{ratio:.0} times ({:.0} ms against {:.1} ms)", millis(calls), millis(once)),
        Some((ratio >= 50.0, "at least 50 times".to_owned())),
    );
    let (longer, peak) = run(bench, &model, "batch-longer", count * 10)?;
    let ratio = millis(longer) / millis(once);
    report.figure(
        "ten times the lines",
        &format!("{ratio:.1} times the time, {} MiB at most", peak.map_or(0, |kib| kib / 1024)),
        Some((ratio < 13.0, "below 13 times".to_owned())),
    );
    Ok(())
}

/// One batch of this length in a copy of the tracker.
fn run(bench: &Bench, model: &Tracker, name: &str, count: usize) -> Result<(Duration, Option<u64>)> {
    let tracker = model.copy(&bench.folder(name))?;
    let line = |n| format!("{{\"create\":{{\"title\":\"{}\"}}}}\n", title(n));
    std::fs::write(tracker.dir.join("lines"), (0..count).map(line).collect::<String>())?;
    let args = ["batch", "--file", "lines", "--actor", "agent:bench"];
    Call::new(&bench.lattice, &tracker.dir, args).peak_memory()
}

fn title(number: usize) -> String {
    format!("Task {number} of a long plan")
}
