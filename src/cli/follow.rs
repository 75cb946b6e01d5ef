//! Waiting for something to happen without being in anybody's way.

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::app::Failure;

/// Time between two looks. A look is one read of shared memory and one of a file's name.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Waits until `happened`; false if the reader of standard output went away before.
pub fn until(mut happened: impl FnMut() -> Result<bool, Failure>) -> Result<bool, Failure> {
    while !happened()? {
        if !is_read() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Pauses, and says whether somebody still reads standard output. A reader that goes away ends the
/// pause: no event need come for it to be noticed.
fn is_read() -> bool {
    let out = io::stdout();
    let mut watched = [PollFd::new(&out, PollFlags::empty())];
    match poll(&mut watched, Some(&PAUSE)) {
        // A signal that does not end the program, such as a window's change of size.
        Err(Errno::INTR) | Ok(0) => true,
        Err(_) => false,
        Ok(_) => !watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL),
    }
}
