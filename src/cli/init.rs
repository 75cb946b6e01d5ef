//! `lattice init`: make the tracker of a project.

use std::path::{Path, PathBuf};

use super::agents::{self, Draft};
use super::context::Context;
use super::import::notices;
use super::output::Done;
use super::prompt::Prompt;
use super::text::{printable, several};
use super::write::OutputArgs;
use crate::app::{App, Code, Failure, ImportReport, InitOptions, InitOutcome, Root, World, actor};
use crate::domain::Config;
use crate::domain::decide::checked_code;
use crate::export::{self, ReadOptions, TreeReport};
use crate::view;

/// What the tracker is told about itself.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's folder
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    path: PathBuf,
    /// Who writes at this terminal when nobody is named, such as human:ada
    #[arg(long)]
    actor: Option<String>,
    /// The letters of short ids: LAT gives LAT-1, LAT-2, …
    #[arg(long, value_name = "CODE")]
    project_code: Option<String>,
    /// The project's name
    #[arg(long, value_name = "NAME")]
    project_name: Option<String>,
    /// The model that agents here usually are
    #[arg(long)]
    model: Option<String>,
    /// Letters behind the project's: LAT-WEB-1
    #[arg(long, value_name = "CODE")]
    subproject_code: Option<String>,
    /// This tracker's name, where a project has several
    #[arg(long, value_name = "NAME")]
    instance_name: Option<String>,
    /// Ask agents to go on with the next task by themselves
    #[arg(long, overrides_with = "no_heartbeat")]
    heartbeat: bool,
    /// Do not (the default)
    #[arg(long, overrides_with = "heartbeat")]
    no_heartbeat: bool,
    /// How statuses are called: classic or opinionated
    #[arg(long, value_name = "NAME", default_value = "classic", ignore_case = true, value_parser = ["classic", "opinionated"])]
    workflow: String,
    /// Make four example tasks
    #[arg(long, overrides_with = "no_seed")]
    seed: bool,
    /// Do not (the default)
    #[arg(long, overrides_with = "seed")]
    no_seed: bool,
    /// Tell agents about the tracker, in agents.md (or AGENTS.md, if it is there)
    #[arg(long, overrides_with = "no_setup_agents")]
    setup_agents: bool,
    /// Do not (the default)
    #[arg(long, overrides_with = "setup_agents")]
    no_setup_agents: bool,
    /// Tell Claude Code about the tracker, in CLAUDE.md
    #[arg(long, overrides_with = "no_setup_claude")]
    setup_claude: bool,
    /// Do not (the default)
    #[arg(long, overrides_with = "setup_claude")]
    no_setup_claude: bool,
    /// What the tracker is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Makes the tracker, or finds it made.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let project = project(&args.path)?;
    let found = App::tracker_of(&project);
    let place = match found.clone() {
        Some(root) => root,
        None => App::place_of(&project)?,
    };
    let lattice = place.lattice.clone();
    let (options, files) = match found.is_some() {
        true => (InitOptions::default(), files_asked(&args)),
        false => options(&args)?,
    };
    let options = options.checked()?;
    // What keeps one of these from being written is found before anything is made.
    let texts: Vec<Draft> = files
        .into_iter()
        .map(|file| Draft::block(&project, file(&project), false))
        .collect::<Result<_, Failure>>()?;
    // A linked worktree may have a tree where the main one, on another branch, has none.
    let trees = [&place.lattice, &place.tree].into_iter().filter(|_| found.is_none());
    let tree = match trees.into_iter().find(|tree| export::holds_tree(tree)) {
        Some(tree) => Some(export::read_tree(tree, &ReadOptions::default())?),
        None => None,
    };
    let (set, heard) = tree.map(|tree| (tree.set, tree.report)).unzip();
    let outcome = App::init(&lattice, &World::real(), context.wait()?, &options, set.as_ref())?;
    // The process ends soon, and letting go of each event by itself takes longer than reading it.
    std::mem::forget(set);
    let heard = heard.unwrap_or_default();
    let made = matches!(outcome, InitOutcome::Made(_));
    for text in &texts {
        text.write().map_err(|failure| if made { made_but(failure) } else { failure })?;
    }
    let dropped = match made {
        true => Vec::new(),
        false => dropped(
            &args,
            &Root { project: project.clone(), tree: lattice.clone(), lattice: lattice.clone() },
        )?,
    };
    let done = answer(args.output, project, lattice, &outcome, &heard, &texts)?;
    Ok(match dropped.is_empty() {
        true => done,
        false => {
            done.warn(format!("the tracker was there already and is left as it is: {}", dropped.join("; ")))
        }
    })
}

