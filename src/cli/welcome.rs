//! What `lattice` alone says: where the tracker is, and what to type.

use super::context::Context;
use super::output::Done;
use super::text::printable;

/// Few lines, others inside a project than outside. It always succeeds.
pub fn welcome(context: &Context) -> Done {
    let commands: &[(&str, &str)] = match context.root() {
        Ok(_) => &[
            ("lattice next --claim", "take the best task that waits for nothing"),
            ("lattice list", "see all tasks"),
            ("lattice create TITLE", "make one"),
        ],
        Err(_) => &[("lattice init", "make a tracker in this folder")],
    };
    let mut text = match context.root() {
        Ok(root) => format!("The tracker {}\n\n", printable(&root.lattice.display().to_string())),
        Err(failure) => {
            format!("Lattice, a task tracker inside a repository: {}\n\n", printable(&failure.message))
        }
    };
    for (command, what) in commands.iter().chain(&[("lattice --help", "see all commands")]) {
        text.push_str(&format!("  {command:20}  {what}\n"));
    }
    Done::lines(text)
}
