//! Merging is set union: whatever clones did apart, in whatever order their histories meet, all
//! of them show the same state, and that state is the fold of the events.

#[path = "support/uncounted.rs"]
mod uncounted;

use std::collections::BTreeSet;
use std::path::PathBuf;

use lattice::app::{
    App, Identity, ImportSet, InitOptions, Merge, Names, Place, Reader, Sourced, TaskFilter, TextKind, World,
};
use lattice::domain::command::{NewResource, NewTask};
use lattice::domain::id::EventId;
use lattice::domain::workflow::{DEFAULT_STATUSES, RELATIONSHIP_TYPES};
use lattice::domain::{Actor, Command, Event, Task};
use proptest::prelude::*;

/// 2026-01-01T00:00:00Z in milliseconds.
const START: u64 = 1_767_225_600_000;

/// The kind of step in which a clone takes in what another holds.
const EXCHANGE: u8 = 28;
/// The kind of step in which a clone takes the content of an event away.
const REDACTION: u8 = 27;

/// One thing that happens in one clone: who, what kind, and three dice for the details.
#[derive(Clone, Debug)]
struct Step {
    clone: usize,
    what: u8,
    dice: [u16; 3],
    /// Where this clone's clock stands, in minutes from the start; clocks disagree by hours.
    minutes: i32,
}

fn steps(clones: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..clones, 0_u8..=EXCHANGE, any::<[u16; 3]>(), -300_i32..600)
        .prop_map(|(clone, what, dice, minutes)| Step { clone, what, dice, minutes });
    prop::collection::vec(step, 1..60)
}

fn who(name: u16) -> Identity {
    let names = ["agent:a", "agent:b", "human:ada"];
    Identity {
        actor: Some(names[usize::from(name) % 3].into()),
        reason: Some("because".into()),
        ..Identity::default()
    }
}

fn tasks(app: &App) -> Vec<Task> {
    let filter = TaskFilter { include_archived: true, ..TaskFilter::default() };
    app.read(|reader| Ok(reader.tasks(&filter)?)).unwrap()
}

/// Carries a step out; what the rules refuse is no fault.
fn act(app: &mut App, step: &Step) {
    app.world().set_clock(START.saturating_add_signed(i64::from(step.minutes) * 60_000));
    let known = tasks(app);
    let [a, b, c] = step.dice;
    let pick = |die: u16| known.get(usize::from(die) % known.len().max(1)).map(|t| t.id.clone());
    let who = who(c);
    let comment = pick(a).and_then(|task| {
        let all = app.read(|reader| Ok(reader.comments(&task)?)).unwrap();
        let chosen = all.get(usize::from(b) % all.len().max(1))?;
        Some((task, EventId::parse(&chosen.id)?))
    });
    let text = format!("text {}", b % 5);
    if step.what == REDACTION {
        let known: Vec<String> = ids(&events(app)).into_iter().collect();
        // Only what makes the tracker what it is cannot be redacted.
        if let Err(failure) = app.redact(&who, &known[usize::from(a) % known.len()]) {
            assert_eq!(failure.code, lattice::app::Code::ValidationError, "{failure}");
        }
        return;
    }
    if (24..REDACTION).contains(&step.what) {
        drop(app.execute(&who, |names| Ok(of_resource(step, names))));
        return;
    }
    let command = match (step.what, pick(a), pick(b), comment) {
        (0..=4, ..) | (_, None, ..) => None,
        (5, Some(task), ..) => {
            let field = ["title", "description", "priority", "tags", "custom_fields.k"][usize::from(b) % 5];
            let value = if field == "priority" { "high".to_owned() } else { text };
            Some(Command::Update { task, changes: vec![(field.to_owned(), value)] })
        }
        (6..=8, Some(task), ..) => {
            let to = DEFAULT_STATUSES[usize::from(b) % DEFAULT_STATUSES.len()].to_owned();
            Some(Command::Status { task, to, force: c % 2 == 0 })
        }
        (9, Some(task), ..) => {
            let to = (b % 3 > 0).then(|| Actor::Plain(format!("agent:{}", b % 3)));
            Some(Command::Assign { task, to })
        }
        (10 | 11, Some(task), ..) => Some(Command::Comment {
            task,
            body: text,
            reply_to: None,
            role: (b % 3 == 0).then(|| "review".into()),
        }),
        (12, .., Some((task, comment))) => {
            Some(Command::CommentEdit { task, comment, body: text, role: None })
        }
        (13, .., Some((task, comment))) => Some(Command::CommentDelete { task, comment }),
        (14, .., Some((task, comment))) => {
            Some(Command::React { task, comment, emoji: format!("e{}", c % 2) })
        }
        (15, .., Some((task, comment))) => {
            Some(Command::Unreact { task, comment, emoji: format!("e{}", c % 2) })
        }
        (16, Some(task), Some(target), _) => {
            let kind = RELATIONSHIP_TYPES[usize::from(c) % 3].to_owned();
            Some(Command::Link { task, kind, target, note: None })
        }
        (17, Some(task), Some(target), _) => {
            let kind = RELATIONSHIP_TYPES[usize::from(c) % 3].to_owned();
            Some(Command::Unlink { task, kind, target })
        }
        (18, Some(task), ..) => Some(Command::Archive { task }),
        (19, Some(task), ..) => Some(Command::Unarchive { task }),
        (20, Some(task), ..) => Some(Command::SetPlan { task, body: text, base: None }),
        (21, Some(task), ..) => Some(Command::SetNotes { task, body: text, base: None }),
        (22, ..) => Some(Command::SetContext { body: text, base: None }),
        (23, ..) => Some(Command::SetConfig {
            path: ["/workflow/wip_limits/review", "/workflow/finished", "/x/y"][usize::from(b) % 3].into(),
            to: [serde_json::json!(b % 4), serde_json::json!(["done"]), serde_json::json!({"a": c % 3})]
                [usize::from(b) % 3]
                .clone(),
        }),
        _ => None,
    };
    let outcome = app.execute(&who, |names| {
        Ok(command.unwrap_or_else(|| Command::Create {
            id: names.fresh_task(),
            chosen: false,
            task: NewTask { title: format!("task {}", a % 100), ..NewTask::default() },
        }))
    });
    drop(outcome);
}

