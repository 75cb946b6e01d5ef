//! A terminal for a program under test.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::Run;

/// Runs a command whose three streams are one terminal. What it writes comes back as `stdout`,
/// with the terminal's line ends.
pub fn run(command: Command) -> Run {
    talk(command, "")
}

/// The same with somebody who types this.
pub fn talk(command: Command, typed: &str) -> Run {
    at(command, typed, 0)
}

/// Runs a command at a terminal of this many columns.
pub fn run_in(command: Command, columns: u16) -> Run {
    at(command, "", columns)
}

/// A terminal of no columns does not know its size.
fn at(mut command: Command, typed: &str, columns: u16) -> Run {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    if columns > 0 {
        tcsetwinsize(&master, size).unwrap();
    }
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let slave = File::options().read(true).write(true).open(name).unwrap();
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
    let mut child = command.spawn().unwrap();
    // The command still holds the slave's side; without letting go of it the end is never seen.
    drop(command);
    let mut seen = Vec::new();
    let mut master = File::from(master);
    master.write_all(typed.as_bytes()).unwrap();
    // Linux answers EIO where the other side is gone.
    drop(master.read_to_end(&mut seen));
    let status = child.wait().unwrap().code().unwrap_or(-1);
    Run { status, stdout: String::from_utf8_lossy(&seen).into_owned(), stderr: String::new() }
}
