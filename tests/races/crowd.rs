//! Many processes of the real program on one tracker, some of them killed; the log of what they asked
//! for and were told.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::call::{Answer, Call, PLAN, Wish, line};
use crate::choice::{Lots, wish};
use crate::injector::{Injector, injector};
use crate::sandbox::tracker;
use crate::support::Project;

/// Tasks that there are the names of before anybody makes one.
const FIRST: u64 = 3;

/// How many do how much.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Processes that run at any time.
    pub processes: u64,
    /// Calls of all of them.
    pub calls: u64,
    /// One of so many writing calls is killed; 0 for none.
    pub killed: u64,
}

/// A tracker that was used by a crowd, and the log of it.
pub struct Used {
    pub project: Project,
    pub calls: Vec<Call>,
}

/// When a process is killed.
#[derive(Clone, Debug)]
enum Death {
    Never,
    /// After this time, wherever it is then.
    After(Duration),
    /// In place of a call of the system, as the injector is told: where, and which.
    Calling(PathBuf, String),
    /// As soon as it has answered.
    Answered,
}

struct Crowd<'a> {
    project: &'a Project,
    size: Size,
    injector: Option<&'static Injector>,
    began: Instant,
    /// Calls that were begun.
    begun: AtomicU64,
    made: AtomicU64,
    /// Microseconds that a call takes by now.
    usual: AtomicU64,
    log: Mutex<Vec<Call>>,
}

/// Lets them loose, and waits for the last.
pub fn use_it(size: Size, seed: u64) -> Used {
    let project = tracker();
    project.file(PLAN.0, PLAN.1);
    let crowd = Crowd {
        project: &project,
        size,
        injector: injector(),
        began: Instant::now(),
        begun: AtomicU64::new(0),
        made: AtomicU64::new(FIRST),
        usual: AtomicU64::new(20_000),
        log: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for number in 0..size.processes {
            let crowd = &crowd;
            scope.spawn(move || crowd.work(number, &mut Lots::new(seed << 32 | number << 16)));
        }
    });
    let mut calls = crowd.log.into_inner().unwrap();
    calls.sort_by_key(|call| call.invoked);
    Used { project, calls }
}

impl Crowd<'_> {
    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// One process after the other, until enough calls were made.
    fn work(&self, number: u64, lots: &mut Lots) {
        loop {
            let turn = self.begun.fetch_add(1, Ordering::Relaxed);
            if turn >= self.size.calls {
                return;
            }
            let wish = wish(lots, &self.made, self.size.processes);
            let death = self.death(&wish, lots);
            let actor = match death {
                Death::Never => format!("agent:{number}"),
                // A new agent, that dies.
                _ => format!("agent:{number}-{turn}"),
            };
            let call = self.call(wish, actor, &death);
            self.log.lock().unwrap().push(call);
        }
    }

    fn death(&self, wish: &Wish, lots: &mut Lots) -> Death {
        let reads = matches!(wish, Wish::Show(_) | Wish::List | Wish::Holders(_));
        if reads || self.size.killed == 0 || lots.below(self.size.killed) > 0 {
            return Death::Never;
        }
        let calling = |within: &Path, fault: String| Death::Calling(within.to_owned(), fault);
        match lots.below(6) {
            0 => Death::Answered,
            // What it wished is done, and nobody is told.
            1 if self.injector.is_some() => calling(Path::new("pipe:"), "write:kill:1".to_owned()),
            // All of the log is written, and nobody knows of it yet.
            2 if self.injector.is_some() => calling(self.project.path(), "fsync:kill:1".to_owned()),
            3 if self.injector.is_some() => {
                let nth = 1 + lots.below(20);
                calling(self.project.path(), format!("pwrite64:kill:{nth}:lattice.db-wal"))
            }
            _ => Death::After(Duration::from_micros(lots.below(self.usual.load(Ordering::Relaxed) * 5 / 4))),
        }
    }

    fn call(&self, wish: Wish, actor: String, death: &Death) -> Call {
        let mut command = self.project.command(line(&wish));
        command.env("LATTICE_ACTOR", &actor);
        if let (Death::Calling(within, fault), Some(injector)) = (death, self.injector) {
            command = injector.command(within, &[fault], &command, Path::new("/dev/null"));
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let invoked = self.now();
        let mut child = command.spawn().unwrap();
        if let Death::After(time) = death {
            // Not to wait for anything: this is the moment at which it dies.
            std::thread::sleep(*time);
            child.kill().unwrap();
        }
        let (mut text, mut bytes) = (Vec::new(), [0; 4096]);
        let mut document = None;
        let stdout = child.stdout.as_mut().unwrap();
        // The answer is there as soon as it is whole; the process may still have things to do.
        while document.is_none() {
            let read = stdout.read(&mut bytes).unwrap();
            if read == 0 {
                break;
            }
            text.extend_from_slice(&bytes[..read]);
            document = serde_json::from_slice::<Value>(&text).ok();
        }
        let mut returned = self.now();
        if matches!(death, Death::Answered) {
            child.kill().unwrap();
        }
        let answer = match document.as_mut() {
            Some(document) if document["ok"] == true => Answer::Data(document["data"].take()),
            Some(document) => Answer::Refused(document["error"].take()),
            None => Answer::Killed,
        };
        let mut complaint = String::new();
        child.stderr.as_mut().unwrap().read_to_string(&mut complaint).unwrap();
        let status = child.wait().unwrap();
        if document.is_none() {
            returned = self.now();
        }
        let expected = match (&answer, death) {
            (Answer::Data(_), Death::Never) => status.code() == Some(0),
            (Answer::Refused(error), Death::Never) => {
                status.code() == Some(if error["code"] == "STORE_BUSY" { 3 } else { 1 })
            }
            (_, death) => !matches!(death, Death::Never),
        };
        assert!(expected, "{wish:?} by {actor}: {status:?}, {answer:?}, {complaint}");
        let (usual, took) = (self.usual.load(Ordering::Relaxed), (returned - invoked) / 1000);
        self.usual.store((usual * 15 + took) / 16, Ordering::Relaxed);
        Call { actor, wish, invoked, returned, answer, killed: !matches!(death, Death::Never) }
    }
}
