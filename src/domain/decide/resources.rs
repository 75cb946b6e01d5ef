//! Resources: making them, and who may hold them.

use serde_json::{Map, Value, json};

use crate::domain::actor::Actor;
use crate::domain::command::{Author, NewResource};
use crate::domain::config::Config;
use crate::domain::event::{EventBody, Subject, kind};
use crate::domain::facts::Facts;
use crate::domain::id::{ResourceId, TaskId};
use crate::domain::rejection::Rejection;
use crate::domain::resource::{
    DEFAULT_MAX_HOLDERS, DEFAULT_TTL_SECONDS, Holder, MOST_TTL_SECONDS, Resource, TTL_RULE, is_name, is_ttl,
};
use crate::domain::time::Timestamp;

const NAME_RULE: &str = "a letter or digit, then up to 63 of letters, digits, dot, underscore and dash";

/// One `resource_created`; nothing if this name was created under this id before.
pub(super) fn create(
    facts: &Facts,
    id: &ResourceId,
    resource: &NewResource,
) -> Result<Vec<EventBody>, Rejection> {
    let name = &resource.name;
    let invalid = |what, got: String, rule| Rejection::Invalid { what, got, rule };
    if !is_name(name) {
        return Err(invalid("resource name", name.clone(), NAME_RULE));
    }
    if ResourceId::parse_foreign(name).is_some() {
        return Err(invalid("resource name", name.clone(), "a name must not look like an id"));
    }
    if let Some(number) = resource.max_holders.filter(|n| *n < 1) {
        return Err(invalid("--max-holders", number.to_string(), "write a whole number, 1 or more"));
    }
    if let Some(number) = resource.ttl_seconds.filter(|n| !is_ttl(*n)) {
        return Err(invalid("--ttl", number.to_string(), TTL_RULE));
    }
    match (&facts.name_of_id, &facts.resource) {
        (Some(known), _) if known == name => return Ok(Vec::new()),
        (Some(_), _) => return Err(Rejection::ContentDiffers { id: id.to_string() }),
        (None, Some(known)) => {
            return Err(Rejection::ResourceExists { name: name.clone(), id: known.id.clone() });
        }
        (None, None) => {}
    }
    let declared = declared(&facts.config, name).unwrap_or_default();
    Ok(vec![created(
        id,
        &NewResource {
            name: name.clone(),
            description: resource.description.clone().or(declared.description),
            max_holders: resource.max_holders.or(declared.max_holders),
            ttl_seconds: resource.ttl_seconds.or(declared.ttl_seconds),
        },
    )])
}

fn created(id: &ResourceId, resource: &NewResource) -> EventBody {
    let mut data = json!({
        "name": resource.name,
        "max_holders": resource.max_holders.unwrap_or(DEFAULT_MAX_HOLDERS),
        "ttl_seconds": resource.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS),
    });
    if let Some(description) = &resource.description {
        data["description"] = json!(description);
    }
    event(id, kind::RESOURCE_CREATED, data)
}

/// What the configuration declares of a resource. Values that make no sense count as absent.
#[must_use]
pub fn declared(config: &Config, name: &str) -> Option<NewResource> {
    let members = config.resource(name).filter(|_| is_name(name))?;
    let number = |key: &str| members.get(key).and_then(Value::as_i64).filter(|n| *n >= 1);
    Some(NewResource {
        name: name.to_owned(),
        description: members.get("description").and_then(Value::as_str).map(str::to_owned),
        max_holders: number("max_holders"),
        ttl_seconds: number("ttl_seconds").map(|n| n.min(MOST_TTL_SECONDS)),
    })
}

/// Makes room by ending what is over, then takes a hold. A second one of the same holder makes
/// the first last longer.
pub(super) fn acquire(
    facts: &Facts,
    author: &Author,
    name: &str,
    fresh: &ResourceId,
    task: Option<&TaskId>,
    force: bool,
) -> Result<Vec<EventBody>, Rejection> {
    let Some(resource) = &facts.resource else {
        let new = declared(&facts.config, name)
            .ok_or_else(|| Rejection::NoSuchResource { name: name.to_owned() })?;
        let ttl = new.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS);
        return Ok(vec![created(fresh, &new), acquired(fresh, facts.now, ttl, author, task)]);
    };
    let id = id_of(resource)?;
    let (over, mut held): (Vec<&Holder>, Vec<&Holder>) =
        resource.holders.iter().partition(|holder| holder.is_expired(facts.now));
    let mut events: Vec<EventBody> = over
        .into_iter()
        .map(|holder| expired(&id, holder, &holder.expires_at, &author.actor, false))
        .collect();
    if let Some(own) = held.iter().find(|holder| holder.actor.is(&author.actor)) {
        // For another task it is another hold, though nobody else had a chance in between.
        let same = task.is_none_or(|task| own.task_id.as_deref() == Some(task.as_str()));
        events.push(if same {
            lasting(&id, facts.now, resource.ttl_seconds, &author.actor)
        } else {
            acquired(&id, facts.now, resource.ttl_seconds, author, task)
        });
        return Ok(events);
    }
    if force {
        let now = facts.now.to_string();
        events.extend(held.drain(..).map(|holder| expired(&id, holder, &now, &author.actor, true)));
    }
    if i64::try_from(held.len()).is_ok_and(|count| count >= resource.max_holders) {
        return Err(Rejection::ResourceHeld {
            name: resource.name.clone(),
            max_holders: resource.max_holders,
            holders: held.into_iter().cloned().collect(),
        });
    }
    events.push(acquired(&id, facts.now, resource.ttl_seconds, author, task));
    Ok(events)
}

