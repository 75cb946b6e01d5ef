//! `lattice update`: change fields of a task.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use super::write::WriteArgs;
use crate::app::{Code, Failure, Outcome};
use crate::domain::Command;

/// Which task, and which fields.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// title, description, priority, urgency, complexity, type, tags (A,B,…) or
    /// custom_fields.KEY, each with its new value; no value clears an optional field
    #[arg(value_name = "FIELD=VALUE")]
    changes: Vec<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Changes the fields.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let changes = args.changes.iter().map(|text| pair(text)).collect::<Result<Vec<_>, _>>()?;
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::Update { task: names.task(&args.task)?, changes })
    })?;
    args.write.output.changed(&outcome, "No changes", |outcome| {
        let name = outcome.task.as_ref().map(|t| t.name()).unwrap_or_default();
        printable(&format!("Updated {name}: {}", fields(outcome).join(", ")))
    })
}

fn pair(text: &str) -> Result<(String, String), Failure> {
    let (field, value) = text.split_once('=').ok_or_else(|| {
        Failure::new(Code::ValidationError, format!("`{text}` is not FIELD=VALUE"))
            .hint("write for example priority=high, or `description=` to clear one")
    })?;
    Ok((field.to_owned(), value.to_owned()))
}

/// The fields that changed, each once.
fn fields(outcome: &Outcome) -> Vec<&str> {
    let mut fields: Vec<&str> = Vec::new();
    for field in outcome.events.iter().filter_map(|event| event.text("field")) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}
