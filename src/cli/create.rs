//! `lattice create`: make a task.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::WriteArgs;
use crate::app::{Failure, chosen_task_id};
use crate::domain::Command;
use crate::domain::command::NewTask;
use crate::view;

/// What a new task is made of.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What is to be done, in a line
    title: String,
    /// One of the configured types [default: task]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// critical, high, medium or low [default: as configured]
    #[arg(long)]
    priority: Option<String>,
    /// immediate, high, normal or low
    #[arg(long)]
    urgency: Option<String>,
    /// low, medium or high
    #[arg(long)]
    complexity: Option<String>,
    /// One of the workflow's statuses [default: as configured]
    #[arg(long)]
    status: Option<String>,
    /// What there is to say beyond the title
    #[arg(long)]
    description: Option<String>,
    /// Tags, separated by commas
    #[arg(long, value_name = "A,B,…")]
    tags: Option<String>,
    /// Who is to do it
    #[arg(long, value_name = "ACTOR")]
    assigned_to: Option<String>,
    /// An id of your own, so that the call can be repeated safely
    #[arg(long, value_name = "task_…")]
    id: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Makes the task.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        let id = args.id.as_deref().map(|text| chosen_task_id(text, names.now_millis)).transpose()?;
        let task = NewTask {
            title: args.title,
            kind: args.kind,
            priority: args.priority,
            urgency: args.urgency,
            complexity: args.complexity,
            status: args.status,
            description: args.description,
            tags: args.tags.as_deref().map(crate::domain::split_tags).unwrap_or_default(),
            assigned_to: args.assigned_to.as_deref().map(|text| names.actor(text)).transpose()?,
        };
        Ok(Command::Create { chosen: id.is_some(), id: id.unwrap_or_else(|| names.fresh_task()), task })
    })?;
    let Some(task) = &outcome.task else { return Ok(Done::silent()) };
    let done = args.write.output.reply(
        || view::task(task),
        || task.name(),
        || {
            let known = if outcome.events.is_empty() { " (was there already)" } else { "" };
            let kind = task.kind.as_deref().unwrap_or("task");
            let priority = task.priority.as_deref().unwrap_or("no");
            format!(
                "Created {} \"{}\"{known}\n{}  {priority} priority  {kind}  {}",
                task.name(),
                printable(&task.title),
                task.status,
                task.id
            )
        },
    );
    Ok(done.after(&outcome))
}
