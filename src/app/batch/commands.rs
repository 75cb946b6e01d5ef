//! The commands that a line may hold: their members, and the wish that these make.

use std::collections::HashMap;

use serde_json::Value;

use super::fields::Fields;
use crate::app::execute::Names;
use crate::app::resolve::{
    chosen_artifact_id, chosen_event_id, chosen_resource_id, chosen_task_id, comment_id, wanted_short_id,
};
use crate::app::{Code, Failure};
use crate::domain::artifact::{Attached, Attachment, is_address};
use crate::domain::command::{NewResource, NewTask};
use crate::domain::config::pointer;
use crate::domain::{Command, EventId, TaskId};

/// What a line wants.
pub enum Wish {
    /// A command, made from names when its turn comes.
    Command(Build),
    /// The next task, out of these statuses.
    Claim(Option<Vec<String>>),
    /// The setting of this path, as it was written, to this value; without one it is removed.
    Setting(String, Option<Value>),
}

/// Makes the command inside the transaction.
pub type Build = Box<dyn FnOnce(&Scope<'_>) -> Result<Command, Failure>>;

/// What names mean at this point of the batch.
pub struct Scope<'a> {
    /// What they mean in the tracker.
    pub names: &'a Names<'a>,
    /// What earlier lines have made.
    pub known: &'a Known,
}

/// What lines have made, by the names that they gave it.
pub type Known = HashMap<String, Named>;

/// What a line has made.
pub enum Named {
    /// A task.
    Task(TaskId),
    /// A comment.
    Comment(EventId),
    /// Nothing: the line of this number failed, or found no task.
    Nothing(usize),
}

impl Scope<'_> {
    fn task(&self, text: &str) -> Result<TaskId, Failure> {
        match self.named(text)? {
            Some(Named::Task(id)) => Ok(id.clone()),
            Some(_) => Err(other_kind(text, "a comment, not a task")),
            None => self.names.task(text),
        }
    }

    fn relation_end(&self, text: &str) -> Result<TaskId, Failure> {
        if text.starts_with('$') { self.task(text) } else { self.names.relation_end(text) }
    }

    fn comment(&self, text: &str) -> Result<EventId, Failure> {
        match self.named(text)? {
            Some(Named::Comment(id)) => Ok(id.clone()),
            Some(_) => Err(other_kind(text, "a task, not a comment")),
            None => comment_id(text),
        }
    }

    /// What an earlier line made, if the text is a name that a line gave.
    fn named(&self, text: &str) -> Result<Option<&Named>, Failure> {
        let Some(name) = text.strip_prefix('$') else { return Ok(None) };
        match self.known.get(name) {
            Some(Named::Nothing(line)) => {
                Err(Failure::new(Code::NotFound, format!("${name} is nothing: line {line} made nothing"))
                    .hint(format!("see what became of line {line}")))
            }
            Some(named) => Ok(Some(named)),
            None => Err(Failure::new(Code::NotFound, format!("no line above gives the name {name}"))
                .hint(format!("add \"as\":\"{name}\" to the line that makes it"))),
        }
    }
}

fn other_kind(text: &str, what: &str) -> Failure {
    Failure::new(Code::ValidationError, format!("{text} is {what}"))
        .hint("`as` names the task of create and next, and the comment of comment")
}

