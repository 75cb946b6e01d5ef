//! Running hooks: one after the other, each for a bounded time, its output kept only as far as
//! it explains a failure.

use std::collections::BTreeMap;
use std::io::{PipeReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{Due, Pending, Standing, Trust};
use crate::app::World;
use crate::domain::hooks::Hook;

/// How long a hook may take; `LATTICE_HOOK_TIMEOUT` in seconds overrides.
const LIMIT: Duration = Duration::from_secs(10);
/// How often a wish to stop is looked for while a hook runs.
const LOOK: Duration = Duration::from_millis(50);
/// How long the rest of the output of a hook that failed is waited for.
const GRACE: Duration = Duration::from_millis(100);
/// Bytes of output that are kept: enough for the last line.
const KEPT: usize = 4096;
/// Characters of the last line that a report quotes.
const QUOTED: usize = 200;
/// Signals that end a hook and are then obeyed.
const STOPS: [i32; 3] =
    [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];

/// What came of the hooks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookReport {
    /// A sentence for each hook that failed.
    pub failures: Vec<String>,
    /// How many hooks were not run because nobody decided about them.
    pub undecided: usize,
}

/// Runs what is pending and trusted. Never fails: what goes wrong is reported, and changes
/// nothing about the command that called the hooks.
///
/// Hooks get `LATTICE_NO_HOOKS=1`, so that a `lattice` inside a hook calls none: a hook that
/// comments on each comment would never end.
#[must_use]
pub fn run(world: &World, pending: &Pending) -> HookReport {
    let trust = Trust::of(world, &pending.lattice);
    let mut undecided = std::collections::BTreeSet::new();
    let mut failures: BTreeMap<&Hook, (usize, String)> = BTreeMap::new();
    let mut order: Vec<&Hook> = Vec::new();
    let mut given_up: Vec<&Hook> = Vec::new();
    let mut stop: Option<Stop> = None;
    let limit = limit(world);
    'all: for due in &pending.due {
        for hook in &due.hooks {
            match trust.standing(hook) {
                Standing::Trusted => {}
                Standing::Unknown => {
                    undecided.insert(hook);
                    continue;
                }
                Standing::Declined => continue,
            }
            if given_up.contains(&hook) {
                continue;
            }
            let stop = stop.get_or_insert_with(Stop::listen);
            let Err(fault) = call(hook, due, pending, limit, stop) else { continue };
            if fault.hangs {
                given_up.push(hook);
            }
            let stopped = fault.stopped;
            if !failures.contains_key(hook) {
                order.push(hook);
            }
            let entry = failures.entry(hook).or_default();
            *entry = (entry.0 + 1, fault.what);
            if stopped {
                break 'all;
            }
        }
    }
    let sentence = |hook: &&Hook| {
        let (times, what) = failures.get(hook).cloned().unwrap_or_default();
        let times = if times > 1 { format!(", {times} times, at last") } else { String::new() };
        format!("the hook {}{times} {what}; the change is saved", hook.point)
    };
    HookReport { failures: order.iter().map(sentence).collect(), undecided: undecided.len() }
}

