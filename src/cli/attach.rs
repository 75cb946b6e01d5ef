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
    let content_type = content_type(&name).to_owned();
    Ok(Attached::File { name, content_type: Some(content_type), bytes })
}

/// Endings of which the crate's table says something else than the predecessor's (Python 3.12,
/// `Lib/mimetypes.py`), nothing, or that a text is no text: the names of the registry of media types
/// (IANA; RFC 9512 for YAML) where there are any, else the usual ones.
const BY_ENDING: [(&str, &str); 24] = [
    ("bat", "text/plain"),
    ("cjs", "text/javascript"),
    ("diff", "text/x-diff"),
    ("go", "text/x-go"),
    ("ico", "image/vnd.microsoft.icon"),
    ("java", "text/x-java"),
    ("jsonl", "application/x-ndjson"),
    ("ksh", "text/plain"),
    ("mjs", "text/javascript"),
    ("opus", "audio/opus"),
    ("patch", "text/x-diff"),
    ("pl", "text/plain"),
    ("py", "text/x-python"),
    ("pyi", "text/x-python"),
    ("rb", "text/x-ruby"),
    ("rst", "text/x-rst"),
    ("sql", "application/sql"),
    ("srt", "text/plain"),
    ("toml", "application/toml"),
    ("ts", "text/x-typescript"),
    ("tsx", "text/x-typescript"),
    ("wav", "audio/x-wav"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
];

/// What a file's name says of its content.
fn content_type(name: &str) -> &'static str {
    let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let known = BY_ENDING.iter().find(|(known, _)| ending.as_deref() == Some(known));
    known
        .map(|(_, content_type)| *content_type)
        .or_else(|| mime_guess::from_path(name).first_raw())
        .unwrap_or("application/octet-stream")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_those_of_the_predecessor_and_texts_are_texts() {
        for (name, expected) in [
            ("a.py", "text/x-python"),
            ("A.PY", "text/x-python"),
            ("a.md", "text/markdown"),
            ("a.js", "text/javascript"),
            ("a.mjs", "text/javascript"),
            ("a.ts", "text/x-typescript"),
            ("a.rs", "text/x-rust"),
            ("a.yaml", "application/yaml"),
            ("a.toml", "application/toml"),
            ("a.json", "application/json"),
            ("a.log", "text/plain"),
            ("a.txt", "text/plain"),
            ("a.c", "text/plain"),
            ("a.sh", "application/x-sh"),
            ("a.html", "text/html"),
            ("a.csv", "text/csv"),
            ("a.png", "image/png"),
            ("a.pdf", "application/pdf"),
            ("a.unheard", "application/octet-stream"),
            ("none", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
        // What the crate says by itself by now needs no row.
        for (ending, content_type) in BY_ENDING {
            assert_ne!(mime_guess::from_ext(ending).first_raw(), Some(content_type), "{ending}");
        }
    }
}
