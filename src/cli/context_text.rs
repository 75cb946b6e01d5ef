//! `lattice context`: show what the tracker is for, or write it down.

use super::context::Context;
use super::output::Done;
use super::source::{self, SourceArgs};
use super::write::WriteArgs;
use crate::app::{App, Code, Failure};
use crate::domain::Command;
use crate::view::texts as shape;

/// Where a new text comes from.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// Shows or writes the context.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let draft = source::draft(&args.source, || Ok(context.consult(now)?.unwrap_or_default()))?;
    let output = args.write.output;
    let Some(draft) = draft else {
        let app = context.reader()?;
        let body = now(&app)?.ok_or_else(|| {
            Failure::new(Code::NotFound, "there is no context")
                .hint("write it: `lattice context --file FILE`")
        })?;
        let place = app.root().tree.join("context.md");
        return Ok(match output.json {
            true => Done::envelope(shape::context(&place, &body)),
            false => Done::exact(&body),
        });
    };
    let saved = context.writer().and_then(|mut app| {
        let command = Command::SetContext { body: draft.text.clone(), base: draft.base.clone() };
        let outcome = app.execute(&context.identity(&args.write), |_| Ok(command))?;
        Ok((outcome, app.root().tree.join("context.md")))
    });
    let body = draft.text.clone();
    let (outcome, place) = draft.settle(saved)?;
    let done = output.reply(
        || shape::context(&place, &body),
        || "ok".to_owned(),
        || match outcome.events.is_empty() {
            true => "Nothing changed in the context".to_owned(),
            false => "Wrote the context".to_owned(),
        },
    );
    Ok(done.after(&outcome))
}

fn now(app: &App) -> Result<Option<String>, Failure> {
    app.read(|reader| Ok(reader.context()?))
}
