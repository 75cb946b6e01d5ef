//! What events of relations, artifacts, branches and files do. Adding what is there and removing
//! what is not change nothing.

use super::Oddity;
use super::fields::tags;
use crate::domain::event::Event;
use crate::domain::task::{BranchLink, Evidence, Relationship, Task};

pub(super) fn relationship_added(task: &mut Task, event: &Event) -> Option<Oddity> {
    let (Some(kind), Some(target)) = (event.text("type"), event.text("target_task_id")) else {
        return Some(Oddity::IllTyped("target_task_id"));
    };
    if !task.relationships_out.iter().any(|r| r.kind == kind && r.target_task_id == target) {
        task.relationships_out.push(Relationship {
            kind: kind.to_owned(),
            target_task_id: target.to_owned(),
            created_at: event.ts.clone(),
            created_by: event.actor.clone(),
            note: event.text("note").map(str::to_owned),
        });
    }
    None
}

pub(super) fn relationship_removed(task: &mut Task, event: &Event) -> Option<Oddity> {
    let (Some(kind), Some(target)) = (event.text("type"), event.text("target_task_id")) else {
        return Some(Oddity::IllTyped("target_task_id"));
    };
    task.relationships_out.retain(|r| r.kind != kind || r.target_task_id != target);
    None
}

pub(super) fn artifact_attached(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(id) = event.text("artifact_id") else { return Some(Oddity::IllTyped("artifact_id")) };
    if !task.evidence_refs.iter().any(|e| e.id == id) {
        task.evidence_refs.push(Evidence {
            id: id.to_owned(),
            role: event.text("role").map(str::to_owned),
            source_type: "artifact".to_owned(),
        });
    }
    None
}

pub(super) fn branch_linked(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(branch) = event.text("branch") else { return Some(Oddity::IllTyped("branch")) };
    let repo = event.text("repo");
    if !task.branch_links.iter().any(|b| b.branch == branch && b.repo.as_deref() == repo) {
        task.branch_links.push(BranchLink {
            branch: branch.to_owned(),
            repo: repo.map(str::to_owned),
            linked_at: event.ts.clone(),
            linked_by: event.actor.clone(),
        });
    }
    None
}

pub(super) fn branch_unlinked(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(branch) = event.text("branch") else { return Some(Oddity::IllTyped("branch")) };
    let repo = event.text("repo");
    task.branch_links.retain(|b| b.branch != branch || b.repo.as_deref() != repo);
    None
}

pub(super) fn file_linked(task: &mut Task, event: &Event) -> Option<Oddity> {
    let Some(paths) = event.data.get("paths").and_then(tags) else { return Some(Oddity::IllTyped("paths")) };
    for path in paths {
        if !task.linked_files.contains(&path) {
            task.linked_files.push(path);
        }
    }
    None
}
