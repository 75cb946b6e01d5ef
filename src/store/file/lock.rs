//! The one lock file, `.lattice/lock`. Writers queue on it before they ask
//! SQLite, and are served first come, first served ([`super::turn`]), where
//! SQLite's own waiting sleeps in growing steps and lets latecomers pass.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::paths::{LOCK, plain_flags};
use super::turn::Turn;
use crate::store::StoreError;

/// How often somebody who waits does something else.
const GLANCE: Duration = Duration::from_millis(50);
/// So many glances show nothing: while one process hands the lock on to the next it is free as well.
const PATIENCE: u32 = 10;

/// The lock, held until this value is dropped.
#[derive(Debug)]
pub(super) struct FileLock {
    /// The kernel releases the lock when the last descriptor is closed.
    _file: File,
    path: PathBuf,
    /// False where the platform has no such lock; SQLite's locks still hold.
    held: bool,
    /// Whether this call made the lock file.
    made: bool,
}

impl FileLock {
    /// Waits for the lock of `lattice_dir`, at most `wait` long.
    ///
    /// # Errors
    /// `Busy` after `wait`; `Missing` if there is no such directory; `ReadOnly`
    /// or `Denied` if the lock file cannot be made; `SymlinkRefused`, `UnsafePath`.
    pub(super) fn take(lattice_dir: &Path, wait: Duration) -> Result<Self, StoreError> {
        Self::take_with(lattice_dir, wait, || {})
    }

    /// The same; calls `meanwhile` now and then while it waits.
    ///
    /// # Errors
    /// As [`FileLock::take`].
    pub(super) fn take_with(
        lattice_dir: &Path,
        wait: Duration,
        mut meanwhile: impl FnMut(),
    ) -> Result<Self, StoreError> {
        let path = lattice_dir.join(LOCK);
        let started = Instant::now();
        loop {
            let fail = |error: io::Error| StoreError::from_io(&error, &path);
            let (file, made) = open(&path).map_err(fail)?;
            let left = wait.saturating_sub(started.elapsed());
            let turn = Turn::take(&file);
            let tried = match turn.is_none_or(|turn| turn.has_come(&file)) {
                true => file.try_lock(),
                false => Err(TryLockError::WouldBlock),
            };
            let (file, held) = match tried {
                Ok(()) => (file, true),
                Err(TryLockError::WouldBlock) => {
                    match wait_for(file, turn, &path, left, &mut meanwhile).map_err(fail)? {
                        Some(served) => served,
                        None => return Err(StoreError::Busy { waited: started.elapsed() }),
                    }
                }
                Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => (file, false),
                Err(TryLockError::Error(e)) => return Err(fail(e)),
            };
            // A failed `init` takes its lock file away. Whoever waited for that
            // one holds a lock that nobody else can see, and starts again.
            let lock = Self { _file: file, path: path.clone(), held, made };
            match is_at(&lock._file, &path) {
                Ok(true) => return Ok(lock),
                Ok(false) => {}
                Err(error) => {
                    if made && held {
                        lock.remove();
                    }
                    return Err(error);
                }
            }
            if started.elapsed() > wait {
                return Err(StoreError::Busy { waited: started.elapsed() });
            }
        }
    }

    /// Whether the platform gave a lock: only then is nobody else at work.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Whether the lock file did not exist before.
    pub(super) fn made_the_file(&self) -> bool {
        self.made
    }

    /// Takes the lock file away and releases the lock. Only for an `init` that
    /// undoes itself.
    pub(super) fn remove(self) {
        // Best effort: a lock file that stays behind harms nobody.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Opens the lock file, making it if it is not there. One that belongs to
/// somebody else can be locked without being written to, but gives no turn.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(plain_flags());
    match options.clone().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) => return options.open(path).map(|file| (file, false)),
        opened => return opened.map(|file| (file, false)),
    }
    options.write(true).create(true).mode(0o666);
    options.open(path).map(|file| (file, true))
}

/// Blocks in a helper thread, because the calls that wait cannot be given a
/// time limit: the file, and whether it is locked. None after `limit`; the
/// helper then lets go as soon as it is served.
///
/// Whoever is before us may be stopped, with a place and without the lock. So
/// who has waited for some time looks whether it is free, and takes it when it
/// was so at each of many looks.
fn wait_for(
    file: File,
    turn: Option<Turn>,
    path: &Path,
    limit: Duration,
    meanwhile: &mut dyn FnMut(),
) -> io::Result<Option<(File, bool)>> {
    let started = Instant::now();
    // Shares the lock and the place of the other.
    let ours = file.try_clone()?;
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("lock".into()).spawn(move || {
        if let Some(turn) = turn {
            turn.wait(&file);
        }
        let result = loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::Unsupported => break Ok((file, false)),
                Err(error) => break Err(error),
                Ok(()) => break Ok((file, true)),
            }
        };
        // If nobody is listening any more the file is dropped, and with it the lock.
        let _ = sender.send(result);
    })?;
    let mut second = Glances::default();
    let served = loop {
        meanwhile();
        let left = limit.saturating_sub(started.elapsed());
        match receiver.recv_timeout(left.min(GLANCE)) {
            Ok(result) => return result.map(Some),
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
            Err(_) => break None,
        }
        if turn.is_some()
            && let Some(file) = second.look(path)
        {
            break Some((file, true));
        }
    };
    if let Some(turn) = turn {
        turn.give_up(&ours);
    }
    Ok(served)
}

