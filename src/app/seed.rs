//! Example tasks for a new tracker: one of each kind of thing, made by the rules that hold for all.

use super::execute::carry_out;
use super::{Failure, World};
use crate::domain::command::NewTask;
use crate::domain::{Author, Command, TaskId};
use crate::store::Transaction;

/// Tag of all examples, so that they are found and archived together.
const TAG: &str = "example";

/// Makes a parent with three parts: one done, one in progress, one that waits.
pub(super) fn seed(tx: &Transaction<'_>, world: &World, author: &Author) -> Result<(), Failure> {
    let config = tx.config()?;
    let act = |command: Command| carry_out(tx, world, config.clone(), author, &command).map(drop);
    // Lists are in the order of ids, and these are all of one moment.
    let mut ids: Vec<TaskId> = (0..4).map(|_| world.task_id()).collect();
    ids.sort_by(|a, b| b.as_str().cmp(a.as_str()));
    let mut make = |title: &str, description: &str| -> Result<TaskId, Failure> {
        let id = ids.pop().unwrap_or_else(|| world.task_id());
        let task = NewTask {
            title: title.to_owned(),
            description: Some(description.to_owned()),
            tags: vec![TAG.to_owned()],
            ..NewTask::default()
        };
        act(Command::Create { id: id.clone(), chosen: false, task })?;
        Ok(id)
    };
    let comment = |task: &TaskId, body: &str| {
        act(Command::Comment { task: task.clone(), body: body.to_owned(), reply_to: None, role: None })
    };
    let whole = make(
        "Example: get to know the tracker",
        "A parent of three tasks. Look at it with `lattice show`, archive the examples when you have seen enough.",
    )?;
    let parts = [
        make("Example: a finished task", "Its history tells who did what, and when.")?,
        make("Example: a task at work", "It has a plan, and somebody is on it.")?,
        make("Example: a task that waits", "`lattice blocked` says for what.")?,
    ];
    for part in &parts {
        act(Command::Link {
            task: part.clone(),
            kind: "subtask_of".to_owned(),
            target: whole.clone(),
            note: None,
        })?;
    }
    let [done, at_work, waits] = &parts;
    for (task, target) in [(done, at_work), (at_work, waits)] {
        act(Command::Link {
            task: task.clone(),
            kind: "blocks".to_owned(),
            target: target.clone(),
            note: None,
        })?;
    }
    for (task, statuses) in
        [(done, &["planned", "in_progress", "review", "done"][..]), (at_work, &["planned", "in_progress"])]
    {
        let body = "# How\n\n1. Read the task.\n2. Do it.\n3. Say what came of it.\n".to_owned();
        act(Command::SetPlan { task: task.clone(), body, base: None })?;
        for status in statuses {
            act(Command::Status { task: task.clone(), to: (*status).to_owned(), force: false })?;
        }
    }
    comment(done, "Comments stay with the task: what was found, what was decided.")?;
    comment(at_work, "The next one who reads this knows where it stands.")
}
