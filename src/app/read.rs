//! Reading: what surfaces show of tasks, comments, plans, and of the tracker's health.

use std::collections::BTreeMap;

use super::{App, Failure, resolve};
use crate::domain::artifact::Artifact;
use crate::domain::comment::Comment;
use crate::domain::event::{Event, kind};
use crate::domain::fold::{Oddity, TaskState};
use crate::domain::id::TaskId;
use crate::domain::{Config, Task, plan, workflow};
use crate::store::{Incoming, Reader, TextKind, Totals};

/// A task at the other end of a relation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Related {
    /// Its short id or id.
    pub name: String,
    /// Its title; `None` for a task that is not here.
    pub title: Option<String>,
    /// Whether it is finished or archived.
    pub is_finished: bool,
}

/// An artifact as a task refers to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ArtifactInfo {
    /// Its id.
    pub id: String,
    /// Its role for the task.
    pub role: Option<String>,
    /// Its metadata; `None` for one that is not here.
    pub artifact: Option<Artifact>,
}

/// All that `show` shows.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub struct Details {
    pub task: Task,
    /// In canonical order.
    pub events: Vec<Event>,
    pub valid_transitions: Vec<String>,
    pub status_name: String,
    /// Tasks at the ends of outgoing relations, by id.
    pub related: BTreeMap<String, Related>,
    pub incoming: Vec<Incoming>,
    pub artifacts: Vec<ArtifactInfo>,
    /// Whether a plan beyond the scaffold is there.
    pub has_plan: bool,
    pub has_notes: bool,
    /// The last time the task left `done`.
    pub reopened: Option<Event>,
}

/// A plan or notes as they read now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanText {
    /// The text; for a plan that nobody wrote, its scaffold.
    pub body: String,
    /// Whether it says nothing beyond the scaffold.
    pub is_scaffold: bool,
}

/// A comment with its replies.
#[derive(Clone, Debug, PartialEq)]
pub struct CommentThread {
    /// The comment.
    pub comment: Comment,
    /// Its replies, oldest first.
    pub replies: Vec<Comment>,
}

impl App {
    /// The task that this text means.
    ///
    /// # Errors
    /// `INVALID_ID`, `NOT_FOUND`, `AMBIGUOUS_ID`.
    pub fn task(&self, text: &str) -> Result<Task, Failure> {
        self.read(|reader| resolve::task(reader, text))
    }

    /// All that `show` shows of a task.
    ///
    /// # Errors
    /// As [`App::task`].
    pub fn details(&self, text: &str) -> Result<Details, Failure> {
        self.read(|reader| {
            let task = resolve::task(reader, text)?;
            details(reader, task)
        })
    }

    /// A task with its plan.
    ///
    /// # Errors
    /// As [`App::task`].
    pub fn plan(&self, text: &str) -> Result<(Task, PlanText), Failure> {
        self.read(|reader| {
            let task = resolve::task(reader, text)?;
            let plan = plan_of(reader, &task)?;
            Ok((task, plan))
        })
    }

    /// A task with its notes, `None` while nobody wrote any.
    ///
    /// # Errors
    /// As [`App::task`].
    pub fn notes(&self, text: &str) -> Result<(Task, Option<String>), Failure> {
        self.read(|reader| {
            let task = resolve::task(reader, text)?;
            let notes = reader.find_text(TextKind::Notes, &task.id)?.map(|text| text.body);
            Ok((task, notes))
        })
    }

    /// A task's comments in threads, with the task. A whole id of no task at all has none; only
    /// other names have to be known.
    ///
    /// # Errors
    /// As [`App::task`].
    pub fn comments(&self, text: &str) -> Result<(TaskId, Option<Task>, Vec<CommentThread>), Failure> {
        self.read(|reader| match resolve::task(reader, text) {
            Ok(task) => {
                let comments = reader.comments(&task.id)?;
                Ok((task.id.clone(), Some(task), threads(comments)))
            }
            Err(failure) if failure.code == super::Code::NotFound => {
                let id = TaskId::parse_foreign(text.trim()).ok_or(failure)?;
                Ok((id, None, Vec::new()))
            }
            Err(failure) => Err(failure),
        })
    }

    /// What is wrong with the tracker: the file, the log, the tables, the facts.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read at all.
    pub fn examine(&self, mut each: impl FnMut(&TaskId)) -> Result<Report, Failure> {
        self.read(|reader| {
            let mut findings = Vec::new();
            match examine(reader, &mut findings, &mut each) {
                Ok(totals) => Ok(Report { findings, totals }),
                // A file that cannot be read to its end is a finding, not a failure to look.
                Err(failure) if failure.code == super::Code::StoreCorrupt => {
                    let message = format!("the rest could not be examined: {}", failure.message);
                    findings.push(Finding { level: Level::Error, check: CHECKS[0], message, task_id: None });
                    Ok(Report { findings, totals: reader.totals().unwrap_or_default() })
                }
                Err(failure) => Err(failure),
            }
        })
    }

