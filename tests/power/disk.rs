//! What a disk may hold after a power cut. Of each file: what was flushed, and any of the later
//! writes, each whole or torn at the borders of its sectors. Of the names: what was flushed, and some
//! of the later changes.
//!
//! The models are those of "All File Systems Are Not Created Equal" (Pillai and others, OSDI 2014).
//! Assumed, as SQLite does: a write never changes bytes beside it (`powersafe overwrite`), and what
//! was flushed stays.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;

use foldhash::quality::FixedState;

/// A file, whatever its name.
pub type Ino = u32;

/// One call that changes the disk, or what the program said meanwhile. Paths are relative to the
/// project.
#[derive(Clone, Debug)]
pub enum Op {
    Create {
        path: String,
        ino: Ino,
    },
    Unlink {
        path: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Write {
        ino: Ino,
        at: usize,
        data: Vec<u8>,
    },
    Truncate {
        ino: Ino,
        len: usize,
    },
    Sync {
        ino: Ino,
    },
    SyncFolder {
        path: String,
    },
    /// A flush failed, and the system forgot that the pages were never written.
    Forget {
        ino: Ino,
    },
    /// The caller was told that one more command is done.
    Done,
}

/// How names reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Any subset of the changes, until their folder is flushed: what POSIX allows.
    AnySubset,
    /// In order, and with every flush of any file: the journals of ext4 and XFS.
    Journal,
}

/// What becomes of a write that was not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Lost,
    Kept,
    /// Sector `i` is kept if bit `i % 64` is set. Beyond the old end of the file a lost one holds
    /// zeros or garbage.
    Torn {
        mask: u64,
        garbage: bool,
    },
}

const SECTOR: usize = 512;
const BLOCK: usize = 4096;

/// A part of a file; most states of a disk share most of theirs.
#[derive(Clone)]
struct Block {
    bytes: [u8; BLOCK],
    /// 0 while nobody asked.
    hash: Cell<u64>,
}

/// A file's bytes.
#[derive(Clone, Default)]
pub struct Content {
    blocks: Vec<Rc<Block>>,
    len: usize,
}

thread_local! {
    static ZEROS: Rc<Block> = Rc::new(Block { bytes: [0; BLOCK], hash: Cell::new(0) });
}

impl Content {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Reads as much as there is; says how much that was.
    pub fn read(&self, at: usize, into: &mut [u8]) -> usize {
        let count = into.len().min(self.len.saturating_sub(at));
        let mut done = 0;
        while done < count {
            let (block, from) = ((at + done) / BLOCK, (at + done) % BLOCK);
            let part = (BLOCK - from).min(count - done);
            into[done..done + part].copy_from_slice(&self.blocks[block].bytes[from..from + part]);
            done += part;
        }
        count
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.read(0, &mut bytes);
        bytes
    }

    pub fn write(&mut self, at: usize, data: &[u8]) {
        if self.len < at + data.len() {
            self.resize(at + data.len());
        }
        let mut done = 0;
        while done < data.len() {
            let (block, from) = ((at + done) / BLOCK, (at + done) % BLOCK);
            let part = (BLOCK - from).min(data.len() - done);
            let block = Rc::make_mut(&mut self.blocks[block]);
            block.bytes[from..from + part].copy_from_slice(&data[done..done + part]);
            block.hash.set(0);
            done += part;
        }
    }

    pub fn resize(&mut self, len: usize) {
        self.blocks.resize(len.div_ceil(BLOCK), ZEROS.with(Rc::clone));
        // What lies behind the end is zero, so that it is when the file grows again.
        if len < self.len && !len.is_multiple_of(BLOCK) {
            let last = Rc::make_mut(&mut self.blocks[len / BLOCK]);
            last.bytes[len % BLOCK..].fill(0);
            last.hash.set(0);
        }
        self.len = len;
    }

    /// Tells contents apart.
    pub fn hash(&self) -> u64 {
        let mut parts = Vec::with_capacity(8 * self.blocks.len() + 8);
        parts.extend(self.len.to_le_bytes());
        for block in &self.blocks {
            if block.hash.get() == 0 {
                block.hash.set(short_hash(&block.bytes) | 1);
            }
            parts.extend(block.hash.get().to_le_bytes());
        }
        short_hash(&parts)
    }

    /// Carries out a write or a truncation that met this fate.
    fn apply(&mut self, op: &Op, fate: Fate) {
        match (op, fate) {
            (_, Fate::Lost) => {}
            (Op::Truncate { len, .. }, _) => self.resize(*len),
            (Op::Write { at, data, .. }, Fate::Kept) => self.write(*at, data),
            (Op::Write { at, data, .. }, Fate::Torn { mask, garbage }) => {
                let (old, end) = (self.len, at + data.len());
                if old < end {
                    self.resize(end);
                }
                let (mut from, mut sector) = (*at, 0);
                while from < end {
                    let to = ((from / SECTOR + 1) * SECTOR).min(end);
                    if mask >> (sector % 64) & 1 == 1 {
                        self.write(from, &data[from - at..to - at]);
                    } else if garbage && to > old {
                        let start = from.max(old);
                        self.write(start, &vec![0xa5; to - start]);
                    }
                    (from, sector) = (to, sector + 1);
                }
            }
            _ => {}
        }
    }
}

