//! Taking in the tasks of other trackers: their records become facts, in one transaction.
//!
//! An event's id is made of the time that the source tells and a hash over what the event says, so
//! clones that take in the same records make the same events, and the same records again add none.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::bulk::{Undo, merge};
use super::{App, Code, Failure, ImportReport, ImportSet, Merge, Place, Sourced, World};
use crate::domain::event::{Event, EventBody, MAX_BYTES, Stamp, kind};
use crate::domain::fold::TaskState;
use crate::domain::foreign::facts::trigger;
use crate::domain::foreign::words::NOBODY;
use crate::domain::foreign::{
    Base, Fact, Kept, Link, Record, Unknown, Words, creation, difference, id_field,
};
use crate::domain::id::ulid_value;
use crate::domain::short_id::LAST_NUMBER;
use crate::domain::{Actor, Config, EventId, ShortId, SortKey, TaskId, Timestamp, event};
use crate::store::{Reader, sha256};

/// Records of one source, and how to read them.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// What the source is called: the beginning of the names of its fields.
    pub source: String,
    /// What was read.
    pub records: Vec<Sourced<Record>>,
    /// Statuses of the source, plain, with ours.
    pub statuses: BTreeMap<String, String>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct IntakeReport {
    /// The events.
    pub import: ImportReport,
    /// Records that were looked at.
    pub records: usize,
    /// Records of which nothing came in.
    pub unchanged: usize,
    /// Fields that were changed on both sides, and stay as they are here: (task's name, field).
    pub kept: Vec<(String, Kept)>,
    /// Sentences about what was not taken, or taken for something else.
    pub notices: Vec<String>,
}

impl App {
    /// Takes records in, in one transaction. With `dry_run` everything is done and then undone.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a status that the workflow does not have, `IMPORT_INVALID` for two
    /// records of one id, `STORE_…`; nothing was changed then.
    pub fn take_in(
        &mut self,
        intake: &Intake,
        dry_run: bool,
        mut each: impl FnMut(&TaskId),
    ) -> Result<IntakeReport, Failure> {
        let world = &self.world;
        let mut report = None;
        let result = self.store.write(|tx| {
            let (set, mut done) = Work::new(tx, world, intake)?.facts()?;
            done.import = merge(tx, world, &set, &Merge::default(), &mut each)?;
            done.unchanged = done.records - done.import.tasks.len();
            report = Some(done);
            if dry_run { Err(Undo::DryRun) } else { Ok(()) }
        });
        match result {
            // As with any import, the change is saved by now.
            Ok(()) => drop(self.store.checkpoint()),
            Err(Undo::DryRun) => {}
            Err(Undo::Failed(failure)) => return Err(*failure),
        }
        Ok(report.unwrap_or_default())
    }
}

/// The work on one source's records, inside the transaction.
struct Work<'a> {
    reader: &'a Reader<'a>,
    intake: &'a Intake,
    config: Config,
    now: Timestamp,
    world: &'a World,
    /// The tasks of the source: those that are here, and those that the records make.
    tasks: HashMap<String, TaskId>,
    /// Which of them are here.
    here: Vec<TaskId>,
}

impl<'a> Work<'a> {
    fn new(reader: &'a Reader<'a>, world: &'a World, intake: &'a Intake) -> Result<Self, Failure> {
        let config = reader.config()?;
        let statuses = config.statuses();
        if let Some(unknown) = intake.statuses.values().find(|status| !statuses.contains(status)) {
            return Err(crate::domain::Rejection::NotOneOf {
                what: "status",
                got: unknown.clone(),
                allowed: statuses,
            }
            .into());
        }
        let mut tasks = HashMap::new();
        let mut here = Vec::new();
        for (foreign, id) in reader.tasks_by_field(&id_field(&intake.source))? {
            here.push(id.clone());
            tasks.entry(foreign).or_insert(id);
        }
        Ok(Self { reader, intake, config, now: world.now(), world, tasks, here })
    }

