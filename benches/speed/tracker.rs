//! Trackers of any size, always the same for the same numbers: tasks with descriptions, comments,
//! relations and a life behind them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lattice::app::{App, Identity, ImportSet, InitOptions, Merge, Place, Sourced, World};
use lattice::domain::event::{EventBody, Stamp, kind};
use lattice::domain::{Actor, Command, Event, TaskId, Timestamp};
use serde_json::json;

use crate::Result;
use crate::run::Call;

/// When the first task is made: far enough back that no tracker reaches the present.
const BEGINNING: u64 = 1_600_000_000_000;
/// Time between two tasks.
const STEP: u64 = 5 * 60 * 1000;
/// Time between two events of a task.
const PAUSE: u64 = 47 * 60 * 1000;
/// Tasks that are taken in at once, so that making a large tracker takes little memory.
const CHUNK: usize = 5_000;
const WAIT: Duration = Duration::from_secs(30);

const WORDS: [&str; 40] = [
    "parser", "index", "reader", "writer", "error", "message", "retry", "timeout", "schema", "column",
    "checks", "returns", "drops", "keeps", "merges", "splits", "before", "after", "without", "every",
    "request", "session", "token", "cache", "release", "branch", "test", "flaky", "slow", "wrong", "order",
    "second", "empty", "large", "when", "the", "a", "of", "and", "behind",
];

/// A tracker on disk.
#[derive(Clone, Debug)]
pub struct Tracker {
    /// The folder that contains `.lattice/`.
    pub dir: PathBuf,
    /// How many tasks it was made with.
    pub tasks: usize,
}

impl Tracker {
    /// Makes one in an empty folder: two of ten tasks are in the backlog, some of the newest in
    /// progress, the rest finished and most of these archived, as after years of work.
    pub fn make(dir: &Path, tasks: usize, events_per_task: usize) -> Result<Self> {
        Self::fill(dir, tasks, |number| life(number, events_per_task, tasks))
    }

    /// Makes one whose tasks are all in the backlog, planned and waiting for nothing.
    pub fn of_open_tasks(dir: &Path, tasks: usize) -> Result<Self> {
        Self::fill(dir, tasks, |_| Life { end: "planned", archived: false, events: 2 })
    }

    /// Makes one of open tasks that were much talked about.
    pub fn of_talk(dir: &Path, tasks: usize) -> Result<Self> {
        Self::fill(dir, tasks, |number| Life { end: "backlog", archived: false, events: 6 + number % 2 })
    }

    fn fill(dir: &Path, tasks: usize, life: impl Fn(usize) -> Life) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        let world = World::scripted(BEGINNING - 1000, tasks as u64);
        let options = InitOptions { project_code: Some("LAT".into()), ..InitOptions::default() };
        App::init(&dir.join(".lattice"), &world, WAIT, &options, None)?;
        let mut app = App::open_write(App::locate(&World::scripted(0, 0), &dir)?, world, WAIT)?;
        // Where the measurement lies in a repository, `show` would ask git, which takes several times
        // as long as all else: that is measured by itself.
        let who = Identity { actor: Some("agent:bench".into()), ..Identity::default() };
        app.execute(&who, |_| Ok(Command::SetConfig { path: "/git/detect".into(), to: json!(false) }))?;
        let mut ids: Vec<TaskId> = Vec::with_capacity(tasks);
        for first in (0..tasks).step_by(CHUNK) {
            let mut set = ImportSet::default();
            for number in first..tasks.min(first + CHUNK) {
                app.world().set_clock(BEGINNING + number as u64 * STEP);
                ids.push(app.world().task_id());
                history(app.world(), number, &ids, &life(number), &mut set);
            }
            app.import(&set, &Merge::default(), false, |_| {})?;
        }
        app.close();
        Ok(Self { dir, tasks })
    }

    /// The short id of a task, counted from 0.
    pub fn name(&self, number: usize) -> String {
        format!("LAT-{}", number % self.tasks + 1)
    }

    /// The short id of a task in the backlog, counted from 0 among these.
    pub fn backlog(&self, number: usize) -> String {
        self.name(number / 2 * 10 + 8 + number % 2)
    }

    /// The database.
    pub fn file(&self) -> PathBuf {
        self.dir.join(".lattice/lattice.db")
    }

    /// A call of `lattice` here.
    pub fn call(&self, lattice: &Path, args: &[&str]) -> Call {
        Call::new(lattice, &self.dir, args)
    }

    /// The same tracker in another folder, as it is on disk. Nobody may have it open. It is flushed:
    /// otherwise the first command there would wait for the copy too.
    pub fn copy(&self, dir: &Path) -> Result<Self> {
        let there = dir.join(".lattice");
        std::fs::create_dir_all(&there)?;
        for name in ["lattice.db", "lattice.db-wal"] {
            let from = self.dir.join(".lattice").join(name);
            if from.exists() {
                std::fs::copy(from, there.join(name))?;
                std::fs::File::open(there.join(name))?.sync_all()?;
            }
        }
        Ok(Self { dir: dir.canonicalize()?, tasks: self.tasks })
    }
}

