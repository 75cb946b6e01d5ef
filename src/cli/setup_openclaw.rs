//! `lattice setup-openclaw`: give OpenClaw the skill, for a project or for all of the user's.

use std::path::{Path, PathBuf};

use super::agents::{self, Draft, SKILL};
use super::context::Context;
use super::output::Done;
use super::write::OutputArgs;
use crate::app::Failure;

/// Where.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder that gets skills/lattice/
    #[arg(long, value_name = "FOLDER", default_value = ".", conflicts_with = "global")]
    path: PathBuf,
    /// For all projects of the user: ~/.openclaw/skills/lattice/
    #[arg(long)]
    global: bool,
    /// Replace a skill that is there with another text
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Writes the skill.
pub fn run(args: Args, _: &Context) -> Result<Done, Failure> {
    let place = Path::new("skills/lattice/SKILL.md");
    let draft = match args.global {
        true => Draft::whole(&agents::home()?, &Path::new(".openclaw").join(place), SKILL, args.force)?,
        false => Draft::whole(&agents::folder(&args.path)?, place, SKILL, args.force)?,
    };
    draft.finish(args.output)
}
