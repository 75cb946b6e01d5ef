//! The tracker as one JSON document: the same two sets as the tree, without what follows from them.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::lines::{invalid, whole};
use super::{ReadOptions, Tree, layout, repair};
use crate::app::{App, Code, Failure, Place, Reader, Sourced};
use crate::domain::artifact::{Artifact, NewArtifact};
use crate::domain::event::{Event, MAX_BYTES, strict_json};
use crate::domain::{Config, ShortId, Subject, json, resource};

/// What the document calls itself.
const NAME: &str = "lattice-tracker";
/// The document's format. A higher one is refused.
const FORMAT: u64 = 1;
/// Bytes that a document may have.
const LIMIT: u64 = 4 * 1024 * 1024 * 1024;

/// The document, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(rename = "document")]
    _document: String,
    #[serde(rename = "format")]
    _format: u64,
    instance_id: Option<String>,
    #[serde(rename = "next_seqs")]
    _next_seqs: BTreeMap<String, i64>,
    #[serde(default)]
    floors: BTreeMap<String, i64>,
    #[serde(borrow)]
    artifacts: Vec<&'a RawValue>,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// What tells a document, of whatever format.
#[derive(Deserialize)]
struct Head {
    document: String,
    format: u64,
}

/// An artifact in the document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Packed {
    meta: Value,
    /// In base 64; `None` for a reference, and where the payload was left out.
    payload: Option<String>,
}

/// Writes the whole tracker as one JSON document.
///
/// # Errors
/// `STORE_…` if the tracker cannot be read, `OUTPUT_FAILED` if `out` fails.
pub fn write_document(app: &App, out: &mut dyn Write, include_sensitive: bool) -> Result<(), Failure> {
    app.read(|reader| write(reader, out, include_sensitive))
}

fn write(reader: &Reader<'_>, out: &mut dyn Write, include_sensitive: bool) -> Result<(), Failure> {
    let mut put = |text: &str| out.write_all(text.as_bytes()).map_err(|error| output_failed(&error));
    let config = reader.config()?;
    let index = reader.short_id_index()?;
    let next: BTreeMap<String, i64> = index.next.into_iter().collect();
    let floors: BTreeMap<String, i64> = index.floors.into_iter().collect();
    put(&format!(
        "{{\n\"document\": \"{NAME}\",\n\"format\": {FORMAT},\n\"instance_id\": {},\n\"next_seqs\": {},\n\"floors\": {},\n\"artifacts\": [",
        json::line(&serde_json::json!(config.instance_id())),
        json::line(&serde_json::json!(next)),
        json::line(&serde_json::json!(floors)),
    ))?;
    let mut first = true;
    for artifact in reader.artifacts()? {
        let payload = match artifact.payload_file() {
            Some(_) if !artifact.is_sensitive() || include_sensitive => reader.payload(&artifact.id)?,
            _ => None,
        };
        let packed = serde_json::json!({
            "meta": Value::Object(artifact.meta().clone()),
            "payload": payload.map(|bytes| BASE64.encode(bytes)),
        });
        put(if first { "\n" } else { ",\n" })?;
        put(&json::line(&packed))?;
        first = false;
    }
    put("\n],\n\"events\": [")?;
    let mut count = 0_i64;
    let mut events = |history: Vec<Event>| -> Result<(), Failure> {
        for event in history {
            put(if count == 0 { "\n" } else { ",\n" })?;
            put(event.raw())?;
            count += 1;
        }
        Ok(())
    };
    events(reader.instance_history()?)?;
    for id in reader.logged_resources()? {
        events(reader.resource_history(&[id])?)?;
    }
    for id in reader.task_ids()? {
        events(reader.history(&id)?)?;
    }
    reader.prove_all(count)?;
    put("\n]\n}\n")?;
    out.flush().map_err(|error| output_failed(&error))
}

fn output_failed(error: &io::Error) -> Failure {
    Failure::new(Code::OutputFailed, format!("the output cannot be written: {error}"))
        .hint("nothing was changed in the tracker; write it somewhere else")
}

