//! beads: `issues.jsonl`, an issue on each line. The members are those of `internal/types/types.go`
//! in <https://github.com/gastownhall/beads>; versions since 0.16 write them so. Newer ones say on each line of
//! which kind it is.

use std::path::{Path, PathBuf};

use super::Read;
use super::members::Members;
use crate::app::Failure;
use crate::domain::foreign::{Link, Record, Remark};

/// The file that a path means: itself, or the one in a folder of beads or of a project.
pub(super) fn file(path: &Path) -> PathBuf {
    [".beads/issues.jsonl", "issues.jsonl", "beads.jsonl"]
        .into_iter()
        .map(|name| path.join(name))
        .find(|inside| inside.is_file())
        .unwrap_or_else(|| path.to_path_buf())
}

/// One issue. A tombstone is what is left of one that was deleted, and is left out.
pub(super) fn record(mut issue: Members) -> Result<Read, Failure> {
    // What newer versions write on the first line.
    if issue.map.contains_key("_schema") {
        return Ok(Read::Nothing);
    }
    if let Some(other) = issue.text("_type")?.filter(|of| of != "issue") {
        return Ok(Read::Left(format!("{}: a {other} is no issue; it was left out", issue.place)));
    }
    let id = issue.needed("id")?;
    let status = issue.text("status")?.unwrap_or_else(|| "open".to_owned());
    if status == "tombstone" {
        return Ok(Read::Left(format!("{id} was deleted there; it was left out")));
    }
    // An empty member is not written out, so one that is absent is empty.
    let description = described(
        issue.text("description")?.unwrap_or_default(),
        issue.text("acceptance_criteria")?.unwrap_or_default(),
    );
    let comments = issue.objects("comments")?.unwrap_or_default().into_iter().map(comment);
    let links = issue.objects("dependencies")?.unwrap_or_default().into_iter().map(|d| link(d, &id));
    let links = links.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let record = Record {
        title: issue.needed("title")?,
        description: Some(description),
        status: Some(status),
        priority: issue.text("priority")?,
        kind: issue.text("issue_type")?,
        tags: Some(issue.texts("labels")?.unwrap_or_default()),
        assignee: Some(issue.text("assignee")?.unwrap_or_default()),
        author: issue.text("created_by")?,
        plan: issue.text("design")?,
        notes: issue.text("notes")?,
        created: issue.time("created_at")?,
        started: issue.time("started_at")?,
        updated: issue.time("updated_at")?,
        closed: issue.time("closed_at")?,
        close_reason: issue.text("close_reason")?,
        comments: comments.collect::<Result<_, _>>()?,
        links: Some(links),
        id,
        ..Record::default()
    };
    issue.ignore(&["content_hash", "dependency_count", "dependent_count", "comment_count"]);
    Ok(Read::Record(Box::new(Record { rest: issue.rest(), ..record })))
}

fn described(description: String, criteria: String) -> String {
    match (description.trim().is_empty(), criteria.trim().is_empty()) {
        (_, true) => description,
        (true, false) => format!("## Acceptance Criteria\n\n{criteria}"),
        (false, false) => format!("{}\n\n## Acceptance Criteria\n\n{criteria}", description.trim_end()),
    }
}

fn comment(mut comment: Members) -> Result<Remark, Failure> {
    Ok(Remark {
        author: comment.text("author")?,
        at: comment.time("created_at")?,
        body: comment.text("text")?.unwrap_or_default(),
    })
}

/// A dependency: the issue waits for the other one, unless its type says something else.
fn link(mut dependency: Members, id: &str) -> Result<Option<Link>, Failure> {
    let target = dependency.needed("depends_on_id")?;
    // A line of another issue's; there it stands too.
    if dependency.text("issue_id")?.is_some_and(|of| of != id) {
        return Ok(None);
    }
    let named = dependency.text("type")?.unwrap_or_else(|| "blocks".to_owned());
    let kind = match named.as_str() {
        "blocks" | "waits-for" | "conditional-blocks" => "depends_on",
        "parent-child" => "subtask_of",
        "discovered-from" => "spawned_by",
        "duplicates" | "duplicate-of" => "duplicate_of",
        "supersedes" => "supersedes",
        _ => "related_to",
    };
    let is_plain = matches!(
        named.as_str(),
        "blocks"
            | "parent-child"
            | "discovered-from"
            | "duplicates"
            | "supersedes"
            | "related"
            | "relates-to"
    );
    Ok(Some(Link {
        note: (!is_plain).then_some(named),
        at: dependency.time("created_at")?,
        author: dependency.text("created_by")?,
        ..Link::new(kind, target)
    }))
}
