//! `lattice batch`: many changes in one call.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use super::context::Context;
use super::output::{self, Done};
use super::source;
use super::write::WriteArgs;
use crate::app::{Batch, Code, Failure, LineResult};
use crate::domain::event::MAX_BYTES;
use crate::domain::json;
use crate::view;

/// Most bytes that all lines may have together.
const MOST: usize = 64 * 1024 * 1024;

/// Where the commands come from, and how they are carried out.
#[derive(clap::Args, Debug)]
#[command(after_help = ABOUT, mut_arg("json", |arg| arg.help("Answer with JSON also where the whole batch fails: one document")))]
pub struct Args {
    /// Take the commands from this file (- for standard input, as without it)
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Commit each line by itself, and go on after a failure
    #[arg(long)]
    keep_going: bool,
    /// Decide everything, save nothing
    #[arg(long, conflicts_with = "keep_going")]
    dry_run: bool,
    /// Answer each line with what the command itself would answer
    #[arg(long, help_heading = "Output")]
    full: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// What there is to write. The members are those of the commands, and a test holds them together.
const ABOUT: &str =
    "One JSON object on each line: a command with its arguments, and `as` to name what it makes:
  {\"create\":{\"title\":\"Parser\",\"tags\":[\"core\"]},\"as\":\"p\"}
  {\"link\":{\"task\":\"$p\",\"type\":\"blocks\",\"target\":\"LAT-4\"}}
  {\"comment\":{\"task\":\"$p\",\"text\":\"see the grammar\"}}
All or nothing, in one transaction; one JSON line answers each.

Members by command, first those that must be there:
  create              title; type, priority, urgency, complexity, status, description, tags,
                      assigned_to, id
  update              task; each field with its new value, null clears it
  status              task, new_status; force
  assign              task, to (null: nobody)
  next                claim (true); status
  complete            task, review
  link, unlink        task, type, target; note (link)
  attach              task, source (an address) or inline; type, title, summary, sensitive, role, id
  branch-link, branch-unlink      task, branch; repo
  archive, unarchive  task
  event               task, type; data, id
  comment             task, text; reply_to, role
  comment-edit        task, comment, new_text; role
  comment-delete      task, comment
  react, unreact      task, comment, emoji
  plan, notes         task, text
  context             text
  renumber            task; to
  config set          path, value
  config unset        path
  resource create     resource; description, max_holders, ttl, id
  resource acquire    resource; task, force
  resource release, resource heartbeat      resource
All take those of the author: actor, name, model, session, triggered_by, on_behalf_of, reason.
`$NAME` stands for what the line with `\"as\":\"NAME\"` made: create, next, comment.";

/// Carries out the commands.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let path = args.file.unwrap_or_else(|| PathBuf::from("-"));
    let (name, input) = source::reader(&path)?;
    let lines = lines(BufReader::new(input), &name)?;
    let batch = Batch::read(&lines, &context.identity(&args.write))?;
    drop(lines);
    let mut answer = Answer { full: args.full, quiet: args.write.output.quiet, ..Answer::default() };
    if args.keep_going {
        context.writer()?.batch_each(batch, |line| answer.add(&line));
    } else {
        let batch = batch.all_readable()?;
        context.writer()?.batch(batch, args.dry_run, |line| answer.add(&line))?;
    }
    answer.complaints.iter().for_each(|text| output::complain(text));
    let done = Done::lines(answer.text).status(answer.status);
    Ok(if answer.changed && !args.dry_run { done.committed() } else { done })
}

/// What is answered, made line by line: many results together would take much more memory.
#[derive(Default)]
struct Answer {
    full: bool,
    quiet: bool,
    text: String,
    /// For standard error, once nobody has to wait for whoever reads it.
    complaints: Vec<String>,
    /// The worst of the exit statuses that the lines alone would have.
    status: u8,
    /// Whether any of them changed something.
    changed: bool,
}

impl Answer {
    fn add(&mut self, line: &LineResult) {
        match &line.result {
            Ok(outcome) => self.changed |= !outcome.events.is_empty(),
            Err(failure) => self.status = self.status.max(failure.code.exit_class().status()),
        }
        match (&line.result, self.quiet) {
            (Err(failure), true) => {
                self.complaints.push(format!("{}: {}", line.line, output::sentence(failure)));
            }
            (Ok(_), true) => self.text.extend(view::batch_id(line).map(|id| id + "\n")),
            _ => self.text.push_str(&(json::line(&view::batch_line(line, self.full)) + "\n")),
        }
    }
}

/// The lines that are not blank, with their numbers. Of one that is too long only its beginning
/// is kept, enough to see that it is.
fn lines(mut input: impl BufRead, name: &str) -> Result<Vec<(usize, Vec<u8>)>, Failure> {
    let unreadable = |error: std::io::Error| source::unreadable(name, &error);
    let (mut lines, mut total) = (Vec::new(), 0);
    for number in 1.. {
        let mut line = Vec::new();
        let read =
            input.by_ref().take(MAX_BYTES as u64 + 2).read_until(b'\n', &mut line).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        total += read;
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > MAX_BYTES {
            total += input.skip_until(b'\n').map_err(unreadable)?;
        }
        if total > MOST {
            return Err(Failure::new(
                Code::ValidationError,
                format!("line {number}: the input is longer than {} MiB", MOST >> 20),
            )
            .hint("split it into several batches")
            .details(serde_json::json!({"line": number})));
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            lines.push((number, line));
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::app::batch_members;
    use crate::cli::COMMANDS;

    /// What a batch leaves to the command line: how to answer, and texts in files.
    const NOT_IN_A_BATCH: [&str; 10] =
        ["json", "quiet", "help", "file", "edit", "stale", "changes", "as_text", "wait", "timeout"];
    const AUTHOR: [&str; 7] = ["name", "actor", "model", "session", "triggered_by", "on_behalf_of", "reason"];

    #[test]
    fn the_members_of_a_line_are_the_arguments_and_flags_of_the_command() {
        let members = batch_members();
        assert!(members.len() > 15);
        for (name, members) in members {
            let (first, second) = name.split_once(' ').unwrap_or((name, ""));
            let entry = COMMANDS.iter().find(|entry| entry.name == first).expect(name);
            let declared = (entry.declare)(clap::Command::new(name));
            let declared = declared.find_subcommand(second).cloned().unwrap_or(declared);
            let flags: BTreeSet<String> = declared
                .get_arguments()
                .map(|arg| arg.get_long().unwrap_or(arg.get_id().as_str()).replace('-', "_"))
                .map(|flag| match flag.as_str() {
                    "text" if name == "config set" => "as_text".to_owned(),
                    "kind" => "type".to_owned(),
                    "tasks" => "task".to_owned(),
                    _ => flag,
                })
                .filter(|flag| !NOT_IN_A_BATCH.contains(&flag.as_str()) && !AUTHOR.contains(&flag.as_str()))
                .collect();
            let mut members: BTreeSet<String> = members.into_iter().map(str::to_owned).collect();
            if ["plan", "notes", "context"].contains(&name) {
                // In place of --file.
                assert!(members.remove("text"));
            }
            assert_eq!(members, flags, "{name}");
        }
    }

    /// A row's commands, and all words that stand behind them.
    type Row = (Vec<String>, BTreeSet<String>);

    fn row(commands: &str, rest: &str) -> Row {
        let words = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::to_owned);
        (commands.replace('`', "").split(", ").map(str::to_owned).collect(), words.collect())
    }

    #[test]
    fn help_and_documentation_name_every_member_of_every_command() {
        let (_, table) = super::ABOUT.split_once("must be there:").unwrap();
        let help: Vec<Row> = table
            .replace("\n       ", "")
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split_once("  "))
            .map(|(commands, rest)| row(commands, rest))
            .collect();
        let page: Vec<Row> = include_str!("../../docs/batch.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
            .map(|(commands, rest)| row(commands, rest))
            .collect();
        for (name, members) in batch_members() {
            for rows in [&help, &page] {
                let found = rows.iter().find(|(commands, _)| commands.iter().any(|command| command == name));
                let (_, words) = found.expect(name);
                assert!(
                    members.iter().all(|member| words.contains(*member)),
                    "{name}: {members:?}, {words:?}"
                );
            }
        }
    }
}
