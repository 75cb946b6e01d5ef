//! The world outside: the clock, randomness and the environment are read here and nowhere else.

use std::cell::Cell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::id::{ArtifactId, EventId, InstanceId, ResourceId, SessionId, TaskId, ulid_value};
use crate::domain::{SortKey, Timestamp};

/// Where time and fresh ids come from.
#[derive(Debug)]
pub struct World {
    script: Option<Script>,
    made: Instant,
}

/// A scripted world for tests: time that is set, randomness that is seeded.
#[derive(Debug)]
struct Script {
    millis: Cell<u64>,
    seed: Cell<u64>,
}

impl World {
    /// The real one.
    #[must_use]
    pub fn real() -> Self {
        Self { script: None, made: Instant::now() }
    }

    /// One whose clock stands at this many milliseconds, moving one by each look, and whose
    /// randomness comes from a seed.
    #[must_use]
    pub fn scripted(millis: u64, seed: u64) -> Self {
        let script = Script { millis: Cell::new(millis), seed: Cell::new(seed) };
        Self { script: Some(script), made: Instant::now() }
    }

    /// Sets a scripted clock, forward or back. The real clock stays as it is.
    pub fn set_clock(&self, millis: u64) {
        if let Some(script) = &self.script {
            script.millis.set(millis);
        }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn millis(&self) -> u64 {
        match &self.script {
            Some(script) => script.millis.replace(script.millis.get() + 1),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    /// How long ago this world was made, whatever is done to the clock meanwhile.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        match &self.script {
            Some(script) => Duration::from_millis(script.millis.get()),
            None => self.made.elapsed(),
        }
    }

    /// Half of a span of time and by chance more, up to all of it: those who began to wait
    /// together shall not go on asking together.
    #[must_use]
    pub fn spread(&self, longest: Duration) -> Duration {
        let part = (self.random() & 0xffff) as u32;
        longest / 2 + longest / 2 * part / 0xffff
    }

    /// Lets time pass.
    pub fn pause(&self, pause: Duration) {
        match &self.script {
            Some(script) => {
                let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(1);
                script.millis.set(script.millis.get().saturating_add(millis));
            }
            None => std::thread::sleep(pause),
        }
    }

    /// Now, in whole seconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_seconds(i64::try_from(self.millis() / 1000).unwrap_or(i64::MAX))
    }

    /// 80 random bits.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks for randomness")]
    fn random(&self) -> u128 {
        match &self.script {
            Some(script) => {
                (u128::from(step(&script.seed)) << 64 | u128::from(step(&script.seed))) & ((1 << 80) - 1)
            }
            None => ulid::Ulid::generate().random(),
        }
    }

    fn fresh(&self) -> u128 {
        ulid_value(self.millis(), self.random())
    }

    /// An id for an event that comes after all of `known`: now with random bits, or, where the
    /// clock lags behind what is known, a random step beyond it. Two clones that step from the
    /// same event step differently.
    #[must_use]
    pub fn event_id<'a>(&self, known: impl IntoIterator<Item = &'a SortKey>) -> EventId {
        let last = known.into_iter().filter_map(SortKey::clock).max();
        let step = 1 + (self.random() & u128::from(u64::MAX));
        let after = last.map_or(0, |last| last.saturating_add(step));
        EventId::from_value(self.fresh().max(after))
    }

    /// An id for a task.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        TaskId::from_value(self.fresh())
    }

    /// An id for an artifact.
    #[must_use]
    pub fn artifact_id(&self) -> ArtifactId {
        ArtifactId::from_value(self.fresh())
    }

    /// An id for a resource.
    #[must_use]
    pub fn resource_id(&self) -> ResourceId {
        ResourceId::from_value(self.fresh())
    }

    /// An id for a session.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        SessionId::from_value(self.fresh())
    }

    /// An id for a tracker.
    #[must_use]
    pub fn instance_id(&self) -> InstanceId {
        InstanceId::from_value(self.fresh())
    }

    /// A name for a new file's epoch.
    #[must_use]
    pub fn epoch(&self) -> String {
        format!("{:x}", self.random() & u128::from(u32::MAX))
    }

    /// Where this user's programs keep what is neither configuration nor data (XDG Base Directory
    /// Specification 0.8); `None` where the environment names no absolute place.
    #[must_use]
    pub fn state_folder(&self) -> Option<PathBuf> {
        let named = |name| self.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        named("XDG_STATE_HOME").or_else(|| Some(self.home()?.join(".local/state")))
    }

    /// The user's own folder.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// A variable of the environment; a scripted world has none.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn variable(&self, name: &str) -> Option<OsString> {
        if self.script.is_some() { None } else { std::env::var_os(name) }
    }
}

/// One step of a 64-bit generator (`SplitMix64`, Steele, Lea and Flood 2014).
fn step(seed: &Cell<u64>) -> u64 {
    seed.set(seed.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
    let mut mixed = seed.get();
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_after_what_is_known_even_if_the_clock_lags() {
        let ahead = SortKey::of(&EventId::from_value(ulid_value(2_000, 5)), "1970-01-01T00:00:02Z", true);
        let (left, right) = (World::scripted(1_000, 1), World::scripted(1_000, 2));
        let (a, b) = (left.event_id([&ahead]), right.event_id([&ahead]));
        assert!(a.value() > ahead.clock() && b.value() > ahead.clock());
        assert_ne!(a, b);
    }
}
