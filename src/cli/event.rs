//! `lattice event`: record an event of a type of your own.

use serde_json::{Map, Value};

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::{Code, Failure, chosen_event_id};
use crate::domain::Command;
use crate::domain::event::strict_json;

/// Which event, on which task.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// A type of your own, which begins with x_
    #[arg(value_name = "TYPE")]
    kind: String,
    /// What the event says: a JSON object
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// An id of your own, so that the call can be repeated safely
    #[arg(long, value_name = "ev_…")]
    id: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Records the event.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let data = args.data.as_deref().map(object).transpose()?.unwrap_or_default();
    let kind = args.kind.clone();
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        let id = args.id.as_deref().map(|text| chosen_event_id(text, names.now_millis)).transpose()?;
        Ok(Command::Custom { task: names.task(&args.task)?, kind, data, id })
    })?;
    let Some(event) = outcome.events.last().or(outcome.known.as_ref()) else { return Ok(Done::silent()) };
    let done = args.write.output.reply(
        || event.value(),
        || event.id.to_string(),
        || {
            let name = outcome.task.as_ref().map(|t| t.name()).unwrap_or_default();
            let known = if outcome.events.is_empty() { " (was there already)" } else { "" };
            format!("Recorded {} on {name}{known}\n{}", args.kind, event.id)
        },
    );
    Ok(done.after(&outcome))
}

fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    let wrong = |what: String| {
        Failure::new(Code::ValidationError, what)
            .hint("write --data as a JSON object, such as '{\"build\": 7}'")
    };
    match strict_json(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(wrong("--data is JSON, but no object".to_owned())),
        Err(error) => Err(wrong(format!("--data cannot be read: {error}"))),
    }
}
