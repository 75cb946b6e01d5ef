//! `lattice resource`: things that only so many may hold at once.

use std::time::Duration;

use clap::Subcommand;

use super::context::Context;
use super::output::Done;
use super::text::{printable, several};
use super::write::{OutputArgs, WriteArgs};
use super::{parse, table};
use crate::app::{Failure, Known, Names, Outcome, Resources, World, chosen_resource_id, patiently};
use crate::domain::Command;
use crate::domain::command::NewResource;
use crate::domain::resource::{DEFAULT_MAX_HOLDERS, DEFAULT_TTL_SECONDS, Holder};
use crate::view;

/// What is to be done with resources.
#[derive(clap::Args, Debug)]
#[command(arg_required_else_help = false)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Make a resource
    Create(CreateArgs),
    /// Take a hold, or make one's own last longer
    Acquire(AcquireArgs),
    /// Let go
    Release(HoldArgs),
    /// Make one's hold last longer
    Heartbeat(HoldArgs),
    /// Show who holds what
    Status(StatusArgs),
    /// List all resources
    List(ListArgs),
}

#[derive(clap::Args, Debug)]
struct CreateArgs {
    /// Letters, digits, dot, underscore and dash
    #[arg(value_name = "NAME")]
    resource: String,
    /// What it is
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How many may hold it at once [default: what the configuration declares, else 1]
    #[arg(long, value_name = "N", value_parser = parse::number)]
    max_holders: Option<i64>,
    /// Seconds that a hold lasts, at most 366 days [default: what the configuration declares, else 300]
    #[arg(long, value_name = "SECONDS", value_parser = parse::number)]
    ttl: Option<i64>,
    /// Its id, so that a call can be repeated safely
    #[arg(long, value_name = "res_…")]
    id: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(clap::Args, Debug)]
struct AcquireArgs {
    /// The resource: its name or id
    #[arg(value_name = "NAME")]
    resource: String,
    /// The task that it is needed for
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// Take it away from those who hold it
    #[arg(long)]
    force: bool,
    /// Wait until it is free
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse::duration)]
    timeout: Duration,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(clap::Args, Debug)]
struct HoldArgs {
    /// The resource: its name or id
    #[arg(value_name = "NAME")]
    resource: String,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(clap::Args, Debug)]
struct StatusArgs {
    /// The resource: its name or id [default: all]
    name: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    output: OutputArgs,
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    match args.action {
        Action::Create(args) => create(args, context),
        Action::Acquire(args) => acquire(&args, context),
        Action::Release(args) => release(&args, context),
        Action::Heartbeat(args) => heartbeat(&args, context),
        Action::Status(StatusArgs { name: Some(name), output }) => status(&name, output, context),
        Action::Status(StatusArgs { name: None, output }) | Action::List(ListArgs { output }) => {
            list(output, context)
        }
    }
}

fn create(args: CreateArgs, context: &Context) -> Result<Done, Failure> {
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        let chosen = args.id.as_deref().map(|id| chosen_resource_id(id, names.now_millis)).transpose()?;
        let resource = NewResource {
            name: args.resource,
            description: args.description,
            max_holders: args.max_holders,
            ttl_seconds: args.ttl,
        };
        let is_chosen = chosen.is_some();
        let id = chosen.unwrap_or_else(|| names.fresh_resource());
        Ok(Command::CreateResource { id, chosen: is_chosen, resource })
    })?;
    Ok(changed(args.write.output, &outcome, |outcome| {
        let Some(resource) = &outcome.resource else { return String::new() };
        let there = if outcome.events.is_empty() { "was there already" } else { "made" };
        let limits = limits(resource.max_holders, resource.ttl_seconds);
        format!("Resource {} {there}: {limits}\n{}", printable(&resource.name), resource.id)
    }))
}

fn acquire(args: &AcquireArgs, context: &Context) -> Result<Done, Failure> {
    let who = context.identity(&args.write);
    let build = |names: &Names<'_>| {
        Ok(Command::AcquireResource {
            name: names.resource(&args.resource)?,
            fresh: names.fresh_resource(),
            task: args.task.as_deref().map(|task| names.task(task)).transpose()?,
            force: args.force,
        })
    };
    let outcome = if args.wait {
        let mut looked = false;
        patiently(&World::real(), args.timeout, || {
            // Who has seen that it is held looks before it queues with the writers again.
            if std::mem::replace(&mut looked, true) {
                context.consult(|app| app.weigh(&who, build))?;
            }
            let mut tracker = context.writer()?;
            let outcome = tracker.execute(&who, build);
            tracker.close();
            outcome
        })?
    } else {
        context.writer()?.execute(&who, build)?
    };
    Ok(changed(args.write.output, &outcome, holds))
}

