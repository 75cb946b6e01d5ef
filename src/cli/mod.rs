//! The command line: one file per command, and one table that names them all.
//!
//! Command files are alike: help text, an argument struct, `run`. They hold no rules.

mod agents;
mod context;
mod follow;
mod format;
mod git;
mod history;
mod output;
mod parse;
mod plugin;
mod progress;
mod prompt;
mod several;
mod source;
mod style;
mod table;
mod task_text;
mod text;
mod tracker;
mod write;

mod archive;
mod artifact;
mod assign;
mod attach;
mod backfill_ids;
mod backup;
mod batch;
mod blocked;
mod branch_link;
mod branch_unlink;
mod comment;
mod comment_delete;
mod comment_edit;
mod comments;
mod complete;
mod completions;
mod config;
mod conflicts;
mod context_text;
mod create;
mod doctor;
mod event;
mod events;
mod export;
mod hooks;
mod import;
mod import_from;
mod init;
mod link;
mod list;
mod log;
mod man;
mod merge_driver;
mod next;
mod notes;
mod plan;
mod plugins;
mod react;
mod ready;
mod rebuild;
mod redact;
mod renumber;
mod resource;
mod restore;
mod search;
mod session;
mod set_project_code;
mod set_subproject_code;
mod settle;
mod setup_claude;
mod setup_claude_skill;
mod setup_codex;
mod setup_openclaw;
mod setup_prompt;
mod show;
mod sql;
mod stats;
mod status;
mod sync;
mod task_history;
mod unarchive;
mod unlink;
mod unreact;
mod update;
mod weather;
mod welcome;

use std::ffi::OsString;

use clap::Command as Clap;

use context::Context;
use output::Done;
use parse::Line;

use crate::app::Failure;

/// A command: its name, what help says of it, how its arguments are declared, and what it does.
struct Entry {
    name: &'static str,
    about: &'static str,
    /// The heading that help lists it under.
    group: Group,
    declare: fn(Clap) -> Clap,
    run: fn(&clap::ArgMatches, &Context) -> Result<Done, Failure>,
}

/// Headings of the list of commands, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Tracker,
    Tasks,
    Talk,
    Questions,
    Sharing,
    Agents,
}

impl Group {
    const ALL: [Self; 6] =
        [Self::Tasks, Self::Talk, Self::Questions, Self::Sharing, Self::Tracker, Self::Agents];

    fn heading(self) -> &'static str {
        match self {
            Self::Tracker => "The tracker",
            Self::Tasks => "Tasks",
            Self::Talk => "Comments, plans, notes",
            Self::Questions => "Questions",
            Self::Sharing => "Sharing",
            Self::Agents => "Setting up agents",
        }
    }
}

/// The entry of a command module, which holds `Args` and `run`.
macro_rules! entry {
    ($module:ident, $name:literal, $group:ident, $about:literal) => {
        Entry {
            name: $name,
            about: $about,
            group: Group::$group,
            declare: <$module::Args as clap::Args>::augment_args,
            run: |matches, context| {
                let args = <$module::Args as clap::FromArgMatches>::from_arg_matches(matches)
                    .map_err(output::usage)?;
                $module::run(args, context)
            },
        }
    };
}

