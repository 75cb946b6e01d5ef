//! Who may hold a resource, with a clock that is set: nothing here waits.

use lattice::app::{App, Code, Failure, Identity, InitOptions, Known, Outcome, World};
use lattice::domain::command::NewResource;
use lattice::domain::{Command, Event};
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z in milliseconds.
const START: u64 = 1_767_225_600_000;

/// A tracker with a resource `db`, which lasts a minute at a time.
fn tracker(max_holders: i64) -> App {
    let mut app = App::in_memory(World::scripted(START, 1), &InitOptions::default(), None).unwrap();
    let resource = NewResource {
        name: "db".into(),
        max_holders: Some(max_holders),
        ttl_seconds: Some(60),
        ..NewResource::default()
    };
    app.execute(&who("maker"), |names| {
        Ok(Command::CreateResource { id: names.fresh_resource(), chosen: false, resource })
    })
    .unwrap();
    app
}

fn who(name: &str) -> Identity {
    Identity { actor: Some(format!("agent:{name}")), ..Identity::default() }
}

/// Does it so many seconds after the start.
fn at(app: &mut App, seconds: u64, name: &str, what: &str) -> Result<Outcome, Failure> {
    app.world().set_clock(START + seconds * 1000);
    let db = || "db".to_owned();
    app.execute(&who(name), |names| {
        Ok(match what {
            "acquire" | "force" => Command::AcquireResource {
                name: db(),
                fresh: names.fresh_resource(),
                task: None,
                force: what == "force",
            },
            "release" => Command::ReleaseResource { name: db() },
            "heartbeat" => Command::HeartbeatResource { name: db() },
            other => panic!("{other}"),
        })
    })
}

fn kinds(outcome: &Outcome) -> Vec<&str> {
    outcome.events.iter().map(|event| event.kind.as_str()).collect()
}

fn said(event: &Event, key: &str) -> Value {
    event.data.get(key).cloned().unwrap_or_default()
}

fn holders(app: &App) -> Vec<String> {
    match &app.resource("db").unwrap().resources[0] {
        Known::Made(resource) => resource.holders.iter().map(|h| h.actor.to_string()).collect(),
        Known::Declared(_) => panic!("db is made"),
    }
}

fn is_sound(app: &App) {
    assert_eq!(app.read(|reader| Ok(reader.drift()?)).unwrap(), []);
}

#[test]
fn a_hold_keeps_others_out_until_it_is_over() {
    let mut app = tracker(1);
    let outcome = at(&mut app, 0, "a", "acquire").unwrap();
    assert_eq!(kinds(&outcome), ["resource_acquired"]);
    assert_eq!(said(&outcome.events[0], "expires_at"), json!("2026-01-01T00:01:00Z"));
    let failure = at(&mut app, 60, "b", "acquire").unwrap_err();
    assert_eq!(failure.code, Code::ResourceHeld);
    assert_eq!(failure.details.unwrap()["holders"][0]["expires_at"], json!("2026-01-01T00:01:00Z"));
    assert_eq!(holders(&app), ["agent:a"]);
    app.world().set_clock(START + 61_000);
    assert_eq!(holders(&app), <[&str; 0]>::default());
    let outcome = at(&mut app, 61, "b", "acquire").unwrap();
    assert_eq!(kinds(&outcome), ["resource_expired", "resource_acquired"]);
    let ended = &outcome.events[0];
    assert_eq!(
        (said(ended, "holder"), said(ended, "expired_at"), said(ended, "reclaimed_by")),
        (json!("agent:a"), json!("2026-01-01T00:01:00Z"), json!("agent:b"))
    );
    assert_eq!(holders(&app), ["agent:b"]);
    is_sound(&app);
}

#[test]
fn a_second_acquire_and_a_heartbeat_make_the_hold_last() {
    let mut app = tracker(1);
    at(&mut app, 0, "a", "acquire").unwrap();
    for (seconds, what) in [(50, "acquire"), (100, "heartbeat")] {
        assert_eq!(kinds(&at(&mut app, seconds, "a", what).unwrap()), ["resource_heartbeat"]);
    }
    assert_eq!(at(&mut app, 160, "b", "acquire").unwrap_err().code, Code::ResourceHeld);
    at(&mut app, 161, "b", "acquire").unwrap();
    is_sound(&app);
}

#[test]
fn a_hold_that_is_over_is_not_revived() {
    let mut app = tracker(1);
    assert_eq!(at(&mut app, 0, "a", "heartbeat").unwrap_err().code, Code::NotHeld);
    at(&mut app, 0, "a", "acquire").unwrap();
    assert_eq!(at(&mut app, 61, "a", "heartbeat").unwrap_err().code, Code::Expired);
    let again = at(&mut app, 62, "a", "acquire").unwrap();
    assert_eq!(kinds(&again), ["resource_expired", "resource_acquired"]);
    // Who is late may still say that it has let go.
    assert_eq!(kinds(&at(&mut app, 200, "a", "release").unwrap()), ["resource_released"]);
    assert_eq!(at(&mut app, 200, "a", "release").unwrap_err().code, Code::NotHeld);
    is_sound(&app);
}

#[test]
fn force_takes_it_from_all_who_hold_it() {
    let mut app = tracker(2);
    at(&mut app, 0, "a", "acquire").unwrap();
    at(&mut app, 30, "b", "acquire").unwrap();
    assert_eq!(at(&mut app, 40, "c", "acquire").unwrap_err().code, Code::ResourceHeld);
    let outcome = at(&mut app, 40, "c", "force").unwrap();
    assert_eq!(kinds(&outcome), ["resource_expired", "resource_expired", "resource_acquired"]);
    assert_eq!(said(&outcome.events[0], "expired_at"), json!("2026-01-01T00:00:40Z"));
    assert_eq!(said(&outcome.events[0], "force"), json!(true));
    assert_eq!(holders(&app), ["agent:c"]);
    assert_eq!(at(&mut app, 41, "b", "heartbeat").unwrap_err().code, Code::NotHeld);
    is_sound(&app);
}

#[test]
fn a_refusal_writes_nothing_not_even_who_is_over() {
    let mut app = tracker(1);
    at(&mut app, 0, "a", "acquire").unwrap();
    let events = |app: &App| app.read(|reader| Ok(reader.totals()?.events)).unwrap();
    let before = events(&app);
    assert!(at(&mut app, 10, "b", "acquire").is_err());
    assert!(at(&mut app, 100, "b", "release").is_err());
    assert!(at(&mut app, 100, "a", "heartbeat").is_err());
    assert_eq!(events(&app), before);
}

#[test]
fn the_history_of_a_resource_is_a_chain() {
    let mut app = tracker(1);
    let mut outcomes = vec![at(&mut app, 0, "a", "acquire").unwrap()];
    outcomes.push(at(&mut app, 100, "b", "acquire").unwrap());
    // A clock that went back does not change the order.
    outcomes.push(at(&mut app, 0, "b", "release").unwrap());
    let events: Vec<&Event> = outcomes.iter().flat_map(|outcome| &outcome.events).collect();
    for pair in events.windows(2) {
        assert_eq!(pair[1].parents.as_deref(), Some([pair[0].id.clone()].as_slice()));
        assert!(pair[0].key < pair[1].key);
    }
    is_sound(&app);
}
