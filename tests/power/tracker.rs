//! A tracker that a power cut left, examined in full.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use lattice::app::{App, Failure, FeedQuery, Identity, Level, Root, World};
use lattice::domain::Command;
use lattice::domain::command::NewTask;

const WAIT: Duration = Duration::from_secs(60);

/// What is in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No tracker.
    Nothing,
    /// A whole tracker with these events, in order of arrival.
    Whole(Arc<[String]>),
    /// What no power cut may leave.
    Broken(String),
}

/// What is known of databases that have no log, by their hashes.
pub type Known = Mutex<HashMap<u64, Arc<OnceLock<Verdict>>>>;

/// Examines the tracker as `doctor` does, and then carries out one more command. Each of the two is
/// a process of its own, with its own clock and ids.
pub fn full(root: &Root, [examines, writes]: [World; 2]) -> Verdict {
    let look = || -> Result<Verdict, String> {
        let app = App::open_read(root.clone(), examines).map_err(|failure| failure.to_string())?;
        let report = app.examine(|_| {}).map_err(|failure| failure.to_string())?;
        if let Some(finding) = report.findings.iter().find(|finding| finding.level == Level::Error) {
            return Err(format!("{}: {}", finding.check, finding.message));
        }
        let ids = ids(&app);
        app.close();
        one_more(root, writes).map_err(|failure| format!("the next command: {failure}"))?;
        Ok(Verdict::Whole(ids.into()))
    };
    look().unwrap_or_else(Verdict::Broken)
}

/// The command after the cut, whatever was done before.
fn one_more(root: &Root, world: World) -> Result<(), Failure> {
    let mut app = App::open_write(root.clone(), world, WAIT)?;
    let who = Identity { actor: Some("agent:a".into()), ..Identity::default() };
    app.execute(&who, |names| {
        let task = NewTask { title: "After the cut".into(), ..NewTask::default() };
        Ok(Command::Create { id: names.fresh_task(), chosen: false, task })
    })?;
    app.close();
    Ok(())
}

/// The ids of all events in order of arrival.
pub fn ids(app: &App) -> Vec<String> {
    app.read(|reader| Ok(reader.feed(&FeedQuery::default())?))
        .unwrap()
        .iter()
        .map(|arrival| arrival.event.id.to_string())
        .collect()
}

/// An empty project folder, in memory where the system has such a place.
pub fn project() -> (tempfile::TempDir, Root) {
    let shared = Path::new("/dev/shm");
    let place = if shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new().prefix("lattice-power-").tempdir_in(place).unwrap();
    let project = folder.path().canonicalize().unwrap();
    let lattice = project.join(".lattice");
    (folder, Root { project, tree: lattice.clone(), lattice })
}
