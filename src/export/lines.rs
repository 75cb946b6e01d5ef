//! Reading an event log, line by line and within limits.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::files::Folder;
use super::{markers, repair};
use crate::app::{Code, Failure, Place, Sourced};
use crate::domain::event::{Event, EventError, MAX_BYTES, Subject};

/// What the events of a file must be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// This one subject.
    One(Subject),
    /// Any task.
    AnyTask,
}

impl About {
    fn fits(&self, subject: &Subject) -> bool {
        match self {
            Self::One(expected) => expected == subject,
            Self::AnyTask => matches!(subject, Subject::Task(_)),
        }
    }
}

/// A log as it was read.
#[derive(Debug, Default)]
pub(super) struct ReadLog {
    /// Its events in order of the lines.
    pub(super) events: Vec<Sourced<Event>>,
    /// The last line, if it is cut off and was left out.
    pub(super) cut_off: Option<Place>,
}

/// Reads a log. Blank lines are skipped, and conflict markers with a notice: both sides of a
/// conflict, and what stood there before, are events like any others.
///
/// # Errors
/// `IMPORT_INVALID` with file and line where a line is no event of what the file is about.
pub(super) fn read_log(
    folder: &Folder,
    relative: &Path,
    about: &About,
    repair: bool,
    notices: &mut Vec<String>,
) -> Result<ReadLog, Failure> {
    read_some(folder, relative, about, &|_| false, repair, notices)
}

/// The same without the lines that are known, to the letter.
///
/// # Errors
/// As [`read_log`].
pub(super) fn read_some(
    folder: &Folder,
    relative: &Path,
    about: &About,
    is_known: &dyn Fn(&[u8]) -> bool,
    repair: bool,
    notices: &mut Vec<String>,
) -> Result<ReadLog, Failure> {
    let Some(file) = folder.open(relative)? else { return Ok(ReadLog::default()) };
    let path = folder.path(relative);
    let fail = |error: std::io::Error| Failure::io(&error, &path);
    let mut reader = BufReader::new(file);
    let mut log = Log { about, repair, notices, markers: 0, cut_off: None };
    let mut events = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        // The newline and a carriage return before it do not count.
        let limit = MAX_BYTES as u64 + 2;
        if reader.by_ref().take(limit).read_until(b'\n', &mut line).map_err(fail)? == 0 {
            break;
        }
        let place = Place { file: relative.to_path_buf(), line: Some(number) };
        if line.trim_ascii_end().len() > MAX_BYTES || (line.len() as u64 == limit && !line.ends_with(b"\n")) {
            return Err(invalid(&place, &format!("the line has more than {MAX_BYTES} bytes"), LIMIT_HINT));
        }
        if is_known(line.trim_ascii()) {
            continue;
        }
        let is_last = reader.fill_buf().map_err(fail)?.is_empty();
        if let Some(event) = log.event(&line, &place, is_last)? {
            events.push(Sourced { item: event, place });
        }
        if is_last {
            break;
        }
    }
    if log.markers > 0 {
        let count = log.markers;
        log.notices
            .push(format!("{}: {count} conflict markers skipped, both sides read", relative.display()));
    }
    Ok(ReadLog { events, cut_off: log.cut_off })
}

const LIMIT_HINT: &str = "nothing was imported; see the limits in docs/export-format.md";

struct Log<'a> {
    about: &'a About,
    repair: bool,
    notices: &'a mut Vec<String>,
    markers: usize,
    cut_off: Option<Place>,
}

impl Log<'_> {
    fn event(&mut self, line: &[u8], place: &Place, is_last: bool) -> Result<Option<Event>, Failure> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        if markers::is_marker(line) {
            self.markers += 1;
            return Ok(None);
        }
        let Some(event) = self.parsed(line, place, is_last)? else { return Ok(None) };
        if !self.about.fits(&event.subject) {
            let what = match &event.subject {
                Subject::Task(id) => format!("the event is about {id}"),
                Subject::Resource(id) => format!("the event is about {id}"),
                Subject::Instance => "the event names no task and no resource".to_owned(),
            };
            return Err(invalid(
                place,
                &format!("{what}, which does not belong into this file"),
                "nothing was imported; move the line to the file of what it is about, or take it away",
            ));
        }
        if let Some(name) =
            event.text("name").filter(|_| event.kind == crate::domain::event::kind::RESOURCE_CREATED)
            && !crate::domain::resource::is_name(name)
        {
            return Err(invalid(
                place,
                &format!("`{}` cannot be the name of a resource", name.escape_debug()),
                "nothing was imported; a name is a letter or digit, then up to 63 of letters, digits, `.`, `_`, `-`",
            ));
        }
        Ok(Some(event))
    }

    fn parsed(&mut self, line: &[u8], place: &Place, is_last: bool) -> Result<Option<Event>, Failure> {
        let text = match std::str::from_utf8(line) {
            Ok(text) => std::borrow::Cow::Borrowed(text),
            Err(_) if self.repair => String::from_utf8_lossy(line),
            Err(error) => {
                let what = format!("not UTF-8 at byte {}", error.valid_up_to() + 1);
                return Err(invalid(place, &what, REPAIR_HINT));
            }
        };
        let broken = matches!(text, std::borrow::Cow::Owned(_));
        let error = match Event::parse(&text) {
            Ok(event) => {
                if broken {
                    self.notices.push(format!("{place}: bytes that are no UTF-8 became U+FFFD"));
                }
                return Ok(Some(event));
            }
            Err(error) => error,
        };
        if self.repair
            && let Some((fixed, what)) = repair::almost_json(&text)
            && let Ok(event) = Event::parse(&fixed)
        {
            self.notices.push(format!("{place}: {what}"));
            return Ok(Some(event));
        }
        let cut_off = is_last && matches!(error, EventError::Json(_));
        if cut_off && self.repair {
            self.notices.push(format!("{place}: the last line is cut off and was left out"));
            self.cut_off = Some(place.clone());
            return Ok(None);
        }
        let what = if cut_off { "the last line is cut off" } else { "not an event" };
        let hint = if matches!(error, EventError::Json(_)) {
            REPAIR_HINT
        } else {
            "nothing was imported; mend the line"
        };
        Err(invalid(place, &format!("{what}: {}", plain(&error)), hint))
    }
}

/// What is wrong, without the line that the parser counts inside of its one line.
fn plain(error: &EventError) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

const REPAIR_HINT: &str = "nothing was imported; mend the line, or take in what can be read with --repair";

/// Refusal of what stands at a place.
pub(super) fn invalid(place: &Place, what: &str, hint: &str) -> Failure {
    Failure::new(Code::ImportInvalid, format!("{place}: {what}"))
        .hint(hint)
        .details(serde_json::json!({"file": place.file.display().to_string(), "line": place.line}))
}

/// A whole file as a place.
pub(super) fn whole(file: &Path) -> Place {
    Place { file: PathBuf::from(file), line: None }
}
