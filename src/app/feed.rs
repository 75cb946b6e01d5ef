//! The feed: events in order of arrival, page by page.

use std::collections::BTreeMap;

use super::{App, Code, Failure, resolve};
use crate::domain::Subject;
use crate::domain::id::TaskId;
use crate::store::{Arrival, FeedQuery, Moment, StoreError};

/// A piece of the feed. Nothing of the file is held while it is printed.
#[derive(Clone, Debug, Default)]
pub struct FeedPage {
    /// The events.
    pub arrivals: Vec<Arrival>,
    /// What their resources, their tasks and those at the other end of relations are called, by id, where names were
    /// asked for.
    pub names: BTreeMap<String, String>,
}

impl App {
    /// The file's epoch: cursors are `EPOCH:SEQ`.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn epoch(&self) -> Result<String, Failure> {
        self.read(|reader| Ok(reader.epoch()?))
    }

    /// The place that a cursor means: `EPOCH:SEQ`, or a plain number.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` if it is neither, `CURSOR_EXPIRED` if it is another file's.
    pub fn cursor(&self, text: &str) -> Result<i64, Failure> {
        let (epoch, number) = match text.rsplit_once(':') {
            Some((epoch, number)) => (Some(epoch), number),
            None => (None, text),
        };
        let seq = number.parse::<i64>().ok().filter(|seq| *seq >= 0).ok_or_else(|| {
            Failure::new(Code::ValidationError, format!("`{text}` is no cursor"))
                .hint("use the `cursor` or `seq` of an event that `lattice events` printed, or 0")
        })?;
        let ours = self.epoch()?;
        match epoch {
            Some(epoch) if epoch != ours => Err(expired(text, &ours)),
            _ => Ok(seq),
        }
    }

    /// The task whose events are wanted; it may stand in the log only.
    ///
    /// # Errors
    /// `INVALID_ID`, `NOT_FOUND`, `AMBIGUOUS_ID`.
    pub fn feed_task(&self, text: &str) -> Result<TaskId, Failure> {
        self.read(|reader| {
            let id = resolve::task_id(reader, text)?;
            if reader.find_task(&id)?.is_none() && reader.history(&id)?.is_empty() {
                return Err(Failure::new(Code::NotFound, format!("there is no task {text}"))
                    .hint("see `lattice list --include-archived`"));
            }
            Ok(id)
        })
    }

    /// What is another value as soon as there may be more in the feed.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read; `STORE_READONLY` where changes do not show.
    pub fn moment(&self) -> Result<Moment, Failure> {
        self.store.moment().map_err(|error| match error {
            StoreError::ReadOnly { path } => Failure::new(
                Code::StoreReadonly,
                format!(
                    "{} cannot be written to, and from such a place changes are not seen as they come",
                    path.display()
                ),
            )
            .hint("look again from time to time: `lattice events --since CURSOR` prints what has come since"),
            other => other.into(),
        })
    }

    /// One page of the feed of this epoch; an empty one is its end.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED` if the file was made anew since; [`Failure`] if it cannot be read.
    pub fn feed(&self, query: &FeedQuery, epoch: &str, with_names: bool) -> Result<FeedPage, Failure> {
        self.read(|reader| {
            let ours = reader.epoch()?;
            if ours != epoch {
                return Err(expired(&format!("{epoch}:{}", query.since), &ours));
            }
            if let Some(task) = &query.task {
                reader.prove_history(task)?;
            }
            let arrivals = reader.feed(query)?;
            let mut names = BTreeMap::new();
            let named = |arrival: &Arrival| {
                let target = arrival.event.text("target_task_id").and_then(TaskId::parse_foreign);
                [arrival.event.task().cloned(), target]
            };
            for id in arrivals.iter().filter(|_| with_names).flat_map(named).flatten() {
                if !names.contains_key(id.as_str()) {
                    let name = reader.find_task(&id)?.map_or_else(|| id.to_string(), |task| task.name());
                    names.insert(id.to_string(), name);
                }
            }
            for arrival in arrivals.iter().filter(|_| with_names) {
                if let Subject::Resource(id) = &arrival.event.subject
                    && let Some(name) = reader.resource_of_id(id.as_str())?
                {
                    names.insert(id.to_string(), name);
                }
            }
            Ok(FeedPage { arrivals, names })
        })
    }
}

fn expired(cursor: &str, ours: &str) -> Failure {
    Failure::new(Code::CursorExpired, format!("the cursor {cursor} is of another tracker file"))
        .hint("the file was made anew since; begin again with `lattice events`")
        .details(serde_json::json!({"epoch": ours}))
}