/// The files that are there when the power is back, by their paths.
pub type Image = BTreeMap<String, Content>;

/// Tells images apart.
pub fn hash(image: &Image) -> u64 {
    let mut parts = Vec::new();
    for (path, content) in image {
        parts.extend(path.as_bytes());
        parts.extend(content.hash().to_le_bytes());
    }
    short_hash(&parts)
}

/// The same in every run, because some states are chosen by it; another release of the package may choose
/// others. Enough to tell apart what nobody composed to look alike.
fn short_hash(bytes: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// The disk while calls arrive at it.
pub struct Disk<'a> {
    names: Names,
    flushed: BTreeMap<Ino, Content>,
    entries: BTreeMap<&'a str, Ino>,
    /// Writes and truncations that were not flushed, in order.
    pub data: Vec<&'a Op>,
    /// Changes of names that were not flushed, in order.
    pub moves: Vec<&'a Op>,
    /// Commands of which the caller knows that they are done.
    pub done: usize,
}

impl<'a> Disk<'a> {
    pub fn new(names: Names) -> Self {
        let (flushed, entries) = (BTreeMap::new(), BTreeMap::new());
        Self { names, flushed, entries, data: Vec::new(), moves: Vec::new(), done: 0 }
    }

    /// The next call.
    pub fn feed(&mut self, op: &'a Op) {
        match op {
            Op::Write { .. } | Op::Truncate { .. } => self.data.push(op),
            Op::Create { .. } | Op::Unlink { .. } | Op::Rename { .. } => self.moves.push(op),
            Op::Sync { ino } => {
                let content = self.flushed.entry(*ino).or_default();
                self.data.retain(|op| {
                    let ours = changes(op) == Some(*ino);
                    if ours {
                        content.apply(op, Fate::Kept);
                    }
                    !ours
                });
                if self.names == Names::Journal {
                    self.flush_names(|_| true);
                }
            }
            Op::SyncFolder { path } => {
                let journal = self.names == Names::Journal;
                self.flush_names(|name| journal || folder(name) == path);
            }
            Op::Forget { ino } => self.data.retain(|op| changes(op) != Some(*ino)),
            Op::Done => self.done += 1,
        }
    }

    fn flush_names(&mut self, is_flushed: impl Fn(&str) -> bool) {
        let (now, later) = self.moves.iter().partition(|op| match op {
            Op::Create { path, .. } | Op::Unlink { path } => is_flushed(path),
            // Both names are in one folder: Lattice renames nothing from one to another.
            Op::Rename { to, .. } => is_flushed(to),
            _ => true,
        });
        self.moves = later;
        let now: Vec<&Op> = now;
        now.into_iter().for_each(|op| enter(&mut self.entries, op));
    }

    /// The disk after a power cut now, if this became of what was not flushed.
    pub fn after_cut(&self, fates: impl Fn(usize) -> Fate, is_kept: impl Fn(usize) -> bool) -> Image {
        let mut entries = self.entries.clone();
        for (_, op) in self.moves.iter().enumerate().filter(|(at, _)| is_kept(*at)) {
            enter(&mut entries, op);
        }
        let mut files = self.flushed.clone();
        for (at, op) in self.data.iter().enumerate() {
            let Some(ino) = changes(op) else { continue };
            files.entry(ino).or_default().apply(op, fates(at));
        }
        let is_there = |path: &str| {
            let mut above = folder(path);
            while !above.is_empty() && entries.contains_key(above) {
                above = folder(above);
            }
            above.is_empty()
        };
        let named = entries.iter().filter(|(path, _)| is_there(path));
        named.map(|(path, ino)| ((*path).to_owned(), files.get(ino).cloned().unwrap_or_default())).collect()
    }
}

/// The file whose content a call changes.
fn changes(op: &Op) -> Option<Ino> {
    match op {
        Op::Write { ino, .. } | Op::Truncate { ino, .. } => Some(*ino),
        _ => None,
    }
}

/// The folder in which a path ends.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn enter<'a>(entries: &mut BTreeMap<&'a str, Ino>, op: &'a Op) {
    match op {
        Op::Create { path, ino } => drop(entries.insert(path, *ino)),
        Op::Unlink { path } => drop(entries.remove(path.as_str())),
        Op::Rename { from, to } => {
            if let Some(ino) = entries.remove(from.as_str()) {
                entries.insert(to, ino);
            }
        }
        _ => {}
    }
}
