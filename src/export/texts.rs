//! Reading whole files of text and JSON, with the faults that they may have.

use std::path::Path;

use serde_json::Value;

use super::files::Folder;
use super::lines::{invalid, whole};
use super::{markers, repair};
use crate::app::{Failure, Place};
use crate::domain::event::{EventError, strict_json};

/// The text of a file, `None` if it is not there.
///
/// # Errors
/// `IMPORT_INVALID` if it is not UTF-8 and was not to be repaired.
pub(super) fn text_file(
    folder: &Folder,
    relative: &Path,
    limit: u64,
    repair: bool,
    notices: &mut Vec<String>,
) -> Result<Option<String>, Failure> {
    let Some(bytes) = folder.read(relative, limit)? else { return Ok(None) };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) if repair => {
            notices.push(format!("{}: bytes that are no UTF-8 became U+FFFD", relative.display()));
            Ok(Some(String::from_utf8_lossy(error.as_bytes()).into_owned()))
        }
        Err(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            let place = Place { file: relative.to_path_buf(), line: Some(line) };
            Err(invalid(&place, "not UTF-8", REPAIR_HINT))
        }
    }
}

/// The value of a JSON file, `None` if it is not there.
///
/// # Errors
/// `IMPORT_INVALID` with the line if it is no JSON, or holds conflict markers.
pub(super) fn json_file(
    folder: &Folder,
    relative: &Path,
    limit: u64,
    repair: bool,
    notices: &mut Vec<String>,
) -> Result<Option<Value>, Failure> {
    let Some(text) = text_file(folder, relative, limit, repair, notices)? else { return Ok(None) };
    json_text(&text, relative, repair, notices).map(Some)
}

/// The value of a JSON text that stands in this file.
///
/// # Errors
/// As [`json_file`].
pub(super) fn json_text(
    text: &str,
    relative: &Path,
    repair: bool,
    notices: &mut Vec<String>,
) -> Result<Value, Failure> {
    let error = match strict_json(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some(conflict) = markers::conflict(text) {
        return Err(unresolved(relative, conflict.line));
    }
    if repair
        && let Some((fixed, what)) = repair::almost_json(text)
        && let Ok(value) = strict_json(&fixed)
    {
        notices.push(format!("{}: {what}", relative.display()));
        return Ok(value);
    }
    let place = Place { line: line_of(&error), ..whole(relative) };
    Err(invalid(&place, &format!("not JSON that can be read: {error}"), REPAIR_HINT))
}

/// Refusal of a text that git could not merge and that nobody has looked at since.
pub(super) fn unresolved(relative: &Path, line: usize) -> Failure {
    let place = Place { file: relative.to_path_buf(), line: Some(line) };
    invalid(
        &place,
        "git left conflict markers here",
        "nothing was imported; settle the conflict in the file first",
    )
}

/// The line that the parser names.
fn line_of(error: &EventError) -> Option<usize> {
    let EventError::Json(text) = error else { return None };
    text.rsplit_once(" at line ")?.1.split(' ').next()?.parse().ok()
}

const REPAIR_HINT: &str = "nothing was imported; mend the file, or take in what can be read with --repair";
