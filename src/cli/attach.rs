//! `lattice attach`: keep a file, an address or a short text with a task.

use std::ffi::OsString;
use std::path::Path;

use super::context::Context;
use super::output::Done;
use super::source;
use super::text::printable;
use super::write::WriteArgs;
use crate::app::{Code, Failure, chosen_artifact_id};
use crate::domain::Command;
use crate::domain::artifact::{Attached, Attachment, is_address, payload_limit};
use crate::view;

/// What, and to which task.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// A file, whose content is kept, or an address (http://…, https://…)
    source: Option<OsString>,
    /// A text to keep instead
    #[arg(long, value_name = "TEXT")]
    inline: Option<String>,
    /// conversation, file, log, note, prompt or reference [default: by what it is]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// [default: the file's name or the address]
    #[arg(long)]
    title: Option<String>,
    /// What it says, in short
    #[arg(long)]
    summary: Option<String>,
    /// Keep the content out of exports
    #[arg(long)]
    sensitive: bool,
    /// What it is evidence of, such as review
    #[arg(long)]
    role: Option<String>,
    /// An id of your own, so that the call can be repeated safely
    #[arg(long, value_name = "art_…")]
    id: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Attaches it. A file is read before the tracker is opened for writing: a slow disk keeps nobody
/// waiting.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let content = match (args.source, args.inline) {
        (Some(source), None) => match source.to_str().filter(|text| is_address(text)) {
            Some(url) => Attached::Url(url.to_owned()),
            None => file(Path::new(&source), context)?,
        },
        (None, Some(text)) => Attached::Inline(text),
        _ => {
            return Err(Failure::new(
                Code::ValidationError,
                "what is attached is either SOURCE or --inline TEXT",
            )
            .hint("name a file or an address, or use --inline TEXT"));
        }
    };
    let attachment = Attachment {
        kind: args.kind,
        title: args.title,
        summary: args.summary,
        sensitive: args.sensitive,
        content,
    };
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        let id = args.id.as_deref().map(|text| chosen_artifact_id(text, names.now_millis)).transpose()?;
        Ok(Command::Attach { task: names.task(&args.task)?, id, attachment, role: args.role })
    })?;
    let (Some(artifact), Some(task)) = (&outcome.artifact, &outcome.task) else { return Ok(Done::silent()) };
    let done = args.write.output.reply(
        || view::artifact(artifact),
        || artifact.id.to_string(),
        || {
            let known = if outcome.events.is_empty() { " (was there already)" } else { "" };
            let size = artifact.size_bytes().map(|size| format!("  {size} bytes")).unwrap_or_default();
            let title = artifact.text("title").unwrap_or_default();
            let kind = artifact.text("type").unwrap_or_default();
            format!(
                "Attached to {}{known}: {kind} \"{}\"{size}\n{}",
                task.name(),
                printable(title),
                artifact.id
            )
        },
    );
    Ok(done.after(&outcome))
}

/// Reads a file. Its name may be anything; where it is not Unicode, what cannot be read is replaced.
fn file(path: &Path, context: &Context) -> Result<Attached, Failure> {
    let limit = context.consult(|app| app.read(|reader| Ok(payload_limit(&reader.config()?))))?;
    let bytes = source::bytes(path, limit)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let content_type = mime_guess::from_path(&name).first_raw().unwrap_or("application/octet-stream");
    Ok(Attached::File { name, content_type: Some(content_type.to_owned()), bytes })
}
