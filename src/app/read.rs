//! Reading: what surfaces show of tasks, comments, plans, and of the tracker's health.

use std::collections::BTreeMap;

use super::{App, Failure, Search, Traces, resolve};
use crate::domain::artifact::Artifact;
use crate::domain::comment::Comment;
use crate::domain::event::{Event, kind};
use crate::domain::id::TaskId;
use crate::domain::{Config, Task, plan, workflow};
use crate::store::{Incoming, Reader, TextKind};

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
    /// Tasks at the ends of outgoing relations, those of the past too, by id.
    pub related: BTreeMap<String, Related>,
    pub incoming: Vec<Incoming>,
    pub artifacts: Vec<ArtifactInfo>,
    /// Whether a plan beyond the scaffold is there.
    pub has_plan: bool,
    pub has_notes: bool,
    /// The last time the task left `done`.
    pub reopened: Option<Event>,
    /// What git knows of it; empty unless it was asked.
    pub traces: Traces,
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
            details(reader, &reader.config()?, task)
        })
    }

    /// The same, and asks git which branches and commits name the task, unless the configuration
    /// says not to. That answer comes later: it takes as long as reading the rest.
    ///
    /// # Errors
    /// As [`App::task`]; git itself never fails.
    pub fn details_asking_git(&self, text: &str) -> Result<(Details, Option<Search>), Failure> {
        self.read(|reader| {
            let task = resolve::task(reader, text)?;
            let config = reader.config()?;
            let search = match config.detects_git() {
                true => self.ask_git(&task, &config),
                false => None,
            };
            Ok((details(reader, &config, task)?, search))
        })
    }

    fn ask_git(&self, task: &Task, config: &Config) -> Option<Search> {
        let code = config.project_code();
        Search::start(&self.world, &self.root.project, &task.name(), code, &task.created_at)
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
                super::mend::sound_log(tx)?;
                if tx.found_history(&id)?.is_empty() {
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

fn details(reader: &Reader<'_>, config: &Config, task: Task) -> Result<Details, Failure> {
    let events = reader.history(&task.id)?;
    let mut related = BTreeMap::new();
    let now = task.relationships_out.iter().map(|relation| relation.target_task_id.as_str());
    for target in now.chain(events.iter().filter_map(|event| event.text("target_task_id"))) {
        if !related.contains_key(target) {
            let found = TaskId::parse_foreign(target).map(|id| reader.find_task(&id)).transpose()?.flatten();
            related.insert(target.to_owned(), relation_end(config, target, found));
        }
    }
    let mut artifacts = Vec::new();
    for evidence in task.evidence_refs.iter().filter(|e| e.source_type == "artifact") {
        artifacts.push(ArtifactInfo {
            id: evidence.id.clone(),
            role: evidence.role.clone(),
            artifact: reader.find_artifact(&evidence.id)?,
        });
    }
    // The history is at hand: asking the tables for the texts that it leaves takes longer.
    let plan = events.iter().rev().find_map(|event| body_of(event, kind::PLAN_UPDATED));
    let has_notes = events.iter().any(|event| body_of(event, kind::NOTES_UPDATED).is_some());
    let (titles, descriptions) = super::names_over_time(Some(&task), &events);
    Ok(Details {
        valid_transitions: workflow::valid_transitions(config, &task.status),
        status_name: config.display_name(&task.status),
        related,
        incoming: reader.incoming(&task.id)?,
        artifacts,
        has_plan: plan.is_some_and(|body| !plan::is_scaffold(body, &titles, &descriptions)),
        has_notes,
        traces: Traces::default(),
        reopened: events.iter().rev().find(|e| left_done(e)).cloned(),
        events,
        task,
    })
}

/// The text of a plan or notes, if the event is of this kind.
fn body_of<'a>(event: &'a Event, kind: &str) -> Option<&'a str> {
    if event.kind == kind { event.text("body") } else { None }
}

fn relation_end(config: &Config, id: &str, task: Option<Task>) -> Related {
    match task {
        Some(task) => Related {
            name: task.name(),
            is_finished: task.archived || config.finished().contains(&task.status.as_str()),
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
