//! The rules: what an event means, what a command may do.
//!
//! Everything here is a pure function. No clock, no randomness, no SQL, no files, no printing:
//! callers bring the time, fresh ids and the facts, and take events or a rejection away.

pub mod actor;
pub mod artifact;
pub mod command;
pub mod comment;
pub mod concurrent;
pub mod config;
pub mod decide;
pub mod event;
pub mod facts;
pub mod fold;
pub mod foreign;
pub mod hooks;
pub mod id;
pub mod json;
pub mod plan;
mod pointer;
pub mod redact;
pub mod rejection;
pub mod resource;
pub mod search;
pub mod session;
pub mod short_id;
mod strict;
pub mod task;
pub mod time;
pub mod workflow;

pub use actor::Actor;
pub use artifact::Artifact;
pub use command::{Author, Command};
pub use concurrent::{Change, Concurrent, concurrent_changes};
pub use config::Config;
pub use decide::{Decision, decide, declared, split_tags};
pub use event::{Event, EventBody, Subject};
pub use facts::Facts;
pub use id::{ArtifactId, EventId, ResourceId, SessionId, SortKey, TaskId};
pub use rejection::Rejection;
pub use short_id::ShortId;
pub use task::Task;
pub use time::Timestamp;