fn limit(world: &World) -> Duration {
    let seconds = world.variable("LATTICE_HOOK_TIMEOUT").and_then(|text| text.to_str()?.parse::<f64>().ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(LIMIT)
}

/// Somebody who wants the program to stop while a hook runs: the hook is stopped, the answer is
/// still given. After the hooks the signals do again what they always do.
struct Stop {
    wanted: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Stop {
    fn listen() -> Self {
        let stop = Self { wanted: Arc::default(), over: Arc::default() };
        for signal in STOPS {
            // Where no handler can be set, the signal ends the program as it does elsewhere.
            let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop.over));
            let _ = signal_hook::flag::register(signal, Arc::clone(&stop.wanted));
        }
        stop
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// What went wrong with one call.
#[derive(Default)]
struct Fault {
    what: String,
    /// It would hang again.
    hangs: bool,
    /// Somebody wants no more of it.
    stopped: bool,
}

impl Fault {
    fn new(what: String) -> Self {
        Self { what, ..Self::default() }
    }
}

fn call(hook: &Hook, due: &Due, pending: &Pending, limit: Duration, stop: &Stop) -> Result<(), Fault> {
    let started = |error: std::io::Error| Fault::new(format!("could not be started ({error})"));
    let (output, into) = std::io::pipe().map_err(started)?;
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(&hook.command)
        .current_dir(&pending.project)
        .stdin(Stdio::piped())
        .stdout(into.try_clone().map_err(started)?)
        .stderr(into)
        // A group of its own, so that all of it can be stopped.
        .process_group(0);
    surroundings(&mut command, due, &pending.lattice);
    let mut child = command.spawn().map_err(started)?;
    // The command holds the writing ends of the pipe, which would keep it open for ever.
    drop(command);
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    feed(&mut child, format!("{}\n", due.event.raw()));
    let tail = Tail::follow(output);
    match wait(child, limit, stop) {
        Ended::With(status) if status.success() => Ok(()),
        Ended::With(status) => {
            let ended = match (status.code(), status.signal()) {
                (Some(code), _) => format!("failed with status {code}"),
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "failed".to_owned(),
            };
            Err(Fault::new(format!("{ended}{}", tail.last_line())))
        }
        Ended::Unknown(error) => Err(Fault::new(format!("could not be waited for ({error})"))),
        Ended::Late => {
            end(group);
            let what = format!("did not end within {} s and was stopped", limit.as_secs_f64());
            Err(Fault { what, hangs: true, ..Fault::default() })
        }
        Ended::Stopped => {
            end(group);
            Err(Fault { what: "was stopped".to_owned(), stopped: true, ..Fault::default() })
        }
    }
}

/// What the command finds in its environment.
fn surroundings(command: &mut Command, due: &Due, lattice: &Path) {
    let event = &due.event;
    for name in [
        "LATTICE_TASK_ID",
        "LATTICE_RESOURCE_ID",
        "LATTICE_RESOURCE_NAME",
        "LATTICE_FROM_STATUS",
        "LATTICE_TO_STATUS",
    ] {
        command.env_remove(name);
    }
    // No variable can hold a NUL; texts of events can.
    let mut set = |name: &str, value: &str| {
        command.env(name, value.replace('\0', ""));
    };
    set("LATTICE_NO_HOOKS", "1");
    set("LATTICE_EVENT_TYPE", &event.kind);
    set("LATTICE_EVENT_ID", event.id.as_str());
    set("LATTICE_ACTOR", event.actor.display());
    match &event.subject {
        crate::domain::Subject::Task(id) => set("LATTICE_TASK_ID", id.as_str()),
        crate::domain::Subject::Resource(id) => {
            set("LATTICE_RESOURCE_ID", id.as_str());
            set("LATTICE_RESOURCE_NAME", due.resource.as_deref().unwrap_or_default());
        }
        crate::domain::Subject::Instance => {}
    }
    if event.kind == crate::domain::event::kind::STATUS_CHANGED {
        set("LATTICE_FROM_STATUS", event.text("from").unwrap_or_default());
        set("LATTICE_TO_STATUS", event.text("to").unwrap_or_default());
    }
    // The folder that holds the database's `.lattice/`: `lattice` inside the hook works, also where
    // this is another worktree.
    command.env("LATTICE_ROOT", lattice.parent().unwrap_or(lattice));
}

/// Gives the event to a hook, which may read it, or not, or half of it.
fn feed(child: &mut Child, text: String) {
    if let Some(mut input) = child.stdin.take() {
        std::thread::spawn(move || drop(input.write_all(text.as_bytes())));
    }
}

enum Ended {
    With(ExitStatus),
    Unknown(std::io::Error),
    Late,
    Stopped,
}

/// Waits for the shell alone: what it leaves in the background is the hook's own affair.
fn wait(mut child: Child, limit: Duration, stop: &Stop) -> Ended {
    let (tell, told) = channel();
    std::thread::spawn(move || tell.send(child.wait()));
    let begun = Instant::now();
    loop {
        let left = limit.saturating_sub(begun.elapsed());
        match told.recv_timeout(left.min(LOOK)) {
            Ok(Ok(status)) => return Ended::With(status),
            Ok(Err(error)) => return Ended::Unknown(error),
            Err(RecvTimeoutError::Disconnected) => return Ended::Unknown(std::io::ErrorKind::Other.into()),
            Err(RecvTimeoutError::Timeout) if stop.wanted.load(Ordering::SeqCst) => return Ended::Stopped,
            Err(RecvTimeoutError::Timeout) if begun.elapsed() >= limit => return Ended::Late,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn end(group: Option<Pid>) {
    if let Some(group) = group {
        // It may have ended by itself in this moment.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The end of what a hook prints. All of it is read, so that no hook waits for a reader.
struct Tail {
    kept: Arc<Mutex<Vec<u8>>>,
    done: std::sync::mpsc::Receiver<()>,
}

impl Tail {
    fn follow(mut output: PipeReader) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (tell, done) = channel();
        let shared = Arc::clone(&kept);
        std::thread::spawn(move || {
            let mut block = [0; KEPT];
            while let Ok(read @ 1..) = output.read(&mut block) {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(block.get(..read).unwrap_or_default());
                let surplus = kept.len().saturating_sub(KEPT);
                kept.drain(..surplus);
            }
            let _ = tell.send(());
        });
        Self { kept, done }
    }

    /// The last line that says something, behind a colon; nothing if there is none.
    fn last_line(&self) -> String {
        let _ = self.done.recv_timeout(GRACE);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty());
        line.map(|line| format!(": {}", line.chars().take(QUOTED).collect::<String>())).unwrap_or_default()
    }
}
