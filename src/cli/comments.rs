//! `lattice comments`: what was said about a task.

use super::context::Context;
use super::output::Done;
use super::text::{printable, printable_lines};
use super::write::OutputArgs;
use crate::app::{CommentThread, Failure};
use crate::domain::Task;
use crate::domain::comment::Comment;
use crate::view::comments as shape;

/// Which task.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The task: LAT-12, task_…, or the beginning of an id; archived ones too
    task: String,
    #[command(flatten)]
    output: OutputArgs,
}

/// Shows the comments.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let (id, task, threads) = context.reader()?.comments(&args.task)?;
    if args.output.json {
        return Ok(Done::document(shape::document(&id, task.as_ref(), &threads)));
    }
    if args.output.quiet {
        let ids: Vec<&str> = threads.iter().map(|thread| thread.comment.id.as_str()).collect();
        return Ok(Done::lines(ids.join("\n")));
    }
    Ok(Done::lines(match task {
        Some(task) => tree(&task, &threads),
        None => format!("There is no task {id}, so there are no comments."),
    }))
}

fn tree(task: &Task, threads: &[CommentThread]) -> String {
    let count = match task.comment_count {
        0 => "no comments".to_owned(),
        1 => "1 comment".to_owned(),
        n => format!("{n} comments"),
    };
    let mut text = format!("{} \"{}\": {count}\n", task.name(), printable(&task.title));
    for thread in threads {
        text.push('\n');
        push(&mut text, &thread.comment, "");
        for reply in &thread.replies {
            push(&mut text, reply, "    ");
        }
    }
    text
}

fn push(text: &mut String, comment: &Comment, indent: &str) {
    text.push_str(&format!(
        "{indent}{}  {}  {}{}\n",
        printable(comment.author.display()),
        comment.created_at,
        comment.id,
        marks(comment)
    ));
    if !comment.is_deleted() {
        for line in printable_lines(&comment.body).lines() {
            text.push_str(format!("{indent}  {line}").trim_end());
            text.push('\n');
        }
    }
    for (emoji, who) in &comment.reactions {
        let names: Vec<String> = who.iter().map(|actor| printable(actor.display())).collect();
        text.push_str(&format!("{indent}  :{}: {}\n", printable(emoji), names.join(", ")));
    }
}

fn marks(comment: &Comment) -> String {
    let mut marks = String::new();
    if let Some(role) = &comment.role {
        marks.push_str(&format!("  [{}]", printable(role)));
    }
    if comment.is_deleted() {
        marks.push_str("  [deleted]");
    } else if comment.edited_at.is_some() {
        marks.push_str("  [edited]");
    }
    marks
}
