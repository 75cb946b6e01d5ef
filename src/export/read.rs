//! Reading a tree back: logs first, then what stands beside them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::files::{FILE_LIMIT, Folder, Kind};
use super::hand_edits::{self, Base};
use super::histories::Histories;
use super::layout::{self, TaskFile};
use super::lines::{self, About, invalid, whole};
use super::texts::{json_file, json_text, text_file, unresolved};
use super::{ReadOptions, Tree, artifacts, markers, tasks, unknown};
use crate::app::{Code, Failure, Sourced, hex, sha256};
use crate::domain::event::{Event, Subject};
use crate::domain::{Config, ShortId, TaskId, redact};

/// Reads the tree in `dir` (a `.lattice/` or what was exported elsewhere). Reads only.
///
/// # Errors
/// `IMPORT_INVALID` naming file and line, `TREE_TOO_NEW`, `STORE_…`; nothing is taken in then.
pub fn read_tree(dir: &Path, options: &ReadOptions) -> Result<Tree, Failure> {
    let folder = Folder::to_read(dir);
    check_format(&folder)?;
    let mut reading =
        Reading { folder, options: *options, histories: Histories::default(), tree: Tree::default() };
    reading.logs()?;
    tasks::read(&reading.folder, options, &mut reading.histories, &mut reading.tree.report)?;
    reading.instance()?;
    let notices = &mut reading.tree.report.notices;
    let (found, strays) = artifacts::read(&reading.folder, options.repair, notices)?;
    reading.tree.set.artifacts = found;
    reading.tree.report.unknown_files.extend(strays);
    reading.number_floors()?;
    reading.sessions(Path::new(layout::SESSIONS))?;
    reading.sessions(&Path::new(layout::SESSIONS).join(layout::ARCHIVE))?;
    let known: std::collections::BTreeSet<TaskId> = reading.histories.task_ids().into_iter().collect();
    reading.tree.set.events = reading.histories.into_events();
    let mut tree = reading.tree;
    tree.report.unknown_files.extend(unknown::list(&reading.folder, &known, &tree.set.events)?);
    tree.report.unknown_files.sort();
    tree.report.unknown_files.dedup();
    tree.report.disagreements.sort_by(|a, b| (&a.task, &a.field).cmp(&(&b.task, &b.field)));
    Ok(tree)
}

/// Whether a folder holds a tree, or the beginning of one.
#[must_use]
pub fn holds_tree(dir: &Path) -> bool {
    [layout::CONFIG, layout::INSTANCE, layout::EVENTS, layout::TASKS]
        .iter()
        .any(|name| dir.join(name).symlink_metadata().is_ok())
}

/// Refuses a tree of a newer format. A file that cannot be read says nothing: it is derived.
///
/// # Errors
/// `TREE_TOO_NEW`.
pub(super) fn check_format(folder: &Folder) -> Result<(), Failure> {
    let Some(bytes) = folder.read(Path::new(layout::FORMAT_FILE), FILE_LIMIT)? else { return Ok(()) };
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    match value.get("format").and_then(Value::as_u64) {
        Some(format) if format > layout::FORMAT => Err(Failure::new(
            Code::TreeTooNew,
            format!("the tree is of format {format}; this program knows {}", layout::FORMAT),
        )
        .hint("nothing was changed; install a newer lattice")),
        _ => Ok(()),
    }
}

struct Reading {
    folder: Folder,
    options: ReadOptions,
    histories: Histories,
    tree: Tree,
}

impl Reading {
    /// Every log of the tree. A creation may stand in the log of all lifecycles only.
    fn logs(&mut self) -> Result<(), Failure> {
        for archived in [false, true] {
            let at = TaskFile::Log.folder(archived);
            for entry in self.folder.list(&at)? {
                let about = if let Some(id) = TaskFile::Log.task(&entry.name) {
                    About::One(Subject::Task(id))
                } else if let Some(id) = layout::resource_of_log(&entry.name).filter(|_| !archived) {
                    About::One(Subject::Resource(id))
                } else {
                    continue;
                };
                self.log(&at.join(&entry.name), &about)?;
            }
        }
        let (path, notices) = (Path::new(layout::LIFECYCLE), &mut self.tree.report.notices);
        let log = lines::read_log(&self.folder, path, &About::AnyTask, self.options.repair, notices)?;
        for place in self.histories.extend_with_copies(log.events) {
            notices.push(format!("{place}: differs from the same event in the task's log, which counts"));
        }
        self.log(Path::new(layout::INSTANCE), &About::One(Subject::Instance))
    }

