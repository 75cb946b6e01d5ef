//! The flags that every writing command shares.

use serde_json::Value;

use super::output::Done;
use crate::app::{Failure, Outcome};
use crate::view;

/// Who acts, why, and how to answer.
#[derive(clap::Args, Debug, Clone, Default)]
pub struct WriteArgs {
    /// Act as this session
    #[arg(long, value_name = "SESSION", help_heading = "Author")]
    pub name: Option<String>,
    /// Act as this actor, such as agent:claude or human:ada [env: LATTICE_ACTOR]
    #[arg(long, value_name = "ACTOR", help_heading = "Author")]
    pub actor: Option<String>,
    /// The model that acts, kept with the event
    #[arg(long, value_name = "MODEL", help_heading = "Author")]
    pub model: Option<String>,
    /// A session's text, kept with the event
    #[arg(long, value_name = "TEXT", help_heading = "Author")]
    pub session: Option<String>,
    /// What made this happen, kept with the event
    #[arg(long, value_name = "TEXT", help_heading = "Author")]
    pub triggered_by: Option<String>,
    /// For whom this happens
    #[arg(long, value_name = "ACTOR", help_heading = "Author")]
    pub on_behalf_of: Option<String>,
    /// Why, kept with the event
    #[arg(long, value_name = "TEXT", help_heading = "Author")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How to answer.
#[derive(clap::Args, Debug, Clone, Copy, Default)]
pub struct OutputArgs {
    /// Answer with one JSON document
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Answer with the bare minimum, such as an id
    #[arg(long, help_heading = "Output")]
    pub quiet: bool,
}

impl OutputArgs {
    /// Answers in the form that was asked for: JSON before quiet before human.
    pub fn reply(
        self,
        json: impl FnOnce() -> Value,
        quiet: impl FnOnce() -> String,
        human: impl FnOnce() -> String,
    ) -> Done {
        if self.json {
            Done::envelope(json())
        } else if self.quiet {
            Done::lines(quiet())
        } else {
            Done::lines(human())
        }
    }

    /// Answers a change of a task: the snapshot, `ok`, or a sentence. Says so where nothing had
    /// to change.
    ///
    /// # Errors
    /// None; the signature fits the end of `run`.
    pub fn changed(
        self,
        outcome: &Outcome,
        unchanged: &str,
        human: impl FnOnce(&Outcome) -> String,
    ) -> Result<Done, Failure> {
        let done = if outcome.events.is_empty() {
            self.reply(|| view::message(unchanged), || "ok".to_owned(), || unchanged.to_owned())
        } else {
            self.reply(|| view::task_of(outcome), || "ok".to_owned(), || human(outcome))
        };
        Ok(done.after(outcome))
    }
}
