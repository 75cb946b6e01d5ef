//! Examining the tracker: is everything as it was written, and does it fit together?

use super::circles::Arrows;
use super::{App, Code, Failure};
use crate::domain::Task;
use crate::domain::fold::{Oddity, TaskState};
use crate::domain::id::TaskId;
use crate::store::{ArtifactFault, Reader, Totals};

impl App {
    /// What is wrong with the tracker: the file, the log, the tables, the facts.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read at all.
    pub fn examine(&self, mut each: impl FnMut(&TaskId)) -> Result<Report, Failure> {
        self.read(|reader| {
            let mut findings = Vec::new();
            examine(reader, &mut findings, &mut each)?;
            Ok(Report { findings, totals: reader.totals().unwrap_or_default() })
        })
    }
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
) -> Result<(), Failure> {
    let mut add = |level, check, task_id: Option<&str>, message: String| {
        findings.push(Finding { level, check, message, task_id: task_id.map(str::to_owned) });
    };
    for fault in unless_damaged(CHECKS[0], reader.integrity_faults(), &mut add)? {
        add(Level::Error, CHECKS[0], None, fault);
    }
    for event in unless_damaged(CHECKS[1], reader.broken_events(), &mut add)? {
        add(Level::Error, CHECKS[1], None, format!("event {event} is not what was written"));
    }
    for fault in unless_damaged(CHECKS[2], reader.damaged_artifacts(), &mut add)? {
        let what = match fault {
            ArtifactFault::Record(id) => format!("the record of {id} is not what was written"),
            ArtifactFault::Payload(id) => format!("the payload of {id} is not what was written"),
            ArtifactFault::Orphan(hash) => format!("the payload {hash} belongs to no artifact"),
        };
        add(Level::Error, CHECKS[2], None, what);
    }
    for (table, difference) in unless_damaged(CHECKS[3], reader.drift(), &mut add)? {
        add(Level::Error, CHECKS[3], None, format!("{table}: {difference} (differs from the log)"));
    }
    let mut circles = Circles::default();
    let withheld = unless_damaged(CHECKS[5], reader.withheld_artifacts(), &mut add)?;
    for id in unless_damaged(CHECKS[4], reader.task_ids(), &mut add)? {
        let history = unless_damaged(CHECKS[4], reader.history(&id), &mut add)?;
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
            let examined = references(reader, task, &withheld, &mut circles, &mut add);
            unless_damaged(CHECKS[5], examined, &mut add)?;
        }
        each(&id);
    }
    circles.report(&mut add);
    for (short_id, tasks) in unless_damaged(CHECKS[6], reader.contested_short_ids(), &mut add)? {
        let mut others = Vec::new();
        for id in tasks.iter().filter_map(|id| TaskId::parse_foreign(id)) {
            let name = reader.find_task(&id)?.map_or_else(|| id.to_string(), |task| task.name());
            if name != short_id {
                others.push(name);
            }
        }
        let message = format!(
            "{short_id} was claimed by {} tasks; the first has it, the others are called {}",
            tasks.len(),
            others.join(", ")
        );
        add(Level::Warning, CHECKS[6], None, message);
    }
    for (id, kind) in unless_damaged(CHECKS[7], reader.quarantined(), &mut add)? {
        add(Level::Warning, CHECKS[7], None, format!("another {kind} under {id} was set aside"));
    }
    Ok(())
}

/// A check that meets damage has found it; the other checks are made all the same.
fn unless_damaged<T: Default, E: Into<Failure>>(
    check: &'static str,
    result: Result<T, E>,
    add: &mut impl FnMut(Level, &'static str, Option<&str>, String),
) -> Result<T, Failure> {
    match result.map_err(Into::into) {
        Err(failure) if failure.code == Code::StoreCorrupt => {
            add(Level::Error, check, None, format!("could not be examined to the end: {}", failure.message));
            Ok(T::default())
        }
        result => result,
    }
}

fn references(
    reader: &Reader<'_>,
    task: &Task,
    withheld: &[String],
    circles: &mut Circles,
    add: &mut impl FnMut(Level, &'static str, Option<&str>, String),
) -> Result<(), Failure> {
    let id = Some(task.id.as_str());
    for relation in &task.relationships_out {
        let target = &relation.target_task_id;
        let known = reader.has_task(target)?;
        if target == task.id.as_str() {
            add(Level::Warning, CHECKS[5], id, format!("{} {} itself", task.name(), relation.kind));
        } else if !known {
            add(
                Level::Warning,
                CHECKS[5],
                id,
                format!("{} {} {target}, which is not here", task.name(), relation.kind),
            );
        } else {
            circles.add(task, &relation.kind, target);
        }
    }
    for evidence in task.evidence_refs.iter().filter(|e| e.source_type == "artifact") {
        if !withheld.contains(&evidence.id) && reader.find_artifact(&evidence.id)?.is_none() {
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

/// Relations that may lead in circles: those over which tasks wait, and those of parts.
#[derive(Default)]
struct Circles {
    arrows: [Arrows; 2],
    /// Of each arrow: whose it is, and what it says.
    named: [Vec<(String, String)>; 2],
}

impl Circles {
    fn add(&mut self, task: &Task, kind: &str, target: &str) {
        let (family, from, to) = match kind {
            "depends_on" => (0, task.id.as_str(), target),
            "blocks" => (0, target, task.id.as_str()),
            "subtask_of" => (1, task.id.as_str(), target),
            _ => return,
        };
        self.arrows[family].add(from, to);
        self.named[family].push((task.id.to_string(), format!("{} {kind}", task.name())));
    }

    fn report(&self, add: &mut impl FnMut(Level, &'static str, Option<&str>, String)) {
        for (arrows, named) in self.arrows.iter().zip(&self.named) {
            for ((task, what), size) in named.iter().zip(arrows.circles()) {
                if let Some(size) = size {
                    let message = format!("{what} in a circle of {size} tasks");
                    add(Level::Warning, CHECKS[5], Some(task), message);
                }
            }
        }
    }
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
