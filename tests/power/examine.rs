//! One state of the disk, met by Lattice after the power came back. Reading and writing open it, the
//! log is played back into the file; what is then there is examined in full as `doctor` does: SQLite's
//! integrity check, the chain of hashes, the payloads, and that the tables are the fold of the events.
//! Equal files are examined once.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::Duration;

use lattice::app::Root;
use lattice::store::{Store, StoreError};

use crate::cuts::Finding;
use crate::disk::{Image, folder, hash};
use crate::memory;
use crate::tracker::{Known, Verdict, project};
use crate::workloads::{Expected, full};

const WAIT: Duration = Duration::from_secs(60);
const DATABASE: &str = ".lattice/lattice.db";

/// Judges a state in which `done` commands had been acknowledged.
pub fn judge(verdict: &Verdict, done: usize, expected: &Expected) -> Finding {
    let least = expected.events[done];
    let next = expected.events.get(done + 1).copied().unwrap_or(least);
    let ids = match verdict {
        Verdict::Broken(why) => return Finding::Corrupt(why.clone()),
        Verdict::Nothing if least.is_none() => return Finding::Fine,
        Verdict::Nothing => return Finding::Lost("the tracker is gone".into()),
        Verdict::Whole(ids) => ids,
    };
    let events = ids.iter().zip(&expected.ids).take_while(|(is, should)| is == should).count();
    let more = ids.len() - events;
    if least.is_some_and(|least| events < least) {
        Finding::Lost(format!("{events} events, {} were acknowledged", least.unwrap_or(0)))
    } else if expected.disturbed && more <= MOST || more == 0 && [least, next].contains(&Some(events)) {
        Finding::Fine
    } else {
        let expected = format!("{least:?} or {next:?} were expected");
        Finding::Corrupt(format!("{events} events and {more} others, where {expected}"))
    }
}

/// In one of so many states a command that reads comes first.
const READS: usize = 4;
/// Events of one command, at most.
const MOST: usize = 6;

/// Examines states of one recording. Each thread has its own, but for what is known of files.
pub struct Examiner<'a> {
    _folder: tempfile::TempDir,
    root: Root,
    known: &'a Known,
    /// The length of the file that stands for the database.
    stub: Option<u64>,
    states: usize,
}

impl<'a> Examiner<'a> {
    pub fn new(known: &'a Known) -> Self {
        let (folder, root) = project();
        fs::create_dir(&root.lattice).unwrap();
        Self { _folder: folder, root, known, stub: None, states: 0 }
    }

    /// Opens a state as the next commands would.
    pub fn examine(&mut self, image: &Image) -> Verdict {
        let Some(database) = image.get(DATABASE) else { return Verdict::Nothing };
        self.put_stub(database.len() as u64);
        self.states += 1;
        let lattice = &self.root.lattice;
        let log_and_all = |path: &str| folder(path) == ".lattice" && path.starts_with(DATABASE);
        let files = image.iter().filter(|(path, _)| log_and_all(path));
        memory::mount(&self.root.project, files.map(|(p, c)| (p.clone(), c.clone())).collect());
        // One comes first; either must cope with what the cut left.
        let read_first = self.states.is_multiple_of(READS);
        let read = || {
            let store = match Store::open_read(lattice) {
                Err(StoreError::NeedsUpgrade { .. }) => return Ok(None),
                store => store?,
            };
            store.read(|reader| Ok::<_, StoreError>(Some(reader.totals()?.events)))
        };
        let write = || {
            let mut store = Store::open_write(lattice, WAIT)?;
            store.checkpoint()
        };
        let before = read_first.then(read);
        let written = write();
        let left = memory::unmount();
        // An upgrade keeps a copy beside the database, under the first name that is free.
        let _ = fs::remove_file(lattice.join("lattice-v1.backup.db"));
        if let Some(Err(error)) = &before {
            return Verdict::Broken(format!("cannot be read: {error}"));
        }
        if let Err(error) = written {
            return Verdict::Broken(format!("cannot be opened: {error}"));
        }
        let content = hash(&left);
        let known = Arc::clone(self.known.lock().unwrap().entry(content).or_default());
        let verdict = known.get_or_init(|| {
            memory::mount(&self.root.project, left);
            let verdict = full(&self.root);
            memory::unmount();
            verdict
        });
        match (before, verdict) {
            (Some(Ok(Some(read))), Verdict::Whole(ids)) if read as usize != ids.len() => {
                Verdict::Broken(format!("{read} events were read, then there were {}", ids.len()))
            }
            _ => verdict.clone(),
        }
    }

    /// Lattice looks at the file itself before SQLite sees it: at its kind and its length.
    fn put_stub(&mut self, len: u64) {
        if self.stub != Some(len) {
            File::create(self.root.lattice.join("lattice.db")).unwrap().set_len(len).unwrap();
            self.stub = Some(len);
        }
    }
}
