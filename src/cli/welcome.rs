//! What `lattice` alone says: where the tracker is, how it stands, and what to type.

use super::context::Context;
use super::output::Done;
use super::text::printable;
use crate::app::{App, Failure, Step};
use crate::export::{holds_tree, tree_look};

/// Few lines, others inside a project than outside. It only reads, and always succeeds.
pub fn welcome(context: &Context) -> Done {
    let (heading, commands): (String, &[(&str, &str)]) = match inside(context) {
        Ok(heading) => (
            heading,
            &[
                ("lattice next --claim", "take the best task that waits for nothing"),
                ("lattice list", "see all tasks"),
                ("lattice create TITLE", "make one"),
            ],
        ),
        Err(failure) => (outside(&failure), &[("lattice init", "make a tracker in this folder")]),
    };
    let mut text = format!("{heading}\n");
    for (command, what) in commands.iter().chain(&[("lattice --help", "see all commands")]) {
        text.push_str(&format!("  {command:20}  {what}\n"));
    }
    Done::lines(text)
}

/// The tracker: its place, how many tasks stand where, and the one to do now.
fn inside(context: &Context) -> Result<String, Failure> {
    let app = context.reader()?;
    let (name, counts) = app.read(|reader| {
        let config = reader.config()?;
        let mut counts = Vec::new();
        for status in config.statuses() {
            match reader.in_status(&status)? {
                0 => {}
                tasks => counts.push(format!("{tasks} {}", config.display_name(&status))),
            }
        }
        let name = config.get("/project_name").and_then(|name| name.as_str()).map(str::to_owned);
        Ok::<_, Failure>((name, counts))
    })?;
    let mut lines = vec![format!("The tracker {}", app.root().lattice.display())];
    if let Some(name) = name {
        lines = vec![format!("{name}: {}", app.root().lattice.display())];
    }
    lines.push(if counts.is_empty() { "No tasks yet".to_owned() } else { counts.join(" · ") });
    lines.extend(step(&app)?);
    // An actor that is none is told so by the commands that need one.
    if let Ok(Some(task)) = app.peek_next(&context.asker(None, None), None) {
        lines.push(format!("Next: {} \"{}\"", task.name(), task.title));
    }
    Ok(lines.iter().map(|line| printable(line) + "\n").collect())
}

/// How the exported files stand, where there are any.
fn step(app: &App) -> Result<Option<String>, Failure> {
    let tree = &app.root().tree;
    if !holds_tree(tree) {
        return Ok(None);
    }
    Ok(Some(match app.step(&tree_look(tree))? {
        Step::InStep => "Files: as the last sync left them".to_owned(),
        Step::TreeAhead => "Files: changed since the last sync; `lattice sync` takes them in".to_owned(),
        Step::DatabaseAhead => "Files: behind the tracker; `lattice sync` writes them".to_owned(),
        Step::Both => {
            "Files: changed, and behind the tracker; `lattice sync` brings both together".to_owned()
        }
        Step::Unknown => "Files: not compared yet; `lattice doctor` does".to_owned(),
    }))
}

fn outside(failure: &Failure) -> String {
    let mut text = format!("Lattice, a task tracker inside a repository: {}\n", printable(&failure.message));
    // How to make one stands below already.
    if let Some(hint) = failure.hint.as_ref().filter(|hint| !hint.starts_with("`lattice init` makes")) {
        text.push_str(&format!("Hint: {}\n", printable(hint)));
    }
    text
}
