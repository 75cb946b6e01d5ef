//! Moving tasks: `status`, `next --claim` and `complete`.

use serde_json::json;

use super::Decision;
use super::fields::assignment;
use crate::domain::command::Author;
use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::plan;
use crate::domain::rejection::Rejection;
use crate::domain::task::Task;
use crate::domain::workflow::{check_completion, is_allowed, is_backward, valid_transitions, way_to_work};

/// Statuses that work goes back to from review.
const WORK: [&str; 2] = ["in_progress", "in_planning"];
/// Statuses in which a task is not to be had by somebody else.
const TAKEN: [&str; 4] = ["in_progress", "review", "done", "cancelled"];

/// One `status_changed`, and the plan's reset where the task goes back.
pub(super) fn status(
    facts: &Facts,
    author: &Author,
    task: &Task,
    wanted: &str,
    force: bool,
) -> Result<Vec<EventBody>, Rejection> {
    let config = &facts.config;
    let to = config.find_status(wanted).ok_or_else(|| Rejection::NotOneOf {
        what: "status",
        got: wanted.to_owned(),
        allowed: config.statuses(),
    })?;
    if to == task.status {
        return Ok(Vec::new());
    }
    match (force, author.reason()) {
        (true, Some(_)) => {}
        // Scripts add --force to steps that need none.
        (true, None) => check_move(facts, task, &to).map_err(|_| Rejection::ForceNeedsReason)?,
        (false, _) => check_move(facts, task, &to)?,
    }
    let mut data = json!({"from": task.status, "to": to});
    if force {
        data["force"] = json!(true);
        if let Some(reason) = author.reason() {
            data["reason"] = json!(reason);
        }
    }
    let mut events = vec![EventBody::of_task(&task.id, kind::STATUS_CHANGED, data)];
    if is_backward(config, &task.status, &to) {
        let before = current_plan(facts, task);
        let body = plan::with_reset(&before, facts.now, author.actor.display());
        events.push(EventBody::of_task(&task.id, kind::PLAN_UPDATED, json!({"body": body})));
    }
    Ok(events)
}

/// The rules of a step, in the order in which their answers are most useful.
fn check_move(facts: &Facts, task: &Task, to: &str) -> Result<(), Rejection> {
    let config = &facts.config;
    if !is_allowed(config, &task.status, to) {
        return Err(invalid(facts, task, to));
    }
    let limit = config.review_cycle_limit();
    if task.status == "review" && WORK.contains(&to) && facts.review_cycles >= limit {
        return Err(Rejection::ReviewCycleLimit { task: task.name(), cycles: facts.review_cycles, limit });
    }
    check_completion(config, task, to, &[])?;
    check_plan(facts, task, to)
}

fn invalid(facts: &Facts, task: &Task, to: &str) -> Rejection {
    Rejection::InvalidTransition {
        task: task.name(),
        from: task.status.clone(),
        to: to.to_owned(),
        valid: valid_transitions(&facts.config, &task.status),
    }
}

/// Work begins only on a plan that is more than the scaffold.
fn check_plan(facts: &Facts, task: &Task, to: &str) -> Result<(), Rejection> {
    let planned =
        facts.plan.as_ref().is_some_and(|body| !plan::is_scaffold(body, &facts.titles, &facts.descriptions));
    if to == "in_progress" && !planned {
        return Err(Rejection::PlanRequired { task: task.name() });
    }
    Ok(())
}

/// The plan as it reads now: the scaffold where nobody wrote one.
pub(super) fn current_plan(facts: &Facts, task: &Task) -> String {
    facts.plan.clone().unwrap_or_else(|| {
        let short_id = task.short_id.as_ref().map(ToString::to_string);
        plan::scaffold(short_id.as_deref(), &task.title, task.description.as_deref())
    })
}

/// Assigns the task and walks it to `in_progress`. Nothing to do if both are so already.
pub(super) fn claim(facts: &Facts, author: &Author, task: &Task) -> Result<Vec<EventBody>, Rejection> {
    let mine = task.assigned_to.as_ref().is_some_and(|a| a.is(&author.actor));
    if !mine && (task.assigned_to.is_some() || TAKEN.contains(&task.status.as_str())) {
        return Err(Rejection::AlreadyClaimed {
            task: task.name(),
            by: task.assigned_to.as_ref().map(|a| a.display().to_owned()),
            status: task.status.clone(),
        });
    }
    let way = way_to_work(&facts.config, &task.status).ok_or_else(|| invalid(facts, task, "in_progress"))?;
    if !way.is_empty() {
        check_plan(facts, task, "in_progress")?;
    }
    let mut events = Vec::new();
    if !mine {
        events.push(assignment(task, Some(&author.actor)));
    }
    let mut from = task.status.clone();
    for to in way {
        events.push(EventBody::of_task(&task.id, kind::STATUS_CHANGED, json!({"from": from, "to": to})));
        from = to;
    }
    Ok(events)
}

/// Review and done in one step: the review's text becomes a comment and an artifact, both
/// evidence of the role `review`.
pub(super) fn complete(
    facts: &Facts,
    author: &Author,
    task: &Task,
    review: &str,
) -> Result<Decision, Rejection> {
    let config = &facts.config;
    let review = review.trim();
    if review.is_empty() {
        return Err(Rejection::Blank { what: "review" });
    }
    if task.status != "review" && !is_allowed(config, &task.status, "review") {
        return Err(invalid(facts, task, "review"));
    }
    if !is_allowed(config, "review", "done") {
        return Err(Rejection::InvalidTransition {
            task: task.name(),
            from: "review".to_owned(),
            to: "done".to_owned(),
            valid: valid_transitions(config, "review"),
        });
    }
    super::comments::check_role(facts, Some("review"))?;
    check_completion(config, task, "done", &["review"])?;
    let mut events =
        vec![EventBody::of_task(&task.id, kind::COMMENT_ADDED, json!({"body": review, "role": "review"}))];
    if task.status != "review" {
        events.push(EventBody::of_task(
            &task.id,
            kind::STATUS_CHANGED,
            json!({"from": task.status, "to": "review"}),
        ));
    }
    let artifact = super::artifacts::review(facts, author, review);
    events.push(EventBody::of_task(
        &task.id,
        kind::ARTIFACT_ATTACHED,
        json!({"artifact_id": artifact.artifact.id.as_str(), "role": "review"}),
    ));
    events.push(EventBody::of_task(&task.id, kind::STATUS_CHANGED, json!({"from": "review", "to": "done"})));
    Ok(Decision { events, artifacts: vec![artifact], ..Decision::default() })
}
