//! `lattice hooks`: show the commands that run after changes, and decide which may; and running
//! them when a command is over.

use clap::Subcommand;
use serde_json::json;

use super::context::Context;
use super::output::{self, Done};
use super::prompt::Prompt;
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
    /// Let hooks run on this machine; without ids and --all, shows them and asks
    Trust(TrustArgs),
    /// Do not let hooks run here, and do not mention them again
    Untrust(UntrustArgs),
}

#[derive(clap::Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct TrustArgs {
    /// Only these, by the ids that `hooks list` shows; eight digits or more
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All that are configured now, but for those that were declined
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct UntrustArgs {
    /// Only these, by the ids that `hooks list` shows; eight digits or more [default: all]
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Which hooks a decision is about.
enum About<'a> {
    All,
    /// All that nobody said no to.
    NotDeclined,
    /// What beginnings of ids name.
    Named(&'a [String]),
    /// What somebody looked at.
    Seen(Vec<Hook>),
}

/// Digits of an id that are shown: two hooks that share so many cannot be made.
const SHOWN: usize = 32;
/// Digits of an id that have to be written.
const LEAST: usize = 8;

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    match args.action {
        Action::List(args) => {
            let (hooks, trust) = configured(context)?;
            Ok(answer(&standings(&hooks, &trust), args.output))
        }
        Action::Trust(args) => trust(&args, context),
        Action::Untrust(args) => {
            let about = if args.ids.is_empty() { About::All } else { About::Named(&args.ids) };
            decide(&about, false, args.output, context)
        }
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

/// Trusts what was named or looked at: between a look at the list and this call the configuration
/// may have changed.
fn trust(args: &TrustArgs, context: &Context) -> Result<Done, Failure> {
    let about = match (args.all, args.ids.as_slice()) {
        (true, _) => About::NotDeclined,
        (false, []) => {
            let (hooks, trust) = configured(context)?;
            let seen = standings(&hooks, &trust);
            if seen.iter().all(|(_, standing)| *standing == Standing::Trusted) {
                return Ok(answer(&seen, args.output));
            }
            let person = Prompt::new().filter(|_| !args.output.json && !args.output.quiet);
            let mut person = person.ok_or_else(|| {
                Failure::new(Code::ValidationError, "it is not said which hooks to trust")
                    .hint("name ids of `lattice hooks list`, or add --all")
            })?;
            if !person.confirm(&format!("{}Let all of these run on this machine", lines(&seen)), false)? {
                return Ok(Done::lines("Nothing changed"));
            }
            About::Seen(hooks)
        }
        (false, ids) => About::Named(ids),
    };
    decide(&about, true, args.output, context)
}

fn decide(about: &About<'_>, trusted: bool, output: OutputArgs, context: &Context) -> Result<Done, Failure> {
    let (hooks, trust) = configured(context)?;
    chosen(about, &hooks, &trust)?;
    if hooks.is_empty() {
        return Ok(answer(&[], output));
    }
    make_folders(trust.folder()?)?;
    let turn = trust.turn()?;
    // Only what is read now holds: somebody else may have decided in the meantime.
    let (hooks, mut trust) = configured(context)?;
    let chosen = chosen(about, &hooks, &trust)?;
    let left = hooks.len() - chosen.len();
    trust.decide(&hooks, chosen, trusted);
    let (file, content) = trust.file()?;
    replace_file(&file, content.as_bytes())?;
    drop(turn);
    let done = answer(&standings(&hooks, &trust), output);
    Ok(match about {
        About::NotDeclined if left > 0 => done.warn(format!(
            "still declined: {}; `lattice hooks trust ID` trusts one of these",
            several(left as i64, "hook")
        )),
        _ => done,
    })
}

/// The configured hooks that a decision is about.
fn chosen<'h>(about: &About<'_>, hooks: &'h [Hook], trust: &Trust) -> Result<Vec<&'h Hook>, Failure> {
    match about {
        About::All => Ok(hooks.iter().collect()),
        About::NotDeclined => {
            Ok(hooks.iter().filter(|hook| trust.standing(hook) != Standing::Declined).collect())
        }
        About::Seen(seen) => Ok(hooks.iter().filter(|hook| seen.contains(hook)).collect()),
        About::Named(ids) => ids.iter().map(|id| named(id, hooks)).collect(),
    }
}

/// The one hook whose id begins so.
fn named<'h>(text: &str, hooks: &'h [Hook]) -> Result<&'h Hook, Failure> {
    if text.len() < LEAST {
        return Err(Failure::new(Code::InvalidId, format!("`{text}` is too short for the id of a hook"))
            .hint(format!("write at least {LEAST} digits of it: `lattice hooks list`")));
    }
    let fitting: Vec<&Hook> = hooks.iter().filter(|hook| hook_id(hook).starts_with(text)).collect();
    match fitting.as_slice() {
        [] => {
            Err(Failure::new(Code::NotFound, format!("there is no hook {text}"))
                .hint("see `lattice hooks list`"))
        }
        [hook] => Ok(hook),
        several => {
            let name = |hook: &&Hook| format!("{} ({}: {})", shown(hook), hook.point, hook.command);
            let names: Vec<String> = several.iter().map(name).collect();
            let ids: Vec<String> = several.iter().map(|hook| hook_id(hook)).collect();
            Err(Failure::new(Code::AmbiguousId, format!("`{text}` fits several hooks"))
                .hint(format!("look at the commands, then write more of it: {}", names.join(", ")))
                .details(json!({"candidates": ids})))
        }
    }
}

fn shown(hook: &Hook) -> String {
    hook_id(hook).chars().take(SHOWN).collect()
}

fn standings(hooks: &[Hook], trust: &Trust) -> Vec<(Hook, Standing)> {
    hooks.iter().map(|hook| (hook.clone(), trust.standing(hook))).collect()
}

fn lines(standings: &[(Hook, Standing)]) -> String {
    let line = |(hook, standing): &(Hook, Standing)| {
        let (word, point, command) = (standing.word(), printable(&hook.point), printable(&hook.command));
        format!("{}  {word:9}  {point}: {command}\n", shown(hook))
    };
    standings.iter().map(line).collect()
}

fn answer(standings: &[(Hook, Standing)], output: OutputArgs) -> Done {
    let human = || match standings.is_empty() {
        true => "No hooks are configured.".to_owned(),
        false => lines(standings),
    };
    let quiet = || standings.iter().map(|(hook, _)| shown(hook) + "\n").collect();
    output.reply(|| view::hooks(standings), quiet, human)
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
        "Not trusted here, so {} {verb} not run: see `lattice hooks list`, then `lattice hooks trust ID` or `untrust`",
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
        true => done.warn(
            "hooks run only where they are trusted: see `lattice hooks list`, then `lattice hooks trust ID`",
        ),
        false => done,
    }
}