/// Reads such a document back.
///
/// # Errors
/// `IMPORT_INVALID` naming the line, `TREE_TOO_NEW`, `STORE_IO`; nothing is taken in then.
pub fn read_document(input: &mut dyn Read, options: &ReadOptions) -> Result<Tree, Failure> {
    let file = std::path::Path::new("document");
    let mut bytes = Vec::new();
    input.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| Failure::io(&error, file))?;
    if bytes.len() as u64 > LIMIT {
        return Err(invalid(&whole(file), &format!("more than {LIMIT} bytes"), MEND));
    }
    let mut tree = Tree::default();
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if options.repair => {
            tree.report.notices.push("bytes that are no UTF-8 became U+FFFD".to_owned());
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
        Err(_) => return Err(invalid(&whole(file), "not UTF-8", REPAIR)),
    };
    let text = match repair::almost_json(&text).filter(|_| options.repair) {
        Some((fixed, what)) => {
            tree.report.notices.push(what.to_owned());
            fixed
        }
        None => text,
    };
    take(&text, file, &mut tree)?;
    Ok(tree)
}

const MEND: &str = "nothing was imported; give a document that `lattice export --file` wrote";
const REPAIR: &str = "nothing was imported; mend the document, or take in what can be read with --repair";

fn take(text: &str, file: &std::path::Path, tree: &mut Tree) -> Result<(), Failure> {
    let refused = |error: serde_json::Error| {
        let place = Place { line: Some(error.line()), ..whole(file) };
        invalid(&place, &format!("not a document of Lattice: {error}"), MEND)
    };
    let head: Head = serde_json::from_str(text).map_err(refused)?;
    if head.document != NAME {
        return Err(invalid(&whole(file), "not a document of Lattice", MEND));
    }
    if head.format > FORMAT {
        let what = format!("the document is of format {}; this program knows {FORMAT}", head.format);
        return Err(Failure::new(Code::TreeTooNew, what).hint("nothing was changed; install a newer lattice"));
    }
    let document: Document<'_> = serde_json::from_str(text).map_err(refused)?;
    let mut lines = Lines { text, at: 0, line: 1 };
    // Both lists stand in the text in the order of these two loops, or the lines are counted anew.
    for raw in document.artifacts {
        let place = Place { line: Some(lines.of(raw.get())), ..whole(file) };
        let artifact = unpacked(raw.get()).map_err(|what| invalid(&place, &what, MEND))?;
        tree.set.artifacts.push(Sourced { item: artifact.into(), place });
    }
    for raw in document.events {
        let place = Place { line: Some(lines.of(raw.get())), ..whole(file) };
        if raw.get().len() > MAX_BYTES {
            return Err(invalid(&place, &format!("an event has more than {MAX_BYTES} bytes"), MEND));
        }
        let event = Event::parse(raw.get())
            .map_err(|error| invalid(&place, &format!("not an event: {error}"), MEND))?;
        if let Some(name) =
            event.text("name").filter(|_| event.kind == crate::domain::event::kind::RESOURCE_CREATED)
            && !resource::is_name(name)
        {
            let what = format!("`{}` cannot be the name of a resource", name.escape_debug());
            return Err(invalid(&place, &what, MEND));
        }
        tree.set.events.push(Sourced { item: event, place });
    }
    for (prefix, number) in document.floors {
        if ShortId::parse(&format!("{prefix}-{number}")).is_some_and(|id| id.prefix == prefix) {
            tree.set.number_floors.push((prefix, number));
        }
    }
    // What the events say counts; the member is for those who only look at the head.
    let mut own: Vec<&Event> =
        tree.set.events.iter().map(|e| &e.item).filter(|e| e.subject == Subject::Instance).collect();
    own.sort_by(|a, b| a.key.cmp(&b.key));
    tree.set.instance_id = Config::fold(own).instance_id().map(str::to_owned).or(document.instance_id);
    Ok(())
}

fn unpacked(text: &str) -> Result<NewArtifact, String> {
    let value = strict_json(text).map_err(|error| format!("not an artifact: {error}"))?;
    let packed: Packed =
        serde_json::from_value(value).map_err(|error| format!("not an artifact: {error}"))?;
    let artifact = Artifact::from_value(packed.meta)
        .filter(|a| a.payload_file().is_none_or(|file| layout::is_payload_of(&a.id, file)))
        .ok_or("not the metadata of an artifact")?;
    let payload = packed.payload.map(|text| BASE64.decode(text)).transpose();
    let payload =
        payload.map_err(|error| format!("the payload of {} is not base 64: {error}", artifact.id))?;
    Ok(NewArtifact { artifact, payload })
}

/// Finds the lines of parts of a text, walking on from the last part.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, part: &str) -> usize {
        let place = part.as_ptr() as usize - self.text.as_ptr() as usize;
        if place < self.at {
            (self.at, self.line) = (0, 1);
        }
        let between = self.text.as_bytes().get(self.at..place).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.at = place;
        self.line
    }
}
