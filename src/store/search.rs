//! Searching for words in the texts of tasks: in the index, and in what changed since it was
//! last brought up to date.
//!
//! The order does not depend on what else is there, as a measure of relevance would: titles first,
//! then descriptions, plans, notes and comments; whole words before longer ones; the newest first.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params, params_from_iter};

use super::error::StoreError;
use super::query::TaskFilter;
use super::rows;
use super::search_index::{self, KINDS, Kind, Text, find_text};
use super::unplaced::SqlResult;
use crate::domain::id::TaskId;
use crate::domain::search::{Beginning, Words};
use crate::domain::task::Task;

/// A task that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The task.
    pub task: Task,
    /// Where the words stand.
    pub place: FoundIn,
    /// The title, or a piece of the text, in which they stand.
    pub extract: Vec<Piece>,
}

/// Where words were found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members say what their names say")]
pub enum FoundIn {
    Title,
    Description,
    Plan,
    Notes,
    /// In the comment of this id.
    Comment(String),
}

/// A piece of text, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it reads.
    pub text: String,
    /// Whether it is what was searched for.
    pub is_found: bool,
}

/// Words in an extract, at most.
const EXTRACT: usize = 24;
/// Characters in an extract, at most: a word may be as long as it likes.
const LONGEST: usize = 400;
/// Around what was found, in texts that hold neither.
const MARKS: [char; 2] = ['\u{1}', '\u{2}'];

/// The same words as the index in the file would have.
pub(super) const ASIDE: &str =
    "CREATE VIRTUAL TABLE search USING fts5(title, body, tokenize='unicode61 remove_diacritics 2')";

/// Tasks that hold all the words in one of their texts, and pass the filter; best first. The order
/// of the filter is not asked.
pub(super) fn search(conn: &Connection, words: &Words, filter: &TaskFilter) -> Result<Vec<Hit>, StoreError> {
    undamaged(Search::new(conn).and_then(|search| search.hits(words, filter)))
}

/// The tasks that hold all the words in one of their texts.
pub(super) fn searched(conn: &Connection, words: &Words) -> Result<Vec<String>, StoreError> {
    undamaged(Search::new(conn).and_then(|search| search.tasks(words)))
}

fn undamaged<T>(result: Result<T, StoreError>) -> Result<T, StoreError> {
    let detail = || "the index of words is damaged; `lattice rebuild --all` makes it anew".to_owned();
    result.map_err(|error| match search_index::is_damage(&error) {
        true => StoreError::Corrupt { detail: detail() },
        false => error,
    })
}

struct Search<'c> {
    conn: &'c Connection,
    /// Rows of the index that may say what is no longer so.
    stale: BTreeSet<i64>,
    /// What these say now, and later what is shown.
    aside: Connection,
}

/// Found: the row, the task, and whether in the title.
type Found = (i64, String, bool);

impl<'c> Search<'c> {
    fn new(conn: &'c Connection) -> Result<Self, StoreError> {
        let stale = search_index::stale(conn)?;
        let aside = Connection::open_in_memory().sql()?;
        aside.execute_batch(ASIDE).sql()?;
        let search = Self { conn, stale, aside };
        for row in &search.stale {
            if let Some(text) = find_text(conn, *row)? {
                search.put_aside(*row, &text)?;
            }
        }
        Ok(search)
    }

    fn put_aside(&self, row: i64, text: &Text) -> Result<(), StoreError> {
        let unmarked = |text: &str| text.replace(MARKS, "\u{fffd}");
        self.aside
            .prepare_cached("INSERT INTO search (rowid, title, body) VALUES (?1, ?2, ?3)")
            .sql()?
            .execute(params![row, unmarked(&text.title), unmarked(&text.body)])
            .sql()
            .map(drop)
    }

    fn hits(&self, words: &Words, filter: &TaskFilter) -> Result<Vec<Hit>, StoreError> {
        let (whole, loose) = (expression(words, false), expression(words, true));
        let mut tiers = vec![(in_title(&whole), true), (whole.clone(), false)];
        if loose != whole {
            tiers.extend([(in_title(&loose), true), (loose.clone(), false)]);
        }
        let mut seen = HashSet::new();
        let mut found: Vec<Found> = Vec::new();
        for (tier, in_title) in tiers {
            if filter.limit.is_some_and(|limit| found.len() >= limit) {
                break;
            }
            self.tier(&tier, filter, &mut |row, task| {
                if seen.insert(task.to_owned()) {
                    found.push((row, task.to_owned(), in_title));
                }
                filter.limit.is_none_or(|limit| found.len() < limit)
            })?;
        }
        self.shown(&found, &loose)
    }

