//! `lattice restore`: a backup in the place of the tracker.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{App, Failure, Restored, World, entries, records};
use crate::view;

/// Which backup.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A file that `lattice backup` made
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Restore even if the tracker holds more; the present file is kept aside
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Restores it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let (folder, wait) = (context.folder()?, context.wait()?);
    let (lattice, restored) = App::restore(&World::real(), &folder, &args.file, args.force, wait)?;
    let done = args.output.reply(
        || view::restored(&lattice, &args.file, &restored),
        || lattice.display().to_string(),
        || printable_lines(&args.file, &lattice, &restored),
    );
    Ok(done.committed())
}

fn printable_lines(file: &Path, lattice: &Path, restored: &Restored) -> String {
    let mut lines = vec![format!(
        "Restored {} from {} into {}",
        entries(restored.events),
        file.display(),
        lattice.display()
    )];
    if let Some(damage) = &restored.damage {
        lines.push(format!("The file that was there was damaged: {damage}"));
    }
    if let Some(kept) = &restored.kept {
        let more = restored.lacking.as_ref().map_or_else(String::new, |lacking| {
            format!("; it holds {} that the backup does not", records(lacking.count))
        });
        lines.push(format!("The file that was there is kept as {}{more}", kept.display()));
    }
    lines.push("Cursors of `lattice events` begin anew.".to_owned());
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}
