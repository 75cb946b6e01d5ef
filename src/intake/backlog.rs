//! Backlog.md: a folder with a Markdown file for each task. Members and sections are those of
//! `src/markdown/` in <https://github.com/MrLesk/Backlog.md>.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::members::Members;
use super::{Found, front_matter, invalid, plain_file, text, whole};
use crate::app::{Failure, Sourced};
use crate::domain::Timestamp;
use crate::domain::foreign::{Link, Record, Remark, parse_time};

/// Folders of tasks in the folder of a backlog, and whether their tasks are put away.
const FOLDERS: [(&str, bool); 4] =
    [("tasks", false), ("drafts", false), ("completed", false), ("archive/tasks", true)];

/// Reads all tasks below a project, a backlog's folder, or a folder of tasks.
///
/// # Errors
/// `IMPORT_INVALID` with file and line.
pub(super) fn read(path: &Path) -> Result<Found, Failure> {
    let mut found = Found::default();
    for (folder, archived) in folders(path) {
        let fail = |error: std::io::Error| Failure::io(&error, &folder);
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let is_markdown = entry.path().extension().is_some_and(|ext| ext.eq_ignore_ascii_case("md"));
            match entry.file_type().map_err(fail)?.is_file() {
                true if is_markdown => files.push(entry.path()),
                false if is_markdown => {
                    found
                        .notices
                        .push(format!("{} is no plain file; it was left out", entry.path().display()));
                }
                _ => {}
            }
        }
        files.sort();
        for file in files {
            let bytes = plain_file(&file)?;
            match front_matter::split(text(&bytes, &file)?, &file)? {
                Some((members, body)) if members.map.contains_key("id") => {
                    let place = members.place.clone();
                    let item = Record { archived, ..record(members, &body)? };
                    found.records.push(Sourced { item, place });
                }
                _ => found.notices.push(format!("{} is no task; it was left out", file.display())),
            }
        }
    }
    if found.records.is_empty() && found.notices.is_empty() && !path.is_dir() {
        std::fs::read_dir(path).map_err(|error| Failure::io(&error, path))?;
    }
    if found.records.is_empty() {
        return Err(invalid(
            &whole(path),
            "no tasks of Backlog.md there",
            "name the folder that holds `tasks`",
        ));
    }
    Ok(found)
}

fn folders(path: &Path) -> Vec<(PathBuf, bool)> {
    let homes = [path.join("backlog"), path.join(".backlog"), path.to_path_buf()];
    match homes.iter().find(|home| home.join("tasks").is_dir()) {
        Some(home) => FOLDERS
            .iter()
            .map(|(name, archived)| (home.join(name), *archived))
            .filter(|(folder, _)| folder.is_dir())
            .collect(),
        None if path.is_dir() => vec![(path.to_path_buf(), false)],
        None => Vec::new(),
    }
}

fn record(mut task: Members, body: &str) -> Result<Record, Failure> {
    let id = task.needed("id")?;
    let sections = Sections::of(body);
    let assignees = task.texts("assignee")?.unwrap_or_default();
    let mut links: Vec<Link> = task
        .texts("dependencies")?
        .unwrap_or_default()
        .into_iter()
        .map(|target| Link::new("depends_on", upper(&target)))
        .collect();
    links.extend(task.text("parent_task_id")?.map(|parent| Link::new("subtask_of", upper(&parent))));
    let record = Record {
        id: upper(&id),
        title: task.needed("title")?,
        description: Some(sections.description),
        status: task.text("status")?,
        priority: task.text("priority")?,
        kind: task.text("type")?,
        tags: Some(task.texts("labels")?.unwrap_or_default()),
        assignee: Some(assignees.first().cloned().unwrap_or_default()),
        author: task.text("reporter")?,
        plan: sections.plan,
        notes: sections.notes,
        created: day_first(&mut task, "created_date")?,
        started: day_first(&mut task, "actual_start")?,
        updated: day_first(&mut task, "updated_date")?,
        closed: day_first(&mut task, "actual_end")?,
        comments: sections.comments,
        links: Some(links),
        ..Record::default()
    };
    // The other ends of `parent_task_id`.
    task.ignore(&["subtasks"]);
    if assignees.len() > 1 {
        task.map.insert("assignees".to_owned(), json!(assignees));
    }
    Ok(Record { rest: task.rest(), ..record })
}

/// A time; old files write a date with the day first and two digits of the year, as `14-06-25`.
fn day_first(task: &mut Members, name: &str) -> Result<Option<Timestamp>, Failure> {
    if let Some(Value::String(text)) = task.map.get_mut(name)
        && let [day, month, year] = text.trim().split(['-', '/', '.']).collect::<Vec<_>>().as_slice()
        && [day, month, year].iter().all(|part| part.len() == 2)
    {
        *text = format!("20{year}-{month}-{day}");
    }
    task.time(name)
}

/// Older files say `task-7` where newer ones say `TASK-7`; Backlog.md takes them for the same.
fn upper(id: &str) -> String {
    id.trim().to_uppercase()
}

/// The parts of a task's text that have places of their own here; all else is description.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sections {
    description: String,
    plan: Option<String>,
    notes: Option<String>,
    comments: Vec<Remark>,
}

