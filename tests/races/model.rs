//! What a task or a resource may answer: `decide` and the fold, without a file, a clock or other
//! processes. The one rule written down again is which tasks `next` looks at, which is SQL.

use std::rc::Rc;

use lattice::app::{Failure, POOL, names_over_time, sha256};
use lattice::domain::command::Author;
use lattice::domain::event::{Stamp, kind};
use lattice::domain::fold::TaskState;
use lattice::domain::resource::Resource;
use lattice::domain::workflow::{review_cycles, valid_transitions};
use lattice::domain::{
    Actor, ArtifactId, Command, Config, Event, EventBody, EventId, Facts, Task, Timestamp, decide,
};
use serde_json::{Map, Value, json};

use crate::call::Answer;

/// One task or one resource: what a history is checked against.
pub struct Object {
    pub config: Config,
    /// The time of all that happens; nothing here is about time.
    pub now: Timestamp,
    /// What the file says in the end, each event as [`told`]. `None` where nobody looked.
    pub end: Option<Vec<Value>>,
}

/// What one call is for one object.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are some ten thousand of them at a time")]
pub enum Part {
    /// A change.
    Change(Command),
    /// `next --claim`, which took this task.
    Took,
    /// `next --claim`, which took no task at all; so it could not take this one.
    TookNone,
    /// `show`.
    Shown,
    /// The task's row of a list, null where it has none.
    Listed,
    /// `resource status`.
    Holders,
}

/// One call, as one object sees it.
#[derive(Clone, Debug)]
pub struct Op {
    /// Its place in the log of calls.
    pub call: usize,
    pub actor: String,
    pub invoked: u64,
    pub returned: u64,
    pub part: Part,
    pub answer: Answer,
}

impl Op {
    /// The same, but if it was killed it may take effect at any time after its death.
    pub fn without_a_bound(self) -> Self {
        let returned = if matches!(self.answer, Answer::Killed) { u64::MAX } else { self.returned };
        Self { returned, ..self }
    }

    /// Whether the answer says that the call changed nothing. Another may have changed something and
    /// may not: a plan that was written once more answers as one that was there already.
    pub fn is_a_look(&self) -> bool {
        match (&self.part, &self.answer) {
            (Part::Shown | Part::Listed | Part::Holders | Part::TookNone, _) | (_, Answer::Refused(_)) => {
                true
            }
            (_, Answer::Data(data)) => data["message"].is_string(),
            (_, Answer::Killed) => false,
        }
    }
}

/// The state of an object.
#[derive(Clone)]
pub struct State {
    task: TaskState,
    resource: Option<Resource>,
    history: Vec<Rc<(Event, Value)>>,
    /// Stands for the whole history; equal states have equal keys.
    pub key: [u8; 32],
}

impl State {
    /// Before anything happened.
    pub fn nothing() -> Self {
        Self { task: TaskState::default(), resource: None, history: Vec::new(), key: [0; 32] }
    }

    /// What happened so far, for people.
    pub fn told(&self) -> Vec<String> {
        self.history.iter().map(|fact| fact.1.to_string()).collect()
    }

    fn events(&self) -> Vec<&Event> {
        self.history.iter().map(|fact| &fact.0).collect()
    }
}

/// An event without what nobody can foretell: ids, times, numbers of tasks.
pub fn told(event: &Value) -> Value {
    let mut data = settled(&event["data"]);
    if event["type"] == kind::PLAN_UPDATED
        && let Value::Object(data) = &mut data
    {
        // Begins with the short id where nobody wrote one, and ends with the day.
        data.remove("body");
    }
    json!({"type": event["type"], "actor": event["actor"], "data": data})
}

/// A value without them.
pub fn settled(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let told = map.iter().filter(|(key, _)| !["short_id", "plan_content"].contains(&key.as_str()));
            told.map(|(key, value)| (key.clone(), settled(value))).collect()
        }
        Value::Array(list) => list.iter().map(settled).collect(),
        Value::String(text) if text.starts_with("ev_") => json!("an event"),
        Value::String(text) if Timestamp::parse(text).is_some() => json!("a time"),
        plain => plain.clone(),
    }
}

