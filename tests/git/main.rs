//! Lattice in repositories of git, with the real git: merging, hooks, worktrees and stranger places.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

#[path = "../support/mod.rs"]
mod support;

mod hooks;
mod merges;
mod places;
mod repository;
mod setup;
mod step;