impl Sections {
    fn of(body: &str) -> Self {
        let mut found = Self::default();
        let mut parts: Vec<(Option<&str>, Vec<&str>)> = vec![(None, Vec::new())];
        let (mut fenced, mut guarded) = (false, false);
        for line in body.lines() {
            fenced ^= line.trim_start().starts_with("```");
            match line.strip_prefix("## ").filter(|_| !fenced && !guarded) {
                Some(heading) => parts.push((Some(heading.trim()), Vec::new())),
                None => {
                    // A heading between two of its own marks is text that somebody wrote.
                    match mark(line) {
                        Some(mark) if mark.starts_with("SECTION:") => guarded = mark.ends_with(":BEGIN"),
                        _ => {}
                    }
                    if let Some((_, lines)) = parts.last_mut() {
                        lines.push(line);
                    }
                }
            }
        }
        let mut description: Vec<String> = Vec::new();
        for (heading, lines) in parts {
            if heading.is_some_and(|heading| heading.eq_ignore_ascii_case("comments"))
                && lines.iter().any(|line| mark(line) == Some("COMMENTS:BEGIN"))
            {
                found.comments = comments(&lines);
                continue;
            }
            let text: Vec<&str> = lines.into_iter().filter(|line| mark(line).is_none()).collect();
            let text = text.join("\n").trim().to_owned();
            let slot = match heading.map(str::to_lowercase).as_deref() {
                Some("implementation plan") => &mut found.plan,
                Some("implementation notes") => &mut found.notes,
                Some("description") | None => {
                    description.push(text);
                    continue;
                }
                Some(_) => {
                    if !text.is_empty() {
                        description.push(format!("## {}\n\n{text}", heading.unwrap_or_default()));
                    }
                    continue;
                }
            };
            *slot = Some(text).filter(|text| !text.is_empty()).or(slot.take());
        }
        description.retain(|text| !text.is_empty());
        found.description = description.join("\n\n");
        found
    }
}

/// What a mark of Backlog.md says, such as `AC:BEGIN`; `None` for another line.
fn mark(line: &str) -> Option<&str> {
    let inside = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    let (name, end) = inside.rsplit_once(':')?;
    let is_mark = matches!(end, "BEGIN" | "END")
        && name.bytes().all(|b| b.is_ascii_uppercase() || b == b':' || b == b'_');
    is_mark.then_some(inside)
}

/// Comments between their marks: lines such as `author: ada`, a blank one, the text.
fn comments(lines: &[&str]) -> Vec<Remark> {
    let mut found = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    for line in lines {
        match mark(line) {
            Some("COMMENT:BEGIN") => open = Some(Vec::new()),
            Some("COMMENT:END") => found.extend(open.take().map(|lines| comment(&lines))),
            _ => {
                if let Some(lines) = &mut open {
                    lines.push(line);
                }
            }
        }
    }
    found
}

fn comment(lines: &[&str]) -> Remark {
    let blank = lines.iter().position(|line| line.trim().is_empty());
    let (head, body) = lines.split_at(blank.unwrap_or(0));
    let mut remark = Remark { body: body.join("\n").trim().to_owned(), ..Remark::default() };
    for (name, value) in head.iter().filter_map(|line| line.split_once(':')) {
        match name.trim() {
            "author" => remark.author = Some(value.trim().to_owned()),
            "created" => remark.at = parse_time(value),
            _ => {}
        }
    }
    remark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_find_their_places_and_marks_are_gone() {
        let body = "\n## Description\n\n<!-- SECTION:DESCRIPTION:BEGIN -->\nWhy.\n\n## Not a section\n<!-- SECTION:DESCRIPTION:END -->\n\n## Acceptance Criteria\n<!-- AC:BEGIN -->\n- [ ] #1 It works\n<!-- AC:END -->\n\n## Implementation Plan\n\n1. Do it\n\n```\n## no heading\n```\n\n## Comments\n<!-- COMMENTS:BEGIN -->\n<!-- COMMENT:BEGIN -->\nindex: 1\nauthor: @ada\ncreated: 2026-01-02 03:04\n\nFine: so far.\n<!-- COMMENT:END -->\n<!-- COMMENTS:END -->\n\n## Final Summary\n\n## Implementation Notes\nA note.\n";
        let found = Sections::of(body);
        assert_eq!(
            found.description,
            "Why.\n\n## Not a section\n\n## Acceptance Criteria\n\n- [ ] #1 It works"
        );
        assert_eq!(found.plan.as_deref(), Some("1. Do it\n\n```\n## no heading\n```"));
        assert_eq!(found.notes.as_deref(), Some("A note."));
        let remark = &found.comments[0];
        assert_eq!((remark.author.as_deref(), remark.body.as_str()), (Some("@ada"), "Fine: so far."));
        assert_eq!(remark.at, parse_time("2026-01-02T03:04:00Z"));
    }

    #[test]
    fn a_text_without_sections_is_the_description() {
        assert_eq!(Sections::of("\nJust so.\n").description, "Just so.");
        assert_eq!(Sections::of(""), Sections::default());
    }
}