/// All commands, in the order of help.
const COMMANDS: &[Entry] = &[
    entry!(create, "create", Tasks, "Make a task"),
    entry!(update, "update", Tasks, "Change fields of a task"),
    entry!(status, "status", Tasks, "Move a task to another status"),
    entry!(assign, "assign", Tasks, "Give a task to somebody"),
    entry!(next, "next", Tasks, "Find or claim the best task to do now"),
    entry!(complete, "complete", Tasks, "Review a task and finish it, in one step"),
    entry!(link, "link", Tasks, "Relate a task to another"),
    entry!(unlink, "unlink", Tasks, "End a relation between tasks"),
    entry!(branch_link, "branch-link", Tasks, "Say that a branch of git belongs to a task"),
    entry!(branch_unlink, "branch-unlink", Tasks, "Take a branch of git off a task"),
    entry!(archive, "archive", Tasks, "Put tasks away"),
    entry!(unarchive, "unarchive", Tasks, "Bring tasks back"),
    entry!(event, "event", Tasks, "Record an event of a type of your own"),
    entry!(batch, "batch", Tasks, "Make many changes at once, all or nothing"),
    entry!(resource, "resource", Tasks, "Hold things that only so many may use at once"),
    entry!(session, "session", Tasks, "Begin and end sessions: names to work under"),
    entry!(comment, "comment", Talk, "Say something about a task"),
    entry!(comments, "comments", Talk, "Show what was said about a task"),
    entry!(comment_edit, "comment-edit", Talk, "Change what a comment says"),
    entry!(comment_delete, "comment-delete", Talk, "Take a comment back"),
    entry!(react, "react", Talk, "Answer a comment with a sign"),
    entry!(unreact, "unreact", Talk, "Take a sign back"),
    entry!(plan, "plan", Talk, "Show or write how a task is to be done"),
    entry!(notes, "notes", Talk, "Show or write notes about a task"),
    entry!(attach, "attach", Talk, "Keep a file, an address or a text with a task"),
    entry!(artifact, "artifact", Talk, "Show an artifact, or write out what it holds"),
    entry!(list, "list", Questions, "List tasks"),
    entry!(search, "search", Questions, "Find tasks by words in their texts"),
    entry!(show, "show", Questions, "Show one task with its history"),
    entry!(task_history, "history", Questions, "Tell what happened to a task, or how its plan read before"),
    entry!(ready, "ready", Questions, "List tasks that could be begun now"),
    entry!(blocked, "blocked", Questions, "List tasks that cannot be begun, and why"),
    entry!(events, "events", Questions, "Print what happened, in order of arrival"),
    entry!(log, "log", Questions, "Print the log, or the head that proves it later"),
    entry!(stats, "stats", Questions, "Count tasks and what happened to them"),
    entry!(weather, "weather", Questions, "Tell how things stand and what needs looking at"),
    entry!(sql, "sql", Questions, "Ask in SQL, reading only"),
    entry!(sync, "sync", Sharing, "Take in what the exported files say, then write them"),
    entry!(conflicts, "conflicts", Sharing, "List what two sides changed without knowing of each other"),
    entry!(settle, "settle", Sharing, "Leave as it is what two sides changed so"),
    entry!(export, "export", Sharing, "Write the tracker as files that git and people can read"),
    entry!(import, "import", Sharing, "Take in such files, or what another tracker wrote"),
    entry!(git, "git", Sharing, "Set up merging and hooks in a repository of git"),
    entry!(merge_driver, "merge-driver", Sharing, "Merge a derived file; git calls it"),
    entry!(doctor, "doctor", Tracker, "Examine the tracker"),
    entry!(backup, "backup", Tracker, "Copy the whole tracker into one file"),
    entry!(restore, "restore", Tracker, "Put a backup in the place of the tracker"),
    entry!(redact, "redact", Tracker, "Take the content of an event away, for good"),
    entry!(rebuild, "rebuild", Tracker, "Make the derived tables anew from the log"),
    entry!(init, "init", Tracker, "Make the tracker of a project"),
    entry!(context_text, "context", Tracker, "Show or write what the tracker is for"),
    entry!(config, "config", Tracker, "Read and change the settings"),
    entry!(set_project_code, "set-project-code", Tracker, "Set what short ids begin with"),
    entry!(set_subproject_code, "set-subproject-code", Tracker, "Set what follows the project code"),
    entry!(backfill_ids, "backfill-ids", Tracker, "Give short ids to tasks without one"),
    entry!(renumber, "renumber", Tracker, "Give a task a short id of its own"),
    entry!(hooks, "hooks", Tracker, "Show the commands that run after changes, and trust them"),
    entry!(setup_claude, "setup-claude", Agents, "Tell Claude Code about the tracker, in CLAUDE.md"),
    entry!(setup_claude_skill, "setup-claude-skill", Agents, "Give Claude Code the skill, in ~/.claude"),
    entry!(setup_codex, "setup-codex", Agents, "Give Codex the skill, in ~/.agents"),
    entry!(setup_openclaw, "setup-openclaw", Agents, "Give OpenClaw the skill, in skills/ or ~/.openclaw"),
    entry!(setup_prompt, "setup-prompt", Agents, "Print the text that teaches agents the work cycle"),
    entry!(plugins, "plugins", Tracker, "List the programs on PATH that answer as commands"),
    entry!(man, "man", Tracker, "Print the manual"),
    entry!(completions, "completions", Tracker, "Print what a shell needs to complete commands"),
];

/// Runs the program and says how it ends.
pub fn main(args: impl IntoIterator<Item = OsString>) -> std::process::ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let context = Context::new(&args);
    let result = parse::command_line(&args).and_then(|line| match line {
        Line::Command(entry, matches) => {
            let mut result = (entry.run)(&matches, &context);
            if result.as_ref().is_err_and(|failure| failure.may_pass) && context.may_run_again() {
                // A disk may fail once. Nobody hears of damage that a second look does not find.
                context.take_notices();
                result = (entry.run)(&matches, &context);
            }
            let result = result.map(|done| context.take_notices().into_iter().fold(done, Done::warn));
            hooks::after(result, &context, matches.get_flag(parse::NO_HOOKS))
        }
        Line::Answer(done) => Ok(done),
        Line::Plugin(path, args) => Err(plugin::become_it(&path, &args, &context)),
        Line::Nothing => Ok(welcome::welcome(&context)),
    });
    output::finish(result, &context)
}
