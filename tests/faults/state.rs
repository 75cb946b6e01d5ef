//! What a project holds, so that two moments of it can be compared: the facts of its tracker
//! without ids and times, which differ from run to run, and every other file.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::sandbox::content;
use crate::support::Project;

/// One moment of a project.
#[derive(Debug)]
pub struct State {
    /// None where there is no tracker.
    pub facts: Option<String>,
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Made of the bytes of the database with its log in it; the same for the same bytes.
    pub print: u64,
}

/// Ids and times differ from run to run, so the bytes do.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        (&self.facts, &self.files) == (&other.facts, &other.files)
    }
}

impl State {
    /// Looks without a trace: databases are opened as copies, so that their logs stay as they are.
    pub fn of(project: &Project) -> Self {
        let tracker = project.database().exists().then(|| facts_of(&project.database()));
        let (facts, print): (Option<_>, Option<_>) = tracker.unzip();
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
            let bytes =
                if name.ends_with(".db") { facts_of(&path).0.into_bytes() } else { unnamed(bytes, project) };
            files.insert(path.strip_prefix(project.path()).unwrap().to_path_buf(), bytes);
        }
        Self { facts, files, print: print.unwrap_or_default() }
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

/// A text without the name of the project's folder, which every copy has its own of.
fn unnamed(bytes: Vec<u8>, project: &Project) -> Vec<u8> {
    let folder = project.path().file_name().unwrap().to_str().unwrap();
    match String::from_utf8(bytes) {
        Ok(text) => text.replace(folder, "PROJECT").into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

/// The facts of a database, whose content must be readable, and a print of its bytes.
fn facts_of(path: &Path) -> (String, u64) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(path, &copy).unwrap();
    for suffix in ["-wal", "-journal"] {
        let beside = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if beside(path).exists() {
            std::fs::copy(beside(path), beside(&copy)).unwrap();
        }
    }
    let conn = Connection::open(&copy).unwrap();
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
    // Closing it brings the log into it.
    conn.close().unwrap();
    let mut hasher = DefaultHasher::new();
    std::fs::read(&copy).unwrap().hash(&mut hasher);
    (all, hasher.finish())
}
