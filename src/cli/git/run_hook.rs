//! `lattice git run-hook`: what a hook of git does. Whatever goes wrong is said in a line and never
//! fails the hook: no commit, merge or checkout waits for a tracker.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::app::{App, Failure, GIT_HOOKS, ImportReport, Merge, Repository, Root, World};
use crate::cli::context::Context;
use crate::cli::output::Done;
use crate::cli::text::several;
use crate::cli::write::OutputArgs;
use crate::cli::{conflicts, import, sync};
use crate::export::{ReadOptions, holds_tree, is_of_tree, read_tree_for, tree_look};
use crate::view::git as view;

/// Which hook, and what git gave it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The hook's name
    #[arg(value_name = "HOOK", value_parser = GIT_HOOKS)]
    hook: String,
    /// What git hands to the hook
    #[arg(value_name = "ARGUMENT", last = true)]
    arguments: Vec<String>,
    /// The project's folder in the working tree
    #[arg(long = "in", value_name = "FOLDER", default_value = ".")]
    inside: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// How long a hook waits for a tracker that is written to, unless `LATTICE_LOCK_TIMEOUT` says other.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a hook did.
#[derive(Default)]
struct Did {
    taken: ImportReport,
    staged: Vec<PathBuf>,
}

/// Does it, or says why not.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let (did, fault) = match work(&args, context) {
        Ok(did) => (did, None),
        Err(failure) => (Did::default(), Some(failure)),
    };
    let done = args.output.reply(
        || view::ran_hook(&args.hook, did.taken.new_events, &did.staged),
        || did.staged.iter().map(|path| format!("{}\n", path.display())).collect(),
        || said(&did),
    );
    let done = if did.taken.is_empty() { done } else { done.committed() };
    Ok(match fault {
        None => done,
        Some(failure) => done.warn(format!(
            "{}: files and tracker were not brought together: {} [{}]{}",
            args.hook,
            failure.message,
            failure.code,
            failure.hint.map(|hint| format!("; {hint}")).unwrap_or_default()
        )),
    })
}

fn work(args: &Args, context: &Context) -> Result<Did, Failure> {
    let here = context.folder()?;
    let project = here.join(&args.inside);
    // The folder need not be there on every branch, and where nothing was checked out nothing came.
    if !project.is_dir() || is_idle(&args.hook, &args.arguments) {
        return Ok(Did::default());
    }
    // A hook is about the repository that it runs in, wherever its user works otherwise.
    let root = App::locate_in(&project)?;
    let mut app = App::open_write(root.clone(), World::real(), context.wait_or(PATIENCE)?)?;
    let did = match args.hook.as_str() {
        "pre-commit" => {
            let synced = sync::bring_together(&mut app, &Merge::default(), false, || ())?;
            // The lock is still held, so what is staged is one state of the tracker.
            Did { taken: synced.taken, staged: stage(&here, &root)? }
        }
        _ if holds_tree(&root.tree) => {
            let look = tree_look(&root.tree);
            let tree = read_tree_for(&app, &root.tree, &ReadOptions::default())?;
            let taken = app.import(&tree.set, &Merge::default(), false, |_| {})?;
            app.note_taken(&look, &taken);
            Did { taken, staged: Vec::new() }
        }
        _ => Did::default(),
    };
    app.close();
    Ok(did)
}

/// Whether git tells that no file can have changed: `post-checkout` gets the commits before and after,
/// and 0 where single files were checked out (githooks(5)).
fn is_idle(hook: &str, arguments: &[String]) -> bool {
    match (hook, arguments) {
        ("post-checkout", [before, after, is_branch]) => before == after || is_branch == "0",
        _ => false,
    }
}

/// Stages the tree and nothing else. Where somebody commits named files only, it waits for the next
/// commit: what is put into the index of such a commit is taken back by the one after it.
fn stage(here: &Path, root: &Root) -> Result<Vec<PathBuf>, Failure> {
    let repository = Repository::of(&World::real(), here, &root.project)?;
    let Ok(folder) = root.tree.strip_prefix(&repository.top) else { return Ok(Vec::new()) };
    if repository.is_partial_commit() || !root.tree.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = repository.unstaged(folder)?;
    paths.retain(|path| path.strip_prefix(folder).is_ok_and(is_of_tree));
    repository.stage(&paths)?;
    Ok(paths)
}

/// Nothing where nothing happened: a hook runs often.
fn said(did: &Did) -> String {
    let mut text = String::new();
    if !did.taken.is_empty() {
        text.push_str(&format!("Lattice: {}\n", sync::incoming(&did.taken)));
        text.extend(import::redactions(&did.taken).iter().map(|line| format!("! {line}\n")));
        text.extend(did.taken.concurrent.iter().map(conflicts::lines));
    }
    if !did.staged.is_empty() {
        let files = several(did.staged.len() as i64, "file");
        text.push_str(&format!("Lattice: {files} of the tree staged.\n"));
    }
    text
}
