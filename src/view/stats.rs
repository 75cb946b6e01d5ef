//! What was counted, and how things stand.

use serde_json::{Map, Value, json};

use crate::app::{Count, Sky, Stats, Stays, TaskLine, Weather};
use crate::domain::{Task, Timestamp};

/// `data` of `stats`.
#[must_use]
pub fn stats(stats: &Stats) -> Value {
    let stay = |(status, stays): &(String, Stays)| json!({"status": status, "avg_hours": hours(*stays), "sample_count": stays.count});
    json!({
        "summary": {
            "active_tasks": stats.active_tasks,
            "archived_tasks": stats.archived_tasks,
            "total_tasks": stats.active_tasks + stats.archived_tasks,
            "total_events": stats.total_events,
            "active_events": stats.active_events,
        },
        "by_status": stats.by_status,
        "by_priority": stats.by_priority,
        "by_type": stats.by_type,
        "by_assignee": stats.by_assignee,
        "by_tag": stats.by_tag,
        "wip": stats.wip.iter().map(|wip| json!({
            "status": wip.status, "current": wip.current, "limit": wip.limit, "over": wip.is_over(),
        })).collect::<Vec<_>>(),
        "recently_active": stats.recent.iter().map(|task| {
            with(line(task), "updated_ago", json!(ago(task, stats.now)))
        }).collect::<Vec<_>>(),
        "stale": stats.stale.first.iter().map(|task| {
            with(line(task), "days_stale", json!(days(task, stats.now)))
        }).collect::<Vec<_>>(),
        "stale_total": stats.stale.count,
        "busiest": stats.busiest.iter().map(|(task, count)| {
            with(line(task), "event_count", json!(count))
        }).collect::<Vec<_>>(),
        "velocity": stats.velocity.iter().map(|(week, count)| json!({"week": week, "count": count})).collect::<Vec<_>>(),
        "time_in_status": stats.stays.iter().map(stay).collect::<Vec<_>>(),
        "blocked": {
            "currently_blocked": stats.currently_blocked,
            "total_blocked_episodes": stats.blocked.count,
            "avg_blocked_hours": hours(stats.blocked),
        },
        "agent_activity": stats.actors.iter().map(|(actor, count): &Count| {
            json!({"actor": actor, "event_count": count})
        }).collect::<Vec<_>>(),
    })
}

/// `data` of `weather`.
#[must_use]
pub fn weather(weather: &Weather) -> Value {
    let mut attention: Vec<Value> = Vec::new();
    for task in &weather.needs_human.first {
        attention.push(with(line(task), "type", json!("needs_human")));
    }
    for wip in &weather.breaches {
        attention.push(json!({
            "type": "wip_breach", "status": wip.status, "current": wip.current, "limit": wip.limit,
        }));
    }
    for task in &weather.unassigned.first {
        attention.push(with(line(task), "type", json!("unassigned_active")));
    }
    for task in &weather.stale.first {
        let stale = with(line(task), "days_stale", json!(days(task, weather.now)));
        attention.push(with(stale, "type", json!("stale")));
    }
    json!({
        "headline": {"project": weather.project, "date": weather.date, "weather": sky(weather.sky)},
        "vital_signs": {
            "active_tasks": weather.active_tasks,
            "in_progress": weather.in_progress,
            "done_recently": weather.done.count,
            "events_24h": weather.events_24h,
        },
        "attention": attention,
        "attention_totals": {
            "needs_human": weather.needs_human.count,
            "wip_breach": weather.breaches.len(),
            "unassigned_active": weather.unassigned.count,
            "stale": weather.stale.count,
        },
        "recently_completed": weather.done.first.iter().map(line).collect::<Vec<_>>(),
        "up_next": weather.up_next.iter().map(next).collect::<Vec<_>>(),
    })
}

/// What people call how things stand.
#[must_use]
pub fn sky(sky: Sky) -> &'static str {
    match sky {
        Sky::Clear => "Clear skies",
        Sky::Fair => "Fair weather",
        Sky::PartlyCloudy => "Partly cloudy",
        Sky::Overcast => "Overcast",
        Sky::Stormy => "Stormy",
    }
}

/// How long since the last change: the largest unit that fits.
#[must_use]
pub fn ago(task: &TaskLine, now: i64) -> String {
    match age(task, now) {
        seconds @ 0..60 => format!("{seconds}s ago"),
        seconds @ 60..3_600 => format!("{}m ago", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h ago", seconds / 3_600),
        seconds => format!("{}d ago", seconds / 86_400),
    }
}

/// Whole days since the last change.
#[must_use]
pub fn days(task: &TaskLine, now: i64) -> i64 {
    age(task, now) / 86_400
}

/// The mean in hours, to the tenth; null of nothing.
#[must_use]
pub fn hours(stays: Stays) -> Option<f64> {
    (stays.count > 0).then(|| (stays.seconds as f64 / stays.count as f64 / 360.0).round() / 10.0)
}

/// The short id of a task, or its id.
#[must_use]
pub fn name(task: &TaskLine) -> &str {
    task.short_id.as_deref().unwrap_or(&task.id)
}

fn age(task: &TaskLine, now: i64) -> i64 {
    Timestamp::parse(&task.updated_at).map_or(0, |updated| (now - updated.seconds()).max(0))
}

fn line(task: &TaskLine) -> Value {
    json!({"id": name(task), "full_id": task.id, "title": task.title, "status": task.status})
}

fn next(task: &Task) -> Value {
    json!({
        "id": task.name(), "full_id": task.id.as_str(), "title": task.title, "status": task.status,
        "priority": task.priority,
    })
}

fn with(object: Value, key: &str, value: Value) -> Value {
    let mut map: Map<String, Value> = object.as_object().cloned().unwrap_or_default();
    map.insert(key.to_owned(), value);
    Value::Object(map)
}
