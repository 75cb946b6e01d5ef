//! What a call answered, made comparable: ids by number, times and folders by name.

use serde_json::Value;

use super::support::Run;

/// An answer in which only that is left which both programs should agree on.
#[derive(Debug)]
pub struct Answer {
    pub status: i32,
    /// The document, or the lines of `--quiet`; nothing where the words are each program's own.
    pub said: Value,
}

/// A place where two answers differ. Absent values are `-`.
#[derive(Debug)]
pub struct Difference {
    pub place: String,
    pub theirs: String,
    pub ours: String,
}

impl Answer {
    pub fn of(run: &Run, words: &[String], here: &str, ids: &mut Vec<String>) -> Self {
        let has = |flag: &str| words.iter().any(|word| word == flag);
        // Where it is no document, people read it; scripts read what `--quiet` prints.
        let is_refused = run.status != 0;
        let mut said = match serde_json::from_str(&run.stdout) {
            Ok(document) if has("--json") => document,
            _ if has("--json") => {
                Value::String(if is_refused { "no document".into() } else { run.stdout.clone() })
            }
            _ if has("--quiet") => Value::String(run.stdout.clone()),
            _ => Value::Null,
        };
        plain(&mut said, here, ids);
        Self { status: run.status, said }
    }
}

/// Puts names in the place of what differs from run to run.
pub fn plain(value: &mut Value, here: &str, ids: &mut Vec<String>) {
    match value {
        Value::String(text) => *text = plain_text(text, here, ids),
        Value::Array(items) => items.iter_mut().for_each(|item| plain(item, here, ids)),
        Value::Object(members) => {
            members.retain(|name, _| name != "message");
            members.values_mut().for_each(|member| plain(member, here, ids));
        }
        _ => {}
    }
}

fn plain_text(text: &str, here: &str, ids: &mut Vec<String>) -> String {
    let digits: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match digits.as_str() {
        "0000-00-00T00:00:00Z" => return "TIME".to_owned(),
        "0000-00-00" => return "DATE".to_owned(),
        _ => {}
    }
    let mut rest = text.replace(here, "HERE");
    let mut out = String::new();
    while let Some((at, prefix)) = ["task_", "ev_", "art_", "res_", "sess_", "inst_"]
        .into_iter()
        .filter_map(|prefix| Some((find_id(&rest, prefix)?, prefix)))
        .min()
    {
        let end = at + prefix.len() + 26;
        let id = rest[at..end].to_owned();
        out.push_str(&rest[..at]);
        if prefix == "ev_" || prefix == "inst_" || prefix == "sess_" {
            // Not all events are made on both sides: numbers would run apart.
            out.push_str(&format!("{prefix}ID"));
        } else {
            let number = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                ids.push(id);
                ids.len() - 1
            });
            out.push_str(&format!("{prefix}{number}"));
        }
        rest = rest[end..].to_owned();
    }
    out + &rest
}

fn find_id(text: &str, prefix: &str) -> Option<usize> {
    text.match_indices(prefix).map(|(at, _)| at).find(|at| {
        let id = text.as_bytes().get(at + prefix.len()..at + prefix.len() + 26);
        id.is_some_and(|id| id.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()))
    })
}

/// Where the two differ.
pub fn compare(theirs: &Answer, ours: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    if theirs.status != ours.status {
        found.push(Difference {
            place: "exit".to_owned(),
            theirs: theirs.status.to_string(),
            ours: ours.status.to_string(),
        });
    }
    differ("", Some(&theirs.said), Some(&ours.said), &mut found);
    found
}

/// Where two values differ, member by member.
pub fn differ(place: &str, theirs: Option<&Value>, ours: Option<&Value>, found: &mut Vec<Difference>) {
    match (theirs, ours) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                differ(&format!("{place}/{name}"), a.get(name), b.get(name), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            let (a, b) = (comparable(place, a), comparable(place, b));
            for n in 0..a.len().max(b.len()) {
                differ(&format!("{place}/{n}"), a.get(n).copied(), b.get(n).copied(), found);
            }
        }
        _ if theirs == ours => {}
        _ => found.push(Difference { place: place.to_owned(), theirs: shown(theirs), ours: shown(ours) }),
    }
}

/// The items of a list that both sides can have, in an order that both can keep.
fn comparable<'a>(place: &str, items: &'a [Value]) -> Vec<&'a Value> {
    // Plans and notes are files for them, events for us.
    let is_ours = |item: &&Value| matches!(item["type"].as_str(), Some("plan_updated" | "notes_updated"));
    let mut items: Vec<&Value> = items.iter().filter(|item| !is_ours(item)).collect();
    if place.ends_with("/relationships_in") {
        // They list these as the folder lists its files: in no order.
        items.sort_by_key(|item| item.to_string());
    }
    items
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
