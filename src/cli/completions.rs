//! `lattice completions`: what a shell needs to complete command lines.

use clap_complete::Shell;

use super::context::Context;
use super::output::Done;
use super::parse;
use super::write::OutputArgs;
use crate::app::{Code, Failure};
use crate::view;

/// For which shell.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    #[command(flatten)]
    output: OutputArgs,
}

/// Prints the script.
pub fn run(args: Args, _: &Context) -> Result<Done, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut parse::whole_program(), "lattice", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Failure::new(Code::OutputFailed, format!("the script is not text: {error}")))?;
    let plain = || script.clone();
    Ok(args.output.reply(|| view::completions(&args.shell.to_string(), &script), plain, plain))
}
