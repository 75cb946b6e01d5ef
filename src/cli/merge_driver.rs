//! `lattice merge-driver`: merges a derived file. git calls it where `lattice git setup` told it to.

use std::path::PathBuf;

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{Code, Failure};
use crate::export::{Merged, merge_derived, replace_file};
use crate::view;

/// The files, as git hands them over (gitattributes(5)).
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The common ancestor (%O)
    base: PathBuf,
    /// Our version, which the merged one takes the place of (%A)
    ours: PathBuf,
    /// Their version (%B)
    theirs: PathBuf,
    /// What the file is called in the repository (%P)
    path: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// Merges. It needs no tracker: derived files are written anew by the next sync.
pub fn run(args: Args, _context: &Context) -> Result<Done, Failure> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| Failure::io(&error, path));
    let (ours, theirs) = (read(&args.ours)?, read(&args.theirs)?);
    let Some(merged) = merge_derived(&args.path, &ours, &theirs) else {
        return Err(Failure::new(
            Code::ValidationError,
            format!("{} is no derived file of a tracker", args.path.display()),
        )
        .hint("nothing was changed; take `merge=lattice` off it in .gitattributes"));
    };
    let taken = match &merged {
        Merged::Ours => "ours",
        Merged::Theirs => {
            replace_file(&args.ours, &theirs)?;
            "theirs"
        }
        Merged::Both(text) => {
            replace_file(&args.ours, text.as_bytes())?;
            "both"
        }
    };
    let path = printable(&args.path.display().to_string());
    Ok(args.output.reply(
        || view::git::merged(&args.path, taken),
        String::new,
        || format!("{path}: took {taken}"),
    ))
}