    /// Makes the derived tables anew from the log: all of them, or one task's.
    ///
    /// # Errors
    /// `STORE_CORRUPT` if the log itself is damaged, `NOT_FOUND`; the tables stay as they were then.
    pub fn rebuild(
        &mut self,
        task: Option<&str>,
        mut each: impl FnMut(&TaskId),
    ) -> Result<Vec<TaskId>, Failure> {
        self.store.write(|tx| match task {
            Some(text) => {
                let id = resolve::task_id(tx, text)?;
                if tx.history(&id)?.is_empty() {
                    return Err(Failure::new(super::Code::NotFound, format!("there is no task {text}"))
                        .hint("see `lattice list`"));
                }
                tx.rebuild_task(&id)?;
                Ok(vec![id])
            }
            None => {
                super::mend::sound_log(tx)?;
                let mut rebuilt = Vec::new();
                tx.rebuild(|id| {
                    each(id);
                    rebuilt.push(id.clone());
                })?;
                Ok(rebuilt)
            }
        })
    }
}

/// The plan of a task, or the scaffold in its place.
pub(super) fn plan_of(reader: &Reader<'_>, task: &Task) -> Result<PlanText, Failure> {
    Ok(match reader.find_text(TextKind::Plan, &task.id)? {
        Some(text) => {
            let (titles, descriptions) = super::names_over_time(Some(task), &reader.history(&task.id)?);
            PlanText { is_scaffold: plan::is_scaffold(&text.body, &titles, &descriptions), body: text.body }
        }
        None => PlanText { body: scaffold(task), is_scaffold: true },
    })
}

fn scaffold(task: &Task) -> String {
    let short_id = task.short_id.as_ref().map(ToString::to_string);
    plan::scaffold(short_id.as_deref(), &task.title, task.description.as_deref())
}

fn details(reader: &Reader<'_>, task: Task) -> Result<Details, Failure> {
    let config = reader.config()?;
    let events = reader.history(&task.id)?;
    let mut related = BTreeMap::new();
    for relation in &task.relationships_out {
        let found = TaskId::parse_foreign(&relation.target_task_id)
            .map(|id| reader.find_task(&id))
            .transpose()?
            .flatten();
        related
            .insert(relation.target_task_id.clone(), relation_end(&config, &relation.target_task_id, found));
    }
    let mut artifacts = Vec::new();
    for evidence in task.evidence_refs.iter().filter(|e| e.source_type == "artifact") {
        artifacts.push(ArtifactInfo {
            id: evidence.id.clone(),
            role: evidence.role.clone(),
            artifact: reader.find_artifact(&evidence.id)?,
        });
    }
    Ok(Details {
        valid_transitions: workflow::valid_transitions(&config, &task.status),
        status_name: config.display_name(&task.status),
        related,
        incoming: reader.incoming(&task.id)?,
        artifacts,
        has_plan: !plan_of(reader, &task)?.is_scaffold,
        has_notes: reader.find_text(TextKind::Notes, &task.id)?.is_some(),
        reopened: events.iter().rev().find(|e| left_done(e)).cloned(),
        events,
        task,
    })
}

fn relation_end(config: &Config, id: &str, task: Option<Task>) -> Related {
    match task {
        Some(task) => Related {
            name: task.name(),
            is_finished: task.archived || config.finished().contains(&task.status),
            title: Some(task.title),
        },
        None => Related { name: id.to_owned(), title: None, is_finished: false },
    }
}

/// Whether the task was done and is no more.
fn left_done(event: &Event) -> bool {
    event.kind == kind::STATUS_CHANGED
        && event.text("from") == Some("done")
        && event.text("to") != Some("done")
}

/// Comments in threads: replies below what they answer; an answer to nothing stands alone.
fn threads(comments: Vec<Comment>) -> Vec<CommentThread> {
    let tops: std::collections::HashSet<String> =
        comments.iter().filter(|c| c.parent_id.is_none()).map(|c| c.id.clone()).collect();
    let (replies, top): (Vec<_>, Vec<_>) =
        comments.into_iter().partition(|c| c.parent_id.as_ref().is_some_and(|parent| tops.contains(parent)));
    let mut threads: Vec<CommentThread> =
        top.into_iter().map(|comment| CommentThread { comment, replies: Vec::new() }).collect();
    for reply in replies {
        if let Some(thread) = threads.iter_mut().find(|t| Some(&t.comment.id) == reply.parent_id.as_ref()) {
            thread.replies.push(reply);
        }
    }
    threads
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Legal, but somebody may want to know.
    Warning,
    /// Something is not as it was written.
    Error,
}

