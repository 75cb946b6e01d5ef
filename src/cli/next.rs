//! `lattice next`: the best task to do now, and taking it.

use serde_json::Value;

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{App, Failure, Outcome};
use crate::domain::{Task, split_tags};
use crate::view;

/// For whom, and out of what.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose next task: an actor such as agent:claude [env: LATTICE_ACTOR]
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Whose next task: a session
    #[arg(long, value_name = "SESSION")]
    name: Option<String>,
    /// Look in these statuses, separated by commas [default: backlog,planned]
    #[arg(long, value_name = "A,B,…")]
    status: Option<String>,
    /// Take the task: assign it and move it to in_progress
    #[arg(long)]
    claim: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Finds the task, and takes it if that was asked for.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let who = context.asker(args.name, args.actor);
    let statuses = args.status.as_deref().map(split_tags);
    if !args.claim {
        let app = context.reader()?;
        let found = app.peek_next(&who, statuses.as_deref())?;
        return answer(&app, found.as_ref(), args.output, describe);
    }
    let mut app = context.writer()?;
    let Some(outcome) = app.claim_next(&who, statuses.as_deref())? else {
        return answer(&app, None, args.output, describe);
    };
    let done = answer(&app, outcome.task.as_ref(), args.output, |task| claimed(task, &outcome))?;
    Ok(done.after(&outcome))
}

fn answer(
    app: &App,
    task: Option<&Task>,
    output: OutputArgs,
    human: impl FnOnce(&Task) -> String,
) -> Result<Done, Failure> {
    let Some(task) = task else {
        return Ok(output.reply(|| Value::Null, String::new, || "No tasks available.".to_owned()));
    };
    let plan = if output.json { Some(app.plan(task.id.as_str())?.1) } else { None };
    Ok(output.reply(|| view::next(task, plan.as_ref()), || task.name(), || human(task)))
}

fn describe(task: &Task) -> String {
    let priority = task.priority.as_deref().unwrap_or("no");
    let kind = task.kind.as_deref().unwrap_or("task");
    let whose = task.assigned_to.as_ref().map_or("nobody", |actor| actor.display());
    format!(
        "{} \"{}\"\n{}  {} priority  {}  assigned to {}",
        task.name(),
        printable(&task.title),
        printable(&task.status),
        printable(priority),
        printable(kind),
        printable(whose)
    )
}

fn claimed(task: &Task, outcome: &Outcome) -> String {
    let verb = if outcome.events.is_empty() { "Go on with" } else { "Claimed" };
    format!("{verb} {}", describe(task))
}
