//! What a project holds, so that two moments of it can be compared: the facts of its tracker
//! without ids and times, which differ from run to run, and every other file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::sandbox::content;
use crate::support::Project;

/// One moment of a project.
#[derive(PartialEq, Debug, Clone)]
pub struct State {
    /// None where there is no tracker.
    pub facts: Option<String>,
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl State {
    pub fn of(project: &Project) -> Self {
        let facts = project.database().exists().then(|| facts_of(&project.database()));
        let mut files = BTreeMap::new();
        for (path, bytes) in content(project.path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let working = path.starts_with(project.lattice())
                && (name.starts_with("lattice.db")
                    || ["lock", "restoring"].contains(&name)
                    || name.starts_with(".names-"));
            if working || name.contains(".tmp") {
                continue;
            }
            // What is trusted here is kept under a name made of the project's path.
            if path.starts_with(project.home().join(".local/state")) {
                if name.ends_with(".json") {
                    files.insert(PathBuf::from("trust"), Vec::new());
                }
                continue;
            }
            // A copy of the database is another file each time, with the same in it.
            let bytes = if name.ends_with(".db") { facts_of(&path).into_bytes() } else { bytes };
            files.insert(path.strip_prefix(project.path()).unwrap().to_path_buf(), bytes);
        }
        Self { facts, files }
    }

    /// Whether every file is that of one of these moments, or absent as in one of them.
    pub fn is_between(&self, before: &Self, after: &Self) -> Result<(), String> {
        let paths = self.files.keys().chain(before.files.keys()).chain(after.files.keys());
        for path in paths {
            let found = self.files.get(path);
            if found != before.files.get(path) && found != after.files.get(path) {
                return Err(format!("{} is neither old nor new", path.display()));
            }
        }
        if self.facts != before.facts && self.facts != after.facts {
            return Err(format!("the tracker is neither old nor new: {:?}", self.facts));
        }
        Ok(())
    }
}

/// The facts of a database; its content must be readable.
fn facts_of(path: &Path) -> String {
    // Writable: a journal may have to be played back.
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let mut all = String::new();
    for query in [
        "SELECT type || ' ' || length(raw) FROM events ORDER BY seq",
        "SELECT short_id || ' ' || title || ' ' || status || ' ' || coalesce(assigned_to, '') FROM tasks ORDER BY 1",
        "SELECT name || ' ' || coalesce(length(ended_at), 0) FROM sessions ORDER BY 1",
        "SELECT 'artifact ' || title FROM artifacts ORDER BY id",
        "SELECT 'payload ' || length(content) FROM payloads ORDER BY hash",
    ] {
        let mut statement = conn.prepare(query).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
            all.push_str(&row.get::<_, Option<String>>(0).unwrap().unwrap_or_default());
            all.push('\n');
        }
    }
    all
}
