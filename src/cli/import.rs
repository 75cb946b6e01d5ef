//! `lattice import`: take in what exported files say.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::import_from::{self, FromArgs};
use super::output::Done;
use super::progress::Progress;
use super::source;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{Code, Failure, ImportReport, Merge, Prefer};
use crate::export::{self, ReadOptions, Tree, TreeReport};
use crate::view;

/// What to take in, and how.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A folder with exported files, or a project that contains one [default: this worktree's
    /// .lattice/]; with --from what another tracker wrote
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// A document that `lattice export --file` wrote, or standard input with `-`
    #[arg(long, value_name = "FILE", conflicts_with = "folder")]
    file: Option<PathBuf>,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// Take damaged files up to where they are damaged, and say where
    #[arg(long)]
    repair: bool,
    /// Where a snapshot and its log disagree, believe the snapshot
    #[arg(long)]
    reconcile: bool,
    /// Which side wins where one id has two contents
    #[arg(long, value_enum)]
    prefer: Option<Side>,
    /// Take in a tree that belongs to another tracker of Lattice
    #[arg(long)]
    adopt: bool,
    #[command(flatten)]
    from: FromArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// One of two sides.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum Side {
    /// What the tracker holds
    Database,
    /// What the files say
    Tree,
}

impl From<Side> for Prefer {
    fn from(side: Side) -> Self {
        match side {
            Side::Database => Self::Database,
            Side::Tree => Self::Tree,
        }
    }
}

/// Takes it in, in one transaction.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    if let Some(format) = args.from.format() {
        let path = args.folder.as_deref();
        return import_from::run(&args.from, format, path, args.dry_run, args.output, context);
    }
    let options = ReadOptions { repair: args.repair, reconcile: args.reconcile };
    let root = context.root()?;
    let (source, mut tree, folder) = read(&args, &root.tree, &options)?;
    let merge = Merge { first: false, prefer: args.prefer.map(Into::into), adopt: args.adopt };
    let mut app = context.writer()?;
    if let Some(folder) = folder {
        app.read(|reader| export::add_lone_texts(reader, &folder, &options, &mut tree))?;
    }
    let progress = Progress::start("Tasks taken in");
    let report = app.import(&tree.set, &merge, args.dry_run, |_| progress.step())?;
    drop(progress);
    app.close();
    let done = args.output.reply(
        || view::import(&source, args.dry_run, &report, &tree.report),
        || report.tasks.values().map(|task| printable(&task.name) + "\n").collect(),
        || plan(&args, &report, &tree.report),
    );
    let done = if args.output.json { done } else { notices(done, &tree.report, &report, args.reconcile) };
    let changed = !args.dry_run && !report.is_empty();
    Ok(if changed { done.committed() } else { done })
}

/// What is taken in, what to call it, and the folder that it was read from, if it was one.
fn read(args: &Args, own: &Path, options: &ReadOptions) -> Result<(String, Tree, Option<PathBuf>), Failure> {
    match &args.file {
        Some(file) if file == Path::new("-") => {
            Ok(("-".to_owned(), export::read_document(&mut std::io::stdin().lock(), options)?, None))
        }
        Some(file) => {
            let name = file.display().to_string();
            let mut input = File::open(file).map_err(|error| match error.kind() {
                ErrorKind::NotFound => source::unreadable(&name, &error),
                _ => Failure::io(&error, file),
            })?;
            Ok((name, export::read_document(&mut input, options)?, None))
        }
        None => {
            let named = args.folder.as_deref().unwrap_or(own);
            let inside = named.join(".lattice");
            let folder =
                if !export::holds_tree(named) && export::holds_tree(&inside) { &inside } else { named };
            if !export::holds_tree(folder) {
                return Err(no_tree(named));
            }
            let tree = export::read_tree(folder, options)?;
            Ok((folder.display().to_string(), tree, Some(folder.to_path_buf())))
        }
    }
}

