//! Lattice: a task tracker inside a repository. See `docs/architecture.md`.

pub mod store;
