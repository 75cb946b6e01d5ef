//! The rows of resources, and which ids bear which name.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::unplaced::SqlResult;
use super::{histories, rows};
use crate::domain::event::{Event, Subject};
use crate::domain::resource::{Resource, created_name};

/// Brings the rows of the resources up to date that these events are about. The events are
/// stored already. What was `made_here` and comes after all that is known of a resource is applied to
/// its row; anything else folds its histories again: what others wrote may name its parents in any
/// order.
pub(super) fn project<'e>(
    conn: &Connection,
    appended: impl IntoIterator<Item = &'e Event>,
    made_here: bool,
) -> Result<(), StoreError> {
    let mut by_id: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in appended {
        if let Subject::Resource(id) = &event.subject {
            by_id.entry(id.as_str()).or_default().push(event);
        }
    }
    let mut names = BTreeSet::new();
    for (id, events) in by_id {
        let before = name_of(conn, id)?;
        if made_here
            && let Some(name) = &before
            && let Some(mut resource) = find(conn, name)?
            && events.iter().all(|event| resource.follow(event))
        {
            save(conn, &resource)?;
            continue;
        }
        names.extend(before);
        names.extend(name(conn, conn, id)?);
    }
    names.iter().try_for_each(|name| refold(conn, conn, name))
}

/// The name that an id bears.
pub(super) fn name_of(conn: &Connection, id: &str) -> Result<Option<String>, StoreError> {
    conn.prepare_cached("SELECT name FROM resource_ids WHERE id = ?1")
        .sql()?
        .query_row([id], |row| row.get(0))
        .optional()
        .sql()
}

/// Makes all rows anew from the log of `source`, in tables that are empty.
pub(super) fn rebuild(source: &Connection, target: &Connection) -> Result<(), StoreError> {
    let mut names = BTreeSet::new();
    for id in histories::resource_ids(source)? {
        names.extend(name(source, target, &id)?);
    }
    names.iter().try_for_each(|name| refold(source, target, name))
}

/// Gives an id the name of its first creation in canonical order, so that the order of arrival
/// does not matter where two creations of one id name it differently.
fn name(source: &Connection, target: &Connection, id: &str) -> Result<Option<String>, StoreError> {
    let history = histories::of_resources(source, &[id.to_owned()])?;
    let Some(name) = history.iter().find_map(created_name) else { return Ok(None) };
    target
        .prepare_cached(
            "INSERT INTO resource_ids (id, name) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET name = ?2",
        )
        .sql()?
        .execute([id, name])
        .sql()?;
    Ok(Some(name.to_owned()))
}

/// Folds one name from the log of `source`; `target` knows which ids bear it.
fn refold(source: &Connection, target: &Connection, name: &str) -> Result<(), StoreError> {
    let history = histories::of_resources(source, &ids(target, name)?)?;
    let Some(resource) = Resource::fold(name, &history) else {
        target.prepare_cached("DELETE FROM resources WHERE name = ?1").sql()?.execute([name]).sql()?;
        return Ok(());
    };
    save(target, &resource)
}

fn save(conn: &Connection, resource: &Resource) -> Result<(), StoreError> {
    conn.prepare_cached(
            "INSERT INTO resources (name, id, description, max_holders, ttl_seconds, state) VALUES (?1,?2,?3,?4,?5,?6)
             ON CONFLICT (name) DO UPDATE SET id=?2, description=?3, max_holders=?4, ttl_seconds=?5, state=?6",
        )
        .sql()?
        .execute(params![
            resource.name,
            resource.id,
            resource.description,
            resource.max_holders,
            resource.ttl_seconds,
            rows::encoded(resource)?
        ])
        .sql()?;
    Ok(())
}

/// A resource by its name.
pub(super) fn find(conn: &Connection, name: &str) -> Result<Option<Resource>, StoreError> {
    let state: Option<String> = conn
        .prepare_cached("SELECT state FROM resources WHERE name = ?1")
        .sql()?
        .query_row([name], |row| row.get(0))
        .optional()
        .sql()?;
    state.map(|state| rows::decoded(&state, "resources.state")).transpose()
}

/// All resources by name.
pub(super) fn all(conn: &Connection) -> Result<Vec<Resource>, StoreError> {
    let mut statement = conn.prepare("SELECT state FROM resources ORDER BY name").sql()?;
    let states: Vec<String> =
        statement.query_map([], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()?;
    states.iter().map(|state| rows::decoded(state, "resources.state")).collect()
}

/// The ids that were created under a resource's name.
pub(super) fn ids(conn: &Connection, name: &str) -> Result<Vec<String>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT id FROM resource_ids WHERE name = ?1 ORDER BY id").sql()?;
    statement.query_map([name], |row| row.get(0)).sql()?.collect::<Result<_, _>>().sql()
}
