//! `lattice show`: one task, with all that belongs to it.

use super::context::Context;
use super::history;
use super::output::Done;
use super::style::{self, paint};
use super::text::{printable, printable_lines};
use super::write::OutputArgs;
use crate::app::{Details, Failure, Search};
use crate::domain::{Actor, Task};
use crate::view;

/// Which task, and how much of it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id
    task: String,
    /// The events with all their data
    #[arg(long)]
    full: bool,
    /// Only the short form
    #[arg(long, conflicts_with = "full")]
    compact: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Shows the task.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let app = context.reader()?;
    // The short forms do not say what git knows.
    let brief = args.compact || (args.output.quiet && !args.output.json);
    let (mut details, search) = match brief {
        true => (app.details(&args.task)?, None),
        false => app.details_asking_git(&args.task)?,
    };
    drop(app);
    details.traces = search.map(Search::finish).unwrap_or_default();
    Ok(args.output.reply(
        || match args.compact {
            true => view::details_compact(&details),
            false => view::details(&details, args.full),
        },
        || details.task.name(),
        || text(&details, args.compact, args.full),
    ))
}

fn text(details: &Details, compact: bool, full: bool) -> String {
    let task = &details.task;
    let mut lines = head(details);
    if compact {
        return lines.join("\n");
    }
    if let Some(event) = &details.reopened {
        let warning =
            format!("{} ({}, by {})", view::reopened_warning(task), event.ts, event.actor.display());
        lines.push(paint(style::WARNING, style::on_output(), &printable(&warning)));
    }
    counts(task, &mut lines);
    section(&mut lines, "Description", task.description.iter().map(|text| printable_lines(text)).collect());
    section(&mut lines, "Relations", relations(details));
    section(&mut lines, "Artifacts", artifacts(details));
    section(&mut lines, "Evidence", evidence(task));
    section(&mut lines, "Branches", branches(details));
    section(&mut lines, "Commits", commits(details));
    let mut texts = Vec::new();
    if details.has_plan {
        texts.push(format!("plan: lattice plan {}", task.name()));
    }
    if details.has_notes {
        texts.push(format!("notes: lattice notes {}", task.name()));
    }
    section(&mut lines, "Texts", texts);
    let names = |id: &str| details.related.get(id).map(|related| related.name.as_str());
    section(&mut lines, "Events", history::newest_first(&details.events, &names, full));
    lines.join("\n")
}

