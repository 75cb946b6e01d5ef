//! What can be mended, and how the exported tree stands to the database.

use std::collections::HashSet;

use serde_json::json;

use super::examine::CHECKS;
use super::{App, Code, Failure, Finding, ImportSet, LOG_CHECK, Level, Report};
use crate::domain::id::TaskId;
use crate::store::Reader;

/// What [`App::mend`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mended {
    /// The tables were as the log says.
    NothingToDo,
    /// The derived tables were made anew.
    Rebuilt,
    /// The log itself is damaged: tables made from it would hide what is still there.
    LogDamaged,
}

impl App {
    /// Mends what a report says is wrong and can be made anew: derived tables, nothing else.
    /// `before` hears of it first.
    ///
    /// # Errors
    /// [`Failure`]; the tables stay as they were then.
    pub fn mend(
        &mut self,
        report: &Report,
        before: impl FnOnce(),
        each: impl FnMut(&TaskId),
    ) -> Result<Mended, Failure> {
        let failed =
            |check: &str| report.findings.iter().any(|f| f.level == Level::Error && f.check == check);
        if failed(CHECKS[0]) || failed(CHECKS[1]) || failed(LOG_CHECK) {
            return Ok(Mended::LogDamaged);
        }
        if !failed(CHECKS[3]) {
            return Ok(Mended::NothingToDo);
        }
        before();
        self.rebuild(None, each)?;
        Ok(Mended::Rebuilt)
    }

    /// The names of all resources.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn resource_names(&self) -> Result<Vec<String>, Failure> {
        self.read(|reader| Ok(reader.resources()?.into_iter().map(|resource| resource.name).collect()))
    }

    /// How a tree stands to the database.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn compare_tree(&self, set: &ImportSet) -> Result<TreeState, Failure> {
        self.read(|reader| compare(reader, set))
    }
}

impl Report {
    /// How many findings are this bad.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Adds a finding about the exported tree.
    pub fn add_about_tree(&mut self, level: Level, message: String) {
        self.findings.push(Finding { level, check: TREE_CHECK, message, task_id: None });
    }

    /// Adds what there is to say of how the tree stands to the database; nothing if they are in
    /// step.
    pub fn add_tree_state(&mut self, state: &TreeState) {
        if let Some(theirs) = &state.foreign {
            self.add_about_tree(Level::Warning, format!("the tree belongs to another tracker ({theirs})"));
            return;
        }
        if state.tree_ahead > 0 {
            let message = format!(
                "the tree holds {} that the database does not; `lattice import` takes them in",
                changes(state.tree_ahead)
            );
            self.add_about_tree(Level::Warning, message);
        }
        if state.database_ahead > 0 {
            let message = format!(
                "the database holds {} that the tree does not; `lattice export` writes them",
                changes(state.database_ahead)
            );
            self.add_about_tree(Level::Warning, message);
        }
        for id in &state.unredacted {
            let message = format!(
                "event {id} is redacted, but the tree still holds its content; `lattice export` takes it out"
            );
            self.add_about_tree(Level::Warning, message);
        }
        for id in &state.different {
            self.add_about_tree(Level::Error, format!("event {id} has other content in the tree"));
        }
    }
}

fn changes(count: usize) -> String {
    if count == 1 { "1 change".to_owned() } else { format!("{count} changes") }
}

/// The check that compares the exported tree with the database.
pub const TREE_CHECK: &str = "exported_tree";

/// How a tree stands to the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeState {
    /// Events and artifacts that only the tree has.
    pub tree_ahead: usize,
    /// Events and artifacts that only the database has.
    pub database_ahead: usize,
    /// Ids of events that have other content in the tree.
    pub different: Vec<String>,
    /// Ids of events whose content is redacted here and stands in the tree.
    pub unredacted: Vec<String>,
    /// The tracker that the tree belongs to, if it is another one.
    pub foreign: Option<String>,
}

fn compare(reader: &Reader<'_>, set: &ImportSet) -> Result<TreeState, Failure> {
    let mut state = TreeState::default();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut known = 0;
    for sourced in &set.events {
        let event = &sourced.item;
        if !seen.insert(event.id.as_str()) {
            continue;
        }
        match reader.find_event(&event.id)? {
            None => state.tree_ahead += 1,
            Some(ours) => {
                known += usize::from(sourced.is_logged());
                match super::redactions::holding(&ours, event) {
                    _ if ours.raw() == event.raw() => {}
                    Some(held) if held.raw() == ours.raw() => state.unredacted.push(event.id.to_string()),
                    Some(_) => state.tree_ahead += 1,
                    None => state.different.push(event.id.to_string()),
                }
            }
        }
    }
    let withheld = reader.withheld_artifacts()?;
    for artifact in set.artifacts.iter().map(|sourced| &sourced.item.artifact) {
        if !seen.insert(artifact.id.as_str()) || withheld.iter().any(|id| id == artifact.id.as_str()) {
            continue;
        }
        match reader.find_artifact(artifact.id.as_str())? {
            None => state.tree_ahead += 1,
            Some(_) => known += 1,
        }
    }
    let totals = reader.totals()?;
    let ours = usize::try_from(totals.events + totals.artifacts).unwrap_or_default();
    state.database_ahead = ours.saturating_sub(known);
    let config = reader.config()?;
    state.foreign = set.instance_id.clone().filter(|theirs| config.instance_id() != Some(theirs.as_str()));
    Ok(state)
}

/// Refuses to go on where the log is not what was written, or its indexes do not lead to all of it.
pub(super) fn sound_log(reader: &Reader<'_>) -> Result<(), Failure> {
    let damaged = |what: &[String]| {
        Failure::new(
            Code::StoreCorrupt,
            format!("the log itself is damaged, so nothing can be made from it: {}", what.join(", ")),
        )
        .hint("nothing was changed; keep the file: `lattice restore BACKUP` puts a backup in its place, and docs/recovery.md tells more")
    };
    let broken = reader.broken_events()?;
    if !broken.is_empty() {
        return Err(damaged(&broken).details(json!({"events": broken})));
    }
    let faults = reader.log_faults()?;
    if faults.is_empty() { Ok(()) } else { Err(damaged(&faults)) }
}
