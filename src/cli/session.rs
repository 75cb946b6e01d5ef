//! `lattice session`: names to work under.

use clap::Subcommand;

use super::context::Context;
use super::output::Done;
use super::table;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::Failure;
use crate::domain::session::{NewSession, Session};
use crate::view;

/// What is to be done with sessions.
#[derive(clap::Args, Debug)]
#[command(arg_required_else_help = false)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Begin a session and give it a name
    Start(StartArgs),
    /// End a session; its name is not given out again
    End(EndArgs),
    /// List the sessions that go on
    List(ListArgs),
    /// Show one session
    Show(ShowArgs),
}

#[derive(clap::Args, Debug)]
struct StartArgs {
    /// The model that works, or human
    #[arg(long)]
    model: String,
    /// What its name begins with [default: the agent's type, else a name of our own]
    #[arg(long, value_name = "BASE")]
    name: Option<String>,
    /// What the model runs in; needed unless a human works
    #[arg(long)]
    framework: Option<String>,
    /// What kind of agent it is, such as reviewer
    #[arg(long, value_name = "TYPE")]
    agent_type: Option<String>,
    /// What it was told
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Who started it: an actor, or the name of a session
    #[arg(long, value_name = "ACTOR")]
    parent: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct EndArgs {
    /// The session's name, such as Amber-3
    name: String,
    /// Why it ends
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct ListArgs {
    /// Those that have ended too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct ShowArgs {
    /// The session's name, such as Amber-3
    name: String,
    #[command(flatten)]
    output: OutputArgs,
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    match args.action {
        Action::Start(args) => start(args, context),
        Action::End(args) => end(&args, context),
        Action::List(args) => list(&args, context),
        Action::Show(args) => show(&args, context),
    }
}

fn start(args: StartArgs, context: &Context) -> Result<Done, Failure> {
    let new = NewSession {
        base_name: args.name,
        model: args.model,
        framework: args.framework,
        agent_type: args.agent_type,
        prompt: args.prompt,
        parent: args.parent,
    };
    let (session, warnings) = context.writer()?.start_session(&new)?;
    let name = printable(session.name());
    let human = || format!("Session {name} begins\nwrite under it with --name {name}");
    let done = args.output.reply(|| view::session_begun(&session), || name.clone(), human).committed();
    Ok(warnings.into_iter().fold(done, Done::warn))
}

fn end(args: &EndArgs, context: &Context) -> Result<Done, Failure> {
    let session = context.writer()?.end_session(&args.name, args.reason.as_deref())?;
    let human = || format!("Session {} is ended", printable(session.name()));
    Ok(args.output.reply(|| session.value(), || "ok".to_owned(), human).committed())
}

fn list(args: &ListArgs, context: &Context) -> Result<Done, Failure> {
    let sessions = context.reader()?.sessions(args.all)?;
    let quiet = || sessions.iter().map(|s| printable(s.name())).collect::<Vec<_>>().join("\n");
    let human =
        || if sessions.is_empty() { "No sessions.".to_owned() } else { overview(&sessions, args.all) };
    Ok(args.output.reply(|| view::sessions(&sessions), quiet, human))
}

fn overview(sessions: &[Session], all: bool) -> String {
    let mut columns = vec![
        ("NAME", "name"),
        ("MODEL", "model"),
        ("FRAMEWORK", "framework"),
        ("LAST ACTIVE", "last_active"),
    ];
    if all {
        columns.push(("ENDED", "ended_at"));
    }
    let headings: Vec<String> = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let cell = |session: &Session, key| session.text(key).unwrap_or("-").to_owned();
    let rows: Vec<Vec<String>> =
        sessions.iter().map(|session| columns.iter().map(|(_, key)| cell(session, key)).collect()).collect();
    table::render(&headings, &rows)
}

/// What people want to know of a session, in order.
const SHOWN: [(&str, &str); 11] = [
    ("Status", "status"),
    ("Model", "model"),
    ("Framework", "framework"),
    ("Agent type", "agent_type"),
    ("Started", "started_at"),
    ("Last active", "last_active"),
    ("Ended", "ended_at"),
    ("Because", "end_reason"),
    ("Parent", "parent"),
    ("Prompt", "prompt"),
    ("Id", "session"),
];

fn show(args: &ShowArgs, context: &Context) -> Result<Done, Failure> {
    let session = context.reader()?.session(&args.name)?;
    let human = || {
        let mut lines = vec![printable(session.name())];
        let said = SHOWN.iter().filter_map(|(title, key)| Some((title, session.text(key)?)));
        lines.extend(said.map(|(title, text)| format!("  {title}: {}", printable(text))));
        lines.join("\n")
    };
    Ok(args.output.reply(|| session.value(), || printable(session.name()), human))
}
