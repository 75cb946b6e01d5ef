//! Whether the exported tree and the tracker have moved since they were last brought together, told
//! at a glance: the cost does not grow with either.
//!
//! A small file beside the database remembers the moment. It is a hint and nothing else: nothing is
//! ever skipped because of it, and without it, or with a broken one, the answer is that nobody knows.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{App, Failure, ImportReport};

/// The file, beside the database.
const NAME: &str = "lattice.db-seen";
/// It is never longer than this: a line for each worktree.
const LIMIT: u64 = 1024 * 1024;

/// How the tree and the tracker stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Neither has moved.
    InStep,
    /// The tree was changed by somebody else: git, or a hand.
    TreeAhead,
    /// The tracker holds events that were not exported.
    DatabaseAhead,
    /// Each has what the other lacks.
    Both,
    /// They were never brought together here.
    Unknown,
}

impl App {
    /// How this worktree's tree stands to the tracker. `look` is what it looks like now.
    ///
    /// # Errors
    /// [`Failure`] if the database cannot be read.
    pub fn step(&self, look: &str) -> Result<Step, Failure> {
        let Some(record) = self.record() else { return Ok(Step::Unknown) };
        let tree = record.get("look").and_then(Value::as_str) != Some(look);
        let database = record.get("at") != Some(&self.reached()?);
        Ok(match (tree, database) {
            (false, false) => Step::InStep,
            (true, false) => Step::TreeAhead,
            (false, true) => Step::DatabaseAhead,
            (true, true) => Step::Both,
        })
    }

    /// Remembers that the tree was written and holds all that the tracker does.
    pub fn note_written(&self, look: &str) {
        if let Ok(at) = self.reached() {
            self.remember(&json!({"look": look, "at": at}));
        }
    }

    /// Remembers that what the tree held, when it looked so, was taken in. It holds all of the tracker
    /// if as many events stand in its logs as there are; after a checkout of something older, or
    /// where a file was edited by hand, it does not.
    pub fn note_taken(&self, look: &str, report: &ImportReport) {
        let logged = (report.known_events + report.new_events).saturating_sub(report.unlogged_events);
        let total = self.read(|reader| Ok(reader.totals()?.events)).ok();
        let at = match total.and_then(|total| usize::try_from(total).ok()) {
            Some(total) if logged >= total => self.reached().unwrap_or_default(),
            _ => Value::Null,
        };
        self.remember(&json!({"look": look, "at": at}));
    }

    /// The place in the log that the tracker has come to.
    fn reached(&self) -> Result<Value, Failure> {
        self.read(|reader| Ok(json!(format!("{}:{}", reader.epoch()?, reader.last_seq()?))))
    }

    fn record(&self) -> Option<Map<String, Value>> {
        match self.records().remove(&self.key())? {
            Value::Object(record) => Some(record),
            _ => None,
        }
    }

    /// Writes it in place and without a flush: a broken one is as good as none.
    fn remember(&self, record: &Value) {
        let mut records = self.records();
        if records.get(&self.key()) == Some(record) {
            return;
        }
        // Worktrees that are gone are forgotten.
        records.retain(|tree, _| PathBuf::from(tree).is_dir());
        records.insert(self.key(), record.clone());
        let text = crate::domain::json::document(&Value::Object(records));
        let opened = plain(OpenOptions::new().write(true).create(true).truncate(true)).open(self.seen());
        if let Ok(mut file) = opened {
            let _ = file.write_all(text.as_bytes());
        }
    }

    fn records(&self) -> Map<String, Value> {
        let mut text = String::new();
        let opened = plain(OpenOptions::new().read(true)).open(self.seen());
        match opened.and_then(|file| file.take(LIMIT).read_to_string(&mut text)) {
            Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
            Err(_) => Map::new(),
        }
    }

    fn seen(&self) -> PathBuf {
        self.root.lattice.join(NAME)
    }

    fn key(&self) -> String {
        self.root.tree.to_string_lossy().into_owned()
    }
}

/// No link is followed, and nobody at the other end of a pipe is waited for.
fn plain(options: &mut OpenOptions) -> &mut OpenOptions {
    use rustix::fs::OFlags;
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
}
