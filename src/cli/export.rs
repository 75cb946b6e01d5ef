//! `lattice export`: write the tracker as files.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::output::{Done, write_out};
use super::progress::Progress;
use super::text::printable;
use super::tracker::Tracker;
use super::write::OutputArgs;
use crate::app::{App, Code, Failure};
use crate::export::{self, ExportOptions, ExportReport};
use crate::view;

/// Where to, and how much.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write the tree into this folder instead of this worktree's .lattice/
    #[arg(long, value_name = "FOLDER", conflicts_with = "file")]
    to: Option<PathBuf>,
    /// Write one JSON document into this file instead, or to standard output with `-`
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write the content of sensitive artifacts too
    #[arg(long)]
    include_sensitive: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Writes the files. A second export of the same facts touches none of them.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    match &args.file {
        Some(file) if file == Path::new("-") => {
            let bytes = document(&*open(context, true)?, args.include_sensitive)?;
            write_out(&bytes)?;
            Ok(Done::silent())
        }
        Some(file) => {
            outside(file)?;
            let bytes = document(&*open(context, true)?, args.include_sensitive)?;
            export::replace_file(file, &bytes)?;
            let place = file.display().to_string();
            let human = format!("Wrote {} ({} bytes)", printable(&place), bytes.len());
            Ok(args.output.reply(|| view::export_document(file, bytes.len()), || place, || human))
        }
        None => tree(&args, context),
    }
}

/// Nothing of a tracker is replaced by a document: the name of the database is typed too easily.
fn outside(file: &Path) -> Result<(), Failure> {
    let above = file.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_inside = |above: PathBuf| above.components().any(|name| name.as_os_str() == ".lattice");
    match above.canonicalize().is_ok_and(is_inside) {
        true => Err(Failure::new(
            Code::ValidationError,
            format!("{} would stand inside of a tracker", file.display()),
        )
        .hint("nothing was changed; name a file outside of `.lattice/`")),
        false => Ok(()),
    }
}

fn tree(args: &Args, context: &Context) -> Result<Done, Failure> {
    let app = open(context, args.to.is_some())?;
    let target = args.to.clone().unwrap_or_else(|| app.root().tree.clone());
    let options = ExportOptions { include_sensitive: args.include_sensitive };
    let progress = Progress::start("Exporting");
    let report = export::export_tree(&app, &target, &options)?;
    drop(progress);
    if target == app.root().tree {
        app.note_written(&export::tree_look(&target));
    }
    app.close();
    Ok(args.output.reply(
        || view::export(&target, &report.written, report.unchanged, &report.removed),
        || paths(&report),
        || summary(&target, &report),
    ))
}

/// The tracker with its lock held, so that nobody else exports at the same time; without the lock
/// where the database cannot be written to, or has no room to be, and the files go elsewhere.
fn open(context: &Context, elsewhere: bool) -> Result<Tracker, Failure> {
    match context.alone() {
        Err(Failure { code: Code::StoreReadonly | Code::StoreDenied | Code::StoreFull, .. }) if elsewhere => {
            context.reader()
        }
        result => result,
    }
}

fn document(app: &App, include_sensitive: bool) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    export::write_document(app, &mut bytes, include_sensitive)?;
    Ok(bytes)
}

/// The files that were written or taken away, a line each.
pub fn paths(report: &ExportReport) -> String {
    report.written.iter().chain(&report.removed).map(|path| format!("{}\n", path.display())).collect()
}

fn summary(target: &Path, report: &ExportReport) -> String {
    let place = printable(&target.display().to_string());
    let files = |n: usize| if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
    if report.written.is_empty() && report.removed.is_empty() {
        return format!("{place} is up to date ({}).", files(report.unchanged));
    }
    let mut text = format!("Wrote {} into {place}", files(report.written.len()));
    if report.unchanged > 0 {
        text.push_str(&format!(", {} were up to date", report.unchanged));
    }
    if !report.removed.is_empty() {
        text.push_str(&format!(", {} moved away", report.removed.len()));
    }
    text.push('.');
    text
}