impl Object {
    /// Where the call may leave the object, if it gave this answer in this state. More than one
    /// state where it gave none, none if the answer was wrong.
    pub fn steps(&self, state: &State, op: &Op) -> Vec<State> {
        let author = author(&op.actor);
        match &op.part {
            Part::Change(command) => self.change(state, &author, command, &op.answer),
            Part::Took if !is_in_reach(&self.config, state, &author.actor) => match op.answer {
                Answer::Killed => vec![state.clone()],
                _ => Vec::new(),
            },
            Part::Took => {
                let Some(task) = &state.task.task else { return Vec::new() };
                self.change(state, &author, &Command::Claim { task: task.id.clone() }, &op.answer)
            }
            Part::TookNone => kept(state, self.is_out_of_reach(state, &author, &op.answer)),
            Part::Shown => kept(state, self.is_shown(state, &op.answer)),
            Part::Listed => kept(state, is_listed(state, &op.answer)),
            Part::Holders => kept(state, is_held(state, &op.answer)),
        }
    }

    /// Whether nothing more is in the file.
    pub fn is_end(&self, state: &State) -> bool {
        self.end.as_ref().is_none_or(|end| end.len() == state.history.len())
    }

    fn change(&self, state: &State, author: &Author, command: &Command, answer: &Answer) -> Vec<State> {
        let is_new = matches!(command, Command::Create { .. });
        if command.task().is_some() && state.task.task.is_none() && !is_new {
            return kept(state, is_refused(answer, "NOT_FOUND"));
        }
        let decision = match decide(&self.facts(state, command), author, command) {
            Ok(decision) => decision,
            Err(rejection) => {
                let failure = Failure::from(rejection);
                let told = match answer {
                    Answer::Refused(error) => failure.extra.iter().all(|(key, value)| error[key] == *value),
                    _ => true,
                };
                return kept(state, told && is_refused(answer, failure.code.as_str()));
            }
        };
        if decision.events.is_empty() {
            return kept(state, is_acknowledged(state, command, answer, false));
        }
        let next = self.append(state, author, decision.events);
        match answer {
            Answer::Killed => next.into_iter().chain([state.clone()]).collect(),
            _ => next.filter(|next| is_acknowledged(next, command, answer, true)).into_iter().collect(),
        }
    }

    /// The state with these events; `None` if the file says otherwise.
    fn append(&self, state: &State, author: &Author, bodies: Vec<EventBody>) -> Option<State> {
        let mut next = state.clone();
        for body in bodies {
            let id = EventId::from_value(next.history.len() as u128 + 1);
            let parents = next.history.last().map(|fact| fact.0.id.clone()).into_iter().collect();
            let event = Event::compose(body, id, self.now, &author.actor, &author.stamp, parents);
            let told = told(&event.value());
            if self.end.as_ref().is_some_and(|end| end.get(next.history.len()) != Some(&told)) {
                return None;
            }
            let line = format!("{:?} {told}", next.key);
            next.key = sha256(line.as_bytes());
            if event.task().is_some() {
                next.task.apply(&event);
            }
            next.history.push(Rc::new((event, told)));
            let last = &next.history[next.history.len() - 1].0;
            if event_of_resource(last) && !next.resource.as_mut().is_some_and(|known| known.follow(last)) {
                let name = last.text("name").unwrap_or_default();
                let history: Vec<Event> = next.events().into_iter().cloned().collect();
                next.resource = Resource::fold(name, &history);
            }
        }
        Some(next)
    }

    fn facts(&self, state: &State, command: &Command) -> Facts {
        let events = state.events();
        let (titles, descriptions) = names_over_time(state.task.task.as_ref(), &events);
        let is_create = matches!(command, Command::Create { .. });
        Facts {
            now: self.now,
            config: self.config.clone(),
            task: state.task.task.clone(),
            created: events.first().filter(|_| is_create).map(|event| (*event).clone()),
            plan: state.task.plan.as_ref().map(|text| text.body.clone()),
            titles,
            descriptions,
            review_cycles: review_cycles(&events),
            resource: state.resource.clone(),
            name_of_id: state.resource.as_ref().map(|resource| resource.name.clone()),
            fresh_artifact: ArtifactId::from_value(1),
            target: None,
            way_back: None,
            comment: None,
            notes: None,
            context: None,
            same_id: None,
            tombstone: None,
            next_short_id: None,
            is_short_id_taken: false,
            same_artifact: None,
            open: Vec::new(),
        }
    }

    fn is_out_of_reach(&self, state: &State, author: &Author, answer: &Answer) -> bool {
        let within = is_in_reach(&self.config, state, &author.actor);
        match (answer, &state.task.task) {
            (Answer::Data(Value::Null), _) => !within,
            (Answer::Refused(_), Some(task)) if within => {
                let command = Command::Claim { task: task.id.clone() };
                decide(&self.facts(state, &command), author, &command).is_err()
            }
            (Answer::Refused(_) | Answer::Killed, _) => true,
            (Answer::Data(_), _) => false,
        }
    }

