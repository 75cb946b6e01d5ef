//! The write-ahead log as it lies on the disk, read before SQLite opens it. SQLite plays a log back up
//! to the first frame whose checksum fails and says nothing of what lies behind: there it expects what
//! a power cut left of the last transaction. So does the next writer, and writes over it. This tells
//! the one from the other, as far as the bytes do.
//!
//! The format is that of <https://www.sqlite.org/fileformat2.html#walformat>.

use std::io::{self, BufReader, Read};
use std::path::Path;

use super::paths::{database, open_plain, sidecar};
use crate::store::error::StoreError;

/// A part of the log that SQLite passes over although somebody may have relied on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogDamage {
    /// The first frame that is not what was written, from 1; 0 is the header of the log.
    pub frame: u64,
    /// How many frames of this log there are from it on.
    pub frames: u64,
    /// How many changes end in frames that were written one after the other from there on. Where several
    /// bits may have been the wrong one, it may be one more or less.
    pub changes: u64,
    /// Whether this cannot be what a power cut left of one last change: a change is begun only when
    /// the one before it is flushed, so there was more than one; or a single bit makes the frame
    /// right, which no write that was cut short looks like.
    pub is_certain: bool,
}

/// Looks at the log of the database in `lattice_dir`. Opening and closing it is harmless: SQLite's
/// locks hang on the other files.
///
/// # Errors
/// [`StoreError`] if the disk fails. A log that cannot be opened is left to SQLite, which says why.
pub fn damage(lattice_dir: &Path) -> Result<Option<LogDamage>, StoreError> {
    let path = sidecar(&database(lattice_dir), "-wal");
    let look = || -> io::Result<Option<(u64, LogDamage)>> {
        let Ok(file) = open_plain(&path) else { return Ok(None) };
        scan(&mut BufReader::with_capacity(1 << 16, file))
    };
    let mut found = look();
    // What somebody is writing just now is not whole either: it is damage only if it stays.
    for _ in 0..LOOKS {
        let Ok(Some(before)) = found else { break };
        found = look();
        if matches!(&found, Ok(Some(now)) if (now.0, now.1.frame) == (before.0, before.1.frame)) {
            break;
        }
    }
    found.map(|found| found.map(|(_, damage)| damage)).map_err(|error| StoreError::from_io(&error, &path))
}

/// How often a log that changes meanwhile is looked at again.
const LOOKS: usize = 5;
/// The length of the header of the log.
const HEADER: usize = 32;
/// The length of the header of a frame.
const FRAME: usize = 24;

/// The two halves of the checksum over all that was written so far.
type Sum = [u32; 2];

/// What the header of the log says.
struct Log {
    big_endian: bool,
    page: usize,
    /// What every frame of this log carries, and no older one.
    salts: [u8; 8],
    sum: Sum,
}

/// The damage in a log, with the salts of the log: what comes after another reset is another log.
fn scan(file: &mut impl Read) -> io::Result<Option<(u64, LogDamage)>> {
    let mut header = [0; HEADER];
    if !fill(file, &mut header)? {
        return Ok(None);
    }
    let whole = Log::read(&header);
    let mut first = whole.is_none().then_some(0);
    let repaired = || (0..HEADER * 8).find_map(|bit| Log::read(&flipped(header, bit)));
    let known = whole.or_else(repaired);
    let is_known = known.is_some();
    let mut is_one_bit = first.is_some() && is_known;
    let mut log = known.unwrap_or_else(|| Log::guess(&header));
    let mut frame = vec![0; FRAME + log.page];
    let (mut number, mut frames) = (0, 0);
    // Changes in frames that follow one another, now and at most.
    let (mut run, mut most) = (0, 0);
    let mut before = Some(log.sum);
    while fill(file, &mut frame)? {
        number += 1;
        if number == 1 && first == Some(0) {
            // The frames know the salts too.
            log.salts.copy_from_slice(&frame[8..16]);
        }
        let follows = before.is_some_and(|sum| log.sum_of(sum, &frame) == stored_sum(&frame));
        if first.is_none() {
            let is_whole = follows && frame[8..16] == log.salts && word(&frame, true) != 0;
            if !is_whole {
                first = Some(number);
                let right = before.and_then(|sum| log.one_bit(sum, &frame));
                is_one_bit = right.is_some();
                frame = right.unwrap_or(frame);
            }
        }
        let is_of_this_log = frame[8..16] == log.salts;
        before = is_of_this_log.then(|| stored_sum(&frame));
        if first.is_some() && is_of_this_log {
            frames += 1;
            // The last frame of a change says how many pages the database has.
            let ends_a_change = word(&frame[4..], true) != 0;
            run = if follows { run } else { 0 } + u64::from(ends_a_change && (follows || is_known));
            most = most.max(run);
        }
    }
    let damage = |frame| LogDamage { frame, frames, changes: most, is_certain: most > 1 || is_one_bit };
    Ok(first.filter(|_| most > 0).map(|frame| (u64::from_ne_bytes(log.salts), damage(frame))))
}

