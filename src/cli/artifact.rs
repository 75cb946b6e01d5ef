//! `lattice artifact`: what an artifact says about itself, and what it holds.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::output::{Done, write_out};
use super::text::{printable, printable_lines};
use super::write::OutputArgs;
use crate::app::{Code, Failure};
use crate::domain::{Actor, Artifact};
use crate::{export, view};

/// Which artifact, and what of it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The artifact: art_…, or the beginning of its id; `lattice show TASK` lists a task's
    artifact: String,
    /// Write its content to standard output instead, byte for byte
    #[arg(long, conflicts_with_all = ["output", "json", "quiet"])]
    payload: bool,
    /// Write its content into this file, which must not be there yet (- for standard output)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    form: OutputArgs,
}

/// Shows the metadata, or writes the content.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let app = context.reader()?;
    let artifact = app.artifact(&args.artifact)?;
    if args.payload || args.output.as_deref() == Some(Path::new("-")) {
        if args.form.json {
            return Err(Failure::new(
                Code::ValidationError,
                "standard output takes either the content or an answer in JSON",
            )
            .hint("leave --json away, or name a file with --output"));
        }
        let bytes = app.payload(&artifact)?;
        drop(app);
        return to_stdout(&bytes);
    }
    let Some(path) = args.output else {
        return Ok(args.form.reply(
            || view::artifact(&artifact),
            || artifact.id.to_string(),
            || text(&artifact),
        ));
    };
    let bytes = app.payload(&artifact)?;
    drop(app);
    export::create_file(&path, &bytes)?;
    let place = path.display().to_string();
    let human = format!("Wrote {} ({} bytes)", printable(&place), bytes.len());
    Ok(args.form.reply(|| view::export_document(&path, bytes.len()), || place, || human))
}

/// To the letter for a file or a pipe; a terminal gets text that cannot harm it, or nothing.
fn to_stdout(bytes: &[u8]) -> Result<Done, Failure> {
    if !std::io::stdout().is_terminal() {
        return write_out(bytes).map(|()| Done::silent());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| {
        Failure::new(Code::ValidationError, "the content is no text, and a terminal shows only text")
            .hint("use --output FILE, or send it into a pipe")
    })?;
    Ok(Done::lines(printable_lines(text)))
}

fn text(artifact: &Artifact) -> String {
    let said = |key| artifact.text(key).unwrap_or("-");
    let by = artifact.meta().get("created_by").and_then(Actor::from_value);
    let by = by.as_ref().map_or("-", Actor::display);
    let mut lines = vec![
        format!("{}  {} \"{}\"", artifact.id, said("type"), said("title")),
        format!("Created: {}  By: {by}", said("created_at")),
    ];
    if let Some(size) = artifact.size_bytes() {
        let sensitive = if artifact.is_sensitive() { "  [sensitive]" } else { "" };
        lines.push(format!("{size} bytes  {}{sensitive}", artifact.content_type().unwrap_or("-")));
    }
    lines.extend(artifact.url().map(str::to_owned));
    lines.extend(artifact.text("summary").map(str::to_owned));
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}
