//! Starting processes, timing them whole, and comparing two kinds of them in turns.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

/// One call of a program.
#[derive(Clone, Debug)]
pub struct Call {
    program: PathBuf,
    args: Vec<OsString>,
    dir: PathBuf,
}

impl Call {
    /// This program with these arguments, in this folder.
    pub fn new<A: Into<OsString>>(program: &Path, dir: &Path, args: impl IntoIterator<Item = A>) -> Self {
        Self {
            program: program.to_path_buf(),
            args: args.into_iter().map(Into::into).collect(),
            dir: dir.to_path_buf(),
        }
    }

    /// The same call as the last arguments of another program.
    pub fn under<A: Into<OsString>>(self, program: &str, args: impl IntoIterator<Item = A>) -> Self {
        let mut all: Vec<OsString> = args.into_iter().map(Into::into).collect();
        all.push(self.program.into());
        all.extend(self.args);
        Self { program: program.into(), args: all, dir: self.dir }
    }

    /// The call, ready to start. This process goes to the folder itself: a folder given to the
    /// child would make the standard library fork, which copies the tables of all memory that
    /// this process holds and takes many times as long as what is measured. Calls that run at the
    /// same time must therefore run in the same folder.
    fn command(&self) -> Result<Command> {
        std::env::set_current_dir(&self.dir)?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null());
        for variable in ["LATTICE_ROOT", "LATTICE_ACTOR", "LATTICE_LOCK_TIMEOUT"] {
            command.env_remove(variable);
        }
        Ok(command)
    }

    /// How long the process takes, from its start to its end. Its output goes nowhere.
    pub fn time(&self) -> Result<Duration> {
        let mut command = self.command()?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let status = command.status()?;
        let took = started.elapsed();
        if status.success() { Ok(took) } else { Err(self.failed()) }
    }

    /// What the process prints.
    pub fn output(&self) -> Result<String> {
        let output = self.command()?.output()?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{self:?} failed: {told}").into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs the process and watches the most memory that it ever held, in KiB. The kernel keeps
    /// that number, so looking now and then misses only what is taken in the last moment.
    pub fn peak_memory(&self) -> Result<(Duration, Option<u64>)> {
        let mut command = self.command()?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn()?;
        let status_file = format!("/proc/{}/status", child.id());
        let mut peak = None;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            let seen = std::fs::read_to_string(&status_file).ok().and_then(|text| high_water(&text));
            peak = peak.max(seen);
            std::thread::sleep(Duration::from_millis(1));
        };
        if status.success() { Ok((started.elapsed(), peak)) } else { Err(self.failed()) }
    }

    fn failed(&self) -> Box<dyn std::error::Error + Send + Sync> {
        // The call was silent; the words come from asking again.
        match self.output() {
            Err(error) => error,
            Ok(_) => format!("{self:?} failed once, and not when it was tried again").into(),
        }
    }
}

fn high_water(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().split(' ').next()?.parse().ok()
}

/// Times of two kinds of calls that took turns, so that what disturbs one disturbs the other.
#[derive(Debug, Default)]
pub struct Pairs {
    /// Ours.
    pub left: Vec<Duration>,
    /// What ours is held against.
    pub right: Vec<Duration>,
}

impl Pairs {
    /// Times `count` pairs after a few that do not count; who begins alternates.
    pub fn measure(
        count: usize,
        mut left: impl FnMut(usize) -> Call,
        mut right: impl FnMut(usize) -> Call,
    ) -> Result<Self> {
        let mut pairs = Self::default();
        let warm = 3.min(count);
        for turn in 0..count + warm {
            let (a, b) = (left(turn), right(turn));
            let (a, b) = if turn % 2 == 0 {
                let a = a.time()?;
                (a, b.time()?)
            } else {
                let b = b.time()?;
                (a.time()?, b)
            };
            if turn >= warm {
                pairs.left.push(a);
                pairs.right.push(b);
            }
        }
        Ok(pairs)
    }

    /// The ratio of the medians.
    pub fn ratio(&self) -> f64 {
        millis(median(&self.left)) / millis(median(&self.right))
    }

    /// The median of the ratios of the pairs: noise that lasts longer than a pair falls out of it.
    pub fn paired_ratio(&self) -> f64 {
        let ratios = self.left.iter().zip(&self.right).map(|(a, b)| millis(*a) / millis(*b));
        let mut ratios: Vec<f64> = ratios.collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// The value below which this share of all lies; zero of none.
pub fn quantile(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).or(sorted.last()).copied().unwrap_or_default()
}

/// The value in the middle.
pub fn median(times: &[Duration]) -> Duration {
    quantile(times, 0.5)
}

/// Milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
