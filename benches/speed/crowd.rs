//! Many at once: how long a writer waits for others, and that nobody waits for a reader.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use crate::report::Report;
use crate::run::{Pairs, median, millis, quantile};
use crate::tracker::Tracker;
use crate::{Bench, Result};

/// Processes that write without a pause, 8 and 50 at a time; each call is timed from its start to
/// its end, so the figures are the wait and the work.
pub fn crowd(bench: &Bench, report: &mut Report) -> Result<()> {
    report.heading("Many processes that write at once: time of each, waiting included; nobody may fail");
    for (writers, target) in [(8, None), (50, Some(250.0))] {
        let folder = bench.folder(&format!("crowd-{writers}"));
        let tracker = Tracker::make(&folder, bench.size(10_000, 100), 5)?;
        let rounds = bench.size(if writers == 8 { 60 } else { 20 }, 2);
        let started = Instant::now();
        let times = together(writers, rounds, |writer, round| {
            let (actor, text) = (format!("agent:w{writer}"), format!("Round {round}"));
            let task = tracker.backlog(writer * 97 + round);
            tracker.call(&bench.lattice, &["comment", &task, &text, "--actor", &actor]).time()
        })?;
        let rate = times.len() as f64 / started.elapsed().as_secs_f64();
        let p99 = millis(quantile(&times, 0.99));
        let figures = format!(
            "p50 {:.1}, p99 {p99:.1}, max {:.1} ms; {rate:.0} a second",
            millis(median(&times)),
            millis(quantile(&times, 1.0))
        );
        let target = target.map(|most| (p99 < most, format!("p99 below {most} ms")));
        report.figure(&format!("{writers} processes, {} writes", times.len()), &figures, target);
    }
    Ok(())
}

/// Runs `rounds` calls in each of `workers` threads that begin together.
pub fn together(
    workers: usize,
    rounds: usize,
    call: impl Fn(usize, usize) -> Result<Duration> + Sync,
) -> Result<Vec<Duration>> {
    let start = Barrier::new(workers);
    std::thread::scope(|scope| {
        let (start, call) = (&start, &call);
        let threads: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    start.wait();
                    (0..rounds).map(|round| call(worker, round)).collect::<Result<Vec<Duration>>>()
                })
            })
            .collect();
        let mut all = Vec::with_capacity(workers * rounds);
        for thread in threads {
            all.extend(thread.join().map_err(|_| "a worker panicked")??);
        }
        Ok(all)
    })
}

/// Writes in a tracker that a reader keeps open, so that its log cannot be emptied, against
/// writes in one that nobody reads.
pub fn beside_a_reader(bench: &Bench, report: &mut Report) -> Result<()> {
    let tasks = bench.size(10_000, 100);
    let alone = Tracker::make(&bench.folder("alone"), tasks, 5)?;
    let read = alone.copy(&bench.folder("read"))?;
    let count = bench.size(150, 5);
    report.heading("Writing while a reader holds the file, against writing alone");
    let comment = |tracker: &Tracker, turn: usize| {
        let task = tracker.backlog(turn * 37);
        tracker.call(&bench.lattice, &["comment", &task, "Seen again", "--actor", "agent:bench"])
    };
    // A log that is longer than the bound already: every close wants to empty it, and cannot.
    let reader = Connection::open_with_flags(read.file(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    reader.execute_batch("BEGIN")?;
    reader.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
    for turn in 0..bench.size(40, 2) {
        comment(&read, turn).time()?;
    }
    let pairs = Pairs::measure(count, |turn| comment(&read, turn), |turn| comment(&alone, turn))?;
    report.pairs("comment beside a reader", &pairs, Some(1.5));
    let longest = millis(quantile(&pairs.left, 1.0));
    let log = std::fs::metadata(read.dir.join(".lattice/lattice.db-wal"))?.len() / 1024;
    report.figure("longest; log left", &format!("{longest:.1} ms; {log} KiB"), None);
    drop(reader);
    comment(&read, 0).time()?;
    let log = std::fs::metadata(read.dir.join(".lattice/lattice.db-wal")).map_or(0, |meta| meta.len());
    report.figure(
        "log after the reader left",
        &format!("{} KiB", log / 1024),
        Some((log == 0, "emptied by the next write".to_owned())),
    );
    Ok(())
}
