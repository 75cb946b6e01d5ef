//! `stats` and `weather`: their JSON as `docs/json.md` has it, and what people read.
#![allow(dead_code, reason = "the members are there to be demanded")]

mod support;

use serde::Deserialize;
use support::Project;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stats {
    summary: Summary,
    by_status: Vec<(String, u64)>,
    by_priority: Vec<(String, u64)>,
    by_type: Vec<(String, u64)>,
    by_assignee: Vec<(String, u64)>,
    by_tag: Vec<(String, u64)>,
    wip: Vec<Wip>,
    recently_active: Vec<Line>,
    stale: Vec<Line>,
    stale_total: u64,
    busiest: Vec<Line>,
    velocity: Vec<Week>,
    time_in_status: Vec<Stay>,
    blocked: Blocked,
    agent_activity: Vec<Actor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    active_tasks: u64,
    archived_tasks: u64,
    total_tasks: u64,
    total_events: u64,
    active_events: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wip {
    status: String,
    current: u64,
    limit: u64,
    over: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    full_id: String,
    title: String,
    status: String,
    updated_ago: Option<String>,
    days_stale: Option<u64>,
    event_count: Option<u64>,
    priority: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Week {
    week: String,
    count: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stay {
    status: String,
    avg_hours: f64,
    sample_count: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Blocked {
    currently_blocked: u64,
    total_blocked_episodes: u64,
    avg_blocked_hours: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Actor {
    actor: String,
    event_count: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Weather {
    headline: Headline,
    vital_signs: Signs,
    attention: Vec<Attention>,
    attention_totals: Totals,
    recently_completed: Vec<Line>,
    up_next: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Headline {
    project: String,
    date: String,
    weather: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signs {
    active_tasks: u64,
    in_progress: u64,
    done_recently: u64,
    events_24h: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Totals {
    needs_human: u64,
    wip_breach: u64,
    unassigned_active: u64,
    stale: u64,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Attention {
    NeedsHuman { id: String, full_id: String, title: String, status: String },
    WipBreach { status: String, current: u64, limit: u64 },
    UnassignedActive { id: String, full_id: String, title: String, status: String },
    Stale { id: String, full_id: String, title: String, status: String, days_stale: u64 },
}

/// One task for each thing that needs looking at.
fn filled() -> Project {
    let project = Project::new();
    for title in ["Ask", "Begun", "Finished", "Waiting \u{1b}[31m"] {
        project.task(title);
    }
    project.ok(["status", "LAT-1", "needs_human"]);
    project.ok(["status", "LAT-2", "in_progress", "--force", "--reason", "test"]);
    project.ok(["status", "LAT-3", "done", "--force", "--reason", "test"]);
    project.ok(["config", "set", "workflow.wip_limits.in_progress", "0"]);
    project
}

#[test]
fn the_json_of_stats_is_what_the_document_says() {
    let stats: Stats = serde_json::from_value(filled().json(["stats"])).unwrap();
    assert_eq!((stats.summary.total_tasks, stats.summary.total_events), (4, 7));
    assert_eq!(stats.by_status[0], ("backlog".to_owned(), 1));
    assert!(stats.wip.iter().any(|wip| wip.status == "in_progress" && wip.over));
    assert_eq!(stats.recently_active.len(), 4);
    assert!(stats.recently_active.iter().all(|line| line.updated_ago.is_some()));
    assert!(stats.busiest.iter().all(|line| line.event_count.is_some()));
    assert_eq!((stats.velocity.len(), stats.velocity[7].count), (8, 1));
    assert_eq!(stats.blocked.avg_blocked_hours, None);
    assert_eq!(stats.agent_activity[0].event_count, 7);
    assert_eq!(stats.stale_total, 0);
}

#[test]
fn the_json_of_weather_is_what_the_document_says() {
    let weather: Weather = serde_json::from_value(filled().json(["weather"])).unwrap();
    assert_eq!(weather.headline.weather, "Partly cloudy");
    assert_eq!((weather.vital_signs.active_tasks, weather.vital_signs.done_recently), (4, 1));
    assert_eq!(weather.attention.len(), 3);
    assert!(matches!(&weather.attention[0], Attention::NeedsHuman { id, .. } if id == "LAT-1"));
    assert!(matches!(weather.attention[1], Attention::WipBreach { current: 1, limit: 0, .. }));
    assert!(matches!(&weather.attention[2], Attention::UnassignedActive { id, .. } if id == "LAT-2"));
    assert_eq!(weather.attention_totals.unassigned_active, 1);
    assert_eq!(weather.recently_completed[0].id, "LAT-3");
    assert_eq!(weather.up_next[0].id, "LAT-4");
}

#[test]
fn a_tracker_without_tasks_has_statistics_and_weather() {
    let project = Project::new();
    let stats: Stats = serde_json::from_value(project.json(["stats"])).unwrap();
    assert_eq!(stats.summary.total_tasks, 0);
    let weather: Weather = serde_json::from_value(project.json(["weather"])).unwrap();
    assert_eq!(weather.headline.weather, "Clear skies");
    assert_eq!(project.ok(["weather", "--quiet"]), "Clear skies\n");
    assert!(project.ok(["stats"]).starts_with("0 active tasks, 0 archived; 0 events, 0 of active ones\n"));
}

#[test]
fn people_read_it_in_lines_and_in_markdown() {
    let project = filled();
    let text = project.ok(["weather"]);
    assert!(text.starts_with("[~~] lattice-test-"), "{text}");
    assert!(text.contains("\nA human has to look: 1\n  LAT-1  needs_human  \"Ask\"\n"), "{text}");
    assert!(text.contains("\nToo many: 1\n  in_progress: 1 of 0\n"), "{text}");
    let markdown = project.ok(["weather", "--markdown"]);
    assert!(
        markdown.contains("\n## Up next\n\n- LAT-4  backlog  \"Waiting \\\\u{1b}\\[31m\"\n"),
        "{markdown}"
    );
    let text = project.ok(["stats"]);
    assert!(text.contains("\nLimits          in_progress 1 of 0 (over), review 0 of 5\n"), "{text}");
    assert!(!text.contains('\u{1b}') && text.contains("Waiting \\u{1b}[31m"), "{text}");
}