    /// Hands on what fits, the highest row first, until `more` says no.
    fn tier(
        &self,
        tier: &str,
        filter: &TaskFilter,
        more: &mut dyn FnMut(i64, &str) -> bool,
    ) -> Result<(), StoreError> {
        let (clauses, values) = filter.clauses();
        let mut late = self.late(tier)?.into_iter().rev().peekable();
        let mut task_of_late = self
            .conn
            .prepare_cached(&format!(
                "SELECT t.id FROM events e CROSS JOIN tasks t ON t.id = e.task_id{clauses} AND e.seq = ?"
            ))
            .sql()?;
        let mut hand_on_late = |row: i64, more: &mut dyn FnMut(i64, &str) -> bool| {
            let with_row = values.iter().cloned().chain([(row % KINDS).into()]);
            let mut found = task_of_late.query(params_from_iter(with_row)).sql()?;
            match found.next().sql()? {
                Some(task) => Ok::<_, StoreError>(more(row, &task.get::<_, String>(0).sql()?)),
                None => Ok(true),
            }
        };
        // The words lead: whatever the filter says, most tasks do not hold them.
        let sql = format!(
            "SELECT s.rowid, t.id FROM search s CROSS JOIN events e ON e.seq = s.rowid % {KINDS}
               CROSS JOIN tasks t ON t.id = e.task_id{clauses} AND s.search MATCH ? ORDER BY s.rowid DESC"
        );
        let mut statement = self.conn.prepare_cached(&sql).sql()?;
        let with_words = values.iter().cloned().chain([Sql::Text(tier.to_owned())]);
        let mut indexed = statement.query(params_from_iter(with_words)).sql()?;
        while let Some(found) = indexed.next().sql()? {
            let row: i64 = found.get(0).sql()?;
            while let Some(late) = late.next_if(|late| *late > row) {
                if !hand_on_late(late, more)? {
                    return Ok(());
                }
            }
            if !self.stale.contains(&row) && !more(row, &found.get::<_, String>(1).sql()?) {
                return Ok(());
            }
        }
        for late in late {
            if !hand_on_late(late, more)? {
                break;
            }
        }
        Ok(())
    }

    /// Rows that fit among those that the index does not know yet.
    fn late(&self, expression: &str) -> Result<Vec<i64>, StoreError> {
        if self.stale.is_empty() {
            return Ok(Vec::new());
        }
        self.aside
            .prepare("SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid")
            .sql()?
            .query_map([expression], |row| row.get(0))
            .sql()?
            .collect::<Result<_, _>>()
            .sql()
    }

    /// The tasks, with extracts of the texts that were found.
    fn shown(&self, found: &[Found], expression: &str) -> Result<Vec<Hit>, StoreError> {
        let mut events = BTreeMap::new();
        for (row, ..) in found {
            if let Some(text) = find_text(self.conn, *row)? {
                if !self.stale.contains(row) {
                    self.put_aside(*row, &text)?;
                }
                events.insert(*row, text.event);
            }
        }
        let [open, close] = MARKS;
        let sql = "SELECT rowid, highlight(search, 0, ?2, ?3), snippet(search, 1, ?2, ?3, '…', ?4)
                     FROM search WHERE search MATCH ?1";
        let mut statement = self.aside.prepare(sql).sql()?;
        let mut extracts: BTreeMap<i64, (String, String)> = statement
            .query_map(params![expression, open.to_string(), close.to_string(), EXTRACT as i64], |row| {
                Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))
            })
            .sql()?
            .collect::<Result<_, _>>()
            .sql()?;
        let mut hits = Vec::new();
        for (row, task, in_title) in found {
            let task = TaskId::parse_foreign(task).map(|id| rows::find_task(self.conn, &id)).transpose()?;
            let (Some(Some(task)), Some((title, body))) = (task, extracts.remove(row)) else { continue };
            let event = events.remove(row).unwrap_or_default();
            let place = match Kind::of(*row) {
                Kind::Task if *in_title => FoundIn::Title,
                Kind::Task => FoundIn::Description,
                Kind::Plan => FoundIn::Plan,
                Kind::Notes => FoundIn::Notes,
                Kind::Comment => FoundIn::Comment(event),
            };
            let extract = pieces(if *in_title { &title } else { &body });
            hits.push(Hit { task, place, extract });
        }
        Ok(hits)
    }

    fn tasks(&self, words: &Words) -> Result<Vec<String>, StoreError> {
        let expression = expression(words, true);
        let stale: Vec<i64> = self.stale.iter().copied().collect();
        let sql = format!(
            "SELECT DISTINCT e.task_id FROM search s CROSS JOIN events e ON e.seq = s.rowid % {KINDS}
              WHERE s.search MATCH ?1 AND s.rowid NOT IN (SELECT value FROM json_each(?2))
             UNION SELECT task_id FROM events WHERE seq IN (SELECT value % {KINDS} FROM json_each(?3))"
        );
        let late = rows::encoded(&self.late(&expression)?)?;
        self.conn
            .prepare(&sql)
            .sql()?
            .query_map([expression, rows::encoded(&stale)?, late], |row| row.get(0))
            .sql()?
            .collect::<Result<_, _>>()
            .sql()
    }
}

/// The words as the index understands them: each in quotes, so that nothing in it is an operator;
/// side by side, so that all are asked for.
fn expression(words: &Words, longer: bool) -> String {
    let word = |word: &crate::domain::search::Word| {
        let star = word.beginning == Beginning::Asked || (longer && word.beginning == Beginning::Longer);
        format!("\"{}\"{}", word.text.replace('"', "\"\""), if star { " *" } else { "" })
    };
    words.all().iter().map(word).collect::<Vec<_>>().join(" ")
}

fn in_title(expression: &str) -> String {
    format!("title : ({expression})")
}

/// Takes marked text apart; every gap becomes one space.
fn pieces(marked: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut is_found, mut length, mut gap) = (false, 0, false);
    for c in marked.chars() {
        if MARKS.contains(&c) {
            is_found = c == MARKS[0];
            continue;
        }
        if c.is_whitespace() {
            gap = length > 0;
            continue;
        }
        if length >= LONGEST {
            pieces.push(Piece { text: "…".to_owned(), is_found: false });
            break;
        }
        if pieces.last().is_none_or(|piece| piece.is_found != is_found) {
            // A gap belongs to what was not searched for.
            if let Some(last) = pieces.last_mut().filter(|last| gap && !last.is_found) {
                last.text.push(' ');
                gap = false;
            }
            pieces.push(Piece { text: String::new(), is_found });
        }
        if let Some(last) = pieces.last_mut() {
            last.text.extend(gap.then_some(' '));
            last.text.push(c);
        }
        gap = false;
        length += 1;
    }
    pieces
}
