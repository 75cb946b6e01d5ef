//! `lattice doctor`: is the tracker as it was written?

use super::context::Context;
use super::output::{Done, complain};
use super::progress::Progress;
use super::style::{self, paint};
use super::text::{printable, several};
use super::write::OutputArgs;
use crate::app::{
    App, CHECKS, Code, Failure, Finding, HEAD_CHECK, LOG_CHECK, Level, Mended, Report, TREE_CHECK, parse_head,
};
use crate::export::{self, ReadOptions};
use crate::view;

/// What to do about findings.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Make derived tables anew where they differ from the log; nothing else is ever changed
    #[arg(long)]
    fix: bool,
    /// Prove that nothing has changed of what `lattice log --head` printed this of
    #[arg(long, value_name = "HEAD")]
    since_head: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Examines the tracker. Findings are an answer; only errors among them end with status 1.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let head = args.since_head.as_deref().map(parse_head).transpose()?;
    // Before anything opens it. What SQLite does not see there is not written over to mend something else.
    let log = App::examine_log(&context.root()?)?;
    let is_log_whole = log.as_ref().is_none_or(|finding| finding.level != Level::Error);
    let mut app = if args.fix && is_log_whole { context.writer()? } else { context.reader()? };
    let mut report = examine(&app, log.as_ref())?;
    if report.count(Level::Error) > 0 || report.totals.is_none() {
        // A disk may fail once: what a second look does not find, on another connection, is not told.
        report = context.consult(|again| examine(again, log.as_ref()))?;
    }
    let mut fixed: Vec<&str> = Vec::new();
    if args.fix {
        let progress = Progress::start("Tasks made anew");
        let before = || complain("The derived tables differ from the log and are being made anew from it.\n");
        match app.mend(&report, before, |_| progress.step())? {
            Mended::Rebuilt => {
                fixed.push(CHECKS[3]);
                report = examine(&app, log.as_ref())?;
            }
            Mended::LogDamaged => complain(
                "The log itself is damaged, so nothing was made anew from it; see docs/recovery.md.\n",
            ),
            Mended::NothingToDo => {}
        }
    }
    if let Some(head) = head {
        app.examine_since(head, &mut report)?;
    }
    let has_tree = examine_tree(&app, &mut report)?;
    app.close();
    let done = args.output.reply(
        || view::doctor(&report, args.fix.then_some(&fixed)),
        || lines(&report),
        || checks(&report, has_tree),
    );
    let done = if fixed.is_empty() { done } else { done.committed() };
    Ok(done.status(u8::from(report.count(Level::Error) > 0)))
}

fn examine(app: &App, log: Option<&Finding>) -> Result<Report, Failure> {
    let progress = Progress::start("Tasks examined");
    let mut report = app.examine(|_| progress.step())?;
    report.findings.splice(0..0, log.cloned());
    Ok(report)
}