/// A command's name, and how it reads its members.
pub type Entry = (&'static str, fn(&mut Fields) -> Wish);

/// All commands that a line may hold.
pub const COMMANDS: &[Entry] = &[
    ("create", create),
    ("update", update),
    ("status", status),
    ("assign", assign),
    ("next", next),
    ("complete", complete),
    ("link", link),
    ("unlink", unlink),
    ("attach", attach),
    ("branch-link", |fields| branch(fields, |task, branch, repo| Command::BranchLink { task, branch, repo })),
    ("branch-unlink", |fields| {
        branch(fields, |task, branch, repo| Command::BranchUnlink { task, branch, repo })
    }),
    ("archive", |fields| about(fields, |task| Command::Archive { task })),
    ("unarchive", |fields| about(fields, |task| Command::Unarchive { task })),
    ("event", event),
    ("comment", comment),
    ("comment-edit", comment_edit),
    ("comment-delete", comment_delete),
    ("react", |fields| sign(fields, |task, comment, emoji| Command::React { task, comment, emoji })),
    ("unreact", |fields| sign(fields, |task, comment, emoji| Command::Unreact { task, comment, emoji })),
    ("plan", |fields| written(fields, |task, body| Command::SetPlan { task, body, base: None })),
    ("notes", |fields| written(fields, |task, body| Command::SetNotes { task, body, base: None })),
    ("context", context),
    ("renumber", renumber),
    ("config set", |fields| Wish::Setting(fields.text("path"), Some(fields.value("value")))),
    ("config unset", |fields| Wish::Setting(fields.text("path"), None)),
    ("resource create", create_resource),
    ("resource acquire", acquire_resource),
    ("resource release", |fields| held(fields, |name| Command::ReleaseResource { name })),
    ("resource heartbeat", |fields| held(fields, |name| Command::HeartbeatResource { name })),
];

/// Commands whose lines may give a name to what they make.
pub const NAMING: [&str; 3] = ["create", "next", "comment"];

fn wish(build: impl FnOnce(&Scope<'_>) -> Result<Command, Failure> + 'static) -> Wish {
    Wish::Command(Box::new(build))
}

fn create(fields: &mut Fields) -> Wish {
    let task = NewTask {
        title: fields.text("title"),
        kind: fields.maybe("type"),
        priority: fields.maybe("priority"),
        urgency: fields.maybe("urgency"),
        complexity: fields.maybe("complexity"),
        status: fields.maybe("status"),
        description: fields.maybe("description"),
        tags: fields.list("tags").unwrap_or_default(),
        assigned_to: None,
    };
    let (assigned_to, id) = (fields.maybe("assigned_to"), fields.maybe("id"));
    wish(move |scope| {
        let names = scope.names;
        let id = id.map(|text| chosen_task_id(&text, names.now_millis)).transpose()?;
        let assigned_to = assigned_to.map(|text| names.actor(&text)).transpose()?;
        Ok(Command::Create {
            chosen: id.is_some(),
            id: id.unwrap_or_else(|| names.fresh_task()),
            task: NewTask { assigned_to, ..task },
        })
    })
}

fn update(fields: &mut Fields) -> Wish {
    let (task, changes) = (fields.text("task"), fields.rest());
    wish(move |scope| Ok(Command::Update { task: scope.task(&task)?, changes }))
}

fn status(fields: &mut Fields) -> Wish {
    let (task, to, force) = (fields.text("task"), fields.text("new_status"), fields.flag("force"));
    wish(move |scope| Ok(Command::Status { task: scope.task(&task)?, to, force }))
}

fn assign(fields: &mut Fields) -> Wish {
    let (task, to) = (fields.text("task"), fields.nullable("to"));
    wish(move |scope| {
        let to = to.map(|text| scope.names.assignee(&text)).transpose()?.flatten();
        Ok(Command::Assign { task: scope.task(&task)?, to })
    })
}

fn next(fields: &mut Fields) -> Wish {
    fields.must_be_set("claim");
    Wish::Claim(fields.list("status"))
}

fn complete(fields: &mut Fields) -> Wish {
    let (task, review) = (fields.text("task"), fields.text("review"));
    wish(move |scope| Ok(Command::Complete { task: scope.task(&task)?, review }))
}

fn link(fields: &mut Fields) -> Wish {
    let (task, kind, target) = (fields.text("task"), fields.text("type"), fields.text("target"));
    let note = fields.maybe("note");
    wish(move |scope| {
        Ok(Command::Link { task: scope.task(&task)?, kind, target: scope.task(&target)?, note })
    })
}

fn unlink(fields: &mut Fields) -> Wish {
    let (task, kind, target) = (fields.text("task"), fields.text("type"), fields.text("target"));
    wish(move |scope| {
        Ok(Command::Unlink { task: scope.task(&task)?, kind, target: scope.relation_end(&target)? })
    })
}

/// A file is for the command line: here nothing is read from the disk.
fn attach(fields: &mut Fields) -> Wish {
    let task = fields.text("task");
    let content = match (fields.maybe("source"), fields.maybe("inline")) {
        (Some(url), None) if is_address(&url) => Attached::Url(url),
        (None, Some(text)) => Attached::Inline(text),
        _ => {
            fields.refuse("attach takes an address as `source`, or a text as `inline`, here");
            Attached::Inline(String::new())
        }
    };
    let attachment = Attachment {
        kind: fields.maybe("type"),
        title: fields.maybe("title"),
        summary: fields.maybe("summary"),
        sensitive: fields.flag("sensitive"),
        content,
    };
    let (role, id) = (fields.maybe("role"), fields.maybe("id"));
    wish(move |scope| {
        let id = id.map(|text| chosen_artifact_id(&text, scope.names.now_millis)).transpose()?;
        Ok(Command::Attach { task: scope.task(&task)?, id, attachment, role })
    })
}

fn branch(fields: &mut Fields, command: fn(TaskId, String, Option<String>) -> Command) -> Wish {
    let (task, branch, repo) = (fields.text("task"), fields.text("branch"), fields.maybe("repo"));
    wish(move |scope| Ok(command(scope.task(&task)?, branch, repo)))
}

fn event(fields: &mut Fields) -> Wish {
    let (task, kind) = (fields.text("task"), fields.text("type"));
    let (data, id) = (fields.object("data"), fields.maybe("id"));
    wish(move |scope| {
        let id = id.map(|text| chosen_event_id(&text, scope.names.now_millis)).transpose()?;
        Ok(Command::Custom { task: scope.task(&task)?, kind, data, id })
    })
}

fn comment(fields: &mut Fields) -> Wish {
    let (task, body) = (fields.text("task"), fields.text("text"));
    let (reply_to, role) = (fields.maybe("reply_to"), fields.maybe("role"));
    wish(move |scope| {
        let reply_to = reply_to.map(|text| scope.comment(&text)).transpose()?;
        Ok(Command::Comment { task: scope.task(&task)?, body, reply_to, role })
    })
}

fn comment_edit(fields: &mut Fields) -> Wish {
    let (task, comment, body) = (fields.text("task"), fields.text("comment"), fields.text("new_text"));
    let role = fields.maybe("role");
    wish(move |scope| {
        Ok(Command::CommentEdit { task: scope.task(&task)?, comment: scope.comment(&comment)?, body, role })
    })
}

fn comment_delete(fields: &mut Fields) -> Wish {
    let (task, comment) = (fields.text("task"), fields.text("comment"));
    wish(move |scope| {
        Ok(Command::CommentDelete { task: scope.task(&task)?, comment: scope.comment(&comment)? })
    })
}

fn sign(fields: &mut Fields, command: fn(TaskId, EventId, String) -> Command) -> Wish {
    let (task, comment, emoji) = (fields.text("task"), fields.text("comment"), fields.text("emoji"));
    wish(move |scope| Ok(command(scope.task(&task)?, scope.comment(&comment)?, emoji)))
}

fn about(fields: &mut Fields, command: fn(TaskId) -> Command) -> Wish {
    let task = fields.text("task");
    wish(move |scope| Ok(command(scope.task(&task)?)))
}

fn written(fields: &mut Fields, command: fn(TaskId, String) -> Command) -> Wish {
    let (task, body) = (fields.text("task"), fields.text("text"));
    wish(move |scope| Ok(command(scope.task(&task)?, body)))
}

fn renumber(fields: &mut Fields) -> Wish {
    let (task, to) = (fields.text("task"), fields.maybe("to"));
    wish(move |scope| {
        let to = to.map(|text| wanted_short_id(&text)).transpose()?;
        Ok(Command::Renumber { task: scope.task(&task)?, to })
    })
}

fn create_resource(fields: &mut Fields) -> Wish {
    let resource = NewResource {
        name: fields.text("resource"),
        description: fields.maybe("description"),
        max_holders: fields.number("max_holders"),
        ttl_seconds: fields.number("ttl"),
    };
    let id = fields.maybe("id");
    wish(move |scope| {
        let names = scope.names;
        let id = id.map(|text| chosen_resource_id(&text, names.now_millis)).transpose()?;
        Ok(Command::CreateResource {
            chosen: id.is_some(),
            id: id.unwrap_or_else(|| names.fresh_resource()),
            resource,
        })
    })
}

/// Nobody waits in a transaction: who holds it could not let go.
fn acquire_resource(fields: &mut Fields) -> Wish {
    let (name, task, force) = (fields.text("resource"), fields.maybe("task"), fields.flag("force"));
    wish(move |scope| {
        Ok(Command::AcquireResource {
            name: scope.names.resource(&name)?,
            fresh: scope.names.fresh_resource(),
            task: task.map(|task| scope.task(&task)).transpose()?,
            force,
        })
    })
}

fn held(fields: &mut Fields, command: fn(String) -> Command) -> Wish {
    let name = fields.text("resource");
    wish(move |scope| Ok(command(scope.names.resource(&name)?)))
}

/// What setting or removing this setting means.
pub fn setting(path: &str, to: Option<&Value>) -> Command {
    let path = pointer(path);
    match to {
        Some(to) => Command::SetConfig { path, to: to.clone() },
        None => Command::UnsetConfig { path },
    }
}

fn context(fields: &mut Fields) -> Wish {
    let body = fields.text("text");
    wish(move |_| Ok(Command::SetContext { body, base: None }))
}
