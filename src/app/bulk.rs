//! Taking in events and artifacts from elsewhere: set union, then folding again.
//!
//! Facts from elsewhere are accepted as facts; only their form and their identity are checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::arrivals::{self, TaskImport};
use super::conflicts::{self, TaskConflicts};
use super::{App, Code, Failure, FoundArtifact, World, redactions};
use crate::domain::artifact::{Artifact, NewArtifact};
use crate::domain::event::{Event, kind};
use crate::domain::id::TaskId;
use crate::store::{ArtifactAdded, Reader, TextKind, Transaction};

/// Where something was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as a user would name it.
    pub file: PathBuf,
    /// The line, from 1; `None` where the whole file is meant.
    pub line: Option<usize>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file.display()),
            None => write!(f, "{}", self.file.display()),
        }
    }
}

/// Something with the place where it was read.
#[derive(Clone, Debug)]
pub struct Sourced<T> {
    /// The thing.
    pub item: T,
    /// Where it was read.
    pub place: Place,
}

impl Sourced<Event> {
    /// Whether it stands in a log. Else it was made of a whole file, which a hand changed: the logs
    /// of that tree do not hold it.
    pub(super) fn is_logged(&self) -> bool {
        self.place.line.is_some()
    }
}

/// What a tree holds that can be taken in.
#[derive(Clone, Debug, Default)]
pub struct ImportSet {
    /// Events, those made of hand-edited files included. Ids may repeat with the same content.
    pub events: Vec<Sourced<Event>>,
    /// How many events beside these the tree holds that are known to be known.
    pub known_events: usize,
    /// Artifacts.
    pub artifacts: Vec<Sourced<FoundArtifact>>,
    /// (prefix, number): numbers below are not given to new tasks.
    pub number_floors: Vec<(String, i64)>,
    /// (name, record): taken in only when the tracker is made.
    pub sessions: Vec<(String, serde_json::Value)>,
    /// Names of sessions that must not be given out again, known or not.
    pub session_names: Vec<String>,
    /// The tracker that the tree belongs to, where it says so.
    pub instance_id: Option<String>,
}

/// Which side wins where one id has two contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// The tracker's.
    Database,
    /// The tree's.
    Tree,
}

/// How to merge.
#[derive(Clone, Debug, Default)]
pub struct Merge {
    /// The tracker is being made: sessions come in too.
    pub first: bool,
    /// Which side wins where one id has two contents; `None` refuses.
    pub prefer: Option<Prefer>,
    /// Take in the tasks of another tracker; its configuration and context stay out.
    pub adopt: bool,
    /// Make one tracker of this and another: all of it comes in, and what is later holds, the
    /// tracker's id too. Every clone that does so ends as the same tracker.
    pub unite: bool,
}

/// What a merge did, or would do.
#[derive(Clone, Debug, Default)]
pub struct ImportReport {
    /// Events that were new.
    pub new_events: usize,
    /// Events that were known already.
    pub known_events: usize,
    /// How many of both stand in no log of the tree: they were made of files edited by hand.
    pub unlogged_events: usize,
    /// New events by task.
    pub tasks: BTreeMap<String, TaskImport>,
    /// New events of the tracker itself and of resources, by type.
    pub other: BTreeMap<String, usize>,
    /// Artifacts that were new or got their payload.
    pub new_artifacts: usize,
    /// Prefixes under which new tasks get higher numbers than before.
    pub raised_floors: usize,
    /// Contested numbers after the merge: (short id, claimants' ids).
    pub contested: Vec<(String, Vec<String>)>,
    /// Ids whose other content was put into quarantine.
    pub quarantined: Vec<String>,
    /// Texts edited by hand in the tree that came in, but behind a later change that holds:
    /// (task's name, or nothing for the context; `plan`, `notes` or `context`).
    pub superseded: Vec<(Option<String>, &'static str)>,
    /// Ids of events that were redacted elsewhere: their content is gone from here too.
    pub redacted: Vec<String>,
    /// Events that came with content which is redacted here: it stayed out.
    pub withheld: usize,
    /// Why the file may still hold traces of what was redacted; `None` if it does not.
    pub traces: Option<String>,
    /// Known tasks that were changed on both sides, in the same place: the new events are one side.
    pub concurrent: Vec<TaskConflicts>,
}

impl ImportReport {
    /// Whether nothing came in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let set_aside = self.quarantined.len() + self.redacted.len();
        set_aside + self.new_events + self.new_artifacts + self.raised_floors == 0
    }
}