    fn log(&mut self, path: &Path, about: &About) -> Result<(), Failure> {
        let notices = &mut self.tree.report.notices;
        let log = lines::read_log(&self.folder, path, about, self.options.repair, notices)?;
        self.histories.extend(log.events);
        Ok(())
    }

    /// The tracker's own state: which tracker it is, its configuration and its context.
    fn instance(&mut self) -> Result<(), Failure> {
        let history = self.histories.of_instance();
        let config = self.config(&history)?;
        let folded = Config::fold(&history);
        let said = config.as_ref().and_then(|value| value.get("instance_id")).and_then(Value::as_str);
        let id = folded.instance_id().or(said).map(str::to_owned);
        let origin = hand_edits::origin(id.as_deref(), self.histories.earliest());
        let base = Base { subject: &Subject::Instance, history: &history, origin };
        let mut made = Vec::new();
        if let Some(value) = &config {
            if said != id.as_deref() {
                return Err(invalid(
                    &whole(Path::new(layout::CONFIG)),
                    "`instance_id` is not the one that the log names",
                    "nothing was imported; the id of a tracker never changes: put it back",
                ));
            }
            for event in base.config(&hand_edits::without_redacted(value, &history)) {
                made.push(tasks::within_limit(event, Path::new(layout::CONFIG))?);
            }
        }
        made.extend(self.context(&base)?);
        self.histories.extend(made);
        self.tree.set.instance_id = id;
        Ok(())
    }

    /// The configuration of the file, `None` if there is none or both sides of a conflict in it
    /// are known.
    fn config(&mut self, history: &[Event]) -> Result<Option<Value>, Failure> {
        let path = Path::new(layout::CONFIG);
        let (notices, repair) = (&mut self.tree.report.notices, self.options.repair);
        let Some(text) = text_file(&self.folder, path, FILE_LIMIT, repair, notices)? else { return Ok(None) };
        if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err()
            && let Some(conflict) = markers::conflict(&text)
        {
            let known = |side: &String| hand_edits::is_side_known(history, side);
            if conflict.sides.as_ref().is_some_and(|sides| sides.iter().all(known)) {
                self.tree.report.merged.push(markers::passed_over(path));
                return Ok(None);
            }
            return Err(unresolved(path, conflict.line));
        }
        match json_text(&text, path, repair, notices)? {
            value @ Value::Object(_) => Ok(Some(value)),
            _ => Err(invalid(&whole(path), "not a JSON object", "nothing was imported; mend the file")),
        }
    }

    fn context(&mut self, base: &Base<'_>) -> Result<Option<Sourced<Event>>, Failure> {
        let path = Path::new(layout::CONTEXT);
        let (notices, repair) = (&mut self.tree.report.notices, self.options.repair);
        let Some(text) = text_file(&self.folder, path, FILE_LIMIT, repair, notices)? else { return Ok(None) };
        let kinds = [crate::domain::event::kind::CONTEXT_UPDATED];
        let redacted = redact::hashes(base.history, &kinds, "body");
        if hand_edits::context(base.history) == Some(text.as_str())
            || redacted.contains(&hex(&sha256(text.as_bytes())))
        {
            return Ok(None);
        }
        if let Some(conflict) = markers::conflict(&text) {
            let kind = crate::domain::event::kind::CONTEXT_UPDATED;
            let known = |side: &String| {
                base.history.iter().any(|e| e.kind == kind && e.text("body") == Some(side.as_str()))
            };
            if conflict.sides.as_ref().is_some_and(|sides| sides.iter().all(known)) {
                self.tree.report.merged.push(markers::passed_over(path));
                return Ok(None);
            }
            return Err(unresolved(path, conflict.line));
        }
        let event = base.text(crate::domain::event::kind::CONTEXT_UPDATED, &text);
        tasks::within_limit(event, path).map(Some)
    }

