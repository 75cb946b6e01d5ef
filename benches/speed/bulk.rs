//! The whole tracker at once: export, import and rebuild of a large one, with the memory they take.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::report::Report;
use crate::run::Call;
use crate::tracker::Tracker;
use crate::{Bench, Result};

/// The most memory that any of it may take, in MiB.
const MEMORY: u64 = 300;

/// Export twice, import into an empty tracker, import again, rebuild.
pub fn bulk(bench: &Bench, report: &mut Report) -> Result<()> {
    let tasks = bench.size(10_000, 200);
    let started = Instant::now();
    let tracker = Tracker::make(&bench.folder("bulk"), tasks, 9)?;
    report.heading(&format!("Bulk: {tasks} tasks, {} events", tasks * 9));
    let took = started.elapsed().as_secs_f64();
    report.figure("made through the library", &format!("{took:.2} s"), None);

    let tree = tracker.dir.join(".lattice");
    measure(report, "export, first", tracker.call(&bench.lattice, &["export"]))?;
    let before = stamps(&tree)?;
    measure(report, "export, second", tracker.call(&bench.lattice, &["export"]))?;
    let written = stamps(&tree)?.iter().filter(|(path, time)| before.get(*path) != Some(time)).count();
    report.figure(
        "files of the second export",
        &format!("{written} written of {}", before.len()),
        Some((written == 0, "none".to_owned())),
    );

    let clone = bench.folder("bulk-clone");
    copy_tree(&tree, &clone.join(".lattice"))?;
    let call = |args: &[&str]| Call::new(&bench.lattice, &clone, args);
    measure(report, "init beside the tree (import)", call(&["init", "--actor", "agent:bench"]))?;
    measure(report, "import, nothing new", call(&["import"]))?;
    measure(report, "rebuild --all", call(&["rebuild", "--all"]))?;
    measure(report, "doctor", call(&["doctor"]))?;
    Ok(())
}

pub fn measure(report: &mut Report, what: &str, call: Call) -> Result<()> {
    let (took, peak) = call.peak_memory()?;
    match peak.map(|kib| kib / 1024) {
        Some(mib) => report.figure(
            what,
            &format!("{:.2} s, {mib} MiB at most", took.as_secs_f64()),
            Some((mib < MEMORY, format!("below {MEMORY} MiB"))),
        ),
        None => {
            report.figure(what, &format!("{:.2} s", took.as_secs_f64()), None);
            report.skipped(what, "this system does not tell how much memory a process took");
        }
    }
    Ok(())
}

/// The files of an exported tree: all but the database, what SQLite keeps beside it, and the lock.
fn files(tree: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![tree.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.starts_with("lattice.db") && name != "lock" {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn stamps(tree: &Path) -> Result<BTreeMap<PathBuf, SystemTime>> {
    let stamp = |path: PathBuf| Ok((path.clone(), path.metadata()?.modified()?));
    files(tree)?.into_iter().map(stamp).collect()
}

pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for path in files(from)? {
        let target = to.join(path.strip_prefix(from)?);
        std::fs::create_dir_all(target.parent().unwrap_or(to))?;
        std::fs::copy(&path, &target)?;
    }
    Ok(())
}
