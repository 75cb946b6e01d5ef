//! Branches of git that somebody links to a task by hand.

use serde_json::{Value, json};

use crate::domain::event::{EventBody, kind};
use crate::domain::rejection::Rejection;
use crate::domain::task::Task;

pub(super) fn link(task: &Task, branch: &str, repo: Option<&str>) -> Result<Vec<EventBody>, Rejection> {
    let (branch, repo) = (checked(branch)?, repository(repo)?);
    if is_linked(task, branch, repo) {
        return Err(Rejection::BranchLinked { task: task.name(), branch: in_repo(branch, repo) });
    }
    Ok(vec![EventBody::of_task(&task.id, kind::BRANCH_LINKED, data(branch, repo))])
}

pub(super) fn unlink(task: &Task, branch: &str, repo: Option<&str>) -> Result<Vec<EventBody>, Rejection> {
    // Without the checks: what an older program linked must come off.
    let (branch, repo) = (branch.trim(), repo.map(str::trim).filter(|repo| !repo.is_empty()));
    if !is_linked(task, branch, repo) {
        return Err(Rejection::BranchNotLinked { task: task.name(), branch: in_repo(branch, repo) });
    }
    Ok(vec![EventBody::of_task(&task.id, kind::BRANCH_UNLINKED, data(branch, repo))])
}

fn is_linked(task: &Task, branch: &str, repo: Option<&str>) -> bool {
    task.branch_links.iter().any(|link| link.branch == branch && link.repo.as_deref() == repo)
}

fn data(branch: &str, repo: Option<&str>) -> Value {
    let mut data = json!({"branch": branch});
    if let Some(repo) = repo {
        data["repo"] = json!(repo);
    }
    data
}

fn in_repo(branch: &str, repo: Option<&str>) -> String {
    repo.map_or_else(|| branch.to_owned(), |repo| format!("{branch} in {repo}"))
}

/// A name that begins with a dash would be an option to git.
fn checked(branch: &str) -> Result<&str, Rejection> {
    let name = branch.trim();
    if name.is_empty() {
        return Err(Rejection::Blank { what: "branch" });
    }
    if name.starts_with('-') || name.contains(char::is_control) {
        return Err(Rejection::Invalid {
            what: "branch",
            got: branch.to_owned(),
            rule: "a name without control characters that does not begin with a dash",
        });
    }
    Ok(name)
}

fn repository(repo: Option<&str>) -> Result<Option<&str>, Rejection> {
    let Some(name) = repo.map(str::trim).filter(|repo| !repo.is_empty()) else { return Ok(None) };
    if name.contains(char::is_control) {
        return Err(Rejection::Invalid {
            what: "repository",
            got: name.to_owned(),
            rule: "a name without control characters",
        });
    }
    Ok(Some(name))
}