/// What the flags of a new tracker ask for that the tracker that is there does not say already,
/// each with the command that does it.
fn dropped(args: &Args, root: &Root) -> Result<Vec<String>, Failure> {
    let texts = [
        &args.project_code,
        &args.subproject_code,
        &args.actor,
        &args.project_name,
        &args.instance_name,
        &args.model,
        &args.description,
    ];
    let opinionated = args.workflow.eq_ignore_ascii_case("opinionated");
    if texts.iter().all(|text| text.is_none()) && !args.heartbeat && !args.seed && !opinionated {
        return Ok(Vec::new());
    }
    let (config, context) = App::open_read(root.clone(), World::real())?
        .read(|reader| Ok::<_, Failure>((reader.config()?, reader.context()?.unwrap_or_default())))?;
    let mut dropped = Vec::new();
    for (flag, wanted, setting, command) in [
        ("--project-code", &args.project_code, "/project_code", "set-project-code"),
        ("--subproject-code", &args.subproject_code, "/subproject_code", "set-subproject-code"),
        ("--actor", &args.actor, "/default_actor", "config set default_actor"),
        ("--project-name", &args.project_name, "/project_name", "config set project_name"),
        ("--instance-name", &args.instance_name, "/instance_name", "config set instance_name"),
        ("--model", &args.model, "/model", "config set model"),
    ] {
        let held = config.get(setting).map(view::cell).unwrap_or_default();
        if let Some(wanted) = wanted.as_ref().filter(|wanted| !wanted.eq_ignore_ascii_case(&held)) {
            // Only what a shell takes as it is makes a command to copy.
            let is_plain = wanted.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b));
            let value = if is_plain { wanted } else { "VALUE" };
            dropped.push(format!("{flag} is for `lattice {command} {value}`"));
        }
    }
    if args.heartbeat && config.get("/heartbeat").is_none() {
        dropped.push("--heartbeat is for `lattice config set heartbeat.enabled true`".to_owned());
    }
    if opinionated && config.get("/workflow/display_names").is_none() {
        dropped.push("--workflow is for `lattice config set workflow.display_names JSON`".to_owned());
    }
    if args.description.as_ref().is_some_and(|text| !context.contains(text.as_str())) {
        dropped.push("--description is for `lattice context --edit`".to_owned());
    }
    if args.seed {
        dropped.push("--seed is for a new tracker".to_owned());
    }
    Ok(dropped)
}

/// A file for agents, by its name in the project.
type NameOf = fn(&Path) -> &'static str;

fn files_asked(args: &Args) -> Vec<NameOf> {
    let asked: [(bool, NameOf); 2] =
        [(args.setup_agents, agents::agents_file), (args.setup_claude, |_| "CLAUDE.md")];
    asked.into_iter().filter(|(asked, _)| *asked).map(|(_, name)| name).collect()
}

fn answer(
    output: OutputArgs,
    project: PathBuf,
    lattice: PathBuf,
    outcome: &InitOutcome,
    heard: &TreeReport,
    texts: &[Draft],
) -> Result<Done, Failure> {
    let place = lattice.display().to_string();
    let (made, imported) = match outcome {
        InitOutcome::Made(report) => (true, report.as_deref()),
        InitOutcome::AlreadyThere => (false, None),
    };
    let done = if output.json || (made && !output.quiet) {
        let root = Root { project: project.clone(), tree: lattice.clone(), lattice };
        let config = App::open_read(root, World::real())
            .and_then(|app| app.read(|reader| Ok::<_, Failure>(reader.config()?)))
            .map_err(|failure| if made { made_but(failure) } else { failure })?;
        match output.json {
            true => {
                let files = texts.iter().map(Draft::value).collect();
                Done::envelope(view::init(
                    &place,
                    made,
                    &config,
                    imported.map(|report| (report, heard)),
                    files,
                ))
            }
            false => Done::lines(greeting(&place, &config, imported, texts)),
        }
    } else if output.quiet {
        Done::lines(place)
    } else {
        let mut lines = vec![format!("Already initialised: {}", printable(&place))];
        lines.extend(texts.iter().map(Draft::sentence));
        Done::lines(lines.join("\n"))
    };
    let done = match imported.filter(|_| !output.json) {
        Some(report) => notices(done, heard, report, false),
        None => done,
    };
    let done = match World::real().variable("LATTICE_ROOT").map(PathBuf::from) {
        Some(other) if other.canonicalize().ok() != Some(project) => done.warn(format!(
            "LATTICE_ROOT is {}, so commands will look for a tracker there and not here",
            other.display()
        )),
        _ => done,
    };
    Ok(if made { done.committed() } else { done })
}