    /// Numbers that were given out may not be given again. The rest of the index is derived; that
    /// is all of it but `floors` where Lattice wrote the tree. What comes next there follows from the
    /// events, and taken for a floor it would outlive them in one clone and not in another.
    fn number_floors(&mut self) -> Result<(), Failure> {
        let path = Path::new(layout::IDS);
        let Some(bytes) = self.folder.read(path, FILE_LIMIT)? else { return Ok(()) };
        let indexes = index_sides(&bytes);
        if markers::conflict(&String::from_utf8_lossy(&bytes)).is_some() {
            self.tree.report.merged.push(markers::passed_over(path));
        } else if indexes.is_empty() {
            let notice =
                format!("{}: cannot be read; numbers go on from the tasks that are there", path.display());
            self.tree.report.notices.push(notice);
            return Ok(());
        }
        let ours = self.folder.kind(Path::new(layout::FORMAT_FILE))?.is_some();
        let mut next: Vec<(String, &Value)> = Vec::new();
        for index in &indexes {
            if let Some(Value::Object(map)) = index.get(if ours { "floors" } else { "next_seqs" }) {
                next.extend(map.iter().map(|(prefix, number)| (prefix.clone(), number)));
            } else if let Some(number) = index.get("next_seq").filter(|_| !ours) {
                let history = self.histories.of_instance();
                next.extend(Config::fold(&history).short_id_prefix().map(|prefix| (prefix, number)));
            }
        }
        for (prefix, number) in next {
            // The bounds are those of a short id: what could be no number is no floor.
            let text = format!("{prefix}-{}", number.as_i64().unwrap_or(-1));
            match ShortId::parse(&text) {
                Some(short_id) if short_id.prefix == prefix => {
                    self.tree.set.number_floors.push((prefix, short_id.number));
                }
                _ => {
                    let shown = prefix.escape_debug();
                    self.tree.report.notices.push(format!("{}: `{shown}` left out", path.display()));
                }
            }
        }
        Ok(())
    }

    /// Sessions are local state: one that cannot be read is left out.
    fn sessions(&mut self, at: &Path) -> Result<(), Failure> {
        for entry in self.folder.list(at)? {
            if entry.kind != Kind::File || !entry.name.ends_with(".json") {
                continue;
            }
            let path: PathBuf = at.join(&entry.name);
            let mut unheard = Vec::new();
            let record = json_file(&self.folder, &path, FILE_LIMIT, true, &mut unheard).ok().flatten();
            if entry.name == "index.json" {
                let counters = record.as_ref().and_then(|r| r.get("serial_counters")?.as_object());
                let names = counters.into_iter().flatten().map(|(base, last)| format!("{base}-{last}"));
                self.tree.set.session_names.extend(names);
                continue;
            }
            let name = record.as_ref().and_then(|r| r.get("name")).and_then(Value::as_str).map(str::to_owned);
            match (name, record) {
                (Some(name), Some(record)) if crate::domain::artifact::is_plain_name(&name) => {
                    let sessions = &mut self.tree.set.sessions;
                    if !sessions.iter().any(|(known, _)| *known == name) {
                        sessions.push((name, record));
                    }
                }
                _ => self.tree.report.notices.push(format!("{}: not a session; left out", path.display())),
            }
        }
        Ok(())
    }
}

/// The index of a tree, or both sides of it where git left markers; nothing if it cannot be read.
fn index_sides(bytes: &[u8]) -> Vec<Map<String, Value>> {
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let text = String::from_utf8_lossy(bytes);
    if let Some(index) = read(&text) {
        return vec![index];
    }
    let sides = markers::conflict(&text).and_then(|conflict| conflict.sides);
    sides.into_iter().flatten().filter_map(|side| read(&side)).collect()
}