/// Clones make resources of few names, each under ids of its own, and hold them.
fn of_resource(step: &Step, names: &Names<'_>) -> Command {
    let [a, b, c] = step.dice;
    let name = format!("r{}", a % 2);
    let fresh = names.fresh_resource();
    match (step.what, b % 3) {
        (24, _) => {
            let (max_holders, ttl_seconds) = (Some(i64::from(c % 3) + 1), Some(i64::from(b % 7200) + 1));
            let resource = NewResource { name, max_holders, ttl_seconds, description: None };
            Command::CreateResource { id: fresh, chosen: false, resource }
        }
        (25, _) => Command::AcquireResource { name, fresh, task: None, force: b % 4 == 0 },
        (_, 0) => Command::HeartbeatResource { name },
        _ => Command::ReleaseResource { name },
    }
}

/// Tasks that all clones begin with, one of them with a comment, and a resource.
fn seed(app: &mut App) {
    for (what, dice) in
        [(0, [1, 0, 0]), (0, [2, 0, 0]), (0, [3, 0, 0]), (10, [0, 1, 0]), (16, [0, 1, 0]), (24, [0, 7199, 1])]
    {
        act(app, &Step { clone: 0, what, dice, minutes: 0 });
    }
}

fn events(app: &App) -> ImportSet {
    let mut set = ImportSet::default();
    app.read(|reader| {
        reader.each_raw(|raw| {
            let place = Place { file: PathBuf::from("memory"), line: None };
            set.events.push(Sourced { item: Event::parse(raw).unwrap(), place });
            Ok(())
        })
    })
    .unwrap();
    set
}

fn clone_of(set: &ImportSet, seed: u64) -> App {
    App::in_memory(World::scripted(START, seed), &InitOptions::default(), Some(set)).unwrap()
}

/// All that a reader could see and all that an export would hold, in one text.
fn view(app: &App) -> String {
    let mut exported = Vec::new();
    lattice::export::write_document(app, &mut exported, true).unwrap();
    let state = app.read(|reader| Ok(state(reader))).unwrap();
    format!("{state}\n{}", String::from_utf8(exported).unwrap())
}

fn state(reader: &Reader<'_>) -> String {
    let filter = TaskFilter { include_archived: true, ..TaskFilter::default() };
    let mut text = format!("{}\n{:?}\n", reader.config().unwrap().value(), reader.context().unwrap());
    for task in reader.tasks(&filter).unwrap() {
        text.push_str(&format!("{:?} {}", task.short_id, serde_json::to_string(&task).unwrap()));
        text.push_str(&serde_json::to_string(&reader.comments(&task.id).unwrap()).unwrap());
        for kind in [TextKind::Plan, TextKind::Notes] {
            text.push_str(&format!("{:?}", reader.find_text(kind, &task.id).unwrap()));
        }
        text.push('\n');
    }
    text.push_str(&format!("{:?}", reader.short_id_index().unwrap()));
    for resource in reader.resources().unwrap() {
        text.push_str(&format!("\n{}", serde_json::to_string(&resource).unwrap()));
    }
    text
}

