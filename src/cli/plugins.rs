//! `lattice plugins`: list the programs that answer as commands.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::OutputArgs;
use super::{COMMANDS, plugin};
use crate::app::Failure;
use crate::view;

/// What people have to know who write plugins.
const ABOUT: &str = "A program `lattice-NAME` in an absolute folder of PATH answers `lattice NAME`.
It finds the folder with .lattice/ in LATTICE_ROOT and this program in LATTICE_BIN.";

/// How to answer.
#[derive(clap::Args, Debug)]
#[command(after_help = ABOUT)]
pub struct Args {
    #[command(flatten)]
    output: OutputArgs,
}

/// Lists them.
pub fn run(args: Args, _: &Context) -> Result<Done, Failure> {
    let found = plugin::all();
    let hidden = |name: &str| name == "help" || COMMANDS.iter().any(|entry| entry.name == name);
    let human = || match found.is_empty() {
        true => "No plugins: no `lattice-NAME` is on PATH.".to_owned(),
        false => {
            let line = |(name, path): (&String, &std::path::PathBuf)| {
                let mark = if hidden(name) { "  (hidden by the command of that name)" } else { "" };
                format!("{}  {}{mark}\n", printable(name), printable(&path.display().to_string()))
            };
            found.iter().map(line).collect()
        }
    };
    let usable: Vec<_> = found.iter().filter(|(name, _)| !hidden(name)).collect();
    let quiet = || usable.iter().map(|(name, _)| format!("{name}\n")).collect();
    Ok(args.output.reply(|| view::plugins(&usable), quiet, human))
}