    fn is_shown(&self, state: &State, answer: &Answer) -> bool {
        let Some(task) = &state.task.task else { return is_refused(answer, "NOT_FOUND") };
        let Answer::Data(shown) = answer else { return false };
        let events = shown["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        shown["valid_transitions"] == json!(valid_transitions(&self.config, &task.status))
            && shown["archived"].as_bool().unwrap_or_default() == task.archived
            && is_snapshot(shown, task.snapshot())
            && events.len() == state.history.len()
            && events.iter().zip(&state.history).all(|(shown, fact)| told(shown) == fact.1)
    }
}

/// The state as it was, if the answer fits it.
fn kept(state: &State, fits: bool) -> Vec<State> {
    if fits { vec![state.clone()] } else { Vec::new() }
}

fn author(name: &str) -> Author {
    Author { actor: Actor::Plain(name.to_owned()), stamp: Stamp::default(), model: None }
}

fn event_of_resource(event: &Event) -> bool {
    matches!(event.subject, lattice::domain::Subject::Resource(_))
}

/// Who was killed was refused, or was not: nobody knows.
fn is_refused(answer: &Answer, code: &str) -> bool {
    match answer {
        Answer::Refused(error) => error["code"] == code,
        Answer::Killed => true,
        Answer::Data(_) => false,
    }
}

/// Whether this is what the command answers when it leaves the object so.
fn is_acknowledged(state: &State, command: &Command, answer: &Answer, changed: bool) -> bool {
    let data = match answer {
        Answer::Data(data) => data,
        Answer::Killed => return true,
        Answer::Refused(_) => return false,
    };
    let task = state.task.task.as_ref();
    match command {
        Command::Archive { .. } | Command::Unarchive { .. } => {
            state.history.last().is_some_and(|fact| told(data) == fact.1)
        }
        Command::SetPlan { body, .. } => {
            let content = state.task.plan.as_ref().map(|plan| &plan.body);
            content == Some(body)
                && data["content"] == *body
                && task.is_some_and(|t| data["archived"] == t.archived)
        }
        _ if command.resource().is_some() => {
            state.resource.as_ref().is_some_and(|resource| is_snapshot(data, resource.snapshot()))
        }
        Command::Create { .. } | Command::Claim { .. } => {
            task.is_some_and(|task| is_snapshot(data, task.snapshot()))
        }
        _ if changed => task.is_some_and(|task| is_snapshot(data, task.snapshot())),
        _ => data["message"].is_string(),
    }
}

/// Whether an answer says all that the snapshot says. It may say more.
fn is_snapshot(answer: &Value, snapshot: Map<String, Value>) -> bool {
    let (answer, snapshot) = (settled(answer), settled(&Value::Object(snapshot)));
    snapshot.as_object().is_some_and(|map| map.iter().all(|(key, value)| answer.get(key) == Some(value)))
}

fn is_listed(state: &State, answer: &Answer) -> bool {
    match (answer, &state.task.task) {
        (Answer::Data(Value::Null), None) => true,
        (Answer::Data(row), Some(task)) if !row.is_null() => {
            row["archived"].as_bool().unwrap_or_default() == task.archived
                && is_snapshot(row, task.snapshot())
        }
        _ => false,
    }
}

fn is_held(state: &State, answer: &Answer) -> bool {
    match (answer, &state.resource) {
        (Answer::Data(data), Some(resource)) => is_snapshot(data, resource.snapshot()),
        (answer, None) => is_refused(answer, "NOT_FOUND"),
        _ => false,
    }
}

/// Whether `next` looks at the task for this actor: its own work under way, or open work of the
/// pool that nobody else has.
fn is_in_reach(config: &Config, state: &State, actor: &Actor) -> bool {
    let Some(task) = state.task.task.as_ref().filter(|task: &&Task| !task.archived) else { return false };
    let mine = task.assigned_to.as_ref().is_some_and(|assignee| assignee.is(actor));
    let status = task.status.as_str();
    if mine && ["in_progress", "in_planning"].contains(&status) {
        return true;
    }
    POOL.contains(&status)
        && !config.finished().contains(&task.status.as_str())
        && (mine || task.assigned_to.is_none())
}
