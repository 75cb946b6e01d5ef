//! `lattice setup-prompt`: print the texts for agents, to be put anywhere.

use super::agents::{BLOCK, SKILL};
use super::context::Context;
use super::output::Done;
use super::write::OutputArgs;
use crate::app::Failure;
use crate::view;

/// Which text.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The short text that `lattice setup-claude` writes
    #[arg(long)]
    claude_md: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Prints it.
pub fn run(args: Args, _: &Context) -> Result<Done, Failure> {
    let text = if args.claude_md { BLOCK } else { SKILL };
    let plain = || text.to_owned();
    Ok(args.output.reply(|| view::prompt(text), plain, plain))
}
