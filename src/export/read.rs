//! Reading a tree back: logs first, then what stands beside them.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{Derived, FILE_LIMIT, Folder, Kind};
use super::hand_edits::{self, Base};
use super::histories::Histories;
use super::layout::{self, TaskFile};
use super::lines::{self, About, invalid, whole};
use super::prints::Known;
use super::skipped::Skipped;
use super::texts::{json_file, json_text, text_file, unresolved};
use super::{ReadOptions, Tree, ahead, artifacts, lone_texts, many, markers, tasks, unknown};
use crate::app::{App, Code, Failure, Reader, Sourced, hex, sha256};
use crate::domain::event::{Event, Subject};
use crate::domain::{Config, ShortId, TaskId, redact};

/// Reads the tree in `dir` (a `.lattice/` or what was exported elsewhere). Reads only.
///
/// # Errors
/// `IMPORT_INVALID` naming file and line, `TREE_TOO_NEW`, `STORE_…`; nothing is taken in then.
pub fn read_tree(dir: &Path, options: &ReadOptions) -> Result<Tree, Failure> {
    let folder = Folder::to_read(dir);
    check_format(&folder)?;
    read_all(&folder, options)
}

fn read_all(folder: &Folder, options: &ReadOptions) -> Result<Tree, Failure> {
    Reading {
        folder,
        options: *options,
        histories: Histories::default(),
        tree: Tree::default(),
        skipped: None,
    }
    .all()
}

/// The same for this tracker: what reads as at the last export is known and left out of the set, and
/// so are files that are ahead of their logs; texts of its tasks whose logs are missing come in.
///
/// # Errors
/// As [`read_tree`].
pub fn read_tree_for(app: &App, dir: &Path, options: &ReadOptions) -> Result<Tree, Failure> {
    let folder = Folder::to_read(dir);
    check_format(&folder)?;
    app.read(|reader| {
        let mut tree = read_known(reader, &folder, options)?;
        ahead::leave_out(reader, &mut tree)?;
        lone_texts::add(reader, &folder, options, &mut tree)?;
        Ok(tree)
    })
}

fn read_known(reader: &Reader<'_>, folder: &Folder, options: &ReadOptions) -> Result<Tree, Failure> {
    // Whoever has files repaired or snapshots believed wants all of them looked at.
    let known = match options.repair || options.reconcile {
        true => None,
        false => Known::look(reader, folder)?,
    };
    let Some(known) = known else { return read_all(folder, options) };
    let seen = known.seen();
    let skipped = Some(Skipped::new(known, reader));
    let (histories, tree) = Default::default();
    let tree = Reading { folder, options: *options, histories, tree, skipped }.all()?;
    // Hand edits then hang on the earliest event of all (see `hand_edits::origin`).
    let tree = if tree.set.instance_id.is_none() { read_all(folder, options)? } else { tree };
    Ok(Tree { seen, ..tree })
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
    let Some(Derived::Bytes(bytes)) = folder.read_derived(Path::new(layout::FORMAT_FILE))? else {
        return Ok(());
    };
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

/// So many logs are read at once: what was read of them waits for the others.
const LOGS: usize = 1024;

struct Reading<'a> {
    folder: &'a Folder,
    options: ReadOptions,
    histories: Histories,
    tree: Tree,
    /// Tasks that need not be read; `None` if all are.
    skipped: Option<Skipped<'a>>,
}