/// Names the first line that differs; the whole of it would be too much to read.
fn assert_same(a: &str, b: &str, what: &str) {
    if let Some((a, b)) = a.lines().zip(b.lines()).find(|(a, b)| a != b) {
        panic!("{what}:\n{a}\n{b}");
    }
    assert_eq!(a.len(), b.len(), "{what}");
}

fn meet(app: &mut App, other: &ImportSet) {
    app.import(other, &Merge::default(), false, |_| {}).unwrap();
}

fn drift(app: &App) -> Vec<(String, String)> {
    app.read(|reader| Ok(reader.drift()?)).unwrap()
}

/// Lets clones act apart, unites them in every order, and holds the results against each other.
fn converge(clones: usize, steps: &[Step]) {
    let options = InitOptions { project_code: Some("LAT".into()), ..InitOptions::default() };
    let mut origin = App::in_memory(World::scripted(START, 1), &options, None).unwrap();
    seed(&mut origin);
    let base = events(&origin);
    let mut apps: Vec<App> = (0..clones).map(|n| clone_of(&base, 100 + n as u64)).collect();
    for step in steps {
        if step.what == EXCHANGE {
            let other = events(&apps[usize::from(step.dice[0]) % clones]);
            meet(&mut apps[step.clone], &other);
        } else {
            act(&mut apps[step.clone], step);
        }
    }
    let sets: Vec<ImportSet> = apps.iter().map(events).collect();
    let all: BTreeSet<String> = sets.iter().flat_map(ids).collect();
    let gone: BTreeSet<String> = sets.iter().flat_map(redacted).collect();
    let mut seen: Option<String> = None;
    for order in permutations(clones) {
        let mut united = clone_of(&sets[order[0]], 7);
        for other in &order[1..] {
            meet(&mut united, &sets[*other]);
        }
        assert_eq!(drift(&united), Vec::new(), "order {order:?}");
        let now = view(&united);
        assert_eq!(ids(&events(&united)), all, "order {order:?}");
        assert!(short_ids_are_unique(&united), "order {order:?}");
        assert_eq!(redacted(&events(&united)), gone, "order {order:?}");
        assert_same(seen.get_or_insert_with(|| now.clone()), &now, &format!("order {order:?}"));
    }
    for (n, app) in apps.iter_mut().enumerate() {
        assert_eq!(drift(app), Vec::new(), "clone {n} before meeting");
        for other in sets.iter().enumerate().filter(|(other, _)| *other != n) {
            meet(app, other.1);
        }
        assert_eq!(drift(app), Vec::new(), "clone {n} after meeting");
        assert_same(seen.as_ref().unwrap(), &view(app), &format!("clone {n}"));
        assert_eq!(redacted(&events(app)), gone, "clone {n}");
        assert_eq!(app.read(|reader| Ok(reader.broken_events()?)).unwrap(), Vec::<String>::new());
    }
}

fn ids(set: &ImportSet) -> BTreeSet<String> {
    set.events.iter().map(|event| event.item.id.to_string()).collect()
}

/// Events whose content is gone.
fn redacted(set: &ImportSet) -> BTreeSet<String> {
    let gone = set.events.iter().filter(|event| event.item.redacted.is_some());
    gone.map(|event| event.item.id.to_string()).collect()
}

fn short_ids_are_unique(app: &App) -> bool {
    let shown = app.read(|reader| Ok(reader.short_id_index()?)).unwrap().shown;
    let different: BTreeSet<_> = shown.iter().map(|(short_id, _)| short_id).collect();
    different.len() == shown.len() && shown.len() == tasks(app).len()
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(n - 1) {
        for place in 0..=shorter.len() {
            let mut longer = shorter.clone();
            longer.insert(place, n - 1);
            all.push(longer);
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_clones_converge(steps in steps(2)) {
        uncounted::memory();
        converge(2, &steps);
    }

    #[test]
    fn three_clones_converge(steps in steps(3)) {
        uncounted::memory();
        converge(3, &steps);
    }
}
