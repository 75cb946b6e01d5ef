//! `next`: the best task to do now, and taking it without ever sharing it.

use super::execute::{Outcome, carry_out};
use super::failure::Failure;
use super::identity::Identity;
use super::{App, World, code::Code};
use crate::domain::{Actor, Command, Config, Task};
use crate::store::{NextCursor, Reader, Transaction};

/// Statuses that `next` picks from when none are given.
pub const POOL: [&str; 2] = ["backlog", "planned"];
/// Statuses that `next` never picks from.
const NEVER: [&str; 4] = ["needs_human", "blocked", "done", "cancelled"];

/// The statuses to pick from.
fn pool(statuses: Option<&[String]>) -> Vec<String> {
    match statuses {
        Some(given) => given.iter().filter(|s| !NEVER.contains(&s.as_str())).cloned().collect(),
        None => POOL.map(str::to_owned).to_vec(),
    }
}

impl App {
    /// The task that `next` would take: work that the actor has begun, else the best of the pool.
    ///
    /// # Errors
    /// [`Failure`] if the actor is not valid or the file cannot be read.
    pub fn peek_next(&self, who: &Identity, statuses: Option<&[String]>) -> Result<Option<Task>, Failure> {
        self.store.read(|reader| {
            let actor = who.explicit(reader)?;
            Ok(pick(reader, actor.as_ref(), statuses, None, false)?.map(|(task, _)| task))
        })
    }

    /// Takes the next task. A task that cannot be had (the plan gate refuses it, it is somebody's
    /// work already) is passed over where another can be had. Everything is one transaction, so no
    /// two callers ever get the same task.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` without an actor, `PLAN_REQUIRED` where only unplanned tasks are left,
    /// `INVALID_TRANSITION` where the workflow has no way to work, `ALREADY_CLAIMED` where the
    /// statuses that were asked for hold only work of others.
    pub fn claim_next(
        &mut self,
        who: &Identity,
        statuses: Option<&[String]>,
    ) -> Result<Option<Outcome>, Failure> {
        let world = &self.world;
        let outcome = self.store.write(|tx| claim(tx, world, &tx.config()?, who, statuses))?;
        outcome.iter().for_each(|outcome| self.remember_hooks(outcome));
        Ok(outcome)
    }

    /// Tasks that could be begun now, best first; with an actor also those that are assigned to it.
    ///
    /// # Errors
    /// [`Failure`] if the actor is not valid or the file cannot be read.
    pub fn ready(
        &self,
        who: &Identity,
        statuses: Option<&[String]>,
        limit: Option<usize>,
    ) -> Result<Vec<Task>, Failure> {
        self.store.read(|reader| {
            let actor = who.explicit(reader)?;
            Ok(reader.ready(&pool(statuses), actor.as_ref().map(Actor::display), limit)?)
        })
    }
}

/// The same in a transaction that is already open.
pub(super) fn claim(
    tx: &Transaction<'_>,
    world: &World,
    config: &Config,
    who: &Identity,
    statuses: Option<&[String]>,
) -> Result<Option<Outcome>, Failure> {
    if who.explicit(tx)?.is_none() {
        return Err(Failure::new(Code::ValidationError, "--claim needs to know who claims")
            .hint("add --actor agent:NAME, or set LATTICE_ACTOR"));
    }
    let author = who.author(tx, config)?;
    let mut refused: Option<Failure> = None;
    let (mut after, mut planned) = (None, false);
    while let Some((task, cursor)) = pick(tx, Some(&author.actor), statuses, after.as_ref(), planned)? {
        let command = Command::Claim { task: task.id.clone() };
        match carry_out(tx, world, config.clone(), &author, &command) {
            Ok(outcome) => return Ok(Some(outcome)),
            Err(failure) if is_passed_over(&failure) => {
                // Where one was refused for want of a plan, so would all without one be: a backlog may
                // hold thousands, and nobody else can write meanwhile.
                planned |= failure.code == Code::PlanRequired;
                refused.get_or_insert(failure);
                after = Some(cursor);
            }
            Err(failure) => return Err(failure),
        }
    }
    refused.map_or(Ok(None), Err)
}

fn is_passed_over(failure: &Failure) -> bool {
    matches!(failure.code, Code::PlanRequired | Code::InvalidTransition | Code::AlreadyClaimed)
}

/// Where to go on looking: work that the actor has begun stands before the pool.
enum Place {
    Begun(NextCursor),
    Pool(NextCursor),
}

fn pick(
    reader: &Reader<'_>,
    actor: Option<&Actor>,
    statuses: Option<&[String]>,
    after: Option<&Place>,
    planned: bool,
) -> Result<Option<(Task, Place)>, Failure> {
    let name = actor.map(Actor::display);
    let (begun, pooled) = match after {
        None => (Some(None), None),
        Some(Place::Begun(cursor)) => (Some(Some(cursor)), None),
        Some(Place::Pool(cursor)) => (None, Some(cursor)),
    };
    if let (Some(name), Some(after)) = (name, begun)
        && let Some((task, cursor)) = reader.resumable(name, after)?
    {
        return Ok(Some((task, Place::Begun(cursor))));
    }
    // What is at work already needs no plan any more.
    let pool = pool(statuses);
    let planned = planned && !pool.iter().any(|status| status == "in_progress");
    let next = reader.next_candidate(&pool, name, pooled, planned)?;
    Ok(next.map(|(task, cursor)| (task, Place::Pool(cursor))))
}