/// What becomes of a task.
struct Life {
    end: &'static str,
    archived: bool,
    events: usize,
}

fn life(number: usize, events: usize, tasks: usize) -> Life {
    let end = match number % 10 {
        6 => "cancelled",
        7 if number + 300 > tasks => "in_progress",
        8 | 9 => "backlog",
        _ => "done",
    };
    Life { end, archived: end != "backlog" && number < tasks / 10 * 7, events: events.max(5) }
}

/// One task's events: its creation, a relation for some, the way to its status, and comments.
fn history(world: &World, number: usize, ids: &[TaskId], life: &Life, set: &mut ImportSet) {
    let task = &ids[number];
    let actor = Actor::Plain(format!("agent:worker-{}", number % 12));
    let mut bodies = vec![EventBody::of_task(task, kind::TASK_CREATED, created(number))];
    if life.end == "planned" {
        let plan = format!("# Plan\n\n1. {}\n2. {}\n", text(number, 12), text(number + 1, 12));
        bodies.push(EventBody::of_task(task, kind::PLAN_UPDATED, json!({"body": plan})));
    } else if number % 4 == 3 {
        let target = &ids[number - 1 - number % 7 % number];
        let relation = ["depends_on", "related_to", "subtask_of", "blocks"][number / 4 % 4];
        let data = json!({"type": relation, "target_task_id": target.as_str()});
        bodies.push(EventBody::of_task(task, kind::RELATIONSHIP_ADDED, data));
    }
    if matches!(life.end, "done" | "in_progress") {
        let data = json!({"from": null, "to": actor.display()});
        bodies.push(EventBody::of_task(task, kind::ASSIGNMENT_CHANGED, data));
    }
    let path = path_to(life.end);
    let room = life.events.saturating_sub(bodies.len() + usize::from(life.archived)).min(path.len());
    let mut from = "backlog";
    for to in &path[path.len() - room..] {
        let data = json!({"from": from, "to": to});
        bodies.push(EventBody::of_task(task, kind::STATUS_CHANGED, data));
        from = to;
    }
    while bodies.len() + usize::from(life.archived) < life.events {
        let body = text(number * 31 + bodies.len(), 15 + number % 25);
        bodies.push(EventBody::of_task(task, kind::COMMENT_ADDED, json!({"body": body})));
    }
    if life.archived {
        bodies.push(EventBody::of_task(task, kind::TASK_ARCHIVED, json!({})));
    }
    let mut parents = Vec::new();
    for (place, body) in bodies.into_iter().enumerate() {
        let millis = BEGINNING + number as u64 * STEP + place as u64 * PAUSE;
        world.set_clock(millis);
        let id = world.event_id([]);
        let at = Timestamp::from_seconds((millis / 1000) as i64);
        let event = Event::compose(body, id.clone(), at, &actor, &Stamp::default(), parents);
        parents = vec![id];
        let place = Place { file: PathBuf::from("made up"), line: None };
        set.events.push(Sourced { item: event, place });
    }
}

fn created(number: usize) -> serde_json::Value {
    json!({
        "title": text(number * 7, 4 + number % 5),
        "status": "backlog",
        "type": (["task", "bug", "task", "chore"][number % 4]),
        "priority": (["medium", "high", "low", "medium", "critical"][number % 5]),
        "short_id": format!("LAT-{}", number + 1),
        "description": text(number * 13, 40 + number % 60),
        "tags": [WORDS[number % 30], WORDS[number % 11]],
        "assigned_to": null,
    })
}

fn path_to(end: &str) -> &'static [&'static str] {
    match end {
        "done" => &["in_planning", "planned", "in_progress", "review", "done"],
        "cancelled" => &["cancelled"],
        "in_progress" => &["in_planning", "planned", "in_progress"],
        _ => &[],
    }
}

/// So many words, other ones for another seed.
fn text(seed: usize, words: usize) -> String {
    let word =
        |place: usize| WORDS[(seed * 2_654_435_761 + place * place * 40_503 + place * 17) % WORDS.len()];
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}
