//! What `archive` and `unarchive` share: one task or several, with a report on each.

use super::context::Context;
use super::output::{self, Done};
use super::write::WriteArgs;
use crate::app::{App, Code, Failure, Outcome};
use crate::domain::{Command, TaskId, split_tags};
use crate::view;

/// What is done to each task.
pub struct Verb {
    /// The word for it, in JSON and in text: `archived`.
    pub done: &'static str,
    /// The command for one task.
    pub command: fn(TaskId) -> Command,
}

/// What became of the tasks.
#[derive(Default)]
pub struct Results {
    /// As typed, with what came of it.
    done: Vec<(String, Outcome)>,
    failed: Vec<(String, Failure)>,
}

/// Ids out of arguments that may hold several between commas.
pub fn split(ids: &[String]) -> Vec<String> {
    ids.iter().flat_map(|text| split_tags(text)).collect()
}

/// Nothing was named.
pub fn none_named(hint: &str) -> Failure {
    Failure::new(Code::ValidationError, "no task is named").hint(hint)
}

/// One task: its event, or its error.
pub fn one(id: &str, verb: &Verb, write: &WriteArgs, context: &Context) -> Result<Done, Failure> {
    let outcome = each(&mut *context.writer()?, id, verb, write, context)?;
    let Some(task) = &outcome.task else { return Ok(Done::silent()) };
    let done = write.output.reply(
        || outcome.events.last().map(crate::domain::Event::value).unwrap_or_default(),
        || task.id.to_string(),
        || format!("{} {}", capitalised(verb.done), task.name()),
    );
    Ok(done.after(&outcome))
}

/// Several tasks, one transaction each: what fails does not keep the others from being done.
///
/// # Errors
/// Only what fails for all of them alike, before anything was changed.
pub fn all(
    app: &mut App,
    ids: &[String],
    verb: &Verb,
    write: &WriteArgs,
    context: &Context,
) -> Result<Results, Failure> {
    let mut results = Results::default();
    for id in ids {
        match each(app, id, verb, write, context) {
            Ok(outcome) => results.done.push((id.clone(), outcome)),
            Err(failure) if results.done.is_empty() && is_about_the_author(&failure) => return Err(failure),
            Err(failure) => results.failed.push((id.clone(), failure)),
        }
    }
    Ok(results)
}

fn each(
    app: &mut App,
    id: &str,
    verb: &Verb,
    write: &WriteArgs,
    context: &Context,
) -> Result<Outcome, Failure> {
    app.execute(&context.identity(write), |names| Ok((verb.command)(names.task(id)?)))
}

fn is_about_the_author(failure: &Failure) -> bool {
    matches!(failure.code, Code::MissingActor | Code::InvalidActor | Code::SessionNotFound)
}

impl Results {
    /// Adds tasks that were found by a rule instead of being named.
    pub fn add(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            let name = outcome.task.as_ref().map(crate::domain::Task::name).unwrap_or_default();
            self.done.push((name, outcome));
        }
    }

    /// The report. Failures go to standard error unless the answer is JSON; the exit status says
    /// that there were some.
    pub fn report(self, verb: &Verb, write: &WriteArgs) -> Done {
        let status = self.failed.iter().map(|(_, failure)| failure.code.exit_class().status()).max();
        let mut done = if write.output.json {
            let done: Vec<&str> = self.done.iter().map(|(id, _)| id.as_str()).collect();
            Done::document(view::several(verb.done, &done, &self.failed))
        } else {
            for (_, failure) in &self.failed {
                output::complain(&output::sentence(failure));
            }
            let tasks = self.done.iter().filter_map(|(_, outcome)| outcome.task.as_ref());
            match (write.output.quiet, self.done.len()) {
                (true, _) => Done::lines(tasks.map(|t| t.id.to_string()).collect::<Vec<_>>().join("\n")),
                (false, 0) => Done::lines(format!("No task was {}.", verb.done)),
                (false, _) => {
                    let names: Vec<String> = tasks.map(crate::domain::Task::name).collect();
                    Done::lines(format!("{} {}", capitalised(verb.done), names.join(", ")))
                }
            }
        };
        for (_, outcome) in &self.done {
            done = done.after(outcome);
        }
        done.status(status.unwrap_or_default())
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
