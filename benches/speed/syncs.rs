//! How often a durable write makes the disk flush, as the kernel sees it.

use std::process::Command;

use crate::report::Report;
use crate::run::Call;
use crate::tracker::Tracker;
use crate::{Bench, Result};

const CALLS: &str = "fsync,fdatasync,sync_file_range,syncfs,sync";

/// Counts the flushes of each of many commands in a row: they differ, since some empty the log.
pub fn syncs(bench: &Bench, report: &mut Report) -> Result<()> {
    report.heading("Flushes for each command, commands one after another");
    if Command::new("strace").arg("-V").output().is_err() {
        report.skipped("flushes", "strace is not there");
        return Ok(());
    }
    let tracker = Tracker::make(&bench.folder("syncs"), bench.size(1_000, 100), 5)?;
    let count = bench.size(200, 5);
    let mut measure = |what: &str, most: (f64, usize), args: &dyn Fn(usize) -> Vec<String>| -> Result<()> {
        let mut counts = Vec::with_capacity(count);
        for turn in 0..count {
            let args = args(turn);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            counts.push(flushes(bench, tracker.call(&bench.lattice, &args))?);
        }
        let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
        let max = counts.iter().max().copied().unwrap_or_default();
        report.figure(
            what,
            &format!("mean {mean:.2}, most {max}, of {count} commands"),
            Some((mean <= most.0 && max <= most.1, format!("mean at most {}, most {}", most.0, most.1))),
        );
        Ok(())
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let by = ["--actor", "agent:bench"];
    measure("create", (2.3, 4), &|turn| words(&[&["create", &format!("Task {turn}")], &by[..]].concat()))?;
    measure("status", (2.3, 4), &|turn| {
        words(&[&["status", &tracker.backlog(turn), "in_planning"], &by[..]].concat())
    })?;
    measure("comment", (2.3, 4), &|turn| {
        words(&[&["comment", &tracker.backlog(turn), "Seen again"], &by[..]].concat())
    })?;
    measure("show", (0.0, 0), &|turn| words(&["show", &tracker.name(turn)]))?;
    Ok(())
}

fn flushes(bench: &Bench, call: Call) -> Result<usize> {
    let trace = bench.folder("strace.out");
    let trace_name = trace.to_string_lossy();
    call.under("strace", ["-f", "-qq", "-e", &format!("trace={CALLS}"), "-o", &trace_name]).output()?;
    let text = std::fs::read_to_string(&trace)?;
    // A call that another thread interrupts has two lines.
    Ok(text.lines().filter(|line| line.contains("sync") && !line.contains("resumed>")).count())
}
