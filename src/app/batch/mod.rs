//! Many commands in one transaction, each seeing what those before it did.

mod commands;
mod fields;
mod line;

use std::collections::HashSet;

use serde_json::{Value, json};

use super::bulk::Undo;
use super::execute::{Outcome, Work};
use super::{App, Code, ExitClass, Failure, Identity};
use commands::{Known, Named, Scope, Wish, setting};
use line::Line;

/// Commands that were read, in order, with the numbers of their lines.
pub struct Batch {
    lines: Vec<(usize, Result<Line, Failure>)>,
}

/// What came of a line.
pub struct LineResult {
    /// Its number, from 1.
    pub line: usize,
    /// The name that it gave to what it made.
    pub name: Option<String>,
    /// The command's name; empty for a line that holds none.
    pub command: &'static str,
    /// The setting that it is about, as it was written, with its value; null if that was removed.
    pub setting: Option<(String, Value)>,
    /// What came of it.
    pub result: Result<Outcome, Failure>,
}

impl LineResult {
    /// A line that holds no command.
    fn none(line: usize) -> Self {
        Self { line, name: None, command: "", setting: None, result: Ok(Outcome::default()) }
    }

    /// A line, before anything came of it.
    fn of(number: usize, line: &Line) -> Self {
        let setting = match &line.wish {
            Wish::Setting(path, to) => Some((path.clone(), to.clone().unwrap_or_default())),
            _ => None,
        };
        Self { name: line.name.clone(), command: line.command, setting, ..Self::none(number) }
    }
}

impl Batch {
    /// Reads numbered lines. `common` is the author of those that name none.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` if there is no command at all.
    pub fn read(lines: &[(usize, Vec<u8>)], common: &Identity) -> Result<Self, Failure> {
        if lines.is_empty() {
            return Err(Failure::new(Code::ValidationError, "there is no command in the input")
                .hint("write one on each line, such as {\"create\":{\"title\":\"Parser\"}}"));
        }
        let mut names: HashSet<String> = HashSet::new();
        let mut read = |(number, bytes): &(usize, Vec<u8>)| {
            let line = Line::read(bytes, common).and_then(|line| match &line.name {
                Some(name) if !names.insert(name.clone()) => Err(Failure::new(
                    Code::ValidationError,
                    format!("the name {name} was given by an earlier line"),
                )
                .hint("give every line its own")),
                _ => Ok(line),
            });
            (*number, line)
        };
        Ok(Self { lines: lines.iter().map(&mut read).collect() })
    }

    /// Refuses a batch with a line that does not read, before anything is opened for writing.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` of the first such line.
    pub fn all_readable(mut self) -> Result<Self, Failure> {
        let Some(at) = self.lines.iter().position(|(_, line)| line.is_err()) else { return Ok(self) };
        let (number, line) = self.lines.swap_remove(at);
        line.map_err(|failure| at_line(failure, number)).map(|_| self)
    }
}

impl App {
    /// Carries out all commands in one transaction. With `dry_run` it is undone at the end. `each` hears
    /// what came of every line before the end: it is saved as soon as this succeeds, and not a dry run.
    ///
    /// # Errors
    /// The failure of the first line that fails, naming it; nothing was changed then.
    pub fn batch(
        &mut self,
        batch: Batch,
        dry_run: bool,
        mut each: impl FnMut(LineResult),
    ) -> Result<(), Failure> {
        // Pages that find no room in memory are written before the end, and again when they change again.
        self.store.expect_much()?;
        let world = &self.world;
        let mut due = Vec::new();
        let done = self.store.write(|tx| {
            let mut work = Work::begin(tx, world)?;
            let mut known = Known::new();
            for (number, line) in batch.lines {
                let done = line.and_then(|line| {
                    let mut done = LineResult::of(number, &line);
                    let mut outcome = carry_out(line, number, &mut work, &mut known)?;
                    due.append(&mut outcome.due);
                    done.result = Ok(outcome);
                    Ok(done)
                });
                each(done.map_err(|failure| at_line(failure, number))?);
            }
            if dry_run { Err(Undo::DryRun) } else { Ok(()) }
        });
        match done {
            Ok(()) => self.due.append(&mut due),
            Err(Undo::DryRun) => {}
            Err(Undo::Failed(failure)) => return Err(*failure),
        }
        Ok(())
    }

    /// Carries out each command in a transaction of its own and goes on after failures, but for
    /// those of the file, which the next line would meet too. `each` hears what came of every line.
    pub fn batch_each(&mut self, batch: Batch, mut each: impl FnMut(LineResult)) {
        let mut known = Known::new();
        for (number, line) in batch.lines {
            let mut done =
                line.as_ref().map_or_else(|_| LineResult::none(number), |line| LineResult::of(number, line));
            let world = &self.world;
            done.result = line.and_then(|line| {
                self.store.write(|tx| carry_out(line, number, &mut Work::begin(tx, world)?, &mut known))
            });
            let end =
                done.result.as_ref().is_err_and(|failure| failure.code.exit_class() != ExitClass::Refused);
            if let (Err(_), Some(name)) = (&done.result, &done.name) {
                known.insert(name.clone(), Named::Nothing(number));
            }
            done.result.iter().for_each(|outcome| self.remember_hooks(outcome));
            each(done);
            self.store.bound_the_log();
            if end {
                break;
            }
        }
    }
}

fn carry_out(
    line: Line,
    number: usize,
    work: &mut Work<'_, '_>,
    known: &mut Known,
) -> Result<Outcome, Failure> {
    let outcome = match line.wish {
        Wish::Claim(statuses) => work.claim(&line.who, statuses.as_deref())?.unwrap_or_default(),
        Wish::Setting(path, to) => work.run(&line.who, |_| Ok(setting(&path, to.as_ref())))?,
        Wish::Command(build) => work.run(&line.who, |names| build(&Scope { names, known }))?,
    };
    if let Some(name) = line.name {
        let made = match (line.command, &outcome.task) {
            ("comment", _) => outcome.events.last().map(|event| Named::Comment(event.id.clone())),
            (_, task) => task.as_ref().map(|task| Named::Task(task.id.clone())),
        };
        known.insert(name, made.unwrap_or(Named::Nothing(number)));
    }
    Ok(outcome)
}

/// Says at which line it failed; a failure of the file is no line's.
fn at_line(mut failure: Failure, number: usize) -> Failure {
    if failure.code.exit_class() != ExitClass::Refused {
        return failure;
    }
    failure.message = format!("line {number}: {}", failure.message);
    let hint = failure.hint.take().map_or_else(String::new, |hint| format!("{hint}; "));
    failure.hint = Some(format!("{hint}nothing was changed"));
    match &mut failure.details {
        Some(Value::Object(details)) => drop(details.insert("line".into(), json!(number))),
        details => *details = Some(json!({"line": number})),
    }
    failure
}

/// The members that each command takes, beside those of the author; for the tests that hold them
/// against the command line.
#[must_use]
pub fn batch_members() -> Vec<(&'static str, Vec<&'static str>)> {
    let members = |(name, take): &commands::Entry| {
        let mut fields = fields::Fields::new(name, serde_json::Map::new());
        drop(take(&mut fields));
        (*name, fields.asked().to_vec())
    };
    commands::COMMANDS.iter().map(members).collect()
}
