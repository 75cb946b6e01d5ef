//! `lattice sync`: take in what the tree says, then write the tree.

use std::io::ErrorKind;

use super::conflicts;
use super::context::Context;
use super::export::paths;
use super::import;
use super::output::Done;
use super::progress::Progress;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{App, Code, Failure, ImportReport, Merge, TreeReport};
use crate::export::{
    ExportOptions, ExportReport, ReadOptions, Tree, export_tree_after, read_tree_for, tree_look,
};
use crate::view;

/// How to merge, and what to write.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which side wins where one id has two contents
    #[arg(long, value_enum)]
    prefer: Option<import::Side>,
    /// Make one tracker of this and another one, whose tree has come here
    #[arg(long)]
    adopt: bool,
    /// Write the content of sensitive artifacts too
    #[arg(long)]
    include_sensitive: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// What a sync did.
pub struct Synced {
    /// What there is to say of the files as they were.
    pub read: TreeReport,
    /// What came in.
    pub taken: ImportReport,
    /// What went out.
    pub written: ExportReport,
}

/// Brings tracker and tree together, whichever is ahead. The lock is held from the first file read
/// to the last one written, so that no other command comes in between.
///
/// # Errors
/// Those of import and export; what came in before an export failed is saved, and the failure says so.
pub fn bring_together(
    app: &mut App,
    how: &Merge,
    include_sensitive: bool,
    mut each: impl FnMut(),
) -> Result<Synced, Failure> {
    let folder = app.root().tree.clone();
    // A worktree whose branch has no tree: there is nothing to take in.
    let tree = match folder.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Tree::default(),
        _ => read_tree_for(app, &folder, &ReadOptions::default())?,
    };
    let taken = app.import(&tree.set, how, false, |_| each()).map_err(|failure| match failure.code {
        Code::InstanceMismatch => failure.hint(
            "nothing was changed; `lattice sync --adopt` makes one tracker of both, `lattice import --adopt` takes only tasks in",
        ),
        _ => failure,
    })?;
    let options = ExportOptions { include_sensitive };
    let written = export_tree_after(app, &folder, &options, &tree.seen);
    let written = written.map_err(|failure| match taken.is_empty() {
        true => failure,
        false => failure.hint("what the tree said is saved in the tracker; mend the cause and sync again"),
    })?;
    app.note_written(&tree_look(&folder));
    Ok(Synced { read: tree.report, taken, written })
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let mut app = context.writer()?;
    let folder = app.root().tree.clone();
    let progress = Progress::start("Synchronising");
    let how = Merge { prefer: args.prefer.map(Into::into), unite: args.adopt, ..Merge::default() };
    let synced = bring_together(&mut app, &how, args.include_sensitive, || progress.step())?;
    let Synced { read, taken, written } = synced;
    drop(progress);
    app.close();
    let source = folder.display().to_string();
    let done = args.output.reply(
        || {
            serde_json::json!({
                "in": view::import(&source, false, &taken, &read),
                "out": view::export(&folder, &written.written, written.unchanged, &written.removed),
            })
        },
        || paths(&written),
        || {
            let mut text = incoming(&taken) + "\n" + &outgoing(&written) + "\n";
            text.extend(import::redactions(&taken).iter().map(|line| printable(&format!("! {line}")) + "\n"));
            text.extend(taken.concurrent.iter().map(conflicts::lines));
            text
        },
    );
    let done = if args.output.json { done } else { import::notices(done, &read, &taken, false) };
    Ok(if taken.is_empty() { done } else { done.committed() })
}

/// What came in, in one line.
pub fn incoming(report: &ImportReport) -> String {
    if report.is_empty() {
        return "In: nothing new.".to_owned();
    }
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut text = format!("In: {}", count(report.new_events, "event", "events"));
    if report.new_artifacts > 0 {
        text.push_str(&format!(", {}", count(report.new_artifacts, "artifact", "artifacts")));
    }
    if report.raised_floors > 0 {
        text.push_str(&format!(
            ", {}",
            count(report.raised_floors, "higher next number", "higher next numbers")
        ));
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
fn outgoing(report: &ExportReport) -> String {
    let files = |n: usize| if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
    match (report.written.len(), report.removed.len()) {
        (0, 0) => "Out: nothing to write.".to_owned(),
        (written, 0) => format!("Out: {} written.", files(written)),
        (written, removed) => format!("Out: {} written, {removed} moved away.", files(written)),
    }
}
