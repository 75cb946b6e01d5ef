//! Lattice: an event-sourced task tracker inside a repository.
//!
//! `domain ← store ← app ← { view, export, intake } ← cli`: arrows point at what a room may use.

#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::disallowed_methods
    )
)]

pub mod app;
pub mod cli;
pub mod domain;
pub mod export;
pub mod intake;
pub mod store;
pub mod view;
