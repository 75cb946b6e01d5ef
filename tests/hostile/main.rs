//! The repository of a stranger: whatever lies in a `.lattice/` that somebody cloned, no program is
//! started, nothing is written elsewhere, nobody waits, and what is printed says what is there.
//!
//! `LATTICE_SOAK=1` tries every command with everything; without it each trap meets some of them, all
//! together all. What a machine cannot do is skipped, and said on standard error.

#[path = "../support/mod.rs"]
mod support;

mod database;
mod git;
mod output;
mod owner;
mod places;
mod stranger;