/// Ends the author's hold, also one that is over and that nobody has ended yet.
pub(super) fn release(facts: &Facts, author: &Author, name: &str) -> Result<Vec<EventBody>, Rejection> {
    let (resource, holder) = own_hold(facts, author, name)?;
    let mut data = Map::from_iter([("holder".to_owned(), author.actor.to_value())]);
    data.extend(holder.task_id.as_ref().map(|task| ("task_id".to_owned(), json!(task))));
    data.extend(author.reason().map(|reason| ("reason".to_owned(), json!(reason))));
    Ok(vec![event(&id_of(resource)?, kind::RESOURCE_RELEASED, Value::Object(data))])
}

/// Makes the author's hold last longer. One that is over cannot be revived: somebody else may have
/// looked and found the resource free.
pub(super) fn heartbeat(facts: &Facts, author: &Author, name: &str) -> Result<Vec<EventBody>, Rejection> {
    let (resource, holder) = own_hold(facts, author, name)?;
    if holder.is_expired(facts.now) {
        return Err(Rejection::HoldExpired {
            name: resource.name.clone(),
            actor: author.actor.to_string(),
            at: holder.expires_at.clone(),
        });
    }
    Ok(vec![lasting(&id_of(resource)?, facts.now, resource.ttl_seconds, &author.actor)])
}

fn own_hold<'a>(
    facts: &'a Facts,
    author: &Author,
    name: &str,
) -> Result<(&'a Resource, &'a Holder), Rejection> {
    let not_held = || Rejection::NotHeld { name: name.to_owned(), actor: author.actor.to_string() };
    match &facts.resource {
        Some(resource) => {
            resource.hold_of(&author.actor).map(|holder| (resource, holder)).ok_or_else(not_held)
        }
        None if declared(&facts.config, name).is_some() => Err(not_held()),
        None => Err(Rejection::NoSuchResource { name: name.to_owned() }),
    }
}

/// An event about a resource. `data` is an object.
fn event(resource: &ResourceId, kind: &str, data: Value) -> EventBody {
    let data = data.as_object().cloned().unwrap_or_default();
    EventBody { subject: Subject::Resource(resource.clone()), kind: kind.to_owned(), data, id: None }
}

/// The id that its further events are written under.
fn id_of(resource: &Resource) -> Result<ResourceId, Rejection> {
    ResourceId::parse_foreign(&resource.id).ok_or_else(|| Rejection::Invalid {
        what: "resource id",
        got: resource.id.clone(),
        rule: "`lattice rebuild --all` makes the tables anew",
    })
}

/// The end of a hold. An event from elsewhere may have given the resource any time.
fn until(now: Timestamp, ttl_seconds: i64) -> Timestamp {
    now.plus(ttl_seconds.min(MOST_TTL_SECONDS))
}

fn acquired(
    id: &ResourceId,
    now: Timestamp,
    ttl_seconds: i64,
    author: &Author,
    task: Option<&TaskId>,
) -> EventBody {
    let mut data = json!({
        "holder": author.actor.to_value(),
        "expires_at": until(now, ttl_seconds).to_string(),
    });
    if let Some(task) = task {
        data["task_id"] = json!(task.as_str());
    }
    if let Some(reason) = author.reason() {
        data["reason"] = json!(reason);
    }
    event(id, kind::RESOURCE_ACQUIRED, data)
}

fn lasting(id: &ResourceId, now: Timestamp, ttl_seconds: i64, holder: &Actor) -> EventBody {
    let data = json!({"holder": holder.to_value(), "expires_at": until(now, ttl_seconds).to_string()});
    event(id, kind::RESOURCE_HEARTBEAT, data)
}

/// The end of a hold that its holder did not end. `forced` says that it was not over yet.
fn expired(id: &ResourceId, holder: &Holder, at: &str, by: &Actor, forced: bool) -> EventBody {
    let mut data = json!({
        "holder": holder.actor.to_value(), "expired_at": at, "reclaimed_by": by.to_value(),
    });
    if forced {
        data["force"] = json!(true);
    }
    event(id, kind::RESOURCE_EXPIRED, data)
}
