//! Tests of looking at a log: real ones that SQLite wrote, damaged and cut.

use std::path::{Path, PathBuf};

use super::*;
use crate::store::file::open::open_write;
use crate::store::file::open::tests::{LONG, made};

/// A database whose log holds so many changes, and the log's bytes.
fn logged(changes: u32) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let (dir, path) = made();
    for change in 0..changes {
        let file = open_write(dir.path(), LONG).unwrap();
        let sql = "INSERT INTO meta VALUES (?1, hex(randomblob(3000)))";
        file.conn().execute(sql, [change]).unwrap();
    }
    let log = sidecar(&path, "-wal");
    let bytes = std::fs::read(&log).unwrap();
    (dir, log, bytes)
}

fn seen(dir: &Path, log: &Path, bytes: &[u8]) -> Option<LogDamage> {
    std::fs::write(log, bytes).unwrap();
    damage(dir).unwrap()
}

/// The frames of a log that end a change, from 1.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let frames = bytes[HEADER..].chunks_exact(FRAME + 4096).enumerate();
    frames.filter(|(_, frame)| word(&frame[4..], true) != 0).map(|(at, _)| at + 1).collect()
}

fn start_of(frame: usize) -> usize {
    HEADER + (frame - 1) * (FRAME + 4096)
}

#[test]
fn a_whole_log_and_one_cut_anywhere_are_no_damage() {
    let (dir, log, bytes) = logged(4);
    assert!(ends(&bytes).len() == 4 && bytes.len() > 12 * 4096, "{}", bytes.len());
    for length in (0..=bytes.len()).step_by(509).chain([31, 32, 33, bytes.len()]) {
        assert_eq!(seen(dir.path(), &log, &bytes[..length]), None, "{length}");
    }
    std::fs::remove_file(&log).unwrap();
    assert_eq!(damage(dir.path()).unwrap(), None);
}

#[test]
fn a_bit_anywhere_is_damage_for_certain() {
    let (dir, log, bytes) = logged(3);
    let ends = ends(&bytes);
    let bits = (0..bytes.len() * 8).step_by(4999).chain(0..HEADER * 8).chain(HEADER * 8..HEADER * 8 + 200);
    let (mut all, mut ambiguous) = (0, 0);
    for bit in bits {
        let frame = if bit / 8 < HEADER { 0 } else { (bit / 8 - HEADER) / (FRAME + 4096) + 1 };
        let found = seen(dir.path(), &log, &flipped(bytes.clone(), bit));
        let changes = ends.iter().filter(|end| **end >= frame).count() as u64;
        // High bits of several words, or of the checksum itself, would do: which was it?
        let counted = found.map_or(0, |found| found.changes);
        all += 1;
        ambiguous += usize::from(counted.abs_diff(changes) == 1);
        let frames = (ends[2] - frame.max(1) + 1) as u64;
        let changes = if counted.abs_diff(changes) == 1 { counted } else { changes };
        let expected = LogDamage { frame: frame as u64, frames, changes, is_certain: true };
        assert_eq!(found, Some(expected), "bit {bit}");
    }
    assert!(ambiguous * 10 < all, "{ambiguous} of {all} were counted wrong by one");
}

/// Of what a power cut left of the last change nobody was told that it is saved.
#[test]
fn a_last_change_that_is_torn_may_be_no_loss_and_one_that_is_not_the_last_must_be() {
    let (dir, log, bytes) = logged(3);
    let ends = ends(&bytes);
    let torn = |frame: usize| {
        let mut bytes = bytes.clone();
        let sector = start_of(frame) + 1024;
        bytes[sector..sector + 512].fill(0xA5);
        seen(dir.path(), &log, &bytes).unwrap()
    };
    let last = torn(ends[1] + 1);
    assert_eq!((last.frame as usize, last.changes, last.is_certain), (ends[1] + 1, 1, false));
    let middle = torn(ends[0] + 1);
    assert_eq!((middle.frame as usize, middle.changes, middle.is_certain), (ends[0] + 1, 2, true));
}

/// Whatever of the last change did not reach the disk, sector by sector: zeros, or garbage beyond the
/// end of the file as it was.
#[test]
fn no_power_cut_in_the_last_change_is_certain_damage() {
    let (dir, log, bytes) = logged(3);
    let start = start_of(ends(&bytes)[1] + 1);
    let sectors: Vec<usize> = (start / 512 * 512..bytes.len()).step_by(512).collect();
    let (mut state, mut alarms) = (1_u64, 0);
    for cut in 0..150_usize {
        let mut torn = bytes.clone();
        for at in &sectors {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let part = &mut torn[(*at).max(start)..(at + 512).min(bytes.len())];
            match state >> 60 {
                0 => part.fill(0),
                1 if cut % 2 == 0 => part.fill(0xA7),
                _ => {}
            }
        }
        let found = seen(dir.path(), &log, &torn);
        assert!(found.is_none_or(|found| !found.is_certain), "cut {cut}: {found:?}");
        alarms += usize::from(found.is_some());
    }
    assert!(alarms > 0, "some cuts leave the end of the change and not its beginning");
}

/// What was never committed: SQLite passes over it by right.
#[test]
fn frames_without_an_end_are_no_damage() {
    let (dir, log, bytes) = logged(2);
    let end = ends(&bytes)[1];
    let mut torn = bytes.clone();
    torn.truncate(start_of(end));
    torn[start_of(end - 1) + 2000] ^= 0x42;
    torn[start_of(end - 1) + 2001] ^= 0x42;
    assert_eq!(seen(dir.path(), &log, &torn), None);
}

/// A short change over the remains of a longer one that was torn: they carry the salts of this log.
#[test]
fn remains_of_an_older_torn_change_are_not_certain_damage() {
    let (dir, log, bytes) = logged(3);
    let mut torn = bytes.clone();
    torn[start_of(ends(&bytes)[1] + 1) + 99] ^= 0x0F;
    std::fs::write(&log, &torn).unwrap();
    let _ = std::fs::remove_file(sidecar(&database(dir.path()), "-shm"));
    let file = open_write(dir.path(), LONG).unwrap();
    file.conn().execute("UPDATE meta SET value = 'short' WHERE key = '0'", []).unwrap();
    drop(file);
    let written = std::fs::read(&log).unwrap();
    assert!(written.len() == torn.len() && written != torn, "it was written over");
    let found = damage(dir.path()).unwrap();
    assert!(found.is_none_or(|found| found.changes == 1 && !found.is_certain), "{found:?}");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let (dir, log, _) = logged(1);
    std::fs::remove_file(&log).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &log, rustix::fs::Mode::RWXU).unwrap();
    assert_eq!(damage(dir.path()).unwrap(), None);
}