/// Looks at a lock by another way than through the queue.
#[derive(Default)]
struct Glances {
    file: Option<File>,
    made: u32,
    /// How many of the last ones found it free.
    free: u32,
}

impl Glances {
    /// The lock, if it was free now and at enough glances before.
    fn look(&mut self, path: &Path) -> Option<File> {
        self.made += 1;
        if self.made <= PATIENCE {
            return None;
        }
        let reading = || OpenOptions::new().read(true).custom_flags(plain_flags()).open(path).ok();
        let file = self.file.take().or_else(reading)?;
        if file.try_lock().is_err() {
            (self.free, self.file) = (0, Some(file));
            return None;
        }
        self.free += 1;
        if self.free > PATIENCE {
            return Some(file);
        }
        let is_free = file.unlock().is_ok();
        self.file = is_free.then_some(file);
        None
    }
}

fn is_at(file: &File, path: &Path) -> Result<bool, StoreError> {
    let fail = |error: io::Error| StoreError::from_io(&error, path);
    let open = file.metadata().map_err(fail)?;
    if !open.is_file() {
        return Err(StoreError::UnsafePath { path: path.to_path_buf() });
    }
    match path.symlink_metadata() {
        Ok(named) => Ok(open.ino() == named.ino() && open.dev() == named.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(fail(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn waiting_is_bounded_and_says_how_long_it_took() {
        let dir = tempfile::tempdir().unwrap();
        let held = FileLock::take(dir.path(), LONG).unwrap();
        let limit = Duration::from_millis(50);
        match FileLock::take(dir.path(), limit) {
            Err(StoreError::Busy { waited }) => assert!(waited >= limit && waited < LONG),
            other => panic!("{other:?}"),
        }
        drop(held);
        // The helper of the call that gave up may be served first; it lets go.
        FileLock::take(dir.path(), LONG).unwrap();
    }

    /// The kernel lists who waits; so this test can queue its threads in a
    /// known order without sleeping.
    #[cfg(target_os = "linux")]
    #[test]
    fn eight_waiters_are_served_in_the_order_in_which_they_came() {
        let dir = tempfile::tempdir().unwrap();
        let held = FileLock::take(dir.path(), LONG).unwrap();
        let inode = dir.path().join(LOCK).metadata().unwrap().ino();
        let listed = |_| {
            let locks = std::fs::read_to_string("/proc/locks").unwrap();
            let ours = |line: &&str| line.contains("->") && line.contains(&format!(":{inode} "));
            locks.lines().filter(ours).count()
        };
        // The list is made page by page: while others come and go it can name a waiter twice.
        let waiting = || (0..5).map(listed).min().unwrap();
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut threads = Vec::new();
        for number in 0..8 {
            let (path, served) = (dir.path().to_path_buf(), Arc::clone(&served));
            threads.push(std::thread::spawn(move || {
                let _lock = FileLock::take(&path, LONG).unwrap();
                served.lock().unwrap().push(number);
            }));
            while waiting() <= number {
                std::thread::yield_now();
            }
        }
        drop(held);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*served.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    /// Somebody who is stopped, or sees another clock.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_place_that_nobody_gives_up_is_passed_over_in_time() {
        let dir = tempfile::tempdir().unwrap();
        drop(FileLock::take(dir.path(), LONG).unwrap());
        let (waiting, _) = open(&dir.path().join(LOCK)).unwrap();
        assert!(Turn::take(&waiting).is_some());
        let started = Instant::now();
        FileLock::take(dir.path(), LONG).unwrap();
        assert!(started.elapsed() > GLANCE * 2 * PATIENCE, "it was not waited for");
    }

    #[test]
    fn who_waited_for_a_lock_file_that_was_taken_away_starts_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = FileLock::take(dir.path(), LONG).unwrap();
        let path = dir.path().to_path_buf();
        let second = std::thread::spawn(move || FileLock::take(&path, LONG).unwrap());
        first.remove();
        let second = second.join().unwrap();
        assert!(is_at(&second._file, &dir.path().join(LOCK)).unwrap());
    }

    #[test]
    fn a_lock_that_is_a_pipe_or_a_folder_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join(LOCK);
        assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
        let result = FileLock::take(dir.path(), LONG);
        assert!(matches!(result, Err(StoreError::UnsafePath { .. })), "{result:?}");
        std::fs::remove_file(&lock).unwrap();
        std::fs::create_dir(&lock).unwrap();
        let result = FileLock::take(dir.path(), LONG);
        assert!(matches!(result, Err(StoreError::UnsafePath { .. })), "{result:?}");
    }

    #[test]
    fn a_lock_that_is_a_link_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/null", dir.path().join(LOCK)).unwrap();
        let result = FileLock::take(dir.path(), LONG);
        assert!(matches!(result, Err(StoreError::SymlinkRefused { .. })), "{result:?}");
    }
}
