//! Where everything stands in the tree, as paths relative to its folder.
//!
//! The names are those of the predecessor; `instance.jsonl` and `format.json` are our own.

use std::path::{Path, PathBuf};

use crate::domain::id::{ArtifactId, ResourceId, TaskId};

/// The tree's format. A tree of a higher number is refused.
pub(super) const FORMAT: u64 = 1;

/// The configuration.
pub(super) const CONFIG: &str = "config.json";
/// Short ids and the next number under each prefix.
pub(super) const IDS: &str = "ids.json";
/// The context.
pub(super) const CONTEXT: &str = "context.md";
/// The tree's format number.
pub(super) const FORMAT_FILE: &str = "format.json";
/// The tracker's own events. Nothing foreign may stand in `events/`: the predecessor stumbles.
pub(super) const INSTANCE: &str = "instance.jsonl";
/// Creations and moves into and out of the archive, of all tasks together.
pub(super) const LIFECYCLE: &str = "events/_lifecycle.jsonl";
/// Snapshots.
pub(super) const TASKS: &str = "tasks";
/// Event logs.
pub(super) const EVENTS: &str = "events";
/// Plans.
pub(super) const PLANS: &str = "plans";
/// Notes.
pub(super) const NOTES: &str = "notes";
/// Where the four above stand for archived tasks.
pub(super) const ARCHIVE: &str = "archive";
/// What artifacts say about themselves.
pub(super) const ARTIFACT_META: &str = "artifacts/meta";
/// What artifacts hold.
pub(super) const ARTIFACT_PAYLOAD: &str = "artifacts/payload";
/// One folder for each resource.
pub(super) const RESOURCES: &str = "resources";
/// The file in a resource's folder.
pub(super) const RESOURCE_FILE: &str = "resource.json";
/// Sessions of the predecessor: read once, never written.
pub(super) const SESSIONS: &str = "sessions";

/// What a task's four files are called and where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TaskFile {
    /// `events/<id>.jsonl`.
    Log,
    /// `tasks/<id>.json`.
    Snapshot,
    /// `plans/<id>.md`.
    Plan,
    /// `notes/<id>.md`.
    Notes,
}

impl TaskFile {
    /// All four.
    pub(super) const ALL: [Self; 4] = [Self::Log, Self::Snapshot, Self::Plan, Self::Notes];

    fn folder_and_suffix(self) -> (&'static str, &'static str) {
        match self {
            Self::Log => (EVENTS, ".jsonl"),
            Self::Snapshot => (TASKS, ".json"),
            Self::Plan => (PLANS, ".md"),
            Self::Notes => (NOTES, ".md"),
        }
    }

    /// The folder, below `archive/` for archived tasks.
    pub(super) fn folder(self, archived: bool) -> PathBuf {
        let (folder, _) = self.folder_and_suffix();
        if archived { Path::new(ARCHIVE).join(folder) } else { PathBuf::from(folder) }
    }

    /// The file of a task.
    pub(super) fn path(self, id: &TaskId, archived: bool) -> PathBuf {
        let (_, suffix) = self.folder_and_suffix();
        self.folder(archived).join(format!("{id}{suffix}"))
    }

    /// Whether a path is that of such a file.
    pub(super) fn is_at(self, path: &Path) -> bool {
        let above = path.parent();
        [false, true].iter().any(|archived| above == Some(&self.folder(*archived)))
    }

    /// The task that a file name in the folder stands for.
    pub(super) fn task(self, name: &str) -> Option<TaskId> {
        let (_, suffix) = self.folder_and_suffix();
        TaskId::parse_foreign(name.strip_suffix(suffix)?)
    }
}

/// The log of a resource's id.
pub(super) fn resource_log(id: &str) -> PathBuf {
    Path::new(EVENTS).join(format!("{id}.jsonl"))
}

/// The resource's id that a file name in `events/` stands for.
pub(super) fn resource_of_log(name: &str) -> Option<ResourceId> {
    ResourceId::parse_foreign(name.strip_suffix(".jsonl")?)
}

/// The snapshot of a resource. The name has been checked.
pub(super) fn resource_snapshot(name: &str) -> PathBuf {
    Path::new(RESOURCES).join(name).join(RESOURCE_FILE)
}

/// What an artifact says about itself.
pub(super) fn artifact_meta(id: &ArtifactId) -> PathBuf {
    Path::new(ARTIFACT_META).join(format!("{id}.json"))
}

/// The artifact that a file name in `artifacts/meta/` stands for.
pub(super) fn artifact_of_meta(name: &str) -> Option<ArtifactId> {
    ArtifactId::parse_foreign(name.strip_suffix(".json")?)
}

/// What an artifact holds. The name has been checked.
pub(super) fn artifact_payload(file: &str) -> PathBuf {
    Path::new(ARTIFACT_PAYLOAD).join(file)
}

/// Whether a payload's name belongs to the artifact: its id, with or without an ending. Names that
/// two artifacts could share would make the tree depend on which of them is written last.
pub(super) fn is_payload_of(id: &ArtifactId, file: &str) -> bool {
    crate::domain::artifact::is_plain_name(file)
        && file.strip_prefix(id.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archived_tasks_stand_below_the_archive() {
        let id = TaskId::from_value(1);
        assert_eq!(TaskFile::Log.path(&id, false), Path::new(&format!("events/{id}.jsonl")));
        assert_eq!(TaskFile::Notes.path(&id, true), Path::new(&format!("archive/notes/{id}.md")));
        assert_eq!(TaskFile::Plan.task(&format!("{id}.md")), Some(id));
        assert_eq!(TaskFile::Plan.task("task_../../../etc/passwd00.md"), None);
    }

    #[test]
    fn a_payload_is_named_after_its_artifact() {
        let id = ArtifactId::from_value(1);
        assert!(is_payload_of(&id, &format!("{id}.tar.gz")));
        assert!(is_payload_of(&id, id.as_str()));
        for name in [format!("{id}x.md"), "notes.md".to_owned(), format!("../{id}.md"), format!("{id}./../x")]
        {
            assert!(!is_payload_of(&id, &name), "{name}");
        }
    }
}
