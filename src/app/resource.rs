//! Resources: looking at them, and waiting for one.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{App, Code, Failure, World, resolve};
use crate::domain::command::NewResource;
use crate::domain::id::TaskId;
use crate::domain::resource::Resource;
use crate::domain::{Config, declared};
use crate::store::Reader;

/// The first pause of somebody who waits, at most; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A resource that is there, or one that the configuration declares and nobody has used yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// Without the holders whose time is over.
    Made(Resource),
    /// Only declared.
    Declared(NewResource),
}

/// Resources as they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// By name.
    pub resources: Vec<Known>,
    /// What the tasks that they are held for are called, by id.
    pub task_names: BTreeMap<String, String>,
}

impl Known {
    fn name(&self) -> &str {
        match self {
            Self::Made(resource) => &resource.name,
            Self::Declared(resource) => &resource.name,
        }
    }
}

impl App {
    /// All resources, declared ones too.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn resources(&self) -> Result<Resources, Failure> {
        self.read(|reader| {
            let config = reader.config()?;
            let mut known: Vec<Known> =
                reader.resources()?.into_iter().map(|resource| self.made(resource)).collect();
            let made: Vec<String> = known.iter().map(|known| known.name().to_owned()).collect();
            let unused = config.resources().into_iter().filter(|name| !made.iter().any(|made| made == name));
            known.extend(unused.filter_map(|name| declared(&config, name)).map(Known::Declared));
            known.sort_by(|a, b| a.name().cmp(b.name()));
            shown(reader, known)
        })
    }

    /// One resource by name or id.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub fn resource(&self, text: &str) -> Result<Resources, Failure> {
        self.read(|reader| {
            let name = resolve::resource(reader, text)?;
            let known = match reader.find_resource(&name)? {
                Some(resource) => self.made(resource),
                None => only_declared(&reader.config()?, name)?,
            };
            shown(reader, vec![known])
        })
    }

    fn made(&self, resource: Resource) -> Known {
        Known::Made(resource.at(self.world.now()))
    }
}

fn only_declared(config: &Config, name: String) -> Result<Known, Failure> {
    declared(config, &name)
        .map(Known::Declared)
        .ok_or_else(|| crate::domain::Rejection::NoSuchResource { name }.into())
}

fn shown(reader: &Reader<'_>, resources: Vec<Known>) -> Result<Resources, Failure> {
    let mut task_names = BTreeMap::new();
    for known in &resources {
        let Known::Made(resource) = known else { continue };
        for id in resource.holders.iter().filter_map(|holder| TaskId::parse_foreign(holder.task_id.as_ref()?))
        {
            if let Some(task) = reader.find_task(&id)? {
                task_names.insert(id.to_string(), task.name());
            }
        }
    }
    Ok(Resources { resources, task_names })
}

/// Tries again while a resource is held, until `timeout` has passed. Nothing may be open between
/// two attempts: `attempt` opens the tracker and closes it.
///
/// # Errors
/// `TIMEOUT`; at once whatever else `attempt` fails with.
pub fn patiently<T>(
    world: &World,
    timeout: Duration,
    mut attempt: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let begun = world.elapsed();
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt() {
            Err(held) if held.code == Code::ResourceHeld => {
                let left = timeout.saturating_sub(world.elapsed().saturating_sub(begun));
                if left.is_zero() {
                    return Err(in_vain(held, timeout));
                }
                world.pause(world.spread(pause).min(left));
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            settled => return settled,
        }
    }
}

fn in_vain(held: Failure, timeout: Duration) -> Failure {
    let message = format!("waited {} s in vain: {}", timeout.as_secs_f64(), held.message);
    Failure { code: Code::Timeout, message, ..held }
        .hint("wait longer, with --timeout SECONDS; or --force takes it away from them")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Failure {
        Failure::new(Code::ResourceHeld, "db is held by agent:a")
    }

    #[test]
    fn who_waits_asks_ever_more_rarely_and_ends_in_time() {
        let world = World::scripted(1_000_000, 1);
        let mut asked = Vec::new();
        let end = patiently(&world, Duration::from_secs(10), || -> Result<(), Failure> {
            asked.push(world.elapsed());
            Err(held())
        });
        assert_eq!(end.unwrap_err().code, Code::Timeout);
        let pauses: Vec<Duration> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses[0] <= FIRST_PAUSE && pauses[0] >= FIRST_PAUSE / 2, "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= LONGEST_PAUSE), "{pauses:?}");
        assert!((12..40).contains(&pauses.len()), "{pauses:?}");
        assert!(*asked.last().unwrap() - asked[0] >= Duration::from_secs(10));
    }

    #[test]
    fn who_waits_takes_what_comes_free_and_hears_of_other_failures_at_once() {
        let world = World::scripted(1_000_000, 1);
        let mut tries = 0;
        let mut third = || {
            tries += 1;
            if tries < 3 { Err(held()) } else { Ok(tries) }
        };
        assert_eq!(patiently(&world, Duration::from_secs(60), &mut third), Ok(3));
        let gone = Failure::new(Code::NotFound, "gone");
        assert_eq!(patiently(&world, Duration::from_secs(60), || Err::<(), _>(gone.clone())), Err(gone));
        let none = patiently(&world, Duration::ZERO, || Err::<(), _>(held()));
        assert_eq!(none.unwrap_err().code, Code::Timeout);
    }
}