impl Log {
    /// Reads a header whose checksum is right.
    fn read(header: &[u8; HEADER]) -> Option<Self> {
        let read = Self::guess(header);
        let is_right = word(header, true) & !1 == 0x377F_0682
            && word(&header[4..], true) == 3_007_000
            && read.page.is_power_of_two()
            && (512..=65_536).contains(&read.page)
            && word(&header[8..], true) as usize == read.page
            && add([0; 2], &header[..24], read.big_endian) == read.sum;
        is_right.then_some(read)
    }

    /// The same of a header that is damaged: what has to be known to look at the frames.
    fn guess(header: &[u8; HEADER]) -> Self {
        let page = word(&header[8..], true) as usize;
        let mut salts = [0; 8];
        salts.copy_from_slice(&header[16..24]);
        Self {
            big_endian: header[3] & 1 == 1,
            page: if page.is_power_of_two() && (512..=65_536).contains(&page) { page } else { 4096 },
            salts,
            sum: [word(&header[24..], true), word(&header[28..], true)],
        }
    }

    /// The checksum that a frame has to carry behind one with the checksum `before`.
    fn sum_of(&self, before: Sum, frame: &[u8]) -> Sum {
        add(add(before, &frame[..8], self.big_endian), &frame[FRAME..], self.big_endian)
    }

    /// The frame with one bit set right so that it follows a frame with this checksum, if that can be.
    /// High bits of several words may do; one of them is taken, the header of the frame last.
    fn one_bit(&self, before: Sum, frame: &[u8]) -> Option<Vec<u8>> {
        let is = self.sum_of(before, frame);
        let stored = stored_sum(frame);
        if is == stored {
            // Then it is a salt, or the number of the page is none.
            return (64..128)
                .map(|bit| flipped(frame.to_vec(), bit))
                .find(|frame| frame[8..16] == self.salts);
        }
        if frame[8..16] != self.salts {
            return None;
        }
        let lacking = [stored[0].wrapping_sub(is[0]), stored[1].wrapping_sub(is[1])];
        if (is[0] ^ stored[0]).count_ones() + (is[1] ^ stored[1]).count_ones() == 1 {
            let mut right = frame.to_vec();
            right[16..20].copy_from_slice(&is[0].to_be_bytes());
            right[20..24].copy_from_slice(&is[1].to_be_bytes());
            return Some(right);
        }
        // The checksum is linear: what one more in a word adds to it is known from how many words come
        // behind. Each pair of them makes of the sums (a, b) the sums (a + b, a + 2b).
        let mut weight = [1_u32, 1];
        let pairs = (0..8).step_by(8).chain((FRAME..frame.len()).step_by(8));
        for pair in pairs.rev() {
            let second = [weight[1].wrapping_sub(weight[0]), weight[0]];
            for (at, weight) in [(pair, weight), (pair + 4, second)] {
                let value = word(&frame[at..], self.big_endian);
                for bit in 0..32 {
                    let change = (value ^ (1 << bit)).wrapping_sub(value);
                    if weight.map(|weight| weight.wrapping_mul(change)) == lacking {
                        let in_byte = if self.big_endian { 31 - bit } else { bit };
                        let byte = at + in_byte / 8;
                        return Some(flipped(frame.to_vec(), byte * 8 + bit % 8));
                    }
                }
            }
            let first = weight[0].wrapping_add(weight[1]);
            weight = [first, first.wrapping_add(weight[1])];
        }
        None
    }
}

/// The checksum that a frame carries.
fn stored_sum(frame: &[u8]) -> Sum {
    [word(&frame[16..], true), word(&frame[20..], true)]
}

/// Carries a checksum on over these bytes, a multiple of eight.
fn add(mut sum: Sum, bytes: &[u8], big_endian: bool) -> Sum {
    for pair in bytes.chunks_exact(8) {
        sum[0] = sum[0].wrapping_add(word(pair, big_endian)).wrapping_add(sum[1]);
        sum[1] = sum[1].wrapping_add(word(&pair[4..], big_endian)).wrapping_add(sum[0]);
    }
    sum
}

/// The four bytes at the beginning of `bytes` as a number.
fn word(bytes: &[u8], big_endian: bool) -> u32 {
    let four = [bytes[0], bytes[1], bytes[2], bytes[3]];
    if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
}

/// These bytes with one bit the other way.
fn flipped<B: AsMut<[u8]>>(mut bytes: B, bit: usize) -> B {
    bytes.as_mut()[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// Reads so many bytes; false at the end.
fn fill(log: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

#[cfg(test)]
#[path = "wal_tests.rs"]
mod tests;
