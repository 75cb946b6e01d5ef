//! `lattice setup-claude-skill`: give Claude Code the skill, for all projects of the user.

use std::path::Path;

use super::agents::{self, Draft, SKILL};
use super::context::Context;
use super::output::Done;
use super::write::OutputArgs;
use crate::app::Failure;

/// How.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Replace a skill that is there with another text
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Writes the skill.
pub fn run(args: Args, _: &Context) -> Result<Done, Failure> {
    let place = Path::new(".claude/skills/lattice/SKILL.md");
    Draft::whole(&agents::home()?, place, SKILL, args.force)?.finish(args.output)
}
