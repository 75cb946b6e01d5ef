//! The use cases: everything that a surface (command line, later web and others) can ask for.
//!
//! No surface reaches the file but through here, so every rule holds on every surface. This room
//! never sees arguments, standard output or HTTP, and holds no SQL.

mod archive;
mod arrivals;
mod artifact;
mod ask;
mod backfill;
mod backup;
mod batch;
mod bulk;
mod circles;
pub mod code;
mod conflicts;
mod examine;
mod execute;
mod facts;
mod failure;
mod feed;
mod foreign;
mod git;
mod head;
mod hooks;
mod identity;
mod init;
mod list;
mod mend;
mod next;
mod payload;
mod read;
mod redact;
mod redactions;
mod resolve;
mod resource;
mod search;
mod seed;
mod session;
mod stats;
mod step;
mod tree_report;
mod versions;
mod wal;
mod world;

use std::path::Path;
use std::time::Duration;

pub use arrivals::{FieldChange, TaskImport};
pub use backup::{entries, records};
pub use batch::{Batch, LineResult, batch_members};
pub use bulk::{ImportReport, ImportSet, Merge, Place, Prefer, Sourced};
pub use code::{Code, ExitClass};
pub use conflicts::TaskConflicts;
pub use examine::{CHECKS, Finding, Level, Report};
pub use execute::{Names, Outcome};
pub use facts::names_over_time;
pub use failure::Failure;
pub use feed::FeedPage;
pub use foreign::{Intake, IntakeReport, in_short};
pub use git::{
    Commit, DRIVER, GIT_HOOKS, HookFile, Repository, Search, Traces, hook_call, hook_file, hook_script,
    program,
};
pub use head::{HEAD_CHECK, HeadProof, parse_head};
pub use hooks::{Due, HookReport, Pending, Standing, Trust, hook_id, run as run_hooks};
pub use identity::{Identity, actor};
pub use init::{InitOptions, InitOutcome};
pub use list::{BlockReason, BlockedTask, Listing};
pub use mend::{Mended, TREE_CHECK, TreeState};
pub use next::POOL;
pub use payload::{FoundArtifact, Payload};
pub use read::{ArtifactInfo, CommentThread, Details, PlanText, Related};
pub use redact::Redaction;
pub use redactions::holding;
pub use resolve::{
    chosen_artifact_id, chosen_event_id, chosen_resource_id, chosen_task_id, comment_id, wanted_short_id,
};
pub use resource::{Known, Resources, patiently};
pub use search::Hits;
pub use stats::{Count, STALE_DAYS, Sky, Stats, Weather, Wip};
pub use step::Step;
pub use tree_report::{Disagreement, TreeReport};
pub use versions::Version;
pub use wal::LOG_CHECK;
pub use world::World;

pub use crate::store::{
    Answer, Arrival, Copied, FeedQuery, FoundIn, GIT_ATTRIBUTES, Head, Hit, Incoming, Limits, Moment, Piece,
    Reader, Restored, Root, SQL_VIEWS, Several, ShortIdIndex, SqlValue, Stays, Table, TaskFilter, TaskLine,
    TaskPrint, TaskSort, TextKind, Totals, TreeRecord, TreeUpdate, Waiting, hex, sha256, sha256_of,
};
use crate::store::{Store, find};

/// How long a writer waits for others, unless the caller says otherwise.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// A tracker, open for use.
pub struct App {
    store: Store,
    world: World,
    root: Root,
    /// What is committed, and calls hooks once the file is let go.
    due: Vec<Due>,
}

impl App {
    /// Finds the tracker for a command that runs in `start`; `LATTICE_ROOT` overrides.
    ///
    /// # Errors
    /// `NOT_INITIALIZED`, or what keeps a folder from being looked at.
    pub fn locate(world: &World, start: &Path) -> Result<Root, Failure> {
        Ok(find(start, world.variable("LATTICE_ROOT"))?)
    }

    /// The same for a call that is about the folder it runs in, whatever `LATTICE_ROOT` says.
    ///
    /// # Errors
    /// As [`App::locate`].
    pub fn locate_in(folder: &Path) -> Result<Root, Failure> {
        Ok(find(folder, None)?)
    }

    /// Opens for reading. Takes no lock and touches nothing.
    ///
    /// # Errors
    /// A `STORE_…` code.
    pub fn open_read(root: Root, world: World) -> Result<Self, Failure> {
        let store = Store::open_read(&root.lattice)?;
        Ok(Self { store, world, root, due: Vec::new() })
    }

    /// Opens for writing, queueing behind other writers for at most `wait`.
    ///
    /// # Errors
    /// A `STORE_…` code.
    pub fn open_write(root: Root, world: World, wait: Duration) -> Result<Self, Failure> {
        let store = Store::open_write(&root.lattice, wait)?;
        Ok(Self { store, world, root, due: Vec::new() })
    }

    /// A tracker in memory that was just initialised, for tests.
    ///
    /// # Errors
    /// A `STORE_…` code.
    pub fn in_memory(world: World, options: &InitOptions, tree: Option<&ImportSet>) -> Result<Self, Failure> {
        let mut store = Store::in_memory()?;
        store.write(|tx| init::fill(tx, &world, options, tree).map(drop))?;
        let nowhere = std::path::PathBuf::new();
        Ok(Self {
            store,
            world,
            root: Root { project: nowhere.clone(), lattice: nowhere.clone(), tree: nowhere },
            due: Vec::new(),
        })
    }

    /// Where the tracker is.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The clock and the ids.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Reads from one moment of the tracker.
    ///
    /// # Errors
    /// What `work` fails with.
    pub fn read<T>(&self, work: impl FnOnce(&Reader<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        self.store.read(work)
    }

    /// Says that all of the file will be asked for: more of it is kept in memory then.
    ///
    /// # Errors
    /// A `STORE_…` code.
    pub fn expect_much(&self) -> Result<(), Failure> {
        Ok(self.store.expect_much()?)
    }

    /// Keeps what an export found the files of the tree to read as: the next one looks at less.
    ///
    /// # Errors
    /// A `STORE_…` code; the tracker is as it was.
    pub fn save_tree_record(&self, writer: &str, update: &TreeUpdate) -> Result<(), Failure> {
        Ok(self.store.save_tree_record(writer, update)?)
    }

    /// Sentences about short ids that were asked for and that several tasks claim.
    pub fn take_notices(&self) -> Vec<String> {
        let notice = |short_id: crate::domain::ShortId| {
            let others = self.read(|reader| Ok(reader.others_claiming(&short_id)?)).unwrap_or_default();
            let first = others.first()?.to_string();
            let more = if others.len() > 1 { " and others" } else { "" };
            Some(format!(
                "{short_id} is claimed by more than one task: this one shows it, another shows {first}{more} \
                 (`lattice renumber {first}` gives that its number for good)"
            ))
        };
        self.store.take_contested().into_iter().filter_map(notice).collect()
    }

    /// Ends the work: bounds the write-ahead log and lets go of the file. Dropping does the same.
    pub fn close(self) {
        self.store.close();
    }

    /// The same at the end of a process: what the system frees by itself is left to it.
    pub fn leave(self) {
        self.store.leave();
    }
}
