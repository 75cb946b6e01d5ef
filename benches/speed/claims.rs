//! Thirty-two agents that reach for thirty-two tasks at once: each must get one, and none twice.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use lattice::app::{App, World};

use crate::crowd::together;
use crate::report::Report;
use crate::run::{median, millis, quantile};
use crate::tracker::Tracker;
use crate::{Bench, Result};

const AGENTS: usize = 32;

/// Rounds of `next --claim` by all agents at once, each in a fresh copy of the same tracker.
pub fn claims(bench: &Bench, report: &mut Report) -> Result<()> {
    let model = Tracker::of_open_tasks(&bench.folder("claims"), AGENTS)?;
    let rounds = bench.size(100, 2);
    report.heading(&format!("{AGENTS} processes claim {AGENTS} tasks at once, {rounds} rounds"));
    let (mut shared, mut unwell) = (0, 0);
    let mut times: Vec<Duration> = Vec::new();
    for round in 0..rounds {
        let folder = bench.folder(&format!("claims-{round}"));
        let tracker = model.copy(&folder)?;
        let won = Mutex::new(BTreeSet::new());
        times.extend(together(AGENTS, 1, |agent, _| {
            let actor = format!("agent:a{agent}");
            let started = std::time::Instant::now();
            let name =
                tracker.call(&bench.lattice, &["next", "--claim", "--quiet", "--actor", &actor]).output()?;
            let took = started.elapsed();
            won.lock().map_err(|_| "a worker panicked")?.insert(name.trim().to_owned());
            Ok(took)
        })?);
        let won = won.into_inner()?;
        let distinct = won.iter().filter(|name| !name.is_empty()).count();
        shared += AGENTS - distinct;
        let world = World::scripted(0, 0);
        let app = App::open_read(App::locate(&world, &tracker.dir)?, world)?;
        let findings = app.examine(|_| {})?.findings;
        unwell += findings.len();
        drop(app);
        std::fs::remove_dir_all(&folder)?;
    }
    report.figure(
        "claims",
        &format!("{} asked, {shared} without a task of its own, {unwell} findings", rounds * AGENTS),
        Some((shared == 0 && unwell == 0, "0 and 0".to_owned())),
    );
    let figures = format!(
        "p50 {:.1}, p99 {:.1}, max {:.1} ms",
        millis(median(&times)),
        millis(quantile(&times, 0.99)),
        millis(quantile(&times, 1.0))
    );
    report.figure("time of each claim", &figures, None);
    Ok(())
}
