//! Hard days: the real program on a disk that fails, is full, read-only or shut, with files that
//! are damaged or foreign, and with output that nobody takes.
//!
//! `LATTICE_SOAK=1` tries every fault in every way; without it a choice of them is met, the same each
//! time. What a machine cannot do is skipped, and said on standard error.

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod batch;
mod busy;
mod commands;
mod damaged;
mod export;
mod flushes;
mod foreign;
mod halfway;
mod init;
mod init_places;
mod injector;
mod mapped;
mod output;
mod redact;
mod sandbox;
mod shut;
mod state;
mod sweep;
mod told;
mod upgrade;
mod write;
