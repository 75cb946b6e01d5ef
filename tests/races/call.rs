//! What the processes ask for and what they are told: the log of a run.

use lattice::domain::{Command, TaskId};
use serde_json::Value;

/// What a process asks for.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a thousand of them at a time")]
pub enum Wish {
    /// A change of one task or one resource.
    Change(Command),
    /// `next --claim`: some task.
    Claim,
    /// `show` of a task, with its whole history.
    Show(TaskId),
    /// `resource status`.
    Holders(String),
    /// `list` of all tasks.
    List,
}

/// What a process was told.
#[derive(Clone, Debug)]
pub enum Answer {
    /// `data` of the document: the call was acknowledged.
    Data(Value),
    /// `error` of the document: a rule said no.
    Refused(Value),
    /// Nothing: it was killed before. What it wished happened, whole, or did not.
    Killed,
}

/// One call. Times are nanoseconds of one clock.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose it was. Who is killed had a name of its own, so that what it left can be told.
    pub actor: String,
    pub wish: Wish,
    /// Before the process was started.
    pub invoked: u64,
    /// After its answer was whole, or after it was seen dead.
    pub returned: u64,
    pub answer: Answer,
    /// Whether it was killed, before or after it answered.
    pub killed: bool,
}

/// The file with the plan that `plan` writes, and what it says.
pub const PLAN: (&str, &str) = ("the-plan.md", "# The way\n\n- one step\n");

/// The words of the call.
pub fn line(wish: &Wish) -> Vec<String> {
    let words: Vec<String> = match wish {
        Wish::Change(command) => change(command),
        Wish::Claim => ["next", "--claim"].map(str::to_owned).into(),
        Wish::Show(task) => vec!["show".to_owned(), task.to_string()],
        Wish::Holders(name) => vec!["resource".to_owned(), "status".to_owned(), name.clone()],
        Wish::List => ["list", "--include-archived"].map(str::to_owned).into(),
    };
    words.into_iter().chain(["--json".to_owned()]).collect()
}

fn change(command: &Command) -> Vec<String> {
    let words: Vec<&str> = match command {
        Command::Create { id, task, .. } => vec!["create", &task.title, "--id", id.as_str()],
        Command::Update { task, changes } => {
            let pairs = changes.iter().map(|(field, value)| format!("{field}={value}"));
            return ["update".to_owned(), task.to_string()].into_iter().chain(pairs).collect();
        }
        Command::Status { task, to, .. } => vec!["status", task.as_str(), to],
        Command::Assign { task, to } => {
            vec!["assign", task.as_str(), to.as_ref().map_or("none", |actor| actor.display())]
        }
        Command::Comment { task, body, .. } => vec!["comment", task.as_str(), body],
        Command::Archive { task } => vec!["archive", task.as_str()],
        Command::Unarchive { task } => vec!["unarchive", task.as_str()],
        Command::SetPlan { task, .. } => vec!["plan", task.as_str(), "--file", PLAN.0],
        Command::CreateResource { id, resource, .. } => {
            let (most, ttl) = (resource.max_holders.unwrap_or(1), resource.ttl_seconds.unwrap_or(300));
            let words = ["resource", "create", &resource.name, "--id", id.as_str()].map(str::to_owned);
            let limits = ["--max-holders".to_owned(), most.to_string(), "--ttl".to_owned(), ttl.to_string()];
            return words.into_iter().chain(limits).collect();
        }
        Command::AcquireResource { name, force: true, .. } => vec!["resource", "acquire", name, "--force"],
        Command::AcquireResource { name, .. } => vec!["resource", "acquire", name],
        Command::ReleaseResource { name } => vec!["resource", "release", name],
        Command::HeartbeatResource { name } => vec!["resource", "heartbeat", name],
        other => panic!("nobody here asks for {other:?}"),
    };
    words.into_iter().map(str::to_owned).collect()
}
