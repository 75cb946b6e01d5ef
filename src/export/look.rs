//! What the tree looks like from outside, without reading it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::layout::{self, TaskFile};

/// Folders and files of the tree that are not derived, each with the time of its last change. A file
/// that git or an editor puts in the place of another changes its folder; one that is written over
/// in place is not noticed, but at the top. The number of tasks does not matter.
#[must_use]
pub fn tree_look(dir: &Path) -> String {
    let mut places = [layout::CONFIG, layout::CONTEXT, layout::INSTANCE].map(Into::into).to_vec();
    places.extend([layout::ARTIFACT_META, layout::ARTIFACT_PAYLOAD].map(Into::into));
    for file in [TaskFile::Log, TaskFile::Plan, TaskFile::Notes] {
        places.extend([file.folder(false), file.folder(true)]);
    }
    let look = |place: &std::path::PathBuf| match dir.join(place).symlink_metadata() {
        Ok(meta) => format!("{}.{:09}", meta.mtime(), meta.mtime_nsec()),
        Err(_) => "-".to_owned(),
    };
    places.iter().map(look).collect::<Vec<_>>().join(" ")
}
