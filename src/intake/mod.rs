//! What other trackers wrote: their files, read into records.
//!
//! A reader knows the names that one format has for things, and nothing of what they mean here; that
//! is [`domain::foreign`](crate::domain::foreign). Every reader takes what it knows from a record's
//! members and hands on the others, so nothing is lost silently.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::app::{Code, Failure, Place, Sourced};
use crate::domain::foreign::Record;

mod backlog;
mod beads;
mod front_matter;
mod github;
mod members;
mod table;
mod taskwarrior;
mod values;

/// Bytes that a file may have. It is held in memory, several times over for a moment.
const LIMIT: u64 = 256 * 1024 * 1024;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `issues.jsonl` of beads.
    Beads,
    /// What `gh issue list --json …` prints.
    Github,
    /// What `task export` prints.
    Taskwarrior,
    /// The folder of Backlog.md.
    Backlog,
    /// A table with a line of headers.
    Csv,
    /// A list of objects, or an object on each line.
    Json,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The records, in the order in which they stand there.
    pub records: Vec<Sourced<Record>>,
    /// Sentences about what was left out.
    pub notices: Vec<String>,
}

/// (field of ours, name that it has there): which member of a table says what.
pub type Mapping = Vec<(String, String)>;

/// Names that a mapping may have on its left.
pub const FIELDS: [&str; 21] = table::FIELDS;

impl Format {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Beads => "beads",
            Self::Github => "github",
            Self::Taskwarrior => "taskwarrior",
            Self::Backlog => "backlog",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// Where its tracker keeps it below a project, if in one place.
    #[must_use]
    pub fn usual_place(self) -> Option<&'static str> {
        match self {
            Self::Beads => Some(".beads"),
            Self::Backlog => Some("backlog"),
            Self::Github | Self::Taskwarrior | Self::Csv | Self::Json => None,
        }
    }

    /// Whether its members can be mapped.
    #[must_use]
    pub fn is_mapped(self) -> bool {
        matches!(self, Self::Csv | Self::Json)
    }
}

/// Reads what stands at a path, or on standard input where that is `-`.
///
/// # Errors
/// `NOT_FOUND` if nothing stands there, `STORE_IO` and the like if it cannot be read; `IMPORT_INVALID`,
/// with file and line, if it is not what it is said to be; `VALIDATION_ERROR` for a mapping that fits
/// nothing.
pub fn read(format: Format, path: &Path, mapping: &Mapping) -> Result<Found, Failure> {
    let gone = || path.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if path != Path::new("-") && gone() {
        let name = path.display();
        return Err(Failure::new(Code::NotFound, format!("there is no file {name}")).hint("check the path"));
    }
    if format == Format::Backlog {
        return backlog::read(path);
    }
    let (file, bytes) = match path == Path::new("-") {
        true => (path.to_path_buf(), bounded(&mut io::stdin().lock(), path)?),
        false => {
            let path = if format == Format::Beads { beads::file(path) } else { path.to_path_buf() };
            let bytes = plain_file(&path)?;
            (path, bytes)
        }
    };
    let text = text(&bytes, &file)?;
    match format {
        Format::Beads => records(values::all(text, &file)?, beads::record),
        Format::Github => records(values::all(text, &file)?, github::record),
        Format::Taskwarrior => records(values::all(text, &file)?, taskwarrior::record),
        Format::Csv => table::csv(text, &file, mapping),
        Format::Json => table::json(values::all(text, &file)?, &file, mapping),
        Format::Backlog => Ok(Found::default()),
    }
}

/// What an object was.
enum Read {
    Record(Box<Record>),
    /// Something that was left out, and a sentence why.
    Left(String),
    /// Nothing that anybody would miss.
    Nothing,
}

/// Reads each object.
fn records(
    objects: Vec<members::Members>,
    one: impl Fn(members::Members) -> Result<Read, Failure>,
) -> Result<Found, Failure> {
    let mut found = Found::default();
    for object in objects {
        let place = object.place.clone();
        match one(object)? {
            Read::Record(mut item) => {
                item.comments.retain(|comment| !comment.body.trim().is_empty());
                found.records.push(Sourced { item: *item, place });
            }
            Read::Left(why) => found.notices.push(why),
            Read::Nothing => {}
        }
    }
    Ok(found)
}

/// All bytes of a plain file. A pipe or a device is not waited for.
fn plain_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let fail = |error: io::Error| Failure::io(&error, path);
    let meta = path.metadata().map_err(fail)?;
    if !meta.is_file() {
        return Err(invalid(&whole(path), "not a file", "name the file itself, or `-` for standard input"));
    }
    bounded(&mut File::open(path).map_err(fail)?, path)
}

fn bounded(input: &mut dyn io::Read, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    input.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| Failure::io(&error, path))?;
    if bytes.len() as u64 > LIMIT {
        return Err(invalid(
            &whole(path),
            &format!("more than {LIMIT} bytes"),
            "take it in in several parts",
        ));
    }
    Ok(bytes)
}

/// The text, without the mark that some programs put before it.
fn text<'a>(bytes: &'a [u8], file: &Path) -> Result<&'a str, Failure> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let place = Place { file: file.to_path_buf(), line: Some(line) };
        invalid(&place, &format!("not UTF-8 at byte {}", error.valid_up_to() + 1), "write it anew as UTF-8")
    })
}

fn whole(path: &Path) -> Place {
    PathBuf::from(path).into()
}

/// What is wrong with a file, where, and what to do.
fn invalid(place: &Place, what: &str, hint: &str) -> Failure {
    Failure::new(Code::ImportInvalid, format!("{place}: {what}"))
        .hint(format!("nothing was imported; {hint}"))
        .details(serde_json::json!({"file": place.file.display().to_string(), "line": place.line}))
}