fn head(details: &Details) -> Vec<String> {
    let task = &details.task;
    let archived = if task.archived { "  [archived]" } else { "" };
    let title = printable(&format!("{}  \"{}\"{archived}", task.name(), task.title));
    let mut lines = vec![
        paint(style::HEADING, style::on_output(), &title),
        task.id.to_string(),
        printable(&format!(
            "Status: {}  Priority: {}  Type: {}",
            details.status_name,
            task.priority.as_deref().unwrap_or("-"),
            task.kind.as_deref().unwrap_or("-"),
        )),
        printable(&format!("Next: {}", or_dash(&details.valid_transitions.join(", ")))),
        printable(&format!(
            "Assigned to: {}  Created by: {}",
            task.assigned_to.as_ref().map_or("nobody", Actor::display),
            task.created_by.display()
        )),
    ];
    let mut dates = format!("Created: {}  Updated: {}", task.created_at, task.updated_at);
    if let Some(done) = &task.done_at {
        dates.push_str(&format!("  Done: {done}"));
    }
    lines.push(printable(&dates));
    let more: Vec<String> = [("Urgency", &task.urgency), ("Complexity", &task.complexity)]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?)))
        .chain(
            task.tags.iter().filter(|tags| !tags.is_empty()).map(|tags| format!("Tags: {}", tags.join(", "))),
        )
        .collect();
    if !more.is_empty() {
        lines.push(printable(&more.join("  ")));
    }
    if task.asks_for_human() {
        let reason = task.needs_human.as_ref().and_then(|flag| flag.get("reason")?.as_str());
        let text = format!(">>> needs a human{}", reason.map(|r| format!(": {r}")).unwrap_or_default());
        lines.push(paint(style::WARNING, style::on_output(), &printable(&text)));
    }
    lines
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn counts(task: &Task, lines: &mut Vec<String>) {
    let counts: Vec<String> = [
        (task.comment_count, "comment"),
        (task.evidence_refs.len() as u64, "evidence ref"),
        (task.relationships_out.len() as u64, "relation"),
        (task.reopened_count, "step back"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| match (count, what) {
        (1, _) => format!("1 {what}"),
        (n, "step back") => format!("{n} steps back"),
        (n, _) => format!("{n} {what}s"),
    })
    .collect();
    if !counts.is_empty() {
        lines.push(counts.join(", "));
    }
}

fn section(lines: &mut Vec<String>, heading: &str, body: Vec<String>) {
    if body.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(paint(style::HEADING, style::on_output(), &format!("{heading}:")));
    lines.extend(
        body.iter().flat_map(|text| text.lines()).map(|line| format!("  {line}").trim_end().to_owned()),
    );
}

fn relations(details: &Details) -> Vec<String> {
    let note = |note: &Option<String>| note.as_ref().map(|n| format!(" ({n})")).unwrap_or_default();
    let out = details.task.relationships_out.iter().map(|relation| {
        let related = details.related.get(&relation.target_task_id);
        let name = related.map_or(relation.target_task_id.as_str(), |r| &r.name);
        let title = match related.and_then(|r| r.title.as_ref()) {
            Some(title) => format!("\"{title}\""),
            None => "(not here)".to_owned(),
        };
        let finished = if related.is_some_and(|r| r.is_finished) { " [finished]" } else { "" };
        printable(&format!("{} {name} {title}{finished}{}", relation.kind, note(&relation.note)))
    });
    let into = details.incoming.iter().map(|relation| {
        let name = relation.source_short_id.as_ref().unwrap_or(&relation.source);
        let title = relation.source_title.as_ref().map(|t| format!(" \"{t}\"")).unwrap_or_default();
        printable(&format!("<- {name}{title} {} this{}", relation.kind, note(&relation.note)))
    });
    out.chain(into).collect()
}

fn artifacts(details: &Details) -> Vec<String> {
    let one = |info: &crate::app::ArtifactInfo| {
        let text = |key| info.artifact.as_ref().and_then(|artifact| artifact.text(key));
        let role = info.role.as_ref().map(|role| format!(" [{role}]")).unwrap_or_default();
        let what = match &info.artifact {
            Some(_) => {
                format!("{} \"{}\"", text("type").unwrap_or("artifact"), text("title").unwrap_or_default())
            }
            None => "(not here)".to_owned(),
        };
        printable(&format!("{}  {what}{role}", info.id))
    };
    details.artifacts.iter().map(one).collect()
}

/// How much evidence there is of each role.
fn evidence(task: &Task) -> Vec<String> {
    let mut roles: std::collections::BTreeMap<&str, (usize, usize)> = std::collections::BTreeMap::new();
    for evidence in &task.evidence_refs {
        let Some(role) = evidence.role.as_deref() else { continue };
        let (comments, artifacts) = roles.entry(role).or_default();
        *(if evidence.source_type == "comment" { comments } else { artifacts }) += 1;
    }
    let line = |(role, (comments, artifacts)): (&str, (usize, usize))| {
        printable(&format!("{role}: {comments} by comment, {artifacts} by artifact"))
    };
    roles.into_iter().map(line).collect()
}

fn branches(details: &Details) -> Vec<String> {
    let links = &details.task.branch_links;
    let one = |link: &crate::domain::task::BranchLink| {
        let repo = link.repo.as_ref().map(|repo| format!(" in {repo}")).unwrap_or_default();
        printable(&format!("{}{repo}  ({}, by {})", link.branch, link.linked_at, link.linked_by.display()))
    };
    let is_linked = |name: &String| links.iter().any(|link| link.branch == *name && link.repo.is_none());
    let found = details.traces.branches.iter().filter(|name| !is_linked(name));
    links.iter().map(one).chain(found.map(|name| printable(&format!("{name}  (found)")))).collect()
}

/// Letters of a commit's id that tell it from others.
const SHORT: usize = 10;

fn commits(details: &Details) -> Vec<String> {
    let one = |commit: &crate::app::Commit| {
        printable(&format!("{:.SHORT$}  {}  {}", commit.sha, commit.date, commit.subject))
    };
    details.traces.commits.iter().map(one).collect()
}