    /// Events for all records, and what there is to say about them.
    fn facts(mut self) -> Result<(ImportSet, IntakeReport), Failure> {
        let mut report = IntakeReport::default();
        let records = self.records(&mut report)?;
        for sourced in &records {
            let id = self.id_of(&sourced.item);
            // Whoever took the field away from a task has the task all the same.
            if !self.tasks.contains_key(&sourced.item.id) && self.reader.has_task(id.as_str())? {
                self.here.push(id.clone());
            }
            self.tasks.entry(sourced.item.id.clone()).or_insert(id);
        }
        self.here.sort();
        report.records = records.len();
        let mut set = ImportSet::default();
        let (mut unknown, mut fresh) = (Vec::new(), Vec::new());
        for sourced in &records {
            let links = self.links(sourced, &mut report);
            let words =
                Words { source: &self.intake.source, config: &self.config, statuses: &self.intake.statuses };
            let wanted = words.wanted(&sourced.item, links, &mut unknown);
            let Some(id) = self.tasks.get(&sourced.item.id).cloned() else { continue };
            let is_new = self.here.binary_search(&id).is_err();
            let mut history = if is_new { Vec::new() } else { self.reader.history(&id)? };
            let mut made = Vec::new();
            if is_new {
                let fact = creation(&id, &wanted, &self.config);
                made.push(self.event(dated(fact, &id), &[], &sourced.place)?);
                history.push(made[0].clone());
            }
            let base = Base::of(&history, &self.intake.source);
            let now = TaskState::fold(&history).0;
            let (facts, kept) = difference(&id, &base, &now, &wanted);
            if base.state.task.is_none() {
                report.notices.push(format!(
                    "{} bears the name {}, but what it says did not come from there, or was redacted; it was left alone",
                    self.name(&id)?,
                    sourced.item.id
                ));
            }
            for kept in kept {
                report.kept.push((self.name(&id)?, kept));
            }
            for fact in facts {
                let fact = if is_new || fact.is_alone { dated(fact, &id) } else { fact };
                let event = self.event(fact, &history, &sourced.place)?;
                history.push(event.clone());
                history.sort_by(|a, b| a.key.cmp(&b.key));
                made.push(event);
            }
            if is_new {
                fresh.push((wanted.created.unwrap_or(self.now), history, sourced.place.clone()));
            }
            set.events.extend(made.into_iter().map(|item| Sourced { item, place: sourced.place.clone() }));
        }
        fresh.sort_by_key(|(created, ..)| *created);
        self.number(&fresh, &mut set)?;
        report.notices.extend(told(unknown));
        Ok((set, report))
    }

    /// What people call a task.
    fn name(&self, id: &TaskId) -> Result<String, Failure> {
        Ok(self.reader.find_task(id)?.map_or_else(|| id.to_string(), |task| task.name()))
    }

    /// The records, each id once, with times that can be.
    fn records(&self, report: &mut IntakeReport) -> Result<Vec<Sourced<Record>>, Failure> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut records: Vec<Sourced<Record>> = Vec::new();
        let mut late = 0;
        for sourced in &self.intake.records {
            let mut record = sourced.item.clone();
            // A time to come in an event's id would put off every event after it.
            let mut times =
                [&mut record.created, &mut record.started, &mut record.updated, &mut record.closed]
                    .into_iter()
                    .chain(record.comments.iter_mut().map(|remark| &mut remark.at))
                    .chain(record.links.iter_mut().flatten().map(|link| &mut link.at))
                    .filter(|time| time.is_some_and(|at| at > self.now))
                    .peekable();
            late += usize::from(times.peek().is_some());
            times.for_each(|time| *time = None);
            if let Some(known) = places.get(sourced.item.id.as_str()).map(|place| &records[*place]) {
                if known.item == record {
                    continue;
                }
                return Err(Failure::new(
                    Code::ImportInvalid,
                    format!(
                        "`{}` stands at {} and, with other content, at {}",
                        record.id, known.place, sourced.place
                    ),
                )
                .hint("nothing was imported; keep one of the two"));
            }
            places.insert(&sourced.item.id, records.len());
            records.push(Sourced { item: record, place: sourced.place.clone() });
        }
        if late > 0 {
            report.notices.push(format!("{late} records tell of times to come; these count as not told"));
        }
        Ok(records)
    }

    /// The id that a record's task has in every clone.
    fn id_of(&self, record: &Record) -> TaskId {
        let random = random(&["task", &self.intake.source, &record.id]);
        TaskId::from_value(ulid_value(record.created.map_or(0, Timestamp::millis), random))
    }

    /// The relations whose other end is known. `None` if they are not to be looked at.
    fn links(&self, sourced: &Sourced<Record>, report: &mut IntakeReport) -> Option<Vec<(Link, TaskId)>> {
        let record = &sourced.item;
        let mut known = Vec::new();
        for link in record.links.as_ref()? {
            match self.tasks.get(&link.target) {
                Some(_) if link.target == record.id => {
                    report.notices.push(format!("{} {} itself; that was not taken", record.id, link.kind));
                }
                Some(id) => known.push((link.clone(), id.clone())),
                None => report.notices.push(format!(
                    "{} {} {}, which is not here; that was not taken",
                    record.id, link.kind, link.target
                )),
            }
        }
        Some(known)
    }

    /// The event of a fact. One that hangs on nothing is the same wherever it is made; another
    /// comes behind all that the history holds.
    fn event(&self, fact: Fact, history: &[Event], place: &Place) -> Result<Event, Failure> {
        let at = fact.at.unwrap_or(self.now);
        let mut stamp = Stamp::default();
        stamp.provenance.insert("triggered_by".into(), json!(trigger(&self.intake.source)));
        if let Some(reason) = &fact.reason {
            stamp.provenance.insert("reason".into(), json!(reason));
        }
        let parents = if fact.is_alone { Vec::new() } else { event::heads(history) };
        let said = crate::domain::json::line(&json!([
            fact.body.kind,
            fact.body.data,
            at.to_string(),
            fact.actor.to_value(),
            parents.iter().map(EventId::as_str).collect::<Vec<_>>(),
            stamp.provenance,
        ]));
        let task = match &fact.body.subject {
            event::Subject::Task(id) => id.to_string(),
            _ => String::new(),
        };
        let random = random(&["event", &task, &said]);
        let mut id = EventId::from_value(ulid_value(at.millis(), random));
        if let Some(last) = history.last().filter(|_| !fact.is_alone)
            && SortKey::of(&id, &at.to_string(), true) <= last.key
        {
            let millis = last.key.clock().map_or(at.millis(), |value| (value >> 80) as u64);
            id = EventId::from_value(ulid_value(millis.max(at.millis()).saturating_add(1), random));
        }
        let event = Event::compose(fact.body, id, at, &fact.actor, &stamp, parents);
        check(&event, place)?;
        Ok(event)
    }

    /// Gives short ids to the new tasks, oldest first.
    fn number(&self, fresh: &[(Timestamp, Vec<Event>, Place)], set: &mut ImportSet) -> Result<(), Failure> {
        let Some(prefix) = self.config.short_id_prefix().filter(|_| !fresh.is_empty()) else { return Ok(()) };
        let first = self.reader.next_number(&prefix)?;
        let numbers = first..=LAST_NUMBER;
        let mut last: Vec<SortKey> = self.reader.last_key()?.into_iter().collect();
        last.extend(set.events.iter().map(|sourced| sourced.item.key.clone()).max());
        for ((_, history, place), number) in fresh.iter().zip(numbers) {
            let Some(task) = history.iter().find_map(Event::task) else { continue };
            let short_id = ShortId { prefix: prefix.clone(), number };
            let body =
                EventBody::of_task(task, kind::SHORT_ID_ASSIGNED, json!({"short_id": short_id.to_string()}));
            let actor = Actor::Plain(NOBODY.to_owned());
            let parents = event::heads(history);
            let id = self.world.event_id(&last);
            let item = Event::compose(body, id, self.now, &actor, &Stamp::default(), parents);
            last = vec![item.key.clone()];
            set.events.push(Sourced { item, place: place.clone() });
        }
        Ok(())
    }
}

