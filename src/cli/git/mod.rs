//! `lattice git`: what Lattice sets up in a repository of git, when somebody asks for it.

mod hooks;
mod run_hook;
mod setup;

use clap::Subcommand;

use super::context::Context;
use super::output::Done;
use super::write::OutputArgs;
use crate::app::{Failure, Repository, Root, World, program};

/// What people have to know before.
const ABOUT: &str = "Nothing of this is needed: `lattice sync` after a merge brings everything together.
It makes git stop at fewer files, and calls Lattice at the right moments.";

/// What is to be set up.
#[derive(clap::Args, Debug)]
#[command(arg_required_else_help = false, after_help = ABOUT)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Let git merge derived files by itself: .lattice/.gitattributes, and a merge driver for this clone
    Setup(OutputOnly),
    /// Take both away again
    Teardown(OutputOnly),
    /// Sync before each commit and stage the tree; import after merges, checkouts and rebases
    InstallHooks(OutputOnly),
    /// Take these hooks away again
    UninstallHooks(OutputOnly),
    /// Do what a hook of git does; for hooks that you write yourself
    RunHook(run_hook::Args),
}

/// Commands that only say how to answer.
#[derive(clap::Args, Debug)]
struct OutputOnly {
    #[command(flatten)]
    output: OutputArgs,
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    match args.action {
        Action::Setup(args) => setup::set_up(args.output, context),
        Action::Teardown(args) => setup::take_down(args.output, context),
        Action::InstallHooks(args) => hooks::install(args.output, context),
        Action::UninstallHooks(args) => hooks::uninstall(args.output, context),
        Action::RunHook(args) => run_hook::run(args, context),
    }
}

/// The tracker, and the repository that its project lies in.
fn places(context: &Context) -> Result<(Root, Repository), Failure> {
    let root = context.root()?;
    let repository = Repository::of(&World::real(), &context.folder()?, &root.project)?;
    Ok((root, repository))
}

/// Warns where git would not find the program that it is told to call.
fn warn_of_path(done: Done) -> Done {
    match program(&World::real(), "lattice") {
        Some(_) => done,
        None => done.warn("git looks for `lattice` on PATH and will not find it there"),
    }
}
