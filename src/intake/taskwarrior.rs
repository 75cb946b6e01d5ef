//! Taskwarrior: what `task export` prints, as one list or a task on each line. The attributes are
//! those of its JSON format, `docs/rfcs/task.md` in
//! <https://github.com/GothenburgBitFactory/taskwarrior>; attributes of users are kept beside.

use super::Read;
use super::members::Members;
use crate::app::Failure;
use crate::domain::foreign::{Link, Record, Remark};

/// One task.
pub(super) fn record(mut task: Members) -> Result<Read, Failure> {
    let id = task.needed("uuid")?;
    let status = task.text("status")?.unwrap_or_else(|| "pending".to_owned());
    let started = task.time("start")?;
    // A task on which somebody works is pending too.
    let status = if status == "pending" && started.is_some() { "started".to_owned() } else { status };
    let mut depends = Vec::new();
    for part in task.texts("depends")?.unwrap_or_default() {
        // Versions before 2.6 write one text with commas.
        depends.extend(part.split(',').map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned));
    }
    let mut comments = Vec::new();
    for mut annotation in task.objects("annotations")?.unwrap_or_default() {
        let body = annotation.text("description")?.unwrap_or_default();
        comments.push(Remark { author: None, at: annotation.time("entry")?, body });
    }
    let record = Record {
        id,
        title: task.needed("description")?,
        status: Some(status),
        priority: task.text("priority")?,
        tags: Some(task.texts("tags")?.unwrap_or_default()),
        created: task.time("entry")?,
        started,
        updated: task.time("modified")?,
        closed: task.time("end")?,
        comments,
        links: Some(depends.into_iter().map(|target| Link::new("depends_on", target)).collect()),
        ..Record::default()
    };
    // Both are counted anew with every export.
    task.ignore(&["id", "urgency"]);
    Ok(Read::Record(Box::new(Record { rest: task.rest(), ..record })))
}