impl Reading<'_> {
    fn all(mut self) -> Result<Tree, Failure> {
        self.logs()?;
        let skipped = self.skipped.as_ref();
        tasks::read(self.folder, &self.options, &mut self.histories, skipped, &mut self.tree.report)?;
        self.instance()?;
        let notices = &mut self.tree.report.notices;
        let (found, strays) = artifacts::read(self.folder, self.options.repair, notices)?;
        self.tree.set.artifacts = found;
        self.tree.report.unknown_files.extend(strays);
        self.number_floors()?;
        self.sessions(Path::new(layout::SESSIONS))?;
        self.sessions(&Path::new(layout::SESSIONS).join(layout::ARCHIVE))?;
        let mut known: HashSet<TaskId> = self.histories.task_ids().into_iter().collect();
        if let Some(skipped) = &self.skipped {
            self.tree.set.known_events = skipped.events();
            known.extend(skipped.tasks().cloned());
        }
        self.tree.set.events = self.histories.into_events();
        let mut tree = self.tree;
        tree.report.unknown_files.extend(unknown::list(self.folder, &known, &tree.set.events)?);
        tree.logged = known;
        tree.report.unknown_files.sort();
        tree.report.unknown_files.dedup();
        tree.report.disagreements.sort_by(|a, b| (&a.task, &a.field).cmp(&(&b.task, &b.field)));
        Ok(tree)
    }

    /// Every log of the tree. A creation may stand in the log of all lifecycles only.
    fn logs(&mut self) -> Result<(), Failure> {
        let mut logs = Vec::new();
        for archived in [false, true] {
            let at = TaskFile::Log.folder(archived);
            for entry in self.folder.list(&at)?.iter() {
                let about = if let Some(id) = TaskFile::Log.task(&entry.name) {
                    if self.skipped.as_ref().is_some_and(|skipped| skipped.has(&id)) {
                        continue;
                    }
                    About::One(Subject::Task(id))
                } else if let Some(id) = layout::resource_of_log(&entry.name).filter(|_| !archived) {
                    About::One(Subject::Resource(id))
                } else {
                    continue;
                };
                logs.push((at.join(&entry.name), about));
            }
        }
        let (folder, repair) = (self.folder, self.options.repair);
        for some in logs.chunks(LOGS) {
            for read in many::each(some, |(path, about)| {
                let mut notices = Vec::new();
                let log = lines::read_log(folder, path, about, repair, &mut notices)?;
                Ok::<_, Failure>((log.events, notices))
            }) {
                let (events, notices) = read?;
                self.histories.extend(events);
                self.tree.report.notices.extend(notices);
            }
        }
        self.lifecycles()?;
        self.log(Path::new(layout::INSTANCE), &About::One(Subject::Instance))?;
        let shown = self.skipped.as_ref().map(|skipped| skipped.shown_otherwise(&self.histories));
        self.read_after_all(shown.unwrap_or_default())
    }

    /// The log of copies.
    fn lifecycles(&mut self) -> Result<(), Failure> {
        let path = Path::new(layout::LIFECYCLE);
        if self.skipped.as_ref().is_some_and(Skipped::has_lifecycles) {
            return Ok(());
        }
        // Most lines are copies to the letter, and need not be parsed to see that.
        let others = self.skipped.as_ref().map(Skipped::lifecycles).transpose()?.unwrap_or_default();
        let known: HashSet<&str> =
            self.histories.lifecycles().chain(others.iter().map(String::as_str)).collect();
        let is_copy = |line: &[u8]| std::str::from_utf8(line).is_ok_and(|line| known.contains(line));
        let (repair, notices) = (self.options.repair, &mut self.tree.report.notices);
        let log = lines::read_some(self.folder, path, &About::AnyTask, &is_copy, repair, notices)?;
        let copies = log.events;
        // What else the lines say of tasks that were skipped is said nowhere else.
        let news = copies.iter().filter_map(|copy| copy.item.task().cloned()).collect();
        self.read_after_all(news)?;
        for place in self.histories.extend_with_copies(copies) {
            let notice = format!("{place}: differs from the same event in the task's log, which counts");
            self.tree.report.notices.push(notice);
        }
        Ok(())
    }

    /// Reads the logs of those of the tasks that were skipped and cannot be: something else speaks
    /// of them.
    fn read_after_all(&mut self, tasks: BTreeSet<TaskId>) -> Result<(), Failure> {
        for id in tasks {
            let Some(archived) = self.skipped.as_mut().and_then(|skipped| skipped.part_with(&id)) else {
                continue;
            };
            let path = TaskFile::Log.path(&id, archived);
            self.log(&path, &About::One(Subject::Task(id)))?;
        }
        Ok(())
    }

    fn log(&mut self, path: &Path, about: &About) -> Result<(), Failure> {
        let notices = &mut self.tree.report.notices;
        let log = lines::read_log(self.folder, path, about, self.options.repair, notices)?;
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
        let Some(text) = text_file(self.folder, path, FILE_LIMIT, repair, notices)? else { return Ok(None) };
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
        let Some(text) = text_file(self.folder, path, FILE_LIMIT, repair, notices)? else { return Ok(None) };
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
        let bytes = match self.folder.read_derived(path)? {
            None => return Ok(()),
            Some(Derived::Bytes(bytes)) => bytes,
            Some(Derived::TooLong) => Vec::new(),
        };
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
            if let Some(Value::Object(map)) = if ours { &index.floors } else { &index.next_seqs } {
                next.extend(map.iter().map(|(prefix, number)| (prefix.clone(), number)));
            } else if let Some(number) = index.next_seq.as_ref().filter(|_| !ours) {
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
        for entry in self.folder.list(at)?.iter() {
            if entry.kind != Kind::File || !entry.name.ends_with(".json") {
                continue;
            }
            let path: PathBuf = at.join(&entry.name);
            let mut unheard = Vec::new();
            let record = json_file(self.folder, &path, FILE_LIMIT, true, &mut unheard).ok().flatten();
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

/// What counts of an index. The rest of it, a line for each task, is passed over.
#[derive(serde::Deserialize)]
struct Index {
    floors: Option<Value>,
    next_seqs: Option<Value>,
    next_seq: Option<Value>,
}

/// The index of a tree, or both sides of it where git left markers; nothing if it cannot be read.
fn index_sides(bytes: &[u8]) -> Vec<Index> {
    // A list would read as the members in their order.
    let is_object = |text: &&str| text.trim_start().starts_with('{');
    let read = |text: &str| Some(text).filter(is_object).and_then(|text| serde_json::from_str(text).ok());
    let text = String::from_utf8_lossy(bytes);
    if let Some(index) = read(&text) {
        return vec![index];
    }
    let sides = markers::conflict(&text).and_then(|conflict| conflict.sides);
    sides.into_iter().flatten().filter_map(|side| read(&side)).collect()
}