fn release(args: &HoldArgs, context: &Context) -> Result<Done, Failure> {
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::ReleaseResource { name: names.resource(&args.resource)? })
    })?;
    Ok(changed(args.write.output, &outcome, |outcome| {
        let name = outcome.resource.as_ref().map_or("", |resource| &resource.name);
        format!("{} let go of {}", author(outcome), printable(name))
    }))
}

fn heartbeat(args: &HoldArgs, context: &Context) -> Result<Done, Failure> {
    let outcome = context.writer()?.execute(&context.identity(&args.write), |names| {
        Ok(Command::HeartbeatResource { name: names.resource(&args.resource)? })
    })?;
    Ok(changed(args.write.output, &outcome, holds))
}

fn changed(output: OutputArgs, outcome: &Outcome, human: impl FnOnce(&Outcome) -> String) -> Done {
    let id = || outcome.resource.as_ref().map(|resource| resource.id.clone()).unwrap_or_default();
    output.reply(|| view::resource_of(outcome), id, || human(outcome)).after(outcome)
}

fn author(outcome: &Outcome) -> String {
    printable(outcome.events.last().map_or("", |event| event.actor.display()))
}

/// Who holds what now, after taking it.
fn holds(outcome: &Outcome) -> String {
    let Some((resource, event)) = outcome.resource.as_ref().zip(outcome.events.last()) else {
        return String::new();
    };
    let until = resource.hold_of(&event.actor).map_or("", |holder| &holder.expires_at);
    format!("{} holds {} until {until}", author(outcome), printable(&resource.name))
}

fn limits(max_holders: i64, ttl_seconds: i64) -> String {
    format!("{} at most, for {ttl_seconds} s at a time", several(max_holders, "holder"))
}

fn status(name: &str, output: OutputArgs, context: &Context) -> Result<Done, Failure> {
    let found = context.reader()?.resource(name)?;
    let Some(known) = found.resources.first() else { return Ok(Done::silent()) };
    let quiet = || {
        let names: Vec<String> = holders(known).iter().map(|h| printable(h.actor.display())).collect();
        names.join("\n")
    };
    Ok(output.reply(|| view::resource(known), quiet, || describe(known, &found)))
}

fn list(output: OutputArgs, context: &Context) -> Result<Done, Failure> {
    let found = context.reader()?.resources()?;
    let quiet = || found.resources.iter().map(|known| printable(row(known).0)).collect::<Vec<_>>().join("\n");
    Ok(output.reply(|| view::resources(&found), quiet, || overview(&found)))
}

fn holders(known: &Known) -> &[Holder] {
    match known {
        Known::Made(resource) => &resource.holders,
        Known::Declared(_) => &[],
    }
}

/// Name, description, holders at most, seconds.
fn row(known: &Known) -> (&str, Option<&str>, i64, i64) {
    match known {
        Known::Made(r) => (&r.name, r.description.as_deref(), r.max_holders, r.ttl_seconds),
        Known::Declared(r) => (
            &r.name,
            r.description.as_deref(),
            r.max_holders.unwrap_or(DEFAULT_MAX_HOLDERS),
            r.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS),
        ),
    }
}

fn describe(known: &Known, found: &Resources) -> String {
    let (name, description, max_holders, ttl) = row(known);
    let held = holders(known);
    let mut text =
        format!("{}: {} of {max_holders} held, for {ttl} s at a time\n", printable(name), held.len());
    if let Some(description) = description {
        text.push_str(&format!("  {}\n", printable(description)));
    }
    for holder in held {
        text.push_str(&format!("  {}\n", printable(&hold(holder, found))));
    }
    if matches!(known, Known::Declared(_)) {
        text.push_str("  declared in the configuration; the first `acquire` makes it\n");
    }
    text
}

fn hold(holder: &Holder, found: &Resources) -> String {
    let task = holder.task_id.as_ref().map(|id| found.task_names.get(id).unwrap_or(id));
    let task = task.map(|name| format!(" for {name}")).unwrap_or_default();
    format!("{} until {}{task}", holder.actor.display(), holder.expires_at)
}

fn overview(found: &Resources) -> String {
    if found.resources.is_empty() {
        return "No resources.".to_owned();
    }
    let columns = ["NAME", "HELD", "TTL", "HOLDERS"].map(str::to_owned);
    let rows: Vec<Vec<String>> = found
        .resources
        .iter()
        .map(|known| {
            let (name, _, max_holders, ttl) = row(known);
            let held: Vec<String> = holders(known).iter().map(|holder| hold(holder, found)).collect();
            let count = format!("{} of {max_holders}", held.len());
            vec![name.to_owned(), count, format!("{ttl} s"), held.join(", ")]
        })
        .collect();
    table::render(&columns, &rows)
}