/// Where a tree was expected there is none.
fn no_tree(named: &Path) -> Failure {
    let name = named.display();
    if named == Path::new("-") {
        return Failure::new(Code::NotFound, "there is no folder -")
            .hint("`lattice import --file -` takes a document from standard input");
    }
    match named.metadata() {
        Ok(meta) if meta.is_dir() => match named.read_dir() {
            Err(error) => Failure::io(&error, named),
            Ok(_) => Failure::new(Code::NotFound, format!("there are no exported files in {name}"))
                .hint("name the folder that `lattice export` wrote, or the project that holds it"),
        },
        Ok(_) => Failure::new(Code::ValidationError, format!("{name} is no folder")).hint(format!(
            "a document that `lattice export --file` wrote is taken in by `lattice import --file {name}`"
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Failure::new(Code::NotFound, format!("there is no folder {name}"))
                .hint("check the path; `--file FILE` takes a document instead")
        }
        Err(error) => Failure::io(&error, named),
    }
}

/// Whether a snapshot was believed or not, and what else a person should hear: on standard error.
pub fn notices(done: Done, tree: &TreeReport, report: &ImportReport, reconciled: bool) -> Done {
    let done = tree.notices.iter().fold(done, |done, notice| done.warn(notice));
    // What every merge leaves behind is no reason to worry.
    let done = match tree.merged.as_slice() {
        [] => done,
        [one] => done.note(one),
        several => {
            done.note(format!("{} files: conflict markers ignored, the logs have both sides", several.len()))
        }
    };
    // The loser of a number shows another one than it claims, and so says its snapshot.
    let is_loser = |id: &String| report.contested.iter().any(|(_, tasks)| tasks.contains(id));
    let unexpected =
        tree.disagreements.iter().filter(|found| found.field != "short_id" || !is_loser(&found.task));
    let fields = view::by_field(unexpected);
    if fields.is_empty() {
        return done;
    }
    let list: Vec<String> = fields.iter().map(|(field, count)| format!("{field} ({count})")).collect();
    let side = if reconciled { "the snapshots were believed" } else { "the logs count" };
    done.warn(format!("snapshots and logs disagree on {}; {side}", list.join(", ")))
}

/// One line per task: what came in for it.
pub fn tasks(report: &ImportReport) -> String {
    let mut text = String::new();
    for task in report.tasks.values() {
        let mark = if task.is_new { "+" } else { "~" };
        text.push_str(&printable(&format!(
            "{mark} {} \"{}\": {}",
            task.name,
            task.title,
            kinds(&task.kinds)
        )));
        text.push('\n');
    }
    text
}

/// One line per task, then the sums.
fn plan(args: &Args, report: &ImportReport, tree: &TreeReport) -> String {
    let mut text = tasks(report);
    if !report.other.is_empty() {
        text.push_str(&printable(&format!("~ the tracker and its resources: {}", kinds(&report.other))));
        text.push('\n');
    }
    for (short_id, tasks) in &report.contested {
        text.push_str(&printable(&format!(
            "! {short_id} is claimed by {}; the first keeps it",
            tasks.join(", ")
        )));
        text.push('\n');
    }
    for of in &report.concurrent {
        text.extend(super::conflicts::lines(of).lines().map(|line| format!("! {line}\n")));
    }
    for line in redactions(report) {
        text.push_str(&printable(&format!("! {line}")));
        text.push('\n');
    }
    for id in &report.quarantined {
        text.push_str(&printable(&format!("! other content of {id} is set aside")));
        text.push('\n');
    }
    for (task, what) in &report.superseded {
        let of = task.as_ref().map(|task| format!(" of {task}")).unwrap_or_default();
        text.push_str(&printable(&format!(
            "! the edited {what}{of} is in the history, but a later change holds; the next export writes that"
        )));
        text.push('\n');
    }
    if args.dry_run {
        for file in &tree.unknown_files {
            text.push_str(&printable(&format!("? {} is left alone", file.display())));
            text.push('\n');
        }
    }
    let verb = if args.dry_run { "Would take in" } else { "Took in" };
    text.push_str(&format!(
        "{verb} {} new events and {} artifacts; {} events were known already.\n",
        report.new_events, report.new_artifacts, report.known_events
    ));
    text
}

/// What there is to say about content that was taken away.
pub fn redactions(report: &ImportReport) -> Vec<String> {
    let mut lines: Vec<String> = report
        .redacted
        .iter()
        .map(|id| format!("{id} was redacted elsewhere; its content is gone from here too"))
        .collect();
    if let Some(why) = &report.traces {
        lines.push(format!("the file may still hold traces of it ({why}); `lattice redact ID --reason TEXT` again takes them out"));
    }
    if report.withheld > 0 {
        lines.push(format!(
            "{} events came with content that is redacted here; it stayed out",
            report.withheld
        ));
    }
    lines
}

fn kinds(kinds: &std::collections::BTreeMap<String, usize>) -> String {
    let one = |(kind, count): (&String, &usize)| match count {
        1 => kind.clone(),
        n => format!("{n} × {kind}"),
    };
    kinds.iter().map(one).collect::<Vec<_>>().join(", ")
}
