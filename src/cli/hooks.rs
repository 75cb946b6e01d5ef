//! `lattice hooks`: show the commands that run after changes, and decide which may; and running
//! them when a command is over.

use clap::Subcommand;

use super::context::Context;
use super::output::{self, Done};
use super::text::{printable, several};
use super::write::OutputArgs;
use crate::app::{self, Code, Failure, HookReport, Outcome, Standing, Trust, World, hook_id};
use crate::domain::hooks::{self, Hook};
use crate::export::{make_folders, replace_file};
use crate::view;

/// What people have to know who set hooks.
const ABOUT: &str = "A hook is a shell command in the configuration, run after the change is saved:
  hooks.post_event             every event
  hooks.on.TYPE                a type, such as comment_added
  hooks.transitions.A -> B     a move; * is any status
It gets the event on standard input and LATTICE_TASK_ID, LATTICE_EVENT_TYPE and others in the environment.
`--no-hooks` on any command, or LATTICE_NO_HOOKS=1, runs none.";

/// What is to be done with the hooks.
#[derive(clap::Args, Debug)]
#[command(arg_required_else_help = false, after_help = ABOUT)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show all hooks, and which may run here
    List(ListArgs),
    /// Let hooks run on this machine
    Trust(ChangeArgs),
    /// Do not let hooks run here, and do not mention them again
    Untrust(ChangeArgs),
}

#[derive(clap::Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct ChangeArgs {
    /// Only these, by the ids that `hooks list` shows [default: all]
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Letters of an id that `list` shows.
const SHOWN: usize = 10;

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    match args.action {
        Action::List(args) => {
            let (hooks, trust) = configured(context)?;
            Ok(answer(&hooks, &trust, args.output))
        }
        Action::Trust(args) => decide(&args, true, context),
        Action::Untrust(args) => decide(&args, false, context),
    }
}

fn configured(context: &Context) -> Result<(Vec<Hook>, Trust), Failure> {
    let tracker = context.reader()?;
    let config = tracker.read(|reader| Ok::<_, Failure>(reader.config()?))?;
    let mut hooks = hooks::all(&config);
    let mut known = std::collections::BTreeSet::new();
    hooks.retain(|hook| known.insert(hook.clone()));
    Ok((hooks, Trust::of(&World::real(), &tracker.root().lattice)))
}

fn decide(args: &ChangeArgs, trusted: bool, context: &Context) -> Result<Done, Failure> {
    let (hooks, mut trust) = configured(context)?;
    let mut about: Vec<&Hook> = if args.ids.is_empty() { hooks.iter().collect() } else { Vec::new() };
    for id in &args.ids {
        let before = about.len();
        about.extend(hooks.iter().filter(|hook| !id.is_empty() && hook_id(hook).starts_with(id)));
        if about.len() == before {
            return Err(Failure::new(Code::NotFound, format!("there is no hook {id}"))
                .hint("see `lattice hooks list`"));
        }
    }
    if !hooks.is_empty() {
        trust.decide(&hooks, about, trusted);
        let (file, content) = trust.file()?;
        if let Some(folder) = file.parent() {
            make_folders(folder)?;
        }
        replace_file(&file, content.as_bytes())?;
    }
    Ok(answer(&hooks, &trust, args.output))
}

fn answer(hooks: &[Hook], trust: &Trust, output: OutputArgs) -> Done {
    let standings: Vec<(Hook, Standing)> =
        hooks.iter().map(|hook| (hook.clone(), trust.standing(hook))).collect();
    let id = |hook: &Hook| hook_id(hook).chars().take(SHOWN).collect::<String>();
    let line = |(hook, standing): &(Hook, Standing)| {
        let (word, point, command) = (standing.word(), printable(&hook.point), printable(&hook.command));
        format!("{}  {word:9}  {point}: {command}\n", id(hook))
    };
    let human = || match standings.is_empty() {
        true => "No hooks are configured.".to_owned(),
        false => standings.iter().map(line).collect(),
    };
    let quiet = || standings.iter().map(|(hook, _)| id(hook) + "\n").collect();
    output.reply(|| view::hooks(&standings), quiet, human)
}

/// Runs the hooks that are due, once the command is over and before its answer is printed. What
/// goes wrong is said, and changes neither answer nor exit status.
pub fn after(result: Result<Done, Failure>, context: &Context, none: bool) -> Result<Done, Failure> {
    let pending = context.take_hooks();
    if pending.is_empty() || none || switched_off() {
        return result;
    }
    let mut report = HookReport::default();
    for pending in &pending {
        let one = app::run_hooks(&World::real(), pending);
        report.failures.extend(one.failures);
        report.undecided = report.undecided.max(one.undecided);
    }
    // Whoever reads JSON or wants quiet is a program as a rule: it cannot decide, and would be
    // told again by every command.
    let notice =
        (report.undecided > 0 && !context.json() && !context.quiet()).then(|| skipped(report.undecided));
    match result {
        Ok(done) => {
            let done = report.failures.into_iter().fold(done, Done::warn);
            Ok(notice.into_iter().fold(done, Done::note))
        }
        Err(failure) => {
            for line in report.failures.iter().chain(&notice) {
                output::complain(&format!("{}\n", printable(line)));
            }
            Err(failure)
        }
    }
}

fn switched_off() -> bool {
    World::real().variable("LATTICE_NO_HOOKS").is_some_and(|value| !value.is_empty() && value != "0")
}

fn skipped(count: usize) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!(
        "Not trusted here, so {} {verb} not run: see `lattice hooks list`, then `lattice hooks trust` or `untrust`",
        several(count as i64, "hook")
    )
}

/// Says after a change of the configuration that its hooks are not trusted yet.
pub fn mention_new(done: Done, outcome: &Outcome, context: &Context) -> Done {
    let touches = |event: &crate::domain::Event| event.text("path").is_some_and(|p| p.starts_with("/hooks"));
    if !outcome.events.iter().any(touches) {
        return done;
    }
    // The change is saved: what cannot be read now is no reason to fail.
    let Ok((hooks, trust)) = configured(context) else { return done };
    match hooks.iter().any(|hook| trust.standing(hook) == Standing::Unknown) {
        true => done.warn("hooks run only where they are trusted: `lattice hooks trust`"),
        false => done,
    }
}
