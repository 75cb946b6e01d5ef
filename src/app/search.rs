//! Searching the texts of tasks.

use std::collections::BTreeMap;

use super::{App, Code, Failure, list};
use crate::domain::search::{MOST_BYTES, MOST_WORDS, NoWords, Words};
use crate::store::{Hit, Reader, TaskFilter};

/// Tasks of one old name that are told, at most.
const OLD_NAMES: usize = 3;

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    /// Each task once, best first.
    pub hits: Vec<Hit>,
    /// What people call the statuses.
    pub status_names: BTreeMap<String, String>,
    /// Whether there are more than the limit let through.
    pub truncated: bool,
    /// What the caller should know although it worked.
    pub warnings: Vec<String>,
}

impl App {
    /// Tasks that hold all words of a search in one of their texts: title and description, plan,
    /// notes, or a comment. The filter's order is not asked.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` if there is nothing to search for; [`Failure`] if the file cannot be read.
    pub fn search(&self, text: &str, mut filter: TaskFilter) -> Result<Hits, Failure> {
        let words = words(text)?;
        self.read(|reader| {
            let config = reader.config()?;
            let mut found = Hits::default();
            found.warnings.extend(list::settle_status(reader, &config, &mut filter)?);
            if !found.warnings.is_empty() {
                return Ok(found);
            }
            let limit = filter.limit;
            filter.limit = limit.map(|limit| limit.saturating_add(1));
            found.hits = reader.search(&words, &filter)?;
            found.truncated = limit.is_some_and(|limit| found.hits.len() > limit);
            found.hits.truncate(limit.unwrap_or(usize::MAX));
            for hit in &found.hits {
                let status = &hit.task.status;
                if !found.status_names.contains_key(status) {
                    found.status_names.insert(status.clone(), config.display_name(status));
                }
            }
            if found.hits.is_empty() {
                found.warnings.extend(old_names(reader, text.trim())?);
            }
            Ok(found)
        })
    }
}

/// The old name of a task stands in none of its texts.
fn old_names(reader: &Reader<'_>, name: &str) -> Result<Vec<String>, Failure> {
    let mut told = Vec::new();
    for id in reader.tasks_called(name, OLD_NAMES)? {
        if let Some(task) = reader.find_task(&id)? {
            let task = task.name();
            told.push(format!("another tracker calls {task} `{name}`; see `lattice show {task}`"));
        }
    }
    Ok(told)
}

/// The words of a search.
pub(super) fn words(text: &str) -> Result<Words, Failure> {
    Words::parse(text).map_err(|why| match why {
        NoWords::Nothing => {
            Failure::new(Code::ValidationError, "there is nothing to search for: no letter, no digit")
                .hint("write one word or several; quotes keep words together")
        }
        NoWords::TooMuch => Failure::new(
            Code::ValidationError,
            format!("this is too much to search for: {MOST_WORDS} words, {MOST_BYTES} bytes at most"),
        )
        .hint("search for the rarest words"),
    })
}
