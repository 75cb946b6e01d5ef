//! Reading artifacts: what they say about themselves, and what they hold.

use std::path::{Path, PathBuf};

use super::files::{FILE_LIMIT, Folder, Kind, PAYLOAD_LIMIT};
use super::layout;
use super::lines::{invalid, whole};
use super::texts::json_file;
use crate::app::{Failure, FoundArtifact, Payload, Sourced};
use crate::domain::artifact::Artifact;

/// All artifacts of the tree, and the files beside them that belong to none.
///
/// # Errors
/// `IMPORT_INVALID` naming the file where metadata is none, or names a payload that is not its own.
pub(super) fn read(
    folder: &Folder,
    repair: bool,
    notices: &mut Vec<String>,
) -> Result<(Vec<Sourced<FoundArtifact>>, Vec<PathBuf>), Failure> {
    let mut artifacts = Vec::new();
    let mut unknown = Vec::new();
    let mut payloads = std::collections::BTreeSet::new();
    for entry in folder.list(Path::new(layout::ARTIFACT_META))?.iter() {
        let path = Path::new(layout::ARTIFACT_META).join(&entry.name);
        let Some(id) = layout::artifact_of_meta(&entry.name) else {
            unknown.push(path);
            continue;
        };
        let place = whole(&path);
        let Some(value) = json_file(folder, &path, FILE_LIMIT, repair, notices)? else { continue };
        let artifact = Artifact::from_value(value).filter(|artifact| artifact.id == id).ok_or_else(|| {
            invalid(&place, "not the metadata of the artifact that the file is named after", MEND)
        })?;
        let payload = match artifact.payload_file() {
            None => None,
            Some(file) if layout::is_payload_of(&id, file) => {
                payloads.insert(file.to_owned());
                payload(folder, layout::artifact_payload(file))?
            }
            Some(file) => {
                let what = format!("the payload `{}` is not named after the artifact", file.escape_debug());
                return Err(invalid(&place, &what, MEND));
            }
        };
        artifacts.push(Sourced { item: FoundArtifact { artifact, payload }, place });
    }
    for entry in folder.list(Path::new(layout::ARTIFACT_PAYLOAD))?.iter() {
        if entry.kind != Kind::File || !payloads.contains(&entry.name) {
            unknown.push(Path::new(layout::ARTIFACT_PAYLOAD).join(&entry.name));
        }
    }
    Ok((artifacts, unknown))
}

/// What an artifact holds, without holding it.
fn payload(folder: &Folder, file: PathBuf) -> Result<Option<Payload>, Failure> {
    let Some(hash) = folder.hash(&file, PAYLOAD_LIMIT)? else { return Ok(None) };
    let root = folder.path(Path::new(""));
    // Looked at anew, since it may be gone or a link by then.
    let read = move || Ok(Folder::to_read(&root).read(&file, PAYLOAD_LIMIT)?.unwrap_or_default());
    Ok(Some(Payload::new(hash, read)))
}

const MEND: &str = "nothing was imported; mend the file, or take it away";
