//! Files that are ahead of the logs beside them: an export that was broken off wrote them, no hand
//! did.

use std::collections::HashSet;

use super::Tree;
use super::layout::TaskFile;
use super::tasks::Versions;
use crate::app::{Failure, Reader, Sourced};
use crate::domain::event::{Event, kind};
use crate::domain::{Subject, TaskId};

/// What is made of files that hands may edit.
const EDITS: [&str; 4] =
    [kind::PLAN_UPDATED, kind::NOTES_UPDATED, kind::CONTEXT_UPDATED, kind::CONFIG_CHANGED];

/// Takes edits out that say what the tracker says and the logs of the tree do not say yet: files get
/// their names before the logs that account for them. Taken in, such an edit would sort behind the
/// end of the old log, and where clocks go wrong behind later changes too. A hand that wrote just
/// this meant what the tracker said then.
///
/// # Errors
/// `STORE_…`.
pub(super) fn leave_out(reader: &Reader<'_>, tree: &mut Tree) -> Result<(), Failure> {
    let is_edit =
        |event: &Sourced<Event>| event.place.line.is_none() && EDITS.contains(&event.item.kind.as_str());
    let (edits, mut events): (Vec<_>, Vec<_>) =
        std::mem::take(&mut tree.set.events).into_iter().partition(is_edit);
    if !edits.is_empty() {
        let raw: HashSet<&str> = events.iter().map(|logged| logged.item.raw()).collect();
        let plans = events.iter().filter(|logged| logged.item.kind == kind::PLAN_UPDATED);
        let logs = Logs { raw, plans: plans.filter_map(|logged| logged.item.task()).collect() };
        let mut kept = Vec::new();
        for edit in edits {
            if !is_known(reader, &edit.item, &logs)? {
                kept.push(edit);
            }
        }
        events.extend(kept);
    }
    tree.set.events = events;
    Ok(())
}

/// What stands in the logs of the tree.
struct Logs<'a> {
    /// Every event, as it is written.
    raw: HashSet<&'a str>,
    /// Tasks with plans.
    plans: HashSet<&'a TaskId>,
}

/// Whether an event of the tracker says the same that is not in the logs, letter for letter. Where
/// nobody wrote a plan, a scaffold is known by titles that they do not have.
fn is_known(reader: &Reader<'_>, edit: &Event, logs: &Logs<'_>) -> Result<bool, Failure> {
    let history = match &edit.subject {
        Subject::Task(id) => reader.history(id)?,
        Subject::Instance => reader.instance_history()?,
        Subject::Resource(_) => Vec::new(),
    };
    if edit.kind == kind::PLAN_UPDATED
        && !history.iter().any(|event| event.kind == edit.kind)
        && edit.task().is_some_and(|task| !logs.plans.contains(task))
    {
        let scaffolds = Versions::new(None, &history, TaskFile::Plan);
        return Ok(edit.text("body").is_some_and(|body| scaffolds.is_scaffold(body)));
    }
    Ok(is_said(&history, edit, |event| logs.raw.contains(event.raw())))
}

/// Whether some event says what an edit says, and is none of those that the tree holds.
pub(super) fn is_said(history: &[Event], edit: &Event, is_logged: impl Fn(&Event) -> bool) -> bool {
    history.iter().any(|event| event.kind == edit.kind && event.data == edit.data && !is_logged(event))
}
