//! What every command has at hand: the tracker, the author, the way of answering.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::tracker::{After, Tracker};
use super::write::WriteArgs;
use crate::app::{App, Code, DEFAULT_WAIT, Failure, Identity, Pending, Root, World};

/// The surroundings of one run.
pub struct Context {
    /// Whether `--json` or `--format json` is on the line, so that errors are JSON even if the line does not parse.
    json: bool,
    /// Whether `--quiet` is on the line.
    quiet: bool,
    /// What is to be done when the command is over.
    after: Rc<RefCell<After>>,
    stage: Cell<Stage>,
    /// Whether standard input is read, which can be done once: `-` is on the line, and is no output.
    is_fed: bool,
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begun,
    /// It has read in the tracker.
    Reading,
    /// It may have written or printed something.
    Settled,
}

impl Context {
    /// Looks at the command line for what must be known before it is parsed.
    pub fn new(args: &[OsString]) -> Self {
        let words: Vec<&OsString> = args.iter().take_while(|arg| *arg != "--").collect();
        let json = words.iter().any(|arg| *arg == "--json" || *arg == "--format=json")
            || words.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json");
        let quiet = words.iter().any(|arg| *arg == "--quiet");
        let is_output = words.get(1).is_some_and(|name| *name == "export" || *name == "artifact");
        let is_fed = !is_output && words.iter().any(|arg| *arg == "-");
        Self { json, quiet, after: Rc::default(), stage: Cell::new(Stage::Begun), is_fed }
    }

    /// Whether answers and errors are JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Whether as little as possible is to be said.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// Takes the hooks that are due. All trackers are let go by then.
    pub fn take_hooks(&self) -> Vec<Pending> {
        std::mem::take(&mut self.after.borrow_mut().hooks)
    }

    /// Takes what the caller should know beside the answer.
    pub fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.after.borrow_mut().notices)
    }

    /// Says that this run reads in the tracker.
    pub fn reads(&self) {
        if self.stage.get() == Stage::Begun {
            self.stage.set(Stage::Reading);
        }
    }

    /// Says that this run cannot be had a second time: it is about to write or to print.
    pub fn settle(&self) {
        self.stage.set(Stage::Settled);
    }

    /// Whether the command has only read so far, and may do so again from the start.
    pub fn may_run_again(&self) -> bool {
        self.stage.get() == Stage::Reading && !self.is_fed
    }

    /// The folder that the command runs in.
    ///
    /// # Errors
    /// `STORE_IO` if it is gone.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        std::env::current_dir().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::new(Code::StoreIo, "the folder that this runs in is gone")
                    .hint("change to another folder")
            }
            _ => Failure::io(&error, &PathBuf::from(".")),
        })
    }

    /// Where the tracker is.
    ///
    /// # Errors
    /// `NOT_INITIALIZED`.
    pub fn root(&self) -> Result<Root, Failure> {
        App::locate(&World::real(), &self.folder()?)
    }

    /// The tracker, for reading.
    ///
    /// # Errors
    /// `NOT_INITIALIZED` or a `STORE_…` code.
    pub fn reader(&self) -> Result<Tracker, Failure> {
        self.reads();
        App::open_read(self.root()?, World::real()).map(|app| Tracker::new(app, Rc::clone(&self.after)))
    }

    /// What `work` reads in the tracker, which is closed for good then: for who opens it again or does
    /// something long before the end.
    ///
    /// # Errors
    /// As [`Context::reader`], and what `work` fails with.
    pub fn consult<T>(&self, work: impl FnOnce(&App) -> Result<T, Failure>) -> Result<T, Failure> {
        let tracker = self.reader()?;
        let found = work(&tracker);
        tracker.close();
        found
    }

    /// The tracker, for writing. Drop it before anything is printed: it holds the lock.
    ///
    /// # Errors
    /// `NOT_INITIALIZED` or a `STORE_…` code.
    pub fn writer(&self) -> Result<Tracker, Failure> {
        self.settle();
        self.open_write()
    }

    /// The tracker with its lock held, for what only reads in it but has to be alone.
    ///
    /// # Errors
    /// As [`Context::writer`].
    pub fn alone(&self) -> Result<Tracker, Failure> {
        self.reads();
        self.open_write()
    }

    fn open_write(&self) -> Result<Tracker, Failure> {
        App::open_write(self.root()?, World::real(), self.wait()?)
            .map(|app| Tracker::new(app, Rc::clone(&self.after)))
    }

    /// How long to wait for other writers: `LATTICE_LOCK_TIMEOUT` in seconds, else the default.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` if the variable is no number.
    pub fn wait(&self) -> Result<Duration, Failure> {
        self.wait_or(DEFAULT_WAIT)
    }

    /// The same with a default of one's own.
    ///
    /// # Errors
    /// As [`Context::wait`].
    pub fn wait_or(&self, default: Duration) -> Result<Duration, Failure> {
        let Some(value) = World::real().variable("LATTICE_LOCK_TIMEOUT") else { return Ok(default) };
        let seconds = value.to_str().and_then(|text| text.parse::<f64>().ok());
        seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()).ok_or_else(|| {
            Failure::new(Code::ValidationError, "LATTICE_LOCK_TIMEOUT is no number of seconds")
                .hint("set it to a number such as 10, or unset it")
        })
    }

    /// Who writes, as the flags and the environment say.
    pub fn identity(&self, args: &WriteArgs) -> Identity {
        Identity {
            name: args.name.clone(),
            actor: args.actor.clone(),
            environment: environment_actor(),
            stand_in: None,
            at_terminal: std::io::stdin().is_terminal(),
            model: args.model.clone(),
            session: args.session.clone(),
            triggered_by: args.triggered_by.clone(),
            on_behalf_of: args.on_behalf_of.clone(),
            reason: args.reason.clone(),
        }
    }

    /// The same for a command that works without a name too: it is then the program that writes.
    pub fn identity_or_program(&self, args: &WriteArgs) -> Identity {
        Identity { stand_in: Some("system:lattice"), ..self.identity(args) }
    }

    /// Who asks, for reads that may know it.
    pub fn asker(&self, name: Option<String>, actor: Option<String>) -> Identity {
        Identity { name, actor, environment: environment_actor(), ..Identity::default() }
    }
}

fn environment_actor() -> Option<String> {
    let value = World::real().variable("LATTICE_ACTOR")?;
    Some(value.to_string_lossy().into_owned()).filter(|text| !text.is_empty())
}
