//! `lattice sync`: take in what the tree says, then write the tree.

use super::conflicts;
use super::context::Context;
use super::export;
use super::import;
use super::output::Done;
use super::progress::Progress;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{Failure, ImportReport, Merge};
use crate::export::{ExportOptions, ReadOptions, add_lone_texts, export_tree, holds_tree, read_tree};
use crate::view;

/// How to merge, and what to write.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which side wins where one id has two contents
    #[arg(long, value_enum)]
    prefer: Option<import::Side>,
    /// Write the content of sensitive artifacts too
    #[arg(long)]
    include_sensitive: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Brings tracker and tree together, whichever is ahead. The lock is held from the first file read
/// to the last one written, so that no other command comes in between.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let mut app = context.writer()?;
    let folder = app.root().tree.clone();
    let progress = Progress::start("Synchronising");
    let options = ReadOptions::default();
    let mut tree = match holds_tree(&folder) {
        true => read_tree(&folder, &options)?,
        false => crate::export::Tree::default(),
    };
    app.read(|reader| add_lone_texts(reader, &folder, &options, &mut tree))?;
    let merge = Merge { first: false, prefer: args.prefer.map(Into::into), adopt: false };
    let taken = app.import(&tree.set, &merge, false, |_| progress.step())?;
    let options = ExportOptions { include_sensitive: args.include_sensitive };
    let written = export_tree(&app, &folder, &options).map_err(|failure| match taken.is_empty() {
        true => failure,
        false => failure.hint("what the tree said is saved in the tracker; mend the cause and sync again"),
    })?;
    drop(progress);
    app.close();
    let source = folder.display().to_string();
    let done = args.output.reply(
        || {
            serde_json::json!({
                "in": view::import(&source, false, &taken, &tree.report),
                "out": view::export(&folder, &written.written, written.unchanged, &written.removed),
            })
        },
        || export::paths(&written),
        || {
            let mut text = incoming(&taken) + "\n" + &outgoing(&written) + "\n";
            text.extend(import::redactions(&taken).iter().map(|line| printable(&format!("! {line}")) + "\n"));
            text.extend(taken.concurrent.iter().map(conflicts::lines));
            text
        },
    );
    let done = if args.output.json { done } else { import::notices(done, &tree.report, &taken, false) };
    Ok(if taken.is_empty() { done } else { done.committed() })
}

/// What came in, in one line.
fn incoming(report: &ImportReport) -> String {
    if report.is_empty() {
        return "In: nothing new.".to_owned();
    }
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut text = format!("In: {}", count(report.new_events, "event", "events"));
    if report.new_artifacts > 0 {
        text.push_str(&format!(", {}", count(report.new_artifacts, "artifact", "artifacts")));
    }
    let names: Vec<&str> = report.tasks.values().map(|task| task.name.as_str()).collect();
    match names.as_slice() {
        [] => {}
        few if few.len() <= 5 => text.push_str(&format!(" on {}", few.join(", "))),
        many => text.push_str(&format!(" on {} tasks", many.len())),
    }
    printable(&text) + "."
}

/// What went out, in one line.
fn outgoing(report: &crate::export::ExportReport) -> String {
    let files = |n: usize| if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
    match (report.written.len(), report.removed.len()) {
        (0, 0) => "Out: nothing to write.".to_owned(),
        (written, 0) => format!("Out: {} written.", files(written)),
        (written, removed) => format!("Out: {} written, {removed} moved away.", files(written)),
    }
}
