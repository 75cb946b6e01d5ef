//! The index of words beside the log: whatever happens in whatever order, a search finds what the
//! texts say now and nothing else, and `doctor` proves it.

use lattice::app::{App, Identity, ImportSet, InitOptions, Merge, Place, Sourced, World};
use lattice::domain::command::NewTask;
use lattice::domain::search::Words;
use lattice::domain::{Command, Event, EventId, TaskId};
use serde_json::json;

/// 2026-01-01T00:00:00Z in milliseconds.
const START: u64 = 1_767_225_600_000;

fn tracker() -> App {
    App::in_memory(World::scripted(START, 5), &InitOptions::default(), None).unwrap()
}

fn run(app: &mut App, command: Command) -> Vec<Event> {
    let who = Identity { actor: Some("agent:a".into()), ..Identity::default() };
    app.execute(&who, |_| Ok(command)).unwrap().events
}

fn create(app: &mut App, title: String) -> TaskId {
    let task = NewTask { title, ..NewTask::default() };
    let id = app.world().task_id();
    run(app, Command::Create { id: id.clone(), chosen: false, task });
    id
}

fn finds(app: &App, word: &str) -> bool {
    let words = Words::parse(&format!("\"{word}\"")).unwrap();
    let listed = app.read(|reader| Ok(reader.searched(&words)?)).unwrap();
    let hits = app.search(&format!("\"{word}\""), lattice::app::TaskFilter::default()).unwrap().hits;
    assert_eq!(hits.len(), listed.len(), "{word}");
    !hits.is_empty()
}

fn drift(app: &App) -> Vec<(String, String)> {
    app.read(|reader| Ok(reader.drift()?)).unwrap()
}

/// Something small that gives other numbers for other places.
fn number(place: usize, below: usize) -> usize {
    ((place * 2_654_435_761) >> 7) % below
}

#[test]
fn every_text_is_found_as_it_reads_now_at_any_moment() {
    let mut app = tracker();
    let tasks: Vec<TaskId> = (0..4).map(|n| create(&mut app, format!("zero{n}"))).collect();
    // What each text says: (task, which) to its word.
    let mut texts = std::collections::BTreeMap::new();
    let mut comments: Vec<(usize, EventId)> = Vec::new();
    for round in 0..330 {
        let (at, word) = (number(round, 4), format!("word{round}x"));
        let task = tasks[at].clone();
        let body = format!("some {word} here");
        let mut field = |app: &mut App, name: &str| {
            run(app, Command::Update { task: task.clone(), changes: vec![(name.into(), body.clone())] });
            texts.insert((at, name.to_owned()), word.clone())
        };
        let before = match number(round, 7) {
            0 => field(&mut app, "title"),
            1 => field(&mut app, "description"),
            2 => {
                run(&mut app, Command::SetPlan { task, body, base: None });
                texts.insert((at, "plan".to_owned()), word.clone())
            }
            3 => {
                run(&mut app, Command::SetNotes { task, body, base: None });
                texts.insert((at, "notes".to_owned()), word.clone())
            }
            4 if comments.len() > 3 => {
                let (at, comment) = comments[number(round, comments.len())].clone();
                let key = (at, comment.to_string());
                run(&mut app, Command::CommentEdit { task: tasks[at].clone(), comment, body, role: None });
                texts.insert(key, word.clone())
            }
            5 if comments.len() > 3 => {
                let (at, comment) = comments.remove(number(round, comments.len()));
                let key = (at, comment.to_string());
                run(&mut app, Command::CommentDelete { task: tasks[at].clone(), comment });
                let gone = texts.remove(&key);
                assert!(!finds(&app, gone.as_ref().unwrap()), "round {round}: a deleted comment");
                None
            }
            _ => {
                let said = run(&mut app, Command::Comment { task, body, reply_to: None, role: None });
                comments.push((at, said[0].id.clone()));
                texts.insert((at, said[0].id.to_string()), word.clone())
            }
        };
        if let Some(before) = before {
            assert!(!finds(&app, &before), "round {round}: {before} was written over");
        }
        if round % 40 == 0 {
            for word in texts.values() {
                assert!(finds(&app, word), "round {round}: {word}");
            }
            assert_eq!(drift(&app), []);
        }
    }
    assert_eq!(drift(&app), []);
    app.rebuild(None, |_| {}).unwrap();
    assert_eq!(drift(&app), []);
    for word in texts.values() {
        assert!(finds(&app, word), "rebuilt: {word}");
    }
}

#[test]
fn what_was_said_about_a_task_before_it_came_is_found_once_it_came() {
    let mut app = tracker();
    let task = app.world().task_id();
    let event = |n: u32, kind: &str, data: serde_json::Value| {
        let id = EventId::from_value(lattice::domain::id::ulid_value(START + u64::from(n), u128::from(n)));
        let raw = json!({"id": id.as_str(), "ts": "2026-01-01T00:00:00Z", "type": kind, "actor": "agent:b",
                         "task_id": task.as_str(), "data": data, "parents": []});
        let place = Place { file: "log".into(), line: None };
        Sourced { item: Event::parse(&raw.to_string()).unwrap(), place }
    };
    let take_in = |app: &mut App, events| {
        let set = ImportSet { events, ..ImportSet::default() };
        app.import(&set, &Merge::default(), false, |_| {}).unwrap();
    };
    take_in(&mut app, vec![event(2, "comment_added", json!({"body": "orphaned"}))]);
    for n in 0..70 {
        create(&mut app, format!("filler{n}"));
    }
    assert!(!finds(&app, "orphaned"));
    take_in(&mut app, vec![event(1, "task_created", json!({"title": "late", "status": "backlog"}))]);
    assert!(finds(&app, "orphaned") && finds(&app, "late"));
    for n in 0..70 {
        create(&mut app, format!("more{n}"));
    }
    assert!(finds(&app, "orphaned") && finds(&app, "late"));
    assert_eq!(drift(&app), []);
}

#[test]
fn what_the_index_has_not_heard_of_yet_takes_nobodys_place() {
    let mut app = tracker();
    let older = create(&mut app, "the parser".into());
    let newer = [create(&mut app, "a parser".into()), create(&mut app, "one parser".into())];
    for n in 0..70 {
        create(&mut app, format!("filler{n}"));
    }
    for task in newer {
        run(&mut app, Command::Update { task, changes: vec![("title".into(), "nothing".into())] });
    }
    let filter = lattice::app::TaskFilter { limit: Some(1), ..Default::default() };
    let found = app.search("parser", filter).unwrap();
    assert_eq!(found.hits.iter().map(|hit| hit.task.id.clone()).collect::<Vec<_>>(), [older]);
    assert!(!found.truncated);
}

#[test]
fn a_task_that_is_made_anew_before_its_words_are_due_has_them_once() {
    let mut app = tracker();
    for n in 0..70 {
        create(&mut app, format!("filler{n}"));
    }
    let task = create(&mut app, "early".into());
    run(&mut app, Command::Comment { task: task.clone(), body: "said".into(), reply_to: None, role: None });
    app.rebuild(Some(task.as_str()), |_| {}).unwrap();
    assert!(finds(&app, "early") && finds(&app, "said"));
    run(&mut app, Command::Update { task, changes: vec![("title".into(), "late".into())] });
    for n in 0..70 {
        create(&mut app, format!("more{n}"));
    }
    assert!(finds(&app, "late") && finds(&app, "said") && !finds(&app, "early"));
    assert_eq!(drift(&app), []);
}
