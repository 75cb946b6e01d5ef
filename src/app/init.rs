//! `init`: a tracker, whole, or nothing.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::bulk::{self, ImportReport, ImportSet, Merge};
use super::execute::write_bodies;
use super::seed::seed;
use super::{App, Code, Failure, World};
use crate::domain::config::{default_config, opinionated_names};
use crate::domain::decide::checked_code;
use crate::domain::event::{EventBody, Stamp, kind};
use crate::domain::{Actor, Author};
use crate::store::{Created, Root, Store, Transaction, find, place, traces};

/// What a new tracker is told about itself.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the members are the flags of `lattice init`")]
pub struct InitOptions {
    pub actor: Option<Actor>,
    pub project_code: Option<String>,
    pub subproject_code: Option<String>,
    pub project_name: Option<String>,
    pub instance_name: Option<String>,
    pub model: Option<String>,
    pub description: Option<String>,
    pub heartbeat: bool,
    /// The workflow's names in plain talk instead of its slugs.
    pub opinionated: bool,
    /// Make example tasks.
    pub seed: bool,
}

impl InitOptions {
    /// Brings the codes into their form.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a code that is none, or a sub-project's without a project's.
    pub fn checked(mut self) -> Result<Self, Failure> {
        for (what, code) in
            [("project code", &mut self.project_code), ("sub-project code", &mut self.subproject_code)]
        {
            if let Some(text) = code {
                *text = checked_code(what, text)?;
            }
        }
        Ok(self)
    }
}

/// What `init` did.
#[derive(Clone, Debug)]
pub enum InitOutcome {
    /// A tracker was made, with what was taken in from the tree that lay there.
    Made(Option<Box<ImportReport>>),
    /// One was there.
    AlreadyThere,
}

impl App {
    /// The tracker that commands in this very folder use: its own or, in a linked worktree of git,
    /// the main worktree's. `LATTICE_ROOT` and folders above do not count.
    #[must_use]
    pub fn tracker_of(project: &Path) -> Option<Root> {
        find(project, None).ok().filter(|root| root.project == project)
    }

    /// Where a tracker for this folder is made: in it or, in a linked worktree of git, in the main one.
    ///
    /// # Errors
    /// What keeps a folder from being looked at.
    pub fn place_of(project: &Path) -> Result<Root, Failure> {
        Ok(place(project)?)
    }

    /// Makes the tracker in this `.lattice/`, all or nothing, with what a tree there holds.
    ///
    /// # Errors
    /// [`Failure`]; there is no tracker then, and nothing that keeps a second try from working.
    pub fn init(
        lattice: &Path,
        world: &World,
        wait: Duration,
        options: &InitOptions,
        tree: Option<&ImportSet>,
    ) -> Result<InitOutcome, Failure> {
        let mut report = None;
        let before = traces(lattice);
        let created = Store::create(lattice, wait, |tx| {
            report = fill(tx, world, options, tree)?;
            Ok::<(), Failure>(())
        })
        .map_err(|failure| match traces(lattice) == before {
            true => failure,
            false => failure.although(&format!(
                "no tracker was made, but what was begun in {} could not be taken away (the next `lattice init` completes it)",
                lattice.display()
            )),
        })?;
        Ok(match created {
            Created::Made => InitOutcome::Made(report.map(Box::new)),
            Created::AlreadyThere => InitOutcome::AlreadyThere,
        })
    }
}

/// Fills an empty file.
pub(super) fn fill(
    tx: &Transaction<'_>,
    world: &World,
    options: &InitOptions,
    tree: Option<&ImportSet>,
) -> Result<Option<ImportReport>, Failure> {
    let options = &options.clone().checked()?;
    tx.set_epoch(&world.epoch())?;
    let author = Author {
        actor: options.actor.clone().unwrap_or_else(|| Actor::Plain("system:init".to_owned())),
        stamp: Stamp::default(),
        model: None,
    };
    let report = tree
        .map(|set| bulk::merge(tx, world, set, &Merge { first: true, ..Merge::default() }, &mut |_| {}))
        .transpose()?;
    let config = tx.config()?;
    if options.subproject_code.is_some() && options.project_code.is_none() && config.project_code().is_none()
    {
        return Err(Failure::new(
            Code::ValidationError,
            "there is no project code to put a sub-project under",
        )
        .hint("add --project-code CODE"));
    }
    if options.seed {
        let fault = match tree {
            Some(_) => Some((
                "example tasks are for a new tracker, and a tree lies here already",
                "leave --seed away",
            )),
            None if options.project_code.is_none() => Some((
                "example tasks need short ids, and there is no project code",
                "add --project-code CODE",
            )),
            None => None,
        };
        if let Some((message, hint)) = fault {
            return Err(Failure::new(Code::ValidationError, message).hint(hint));
        }
    }
    let mut bodies = Vec::new();
    if config.instance_id().is_none() {
        bodies.push(changed("", new_config(world, options, config.value())));
    } else {
        for (key, value) in chosen(options) {
            let path = format!("/{key}");
            if config.get(&path) != Some(&value) {
                bodies.push(changed(&path, value));
            }
        }
    }
    if tx.context()?.is_none() {
        bodies.push(EventBody::of_instance(kind::CONTEXT_UPDATED, json!({"body": context(options)})));
    }
    write_bodies(tx, world, &author, bodies)?;
    if options.seed {
        let author =
            Author { actor: Actor::Plain("system:init".to_owned()), stamp: Stamp::default(), model: None };
        seed(tx, world, &author)?;
    }
    Ok(report)
}

fn changed(path: &str, to: Value) -> EventBody {
    EventBody::of_instance(kind::CONFIG_CHANGED, json!({"path": path, "to": to}))
}

/// The whole configuration: the defaults, what a tree said, an id, and what was chosen.
fn new_config(world: &World, options: &InitOptions, found: &Value) -> Value {
    let mut config = default_config();
    if options.opinionated {
        config["workflow_preset"] = json!("opinionated");
        config["workflow"]["display_names"] = opinionated_names();
    }
    if let (Value::Object(config), Value::Object(found)) = (&mut config, found) {
        config.extend(found.clone());
    }
    config["instance_id"] = json!(world.instance_id().as_str());
    for (key, value) in chosen(options) {
        config[key] = value;
    }
    config
}

fn chosen(options: &InitOptions) -> Vec<(&'static str, Value)> {
    let texts = [
        ("project_code", &options.project_code),
        ("subproject_code", &options.subproject_code),
        ("project_name", &options.project_name),
        ("instance_name", &options.instance_name),
        ("model", &options.model),
    ];
    let mut chosen: Vec<_> =
        texts.into_iter().filter_map(|(key, value)| Some((key, json!(value.as_ref()?)))).collect();
    if let Some(actor) = &options.actor {
        chosen.push(("default_actor", actor.to_value()));
    }
    if options.heartbeat {
        chosen.push(("heartbeat", json!({"enabled": true, "max_advances": 10})));
    }
    chosen
}

fn context(options: &InitOptions) -> String {
    let name = options.instance_name.as_ref().or(options.project_name.as_ref());
    let heading = name.map_or_else(|| "# About this tracker".to_owned(), |name| format!("# {name}"));
    let purpose = options.description.as_deref().unwrap_or("What this tracker is for, in a sentence or two.");
    format!(
        "{heading}\n\n## Purpose\n\n{purpose}\n\n## Related Instances\n\nOther trackers that this work touches, and where they are.\n\n## Conventions\n\nWhat people and agents here agree on.\n"
    )
}