impl App {
    /// Takes a set in, in one transaction. With `dry_run` everything is done and then undone, so
    /// the report says what would happen. `each` hears of every task folded.
    ///
    /// # Errors
    /// `IMPORT_CONFLICT` where an id has two contents, `INSTANCE_MISMATCH`, `STORE_…`; nothing was
    /// changed then.
    pub fn import(
        &mut self,
        set: &ImportSet,
        merge_as: &Merge,
        dry_run: bool,
        mut each: impl FnMut(&TaskId),
    ) -> Result<ImportReport, Failure> {
        self.store.expect_much()?;
        let world = &self.world;
        let mut report = None;
        let result = self.store.write(|tx| {
            let done = merge(tx, world, set, merge_as, &mut each)?;
            report = Some(done);
            if dry_run { Err(Undo::DryRun) } else { Ok(()) }
        });
        match result {
            // The change is saved by now, in the log beside the file. Whether it can be copied
            // over already is no matter of the import: a full disk must not deny what happened.
            Ok(()) => drop(self.store.checkpoint()),
            Err(Undo::DryRun) => return Ok(report.unwrap_or_default()),
            Err(Undo::Failed(failure)) => return Err(*failure),
        }
        let mut report = report.unwrap_or_default();
        if !report.redacted.is_empty() {
            report.traces = self.scrub();
        }
        Ok(report)
    }
}

/// Why a merge is not committed.
pub(super) enum Undo {
    DryRun,
    Failed(Box<Failure>),
}

impl From<Failure> for Undo {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl From<crate::store::StoreError> for Undo {
    fn from(error: crate::store::StoreError) -> Self {
        Failure::from(error).into()
    }
}

/// Unites the set with what the file holds.
pub(super) fn merge(
    tx: &Transaction<'_>,
    world: &World,
    set: &ImportSet,
    how: &Merge,
    each: &mut dyn FnMut(&TaskId),
) -> Result<ImportReport, Failure> {
    let foreign = check_instance(tx, set, how)?;
    let mut report = ImportReport { known_events: set.known_events, ..ImportReport::default() };
    let fresh = fresh_events(tx, world, set, how, foreign, &mut report)?;
    let arrivals = arrivals::before(tx, &fresh, &mut report)?;
    tx.append_many(&fresh, |id| each(id))?;
    arrivals.after(tx, &mut report)?;
    report.superseded = superseded(tx, &fresh)?;
    report.concurrent = conflicts::of_import(tx, &fresh, &report.tasks)?;
    // In a new tracker there are no artifacts yet, and telling which are withheld reads the whole log.
    let none = how.first && set.artifacts.is_empty();
    let withheld = if none { Vec::new() } else { tx.withhold_artifacts()? };
    for sourced in
        set.artifacts.iter().filter(|s| !withheld.iter().any(|id| id == s.item.artifact.id.as_str()))
    {
        let found = &sourced.item;
        match tx.compare_artifact(&found.artifact, found.hash())? {
            ArtifactAdded::New | ArtifactAdded::Completed => {
                tx.add_artifact(&found.whole()?)?;
                report.new_artifacts += 1;
            }
            ArtifactAdded::Known => {}
            ArtifactAdded::Differs => settle_artifact(tx, world, how, sourced, &mut report)?,
        }
    }
    for (prefix, next) in &set.number_floors {
        report.raised_floors += usize::from(tx.raise_number_floor(prefix, *next)?);
    }
    for (name, state) in set.sessions.iter().filter(|_| how.first) {
        tx.save_session(name, state)?;
    }
    // Those of the events are counted when a session begins.
    if how.first && !set.session_names.is_empty() {
        let mut serials = tx.serials()?;
        set.session_names.iter().for_each(|name| serials.note(name));
        tx.save_serials(&serials)?;
    }
    report.contested = tx.contested_short_ids()?;
    Ok(report)
}

fn settle_artifact(
    tx: &Transaction<'_>,
    world: &World,
    how: &Merge,
    sourced: &Sourced<FoundArtifact>,
    report: &mut ImportReport,
) -> Result<(), Failure> {
    let text =
        |artifact: &Artifact| crate::domain::json::line(&serde_json::Value::Object(artifact.meta().clone()));
    let theirs = &sourced.item;
    let id = theirs.artifact.id.as_str();
    let Some(known) = tx.find_artifact(id)? else { return Ok(()) };
    let (tree, database) = (text(&theirs.artifact), text(&known));
    let clash = Clash { id, what: "artifact", place: &sourced.place, tree: &tree, database: &database };
    let tree_wins = clash.settle(tx, world, how, report)?;
    let is_one = known.names_the_payload_of(&theirs.artifact);
    let theirs = theirs.whole()?;
    let ours = tx.payload(&theirs.artifact.id)?;
    let (artifact, winner, loser) = match tree_wins {
        true => (theirs.artifact, theirs.payload, ours),
        false => (known, ours, theirs.payload),
    };
    // An absent payload is less than a present one, so it does not win against it.
    let (payload, loser) = match (winner, loser) {
        (None, loser) if is_one => (loser, None),
        sides => sides,
    };
    if let Some(loser) = loser.filter(|loser| payload.as_ref() != Some(loser)) {
        tx.quarantine_payload(id, &world.now().to_string(), &loser)?;
    }
    Ok(tx.replace_artifact(&NewArtifact { artifact, payload })?)
}

/// Whether the set is another tracker's; refused unless it is to be adopted.
fn check_instance(reader: &Reader<'_>, set: &ImportSet, how: &Merge) -> Result<bool, Failure> {
    let config = reader.config()?;
    let (Some(ours), Some(theirs)) = (config.instance_id(), set.instance_id.as_deref()) else {
        return Ok(false);
    };
    if ours == theirs || how.unite {
        return Ok(false);
    }
    if how.adopt {
        return Ok(true);
    }
    Err(Failure::new(
        Code::InstanceMismatch,
        format!("the tree belongs to tracker {theirs}, this one is {ours}"),
    )
    .hint("--adopt takes its tasks in and leaves its configuration out")
    .details(json!({"tree": theirs, "database": ours})))
}

/// The events that the file does not hold, in canonical order.
fn fresh_events<'a>(
    tx: &Transaction<'_>,
    world: &World,
    set: &'a ImportSet,
    how: &Merge,
    foreign: bool,
    report: &mut ImportReport,
) -> Result<Vec<&'a Event>, Failure> {
    let mut fresh: Vec<&Event> = Vec::new();
    let nothing_known = tx.last_place()? == 0;
    let mut winners = Vec::new();
    let mut tombstones = Vec::new();
    for sourced in redactions::each_once(set, foreign)? {
        let event = &sourced.item;
        report.unlogged_events += usize::from(!sourced.is_logged());
        let known = if nothing_known { None } else { tx.event_text(&event.id)? };
        let Some(known) = known else {
            fresh.push(event);
            continue;
        };
        if known == event.raw() {
            report.known_events += 1;
            continue;
        }
        let Some(known) = tx.find_event(&event.id)? else { continue };
        match redactions::holding(&known, event) {
            Some(held) if held.raw() == known.raw() => {
                report.known_events += 1;
                report.withheld += usize::from(event.redacted.is_none());
            }
            Some(_) => tombstones.push(event),
            None => {
                let clash = Clash {
                    id: event.id.as_str(),
                    what: "event",
                    place: &sourced.place,
                    tree: event.raw(),
                    database: known.raw(),
                };
                if clash.settle(tx, world, how, report)? {
                    winners.push(event.clone());
                }
            }
        }
    }
    if !winners.is_empty() {
        tx.replace_events(&winners)?;
    }
    tx.redact(&tombstones)?;
    report.redacted = tombstones.iter().map(|event| event.id.to_string()).collect();
    fresh.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(fresh)
}