/// The tracker is there, and only then something failed.
fn made_but(failure: Failure) -> Failure {
    Failure { message: format!("the tracker is made, but {}", failure.message), ..failure }
        .hint("see `lattice doctor`")
}

/// What a person reads about a new tracker.
fn greeting(place: &str, config: &Config, imported: Option<&ImportReport>, texts: &[Draft]) -> String {
    let mut lines = vec![format!("Made the tracker {place}")];
    if let Some(report) = imported {
        lines.push(format!(
            "Took in {} of {} from the files there",
            several(report.new_events as i64, "event"),
            several(report.tasks.len() as i64, "task")
        ));
    }
    for (name, pointer) in [
        ("Project", "/project_name"),
        ("Instance", "/instance_name"),
        ("Model", "/model"),
        ("Default actor", "/default_actor"),
    ] {
        if let Some(value) = config.get(pointer) {
            lines.push(format!("{name}: {}", view::cell(value)));
        }
    }
    lines.push(match config.short_id_prefix() {
        Some(prefix) => format!("Short ids: {prefix}-1, {prefix}-2, …"),
        None => "Short ids: none yet; `lattice set-project-code CODE` brings them".to_owned(),
    });
    lines.extend(texts.iter().map(Draft::sentence));
    lines.push("Next: lattice create TITLE".to_owned());
    lines.iter().map(|line| printable(line) + "\n").collect()
}

/// The folder, without symbolic links on the way.
fn project(path: &Path) -> Result<PathBuf, Failure> {
    let found = path.canonicalize().ok().filter(|path| path.is_dir());
    found.ok_or_else(|| Failure::new(Code::Usage, format!("--path {} is not a folder", path.display())))
}

/// The flags; at a terminal, what they leave open is asked. With it the files that are wanted
/// outside of `.lattice/`.
fn options(args: &Args) -> Result<(InitOptions, Vec<NameOf>), Failure> {
    let mut options = InitOptions {
        actor: args.actor.as_deref().map(actor).transpose()?,
        project_code: args.project_code.clone(),
        subproject_code: args.subproject_code.clone(),
        project_name: args.project_name.clone(),
        instance_name: args.instance_name.clone(),
        model: args.model.clone(),
        description: args.description.clone(),
        heartbeat: args.heartbeat,
        opinionated: args.workflow.eq_ignore_ascii_case("opinionated"),
        seed: args.seed,
    };
    let mut files = files_asked(args);
    let settled = args.actor.is_some() && args.project_code.is_some();
    if let Some(mut prompt) = Prompt::new().filter(|_| !settled && !args.output.json && !args.output.quiet) {
        if options.actor.is_none() {
            options.actor = prompt.ask("Your name (empty for none)", |text| {
                actor(&if text.contains(':') { text.to_owned() } else { format!("human:{text}") })
            })?;
        }
        if options.project_name.is_none() {
            options.project_name =
                prompt.ask("The project's name (empty for none)", |text| Ok(text.to_owned()))?;
        }
        if options.project_code.is_none() {
            let question = "Letters for short ids, such as LAT for LAT-1 (empty for none)";
            options.project_code = prompt.ask(question, |text| Ok(checked_code("project code", text)?))?;
        }
        if options.project_code.is_some() && !args.seed && !args.no_seed {
            options.seed = prompt.confirm("Make example tasks", true)?;
        }
        let open = !(args.setup_agents || args.no_setup_agents || args.setup_claude || args.no_setup_claude);
        if open && prompt.confirm("Tell agents about the tracker, in agents.md and CLAUDE.md", false)? {
            files = vec![agents::agents_file, |_| "CLAUDE.md"];
        }
    }
    Ok((options, files))
}
