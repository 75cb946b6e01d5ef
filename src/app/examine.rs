//! Examining the tracker: is everything as it was written, and does it fit together?

use super::circles::Arrows;
use super::{App, Code, Failure, HeadProof};
use crate::domain::fold::{Oddity, TaskState};
use crate::domain::id::TaskId;
use crate::domain::resource::{Holder, Resource};
use crate::domain::{Task, Timestamp};
use crate::store::{ArtifactFault, Reader, Totals};

impl App {
    /// What is wrong with the tracker: the file, the log, the tables, the facts.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read at all.
    pub fn examine(&self, mut each: impl FnMut(&TaskId)) -> Result<Report, Failure> {
        self.read(|reader| {
            let mut report = Report { totals: reader.totals().ok(), ..Report::default() };
            examine(reader, self.world.now(), &mut report, &mut each)?;
            Ok(report)
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
    /// The checks that damage kept from coming to their end. Each has one finding that says so.
    pub unexamined: Vec<&'static str>,
    /// The tracker's sizes, where they can be counted.
    pub totals: Option<Totals>,
    /// What a head proves, where one was given.
    pub since_head: Option<HeadProof>,
}

impl Report {
    fn add(&mut self, level: Level, check: &'static str, task_id: Option<&str>, message: String) {
        self.findings.push(Finding { level, check, message, task_id: task_id.map(str::to_owned) });
    }

    fn warn(&mut self, check: &'static str, task_id: Option<&str>, message: String) {
        self.add(Level::Warning, check, task_id, message);
    }

    /// A check that meets damage has found it; the other checks are made all the same. It is said
    /// once for each check, and what the damage is only once.
    fn unless_damaged<T: Default, E: Into<Failure>>(
        &mut self,
        check: &'static str,
        result: Result<T, E>,
    ) -> Result<T, Failure> {
        match result.map_err(Into::into) {
            Err(failure) if failure.code == Code::StoreCorrupt => {
                self.is_unexamined(check, &failure.message);
                Ok(T::default())
            }
            result => result,
        }
    }

    /// Notes that damage keeps a check from coming to its end.
    pub fn is_unexamined(&mut self, check: &'static str, damage: &str) {
        if self.unexamined.contains(&check) {
            return;
        }
        self.unexamined.push(check);
        let known =
            damage.is_empty() || self.findings.iter().any(|finding| finding.message.ends_with(damage));
        let damage = if known { String::new() } else { format!(": {damage}") };
        self.add(Level::Error, check, None, format!("could not be examined to the end{damage}"));
    }
}

/// The checks of [`App::examine`], in order.
pub const CHECKS: [&str; 9] = [
    "integrity",
    "event_chain",
    "artifact_payloads",
    "derived_tables",
    "history",
    "references",
    "short_ids",
    "quarantine",
    "resources",
];

fn examine(
    reader: &Reader<'_>,
    now: Timestamp,
    report: &mut Report,
    each: &mut dyn FnMut(&TaskId),
) -> Result<(), Failure> {
    for fault in report.unless_damaged(CHECKS[0], reader.integrity_faults())? {
        report.add(Level::Error, CHECKS[0], None, fault);
    }
    for event in report.unless_damaged(CHECKS[1], reader.broken_events())? {
        report.add(Level::Error, CHECKS[1], None, format!("event {event} is not what was written"));
    }
    for fault in report.unless_damaged(CHECKS[2], reader.damaged_artifacts())? {
        let what = match fault {
            ArtifactFault::Record(id) => format!("the record of {id} is not what was written"),
            ArtifactFault::Payload(id) => format!("the payload of {id} is not what was written"),
            ArtifactFault::Kept(hash) => {
                format!("the payload {hash}, which was set aside, is not what was written")
            }
            ArtifactFault::Orphan(hash) => format!("the payload {hash} belongs to no artifact"),
        };
        report.add(Level::Error, CHECKS[2], None, what);
    }
    for (table, difference) in report.unless_damaged(CHECKS[3], reader.drift())? {
        report.add(Level::Error, CHECKS[3], None, format!("{table}: {difference} (differs from the log)"));
    }
    histories(reader, report, each)?;
    for (short_id, tasks) in report.unless_damaged(CHECKS[6], reader.contested_short_ids())? {
        let mut others = Vec::new();
        for id in tasks.iter().filter_map(|id| TaskId::parse_foreign(id)) {
            let task = report.unless_damaged(CHECKS[6], reader.find_task(&id))?;
            let name = task.map_or_else(|| id.to_string(), |task| task.name());
            if name != short_id {
                others.push(name);
            }
        }
        let message = format!(
            "{short_id} was claimed by {} tasks; the first has it, the others are called {}",
            tasks.len(),
            others.join(", ")
        );
        report.warn(CHECKS[6], None, message);
    }
    for (id, kind) in report.unless_damaged(CHECKS[7], reader.quarantined())? {
        report.warn(CHECKS[7], None, format!("another {kind} under {id} was set aside"));
    }
    for resource in report.unless_damaged(CHECKS[8], reader.resources())? {
        holds(&resource, now, report);
    }
    Ok(())
}

/// What the events of tasks mean, and where their relations lead.
fn histories(reader: &Reader<'_>, report: &mut Report, each: &mut dyn FnMut(&TaskId)) -> Result<(), Failure> {
    let mut circles = Circles::default();
    let withheld = report.unless_damaged(CHECKS[5], reader.withheld_artifacts())?;
    for id in report.unless_damaged(CHECKS[4], reader.found_task_ids())? {
        let history = report.unless_damaged(CHECKS[4], reader.found_history(&id))?;
        let (state, oddities) = TaskState::fold(&history);
        for (place, oddity) in oddities {
            let message = format!("event {} {}", history[place].id, oddity_text(oddity));
            report.warn(CHECKS[4], Some(id.as_str()), message);
        }
        if let Some(task) = &state.task {
            let examined = references(reader, task, &withheld, &mut circles, report);
            report.unless_damaged(CHECKS[5], examined)?;
        }
        each(&id);
    }
    circles.report(report);
    if report.unexamined.contains(&CHECKS[4]) {
        // Relations stand in the histories.
        report.is_unexamined(CHECKS[5], "");
    }
    Ok(())
}

/// Holds that are over and that nobody has ended, and more of them than there may be.
fn holds(resource: &Resource, now: Timestamp, report: &mut Report) {
    let (over, held): (Vec<&Holder>, Vec<&Holder>) =
        resource.holders.iter().partition(|holder| holder.is_expired(now));
    for holder in over {
        let message = format!(
            "{} was held by {} until {}, and was not let go; the next `lattice resource acquire` ends that",
            resource.name,
            holder.actor.display(),
            holder.expires_at
        );
        report.warn(CHECKS[8], None, message);
    }
    if i64::try_from(held.len()).is_ok_and(|count| count > resource.max_holders) {
        let message = format!(
            "{} is held by {}, and {} may hold it; that ends as their time runs out",
            resource.name,
            held.iter().map(|holder| holder.actor.display()).collect::<Vec<_>>().join(", "),
            resource.max_holders
        );
        report.warn(CHECKS[8], None, message);
    }
}

fn references(
    reader: &Reader<'_>,
    task: &Task,
    withheld: &[String],
    circles: &mut Circles,
    report: &mut Report,
) -> Result<(), Failure> {
    let id = Some(task.id.as_str());
    for relation in &task.relationships_out {
        let target = &relation.target_task_id;
        let known = reader.has_task(target)?;
        if target == task.id.as_str() {
            report.warn(CHECKS[5], id, format!("{} {} itself", task.name(), relation.kind));
        } else if !known {
            let message = format!("{} {} {target}, which is not here", task.name(), relation.kind);
            report.warn(CHECKS[5], id, message);
        } else {
            circles.add(task, &relation.kind, target);
        }
    }
    for evidence in task.evidence_refs.iter().filter(|e| e.source_type == "artifact") {
        if !withheld.contains(&evidence.id) && reader.find_artifact(&evidence.id)?.is_none() {
            let message = format!("{} refers to artifact {}, which is not here", task.name(), evidence.id);
            report.warn(CHECKS[5], id, message);
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

    fn report(&self, report: &mut Report) {
        for (arrows, named) in self.arrows.iter().zip(&self.named) {
            for ((task, what), size) in named.iter().zip(arrows.circles()) {
                if let Some(size) = size {
                    report.warn(CHECKS[5], Some(task), format!("{what} in a circle of {size} tasks"));
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