/// One id with two contents.
struct Clash<'a> {
    id: &'a str,
    what: &'static str,
    place: &'a Place,
    /// The content in the tree, as text.
    tree: &'a str,
    /// The content in the tracker, as text.
    database: &'a str,
}

impl Clash<'_> {
    /// Refuses, or keeps the loser aside and says whether the tree's content wins.
    fn settle(
        &self,
        tx: &Transaction<'_>,
        world: &World,
        how: &Merge,
        report: &mut ImportReport,
    ) -> Result<bool, Failure> {
        let Some(prefer) = how.prefer else {
            return Err(Failure::new(
                Code::ImportConflict,
                format!("{} {} ({}) differs from the one in the tracker", self.what, self.id, self.place),
            )
            .hint("nothing was imported; --prefer database or --prefer tree decides, and the other is set aside")
            .details(json!({"id": self.id, "file": self.place.file.display().to_string(), "line": self.place.line})));
        };
        let loser = if prefer == Prefer::Tree { self.database } else { self.tree };
        tx.quarantine(self.id, self.what, &world.now().to_string(), loser)?;
        report.quarantined.push(self.id.to_owned());
        Ok(prefer == Prefer::Tree)
    }
}

/// Texts that were edited by hand in the tree, and do not hold: a later change does.
fn superseded(reader: &Reader<'_>, fresh: &[&Event]) -> Result<Vec<(Option<String>, &'static str)>, Failure> {
    let mut found = Vec::new();
    for event in fresh.iter().filter(|event| event.actor.display() == HAND) {
        let (name, now) = match (event.kind.as_str(), event.task()) {
            (kind::PLAN_UPDATED, Some(task)) => {
                ("plan", reader.find_text(TextKind::Plan, task)?.map(|t| t.body))
            }
            (kind::NOTES_UPDATED, Some(task)) => {
                ("notes", reader.find_text(TextKind::Notes, task)?.map(|t| t.body))
            }
            (kind::CONTEXT_UPDATED, None) => ("context", reader.context()?),
            _ => continue,
        };
        if now.as_deref() != event.text("body") {
            let task = event.task().map(|id| reader.find_task(id)).transpose()?.flatten();
            found.push((task.map(|task| task.name()), name));
        }
    }
    Ok(found)
}

/// The author of events that were read off files edited by hand.
const HAND: &str = "system:import";
