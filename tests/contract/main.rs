//! What scripts of the predecessor rely on, as rows of text: `rows/*.txt` hold one command each.
//!
//! A row is a call and what it must answer. How rows are written stands in `script.rs`, the shapes
//! of answers in `shapes.txt`, the predecessor's commands and flags in `predecessor.txt`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

#[path = "../support/mod.rs"]
mod support;

mod cover;
mod play;
mod script;
mod shapes;

/// A test for each file of rows, and the list of them all.
macro_rules! rows {
    ($($name:ident)*) => {
        /// The rows of each command.
        pub const ROWS: &[(&str, &str)] =
            &[$((stringify!($name), include_str!(concat!("rows/", stringify!($name), ".txt"))),)*];

        $(#[test]
        fn $name() {
            play::file(include_str!(concat!("rows/", stringify!($name), ".txt")));
        })*
    };
}

rows! {
    archive assign attach backfill_ids backup batch branch blocked comment comment_delete comment_edit comments complete completions config
    context create doctor event events export git history hooks import init link list log manual merge_driver next notes plan react ready
    rebuild redact renumber resource session set_project_code settle search set_subproject_code setup show sql stats status sync unarchive unlink unreact update
    usage weather
}
