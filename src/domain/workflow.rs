//! The vocabulary of tasks and the rules of moving between statuses.

use std::borrow::Borrow;

use super::config::Config;
use super::event::{Event, kind};
use super::rejection::Rejection;
use super::task::Task;

/// Values of `priority`, most urgent first.
pub const PRIORITIES: [&str; 4] = ["critical", "high", "medium", "low"];
/// Values of `urgency`, most urgent first.
pub const URGENCIES: [&str; 4] = ["immediate", "high", "normal", "low"];
/// Values of `complexity`.
pub const COMPLEXITIES: [&str; 3] = ["low", "medium", "high"];
/// Types of relation.
pub const RELATIONSHIP_TYPES: [&str; 7] =
    ["blocks", "depends_on", "subtask_of", "related_to", "spawned_by", "duplicate_of", "supersedes"];
/// The statuses of a new tracker, in order. `reopened_count` ranks by this order, not by the
/// configured one, as the predecessor's snapshots do.
pub const DEFAULT_STATUSES: [&str; 9] = [
    "backlog",
    "in_planning",
    "planned",
    "in_progress",
    "review",
    "done",
    "blocked",
    "needs_human",
    "cancelled",
];
/// Statuses that no order ranks: going to or from them is neither forward nor backward.
const UNRANKED: [&str; 3] = ["blocked", "needs_human", "cancelled"];
/// Longest way that a claim walks to `in_progress`.
const CLAIM_HOPS: usize = 3;

/// The place of a status in the built-in order.
#[must_use]
pub fn rank_in_default_order(status: &str) -> Option<usize> {
    DEFAULT_STATUSES.iter().position(|s| *s == status)
}

/// 0 for the most urgent; unset and unknown count as `medium`.
#[must_use]
pub fn priority_rank(priority: Option<&str>) -> usize {
    PRIORITIES.iter().position(|p| Some(*p) == priority).unwrap_or(2)
}

/// 0 for the most urgent; unset and unknown count as `normal`.
#[must_use]
pub fn urgency_rank(urgency: Option<&str>) -> usize {
    URGENCIES.iter().position(|u| Some(*u) == urgency).unwrap_or(2)
}

/// Where a task in this status may go: the explicit ways in listed order, then the universal ones.
#[must_use]
pub fn valid_transitions(config: &Config, from: &str) -> Vec<String> {
    let mut to = config.transitions(from);
    for target in config.universal_targets() {
        if !to.contains(&target) {
            to.push(target);
        }
    }
    to
}

/// Whether the workflow allows the step.
#[must_use]
pub fn is_allowed(config: &Config, from: &str, to: &str) -> bool {
    config.universal_targets().iter().any(|t| t == to) || config.transitions(from).iter().any(|t| t == to)
}

/// How often a task with this history went from review back to work.
#[must_use]
pub fn review_cycles<E: Borrow<Event>>(history: &[E]) -> u64 {
    let is_back = |event: &Event| {
        event.kind == kind::STATUS_CHANGED
            && event.text("from") == Some("review")
            && matches!(event.text("to"), Some("in_progress" | "in_planning"))
    };
    history.iter().filter(|event| is_back((*event).borrow())).count() as u64
}

/// Whether the configured order ranks the target before the source; only ranked statuses count.
#[must_use]
pub fn is_backward(config: &Config, from: &str, to: &str) -> bool {
    if UNRANKED.contains(&from) || UNRANKED.contains(&to) {
        return false;
    }
    let statuses = config.statuses();
    let place = |status: &str| statuses.iter().position(|s| s == status);
    matches!((place(from), place(to)), (Some(from), Some(to)) if to < from)
}

/// What the completion policy of a status still asks for: nothing for a universal target.
///
/// # Errors
/// [`Rejection::CompletionBlocked`] with the missing roles.
pub fn check_completion(
    config: &Config,
    task: &Task,
    to: &str,
    extra_roles: &[&str],
) -> Result<(), Rejection> {
    if config.universal_targets().iter().any(|t| t == to) {
        return Ok(());
    }
    let Some(policy) = config.completion_policy(to) else { return Ok(()) };
    let missing_roles: Vec<String> = policy
        .require_roles
        .into_iter()
        .filter(|role| !task.has_evidence(role) && !extra_roles.contains(&role.as_str()))
        .collect();
    let unassigned = policy.require_assigned && task.assigned_to.is_none();
    if missing_roles.is_empty() && !unassigned {
        return Ok(());
    }
    Err(Rejection::CompletionBlocked { task: task.name(), to: to.to_owned(), missing_roles, unassigned })
}

/// The shortest way to `in_progress` over explicit transitions, at most 3 steps, in
/// listed order; empty if the task is there already, `None` if there is no way.
#[must_use]
pub fn way_to_work(config: &Config, from: &str) -> Option<Vec<String>> {
    const GOAL: &str = "in_progress";
    if from == GOAL {
        return Some(Vec::new());
    }
    let mut ways: Vec<Vec<String>> = vec![vec![from.to_owned()]];
    let mut seen = vec![from.to_owned()];
    for _ in 0..CLAIM_HOPS {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().map(|last| config.transitions(last)).unwrap_or_default() {
                let mut step = way.clone();
                step.push(next.clone());
                if next == GOAL {
                    step.remove(0);
                    return Some(step);
                }
                if !seen.contains(&next) {
                    seen.push(next);
                    longer.push(step);
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::default_config;

    fn config() -> Config {
        Config::new(default_config())
    }

    #[test]
    fn a_claim_walks_from_backlog_over_planned() {
        assert_eq!(way_to_work(&config(), "backlog").unwrap(), ["planned", "in_progress"]);
        assert_eq!(way_to_work(&config(), "in_progress").unwrap(), Vec::<String>::new());
        assert_eq!(way_to_work(&config(), "done"), None);
    }

    #[test]
    fn universal_targets_are_reachable_from_everywhere() {
        assert!(is_allowed(&config(), "done", "cancelled"));
        assert!(!is_allowed(&config(), "done", "in_progress"));
        assert_eq!(valid_transitions(&config(), "cancelled"), ["needs_human", "cancelled"]);
    }

    #[test]
    fn only_ranked_statuses_go_backward() {
        assert!(is_backward(&config(), "review", "in_progress"));
        assert!(!is_backward(&config(), "blocked", "in_progress"));
        assert!(!is_backward(&config(), "planned", "in_progress"));
    }
}
