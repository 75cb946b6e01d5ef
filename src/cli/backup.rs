//! `lattice backup`: the whole tracker in one file.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{Code, Failure, entries};
use crate::view;

/// Where to.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file to make, outside of .lattice/
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace an older backup of this name, when the new one is whole
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Writes the backup.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    if args.file == Path::new("-") {
        return Err(Failure::new(
            Code::ValidationError,
            "a backup is verified where it lies, so it does not go to standard output",
        )
        .hint("name a file; `./-` is one of that name"));
    }
    let copied = context.reader()?.backup(&args.file, args.force)?;
    let done = args.output.reply(
        || view::backup(&args.file, &copied),
        || args.file.display().to_string(),
        || {
            let file = printable(&args.file.display().to_string());
            format!("Backed up {} to {file} ({} bytes), verified", entries(copied.events), copied.bytes)
        },
    );
    Ok(done.committed())
}