/// Holds the exported tree, if there is one, against the database.
fn examine_tree(app: &App, report: &mut Report) -> Result<bool, Failure> {
    let tree = &app.root().tree;
    if !export::holds_tree(tree) {
        return Ok(false);
    }
    match export::read_tree(tree, &ReadOptions::default()) {
        Ok(tree) => {
            for notice in tree.report.sentences() {
                report.add_about_tree(Level::Warning, notice.clone());
            }
            let fields = tree.report.disagreements.len();
            if fields > 0 {
                let message = format!(
                    "snapshots differ from their logs in {fields} fields; `lattice import --dry-run` lists them"
                );
                report.add_about_tree(Level::Warning, message);
            }
            match app.compare_tree(&tree.set) {
                Ok(state) => report.add_tree_state(&state),
                Err(failure) if failure.code == Code::StoreCorrupt => {
                    report.is_unexamined(TREE_CHECK, &failure.message);
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(failure) => report.add_about_tree(Level::Error, failure.message),
    }
    Ok(true)
}

/// One line per finding, for programs without JSON.
fn lines(report: &Report) -> String {
    let line =
        |f: &Finding| printable(&format!("{}  {}  {}", view::level(f.level), f.check, f.message)) + "\n";
    report.findings.iter().map(line).collect()
}

/// One line per check, its findings below, and the sizes.
fn checks(report: &Report, has_tree: bool) -> String {
    let mut text = String::new();
    let asked = [report.since_head.map(|_| HEAD_CHECK), has_tree.then_some(TREE_CHECK)];
    for check in [LOG_CHECK].into_iter().chain(CHECKS).chain(asked.into_iter().flatten()) {
        let findings: Vec<_> = report.findings.iter().filter(|f| f.check == check).collect();
        let worst = findings.iter().map(|f| f.level).max();
        // Of what was not looked at to the end, nothing good is said. A file that keeps SQLite from
        // looking is damaged.
        let is_unknown = report.unexamined.contains(&check) && findings.len() == 1 && check != CHECKS[0];
        let (mark, style) = match worst {
            None => ("✓", style::GOOD),
            Some(_) if is_unknown => ("?", style::ERROR),
            Some(Level::Warning) => ("!", style::WARNING),
            Some(Level::Error) => ("✗", style::ERROR),
        };
        let sentence = match is_unknown {
            true => format!("whether {}: could not be examined", heading(check, true)),
            false => heading(check, worst.is_none()).to_owned(),
        };
        text.push_str(&format!("{} {sentence}\n", paint(style, style::on_output(), mark)));
        if let Some(proof) = report.since_head.filter(|proof| check == HEAD_CHECK && proof.redacted > 0) {
            text.push_str(&format!("    redacted among them: {}\n", several(proof.redacted, "event")));
        }
        // What the damage is was said above, unless it is said here.
        for finding in findings.iter().filter(|finding| !is_unknown || finding.message.contains(": ")) {
            text.push_str(&format!("    {}\n", printable(&finding.message)));
        }
    }
    let sizes = report.totals.as_ref().map_or_else(
        || "What it holds could not be counted".to_owned(),
        |totals| {
            format!(
                "{}, {}, {}, {}",
                several(totals.tasks, "task"),
                several(totals.events, "event"),
                several(totals.artifacts, "artifact"),
                several(totals.resources, "resource")
            )
        },
    );
    let (errors, warnings) = (report.count(Level::Error), report.count(Level::Warning));
    text.push_str(&format!(
        "{sizes}: {}, {}\n",
        several(errors as i64, "error"),
        several(warnings as i64, "warning")
    ));
    let log_is_damaged = report.findings.iter().any(|f| f.check == LOG_CHECK && f.level == Level::Error);
    if log_is_damaged || !report.unexamined.is_empty() {
        text.push_str("What to do with a damaged file: docs/recovery.md; `lattice restore BACKUP` puts a backup in its place.\n");
    }
    text
}

/// What a check found, in a sentence: one where it passed, another above its findings.
fn heading(check: &str, passed: bool) -> &str {
    let (well, else_) = match check {
        "integrity" => ("the database file is whole", "the database file is damaged"),
        "event_chain" => ("every event is as it was written", "events are not as they were written"),
        "artifact_payloads" => {
            ("every payload is as it was written", "payloads are not as they were written")
        }
        "derived_tables" => ("the tables say what the log says", "tables differ from the log; see --fix"),
        "history" => ("every event has a meaning", "events that only count as notes"),
        "references" => {
            ("relations lead somewhere, and in no circle", "relations that lead nowhere, or in a circle")
        }
        "short_ids" => ("no short id is claimed twice", "short ids that were claimed twice"),
        "quarantine" => ("nothing was set aside", "other contents were set aside"),
        "resources" => ("no resource is held beyond its time", "resources that are held beyond bounds"),
        LOG_CHECK => ("the write-ahead log is whole", "a part of the write-ahead log cannot be read"),
        HEAD_CHECK => (
            "nothing has changed of what the head was taken of",
            "the log is not the one that the head was taken of",
        ),
        TREE_CHECK => (
            "the exported tree and the database are in step",
            "the exported tree and the database are not in step",
        ),
        other => (other, other),
    };
    if passed { well } else { else_ }
}
