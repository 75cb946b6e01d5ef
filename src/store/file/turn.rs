//! Whose turn it is: the queue before the lock, in which nobody overtakes.
//!
//! The kernel wakes who has waited longest for a lock, but gives it to whoever asks next, and on a busy
//! machine that is often a process that has just come. So everybody locks a byte of the lock file, at the place
//! of the moment at which it came, and waits for the byte of the one before it: until that is given
//! back, or let go by the kernel because its process ended.
//!
//! This orders those who wait and protects nothing; the lock does that. Where a clock is set back, or there are
//! no such locks, somebody overtakes, and that is all. Who is stopped while it waits keeps its place: whoever
//! waits must look now and then whether the lock is free all the same.

/// A place in the queue. It is given up when the file is closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// The byte, and the moment in nanoseconds since 1970. That clock is the same in all containers.
    at: i64,
}

#[cfg(target_os = "linux")]
mod bytes {
    use std::fs::File;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc::{self, flock};
    use nix::time::{ClockId, clock_gettime};

    use super::Turn;

    /// So many may come in one nanosecond.
    const AT_ONCE: i64 = 64;
    /// File systems of programs: some do not let go of a byte when its process ends.
    const FUSE: u32 = 0x6573_5546;

    impl Turn {
        /// The place behind all that came before; `None` where the file cannot be written to, or its
        /// file system has no such locks, or none to rely on.
        pub fn take(file: &File) -> Option<Self> {
            if rustix::fs::fstatfs(file).is_ok_and(|facts| facts.f_type as u32 == FUSE) {
                return None;
            }
            let now = clock_gettime(ClockId::CLOCK_REALTIME).ok()?;
            let now = now.tv_sec().checked_mul(1_000_000_000)?.checked_add(now.tv_nsec())?;
            for at in now..now.checked_add(AT_ONCE)? {
                match fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_WRLCK, at, 1))) {
                    Ok(_) => return Some(Self { at }),
                    Err(Errno::EAGAIN | Errno::EACCES) => {}
                    Err(_) => return None,
                }
            }
            None
        }

        /// Whether nobody is before it.
        pub fn has_come(self, file: &File) -> bool {
            self.some_before(file, 0).is_none()
        }

        /// Waits until nobody is before it. Where that cannot be waited for, it has come.
        pub fn wait(self, file: &File) {
            // Some other place is told than the nearest, so this goes on to the last one, whose owner nobody
            // else waits for; and again when that is free, because its owner need not have had its turn.
            while let Some(mut next) = self.some_before(file, 0) {
                while let Some(later) = self.some_before(file, next + 1) {
                    next = later;
                }
                // A shared lock: nobody takes that for a place.
                match fcntl(file, FcntlArg::F_OFD_SETLKW(&range(libc::F_RDLCK, next, 1))) {
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(_) => return,
                }
                if fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_UNLCK, next, 1))).is_err() {
                    return;
                }
            }
        }

        /// Gives the place up. What waits in another thread for those before it goes on waiting.
        pub fn give_up(self, file: &File) {
            // Where this fails the place is given up with the file.
            let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_UNLCK, self.at, 1)));
        }

        /// A place from there on and before this one that is taken, whichever the kernel finds.
        fn some_before(self, file: &File, from: i64) -> Option<i64> {
            let length = self.at.checked_sub(from).filter(|length| *length > 0)?;
            let mut found = range(libc::F_RDLCK, from, length);
            fcntl(file, FcntlArg::F_OFD_GETLK(&mut found)).ok()?;
            let is_free = i32::from(found.l_type) == libc::F_UNLCK;
            (!is_free && found.l_start >= from).then_some(found.l_start)
        }
    }

    fn range(kind: i32, start: i64, length: i64) -> flock {
        let [l_type, l_whence] = [kind, libc::SEEK_SET].map(|small| small as libc::c_short);
        flock { l_type, l_whence, l_start: start, l_len: length, l_pid: 0 }
    }
}

/// Such locks belong to Linux: elsewhere nobody has a place, and the lock alone decides.
#[cfg(not(target_os = "linux"))]
mod bytes {
    use std::fs::File;

    use super::Turn;

    impl Turn {
        pub fn take(_: &File) -> Option<Self> {
            None
        }

        pub fn has_come(self, _: &File) -> bool {
            self.at == 0
        }

        pub fn wait(self, _: &File) {}

        pub fn give_up(self, _: &File) {}
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::path::Path;

    use super::*;

    fn queued(path: &Path) -> (File, Turn) {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap();
        let turn = Turn::take(&file).unwrap();
        (file, turn)
    }

    #[test]
    fn a_turn_comes_when_all_before_it_are_gone_in_whatever_order_they_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let [first, second, third, fourth] = [(); 4].map(|()| queued(&path));
        assert!(first.1.has_come(&first.0));
        assert!(!second.1.has_come(&second.0));
        drop(second.0);
        assert!(!third.1.has_come(&third.0), "the first is still there");
        let waiting = std::thread::spawn(move || {
            fourth.1.wait(&fourth.0);
            assert!(fourth.1.has_come(&fourth.0));
        });
        drop(first.0);
        assert!(third.1.has_come(&third.0));
        third.1.give_up(&third.0);
        waiting.join().unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_to_gives_no_turn() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Turn::take(&File::open(file.path()).unwrap()).is_none());
    }
}
