//! `lattice config`: read and change the tracker's settings.

use clap::Subcommand;
use serde_json::Value;

use super::context::Context;
use super::hooks;
use super::output::Done;
use super::source;
use super::text::{printable, printable_lines};
use super::write::{OutputArgs, WriteArgs};
use crate::app::{Code, Failure, Outcome};
use crate::domain::Command;
use crate::domain::config::{Config, dotted, escape, pointer};
use crate::domain::event::strict_json;
use crate::view::config as shape;

/// What is to be done with the settings.
#[derive(clap::Args, Debug)]
#[command(arg_required_else_help = false)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show one setting
    Get(GetArgs),
    /// Change one setting
    Set(SetArgs),
    /// Remove one setting
    Unset(UnsetArgs),
    /// Show all settings
    List(ListArgs),
    /// Change the settings in $VISUAL or $EDITOR, at a terminal
    Edit(EditArgs),
}

#[derive(clap::Args, Debug)]
struct GetArgs {
    /// Such as workflow.wip_limits.review; or a JSON pointer, such as /hooks/on
    path: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct SetArgs {
    /// Such as workflow.wip_limits.review; or a JSON pointer, such as /hooks/on
    path: String,
    /// JSON where it reads as JSON, else text
    #[arg(allow_negative_numbers = true)]
    value: String,
    /// Take the value as text, even if it reads as JSON
    #[arg(long)]
    text: bool,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(clap::Args, Debug)]
struct UnsetArgs {
    /// Such as workflow.wip_limits.review; or a JSON pointer, such as /hooks/on
    path: String,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(clap::Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct EditArgs {
    #[command(flatten)]
    write: WriteArgs,
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    match args.action {
        Action::Get(args) => get(&args, context),
        Action::Set(args) => set(&args, context),
        Action::Unset(args) => unset(&args, context),
        Action::List(args) => list(&args, context),
        Action::Edit(args) => edit(&args, context),
    }
}

fn get(args: &GetArgs, context: &Context) -> Result<Done, Failure> {
    let path = pointer(&args.path);
    let config = read(context)?;
    let value = config.get(&path).filter(|_| !path.is_empty()).ok_or_else(|| nothing(&args.path))?;
    Ok(args.output.reply(|| shape::setting(&args.path, value), || plain(value), || plain(value)))
}

fn set(args: &SetArgs, context: &Context) -> Result<Done, Failure> {
    let text = || Value::String(args.value.clone());
    let value = if args.text { text() } else { strict_json(&args.value).unwrap_or_else(|_| text()) };
    let command = Command::SetConfig { path: pointer(&args.path), to: value.clone() };
    let outcome = write(command, &args.write, context)?;
    let human = || match outcome.events.is_empty() {
        true => format!("{} is {} already", printable(&args.path), line(&value)),
        false => format!("{} = {}", printable(&args.path), line(&value)),
    };
    let done = args.write.output.reply(|| shape::setting(&args.path, &value), || "ok".to_owned(), human);
    Ok(hooks::mention_new(done.after(&outcome), &outcome, context))
}

fn unset(args: &UnsetArgs, context: &Context) -> Result<Done, Failure> {
    let outcome = write(Command::UnsetConfig { path: pointer(&args.path) }, &args.write, context)?;
    let done = args.write.output.reply(
        || shape::setting(&args.path, &Value::Null),
        || "ok".to_owned(),
        || format!("Removed {}", printable(&args.path)),
    );
    Ok(done.after(&outcome))
}

fn list(args: &ListArgs, context: &Context) -> Result<Done, Failure> {
    let config = read(context)?;
    let mut settings = Vec::new();
    flatten("", config.value(), &mut settings);
    let lines = |with_value: bool| {
        let line = |(path, value): &(String, &Value)| match with_value {
            true => format!("{} = {}", printable(path), line(value)),
            false => printable(path),
        };
        settings.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    Ok(args.output.reply(|| config.value().clone(), || lines(false), || lines(true)))
}

fn edit(args: &EditArgs, context: &Context) -> Result<Done, Failure> {
    let editor = source::editor("use `lattice config set PATH VALUE`")?;
    let base = read(context)?.value().clone();
    let draft = source::edit(&editor, crate::domain::json::document(&base), ".json")?;
    let saved = strict_json(&draft.text)
        .map_err(|error| {
            Failure::new(Code::ValidationError, format!("this is no configuration: {error}"))
                .hint("nothing was changed")
        })
        .and_then(|to| Ok((to.clone(), write(Command::EditConfig { base, to }, &args.write, context)?)));
    let (to, outcome) = draft.settle(saved)?;
    let human = || match outcome.events.len() {
        0 => "Nothing changed in the configuration".to_owned(),
        1 => "Changed 1 setting".to_owned(),
        n => format!("Changed {n} settings"),
    };
    let done = args.write.output.reply(|| to, || "ok".to_owned(), human);
    Ok(hooks::mention_new(done.after(&outcome), &outcome, context))
}

fn read(context: &Context) -> Result<Config, Failure> {
    context.consult(|app| app.read(|reader| Ok(reader.config()?)))
}

fn write(command: Command, args: &WriteArgs, context: &Context) -> Result<Outcome, Failure> {
    context.writer()?.execute(&context.identity(args), |_| Ok(command))
}

fn nothing(path: &str) -> Failure {
    Failure::new(Code::NotFound, format!("nothing is set at {path}")).hint("see `lattice config list`")
}

/// Settings one by one, each by the path that names it.
fn flatten<'a>(at: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                flatten(&format!("{at}/{}", escape(key)), value, found);
            }
        }
        _ => found.push((dotted(at), value)),
    }
}

/// A value alone: text as it is, everything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Object(_) => printable_lines(&crate::domain::json::document(value)),
        _ => line(value),
    }
}

/// A value behind its path.
fn line(value: &Value) -> String {
    printable(&value.to_string())
}
