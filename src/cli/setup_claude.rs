//! `lattice setup-claude`: tell Claude Code about the tracker, in CLAUDE.md.

use std::path::PathBuf;

use super::agents::{self, Draft};
use super::context::Context;
use super::output::Done;
use super::write::OutputArgs;
use crate::app::Failure;

/// Where.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder with CLAUDE.md
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    path: PathBuf,
    /// Renew a block that is there with another text
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Adds the block, or renews it.
pub fn run(args: Args, _: &Context) -> Result<Done, Failure> {
    Draft::block(&agents::folder(&args.path)?, "CLAUDE.md", args.force)?.finish(args.output)
}