/// What nobody dated was so from the beginning of the task, which its id tells: 1970 where nobody dated
/// that either. The time of the import would make another fact in each clone.
fn dated(fact: Fact, task: &TaskId) -> Fact {
    let millis = task.value().map_or(0, |value| (value >> 80) as i64);
    Fact { at: fact.at.or(Some(Timestamp::from_seconds(millis / 1000))), ..fact }
}

/// What cannot be kept must not come in.
fn check(event: &Event, place: &Place) -> Result<(), Failure> {
    let refused = |what: String| {
        Failure::new(Code::ImportInvalid, format!("{place}: {what}"))
            .hint("nothing was imported; shorten or mend it there")
            .details(json!({"file": place.file.display().to_string(), "line": place.line}))
    };
    if event.raw().len() > MAX_BYTES {
        return Err(refused(format!("a {} would be longer than {MAX_BYTES} bytes", event.kind)));
    }
    Event::parse(event.raw()).map(drop).map_err(|error| refused(error.to_string()))
}

/// 80 bits of a hash. Each part stands behind its length, so that no two lists of parts read the same.
fn random(parts: &[&str]) -> u128 {
    let mut input = Vec::new();
    for part in parts {
        input.extend((part.len() as u64).to_be_bytes());
        input.extend(part.as_bytes());
    }
    sha256(&input).iter().take(10).fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
}

/// One sentence for each word that nobody knows.
fn told(unknown: Vec<Unknown>) -> Vec<String> {
    let mut counts: BTreeMap<Unknown, usize> = BTreeMap::new();
    for one in unknown {
        *counts.entry(one).or_default() += 1;
    }
    let one = |(Unknown { what, word, taken }, count): (Unknown, usize)| {
        let of = if count == 1 { "1 record".to_owned() } else { format!("{count} records") };
        let taken = if taken.is_empty() { "left out".to_owned() } else { format!("taken for `{taken}`") };
        let hint = if what == "status" {
            format!("; `--status-map \"{word}=STATUS\"` says what it means")
        } else {
            String::new()
        };
        format!("{what} `{word}` of {of} is not known: {taken}{hint}")
    };
    counts.into_iter().map(one).collect()
}

/// A file of a source, as a place.
impl From<PathBuf> for Place {
    fn from(file: PathBuf) -> Self {
        Self { file, line: None }
    }
}

/// A value as people read it: short, on one line.
#[must_use]
pub fn in_short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = match Actor::by_name(value) {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > LONGEST { line.chars().take(LONGEST).collect::<String>() + "…" } else { line }
}
