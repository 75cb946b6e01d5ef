//! What `plan` and `notes` share: a text of a task, shown or written.

use std::path::PathBuf;

use super::context::Context;
use super::output::Done;
use super::source::{self, Draft, SourceArgs};
use super::write::WriteArgs;
use crate::app::{App, Code, Failure, Outcome};
use crate::domain::{Command, Task, TaskId};
use crate::view::texts as shape;

/// One of the texts that a task has.
pub struct Text {
    /// What people call it.
    pub name: &'static str,
    /// The folder of the exported tree that it goes to.
    pub folder: &'static str,
    /// The member of the JSON answer that says where the exported file is.
    pub member: &'static str,
    /// Reads it; `None` where nobody wrote one.
    pub read: fn(&App, &str) -> Found,
    /// The command that writes it: task, text, and the text that it was made from.
    pub command: fn(TaskId, String, Option<String>) -> Command,
}

/// A task with one of its texts.
type Found = Result<(Task, Option<String>), Failure>;

/// Shows the text, or writes it if the flags say from where.
pub fn run(
    text: &Text,
    task: &str,
    source: &SourceArgs,
    write: &WriteArgs,
    context: &Context,
) -> Result<Done, Failure> {
    let draft = source::draft(source, || {
        let (_, now) = context.consult(|app| (text.read)(app, task))?;
        Ok(now.unwrap_or_default())
    })?;
    let Some(draft) = draft else { return show(text, task, write, context) };
    let saved = save(text, task, &draft, write, context);
    let body = draft.text.clone();
    let (outcome, place) = draft.settle(saved)?;
    let Some(task) = &outcome.task else { return Ok(Done::silent()) };
    let done = write.output.reply(
        || shape::of_task(text.member, task, &place, &body),
        || "ok".to_owned(),
        || match outcome.events.is_empty() {
            true => format!("Nothing changed in the {} of {}", text.name, task.name()),
            false => format!("Wrote the {} of {}", text.name, task.name()),
        },
    );
    Ok(done.after(&outcome))
}

fn save(
    text: &Text,
    task: &str,
    draft: &Draft,
    write: &WriteArgs,
    context: &Context,
) -> Result<(Outcome, PathBuf), Failure> {
    let mut app = context.writer()?;
    let outcome = app.execute(&context.identity(write), |names| {
        Ok((text.command)(names.task(task)?, draft.text.clone(), draft.base.clone()))
    })?;
    let place = outcome.task.as_ref().map(|task| place(&app, text, task)).unwrap_or_default();
    Ok((outcome, place))
}

fn show(text: &Text, task: &str, write: &WriteArgs, context: &Context) -> Result<Done, Failure> {
    let app = context.reader()?;
    let (task, body) = (text.read)(&app, task)?;
    let body = body.ok_or_else(|| {
        let name = task.name();
        Failure::new(Code::NotFound, format!("{name} has no {}", text.name)).hint(format!(
            "write them: `lattice {} {name} --file FILE` (or `-` for standard input)",
            text.name
        ))
    })?;
    if write.output.json {
        return Ok(Done::envelope(shape::of_task(text.member, &task, &place(&app, text, &task), &body)));
    }
    Ok(Done::exact(&body))
}

/// Where an export puts the text.
fn place(app: &App, text: &Text, task: &Task) -> PathBuf {
    let tree = &app.root().tree;
    let folder = if task.archived { tree.join("archive") } else { tree.clone() };
    folder.join(text.folder).join(format!("{}.md", task.id))
}