/// Something that `doctor` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Which check found it.
    pub check: &'static str,
    /// What it found.
    pub message: String,
    /// The task concerned.
    pub task_id: Option<String>,
}

/// What `doctor` found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings, in order of the checks.
    pub findings: Vec<Finding>,
    /// The tracker's sizes.
    pub totals: Totals,
}

/// The checks of [`App::examine`], in order.
pub const CHECKS: [&str; 8] = [
    "integrity",
    "event_chain",
    "artifact_payloads",
    "derived_tables",
    "history",
    "references",
    "short_ids",
    "quarantine",
];

fn examine(
    reader: &Reader<'_>,
    findings: &mut Vec<Finding>,
    each: &mut dyn FnMut(&TaskId),
) -> Result<Totals, Failure> {
    let mut add = |level, check, task_id: Option<&str>, message: String| {
        findings.push(Finding { level, check, message, task_id: task_id.map(str::to_owned) });
    };
    for fault in reader.integrity_faults()? {
        add(Level::Error, CHECKS[0], None, fault);
    }
    for event in reader.broken_events()? {
        add(Level::Error, CHECKS[1], None, format!("event {event} is not what was written"));
    }
    for artifact in reader.damaged_artifacts()? {
        add(Level::Error, CHECKS[2], None, format!("the payload of {artifact} is not what was written"));
    }
    for (table, difference) in reader.drift()? {
        add(Level::Error, CHECKS[3], None, format!("{table}: {difference} (differs from the log)"));
    }
    for id in reader.task_ids()? {
        let history = reader.history(&id)?;
        let (state, oddities) = TaskState::fold(&history);
        for (place, oddity) in oddities {
            add(
                Level::Warning,
                CHECKS[4],
                Some(id.as_str()),
                format!("event {} {}", history[place].id, oddity_text(oddity)),
            );
        }
        if let Some(task) = &state.task {
            references(reader, task, &mut add)?;
        }
        each(&id);
    }
    for (short_id, tasks) in reader.contested_short_ids()? {
        add(
            Level::Warning,
            CHECKS[6],
            None,
            format!("{short_id} is claimed by {} tasks; the first keeps it", tasks.len()),
        );
    }
    for (id, kind) in reader.quarantined()? {
        add(Level::Warning, CHECKS[7], None, format!("another {kind} under {id} was set aside"));
    }
    Ok(reader.totals()?)
}

fn references(
    reader: &Reader<'_>,
    task: &Task,
    add: &mut impl FnMut(Level, &'static str, Option<&str>, String),
) -> Result<(), Failure> {
    let id = Some(task.id.as_str());
    for relation in &task.relationships_out {
        let target = &relation.target_task_id;
        let known =
            TaskId::parse_foreign(target).map(|id| reader.find_task(&id)).transpose()?.flatten().is_some();
        if target == task.id.as_str() {
            add(Level::Warning, CHECKS[5], id, format!("{} {} itself", task.name(), relation.kind));
        } else if !known {
            add(
                Level::Warning,
                CHECKS[5],
                id,
                format!("{} {} {target}, which is not here", task.name(), relation.kind),
            );
        } else if let Some(way) = circle(reader, task, &relation.kind, target)? {
            add(
                Level::Warning,
                CHECKS[5],
                id,
                format!("{} {} in a circle of {} tasks", task.name(), relation.kind, way),
            );
        }
    }
    for evidence in task.evidence_refs.iter().filter(|e| e.source_type == "artifact") {
        if reader.find_artifact(&evidence.id)?.is_none() {
            add(
                Level::Warning,
                CHECKS[5],
                id,
                format!("{} refers to artifact {}, which is not here", task.name(), evidence.id),
            );
        }
    }
    Ok(())
}

fn circle(reader: &Reader<'_>, task: &Task, kind: &str, target: &str) -> Result<Option<usize>, Failure> {
    let Some(target) = TaskId::parse_foreign(target) else { return Ok(None) };
    let (from, to, waits) = match kind {
        "depends_on" => (&target, &task.id, true),
        "blocks" => (&task.id, &target, true),
        "subtask_of" => (&target, &task.id, false),
        _ => return Ok(None),
    };
    Ok(reader.way(from, to, waits)?.map(|way| way.len()))
}

fn oddity_text(oddity: Oddity) -> String {
    match oddity {
        Oddity::CreatedAgain => "creates the task a second time; it counts as a note only".to_owned(),
        Oddity::NotCreated => "is about a task that nothing created".to_owned(),
        Oddity::IllTyped(member) => format!("has no usable `{member}`"),
        Oddity::ProtectedField => "sets a field that only other events change".to_owned(),
        Oddity::NoSuchComment => "is about a comment that is not there".to_owned(),
        Oddity::UnknownType => "is of a type that this version gives no meaning to".to_owned(),
    }
}
