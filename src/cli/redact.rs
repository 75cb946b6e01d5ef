//! `lattice redact`: take the content of an event away, such as a secret that slipped in.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::Failure;
use crate::view;

/// Which event; --reason says why.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The event, or the comment; `lattice history TASK` lists them
    #[arg(value_name = "ev_…")]
    event: String,
    #[command(flatten)]
    write: WriteArgs,
}

const AFTER: &str =
    "The event stays with its id, time, type and author; its content is gone from the tracker for good,
and from every clone that imports the next export. Backups, other copies and the history of git
still hold it: make the secret worthless first. docs/recovery.md says more.";

/// Redacts it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let mut app = context.writer()?;
    let redaction = app.redact(&context.identity(&args.write), &args.event)?;
    let copies = app.kept_copies();
    let tree = crate::export::holds_tree(&app.root().tree);
    app.close();
    let unchanged = redaction.outcome.events.is_empty();
    let id = args.event.trim();
    let done = args.write.output.reply(
        || view::redaction(id, &redaction, &copies),
        || "ok".to_owned(),
        || match unchanged {
            true => format!("{id} is redacted already."),
            false => format!("Redacted {id}"),
        },
    );
    let mut done = done.after(&redaction.outcome);
    if let Some(why) = &redaction.traces {
        done = done.warn(format!("the file may still hold traces ({why}); run this again later"));
    }
    if !args.write.output.json {
        if !redaction.also.is_empty() {
            done = done.note(format!("The same text also stands in {}", redaction.also.join(", ")));
        }
        if !copies.is_empty() {
            let copies: Vec<String> = copies.iter().map(|path| path.display().to_string()).collect();
            done = done.note(format!("Copies that may still hold it: {}", copies.join(", ")));
        }
        if tree && !unchanged {
            done = done.note(
                "The exported tree still holds it until `lattice export`, and git's history ever after.",
            );
        }
    }
    Ok(done)
}
