//! How fast `lattice` is: whole processes, held against bare programs that do the same work.
//!
//! Absolute times mean little on a shared machine, so each figure that has a target is a ratio,
//! a count or a bound measured in this run. `docs/benchmarks.md` tells more.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the report is what this is for")]

mod answers;
mod batch;
mod bulk;
mod claims;
mod crowd;
mod flat;
mod pair;
mod report;
mod run;
mod sync;
mod syncs;
mod tracker;

use std::path::PathBuf;
use std::process::ExitCode;

use report::Report;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What is run against what, and how much of it.
struct Bench {
    lattice: PathBuf,
    bare_hello: PathBuf,
    bare_read: PathBuf,
    bare_search: PathBuf,
    bare_tree: PathBuf,
    bare_write: PathBuf,
    /// Where trackers are made; on the disk that holds the build, not in memory.
    place: PathBuf,
    /// Small sizes, to see that everything runs.
    quick: bool,
}

impl Bench {
    fn new(quick: bool) -> Result<Self> {
        let lattice = PathBuf::from(env!("CARGO_BIN_EXE_lattice"));
        let examples = lattice.parent().ok_or("the program is nowhere")?.join("examples");
        let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("speed");
        if place.exists() {
            std::fs::remove_dir_all(&place)?;
        }
        std::fs::create_dir_all(&place)?;
        // Copied, as installing does: a linker writes its file in pieces, which the kernel then
        // keeps and maps in small pieces too, and starting it takes a third longer.
        let installed = |from: PathBuf| -> Result<PathBuf> {
            let to = place.join(from.file_name().ok_or("the program has no name")?);
            std::fs::copy(&from, &to)
                .map_err(|error| format!("{}: {error}; run `make bench`", from.display()))?;
            Ok(to)
        };
        Ok(Self {
            lattice: installed(lattice)?,
            bare_hello: installed(examples.join("bare_hello"))?,
            bare_read: installed(examples.join("bare_read"))?,
            bare_search: installed(examples.join("bare_search"))?,
            bare_tree: installed(examples.join("bare_tree"))?,
            bare_write: installed(examples.join("bare_write"))?,
            place,
            quick,
        })
    }

    /// The full number, or the one that is enough to see that it works.
    fn size(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// A folder that no other measurement uses.
    fn folder(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }
}

/// A group of measurements.
type Part = fn(&Bench, &mut Report) -> Result<()>;

const PARTS: [(&str, Part); 12] = [
    ("reads", pair::reads),
    ("writes", pair::writes),
    ("flat", flat::flat),
    ("syncs", syncs::syncs),
    ("crowd", crowd::crowd),
    ("reader", crowd::beside_a_reader),
    ("batch", batch::batch),
    ("search", answers::search),
    ("sums", answers::sums),
    ("bulk", bulk::bulk),
    ("sync", sync::sync),
    ("claims", claims::claims),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --all-targets` starts benchmarks too, without this flag.
    if !args.iter().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&str> = args.iter().map(String::as_str).filter(|arg| !arg.starts_with("--")).collect();
    match measure(&wanted, args.iter().any(|arg| arg == "--quick")) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("The benchmark did not finish: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the parts that were named, or all. False if a part that must hold on any machine did not.
fn measure(wanted: &[&str], quick: bool) -> Result<bool> {
    if let Some(unknown) = wanted.iter().find(|name| !PARTS.iter().any(|(part, _)| part == *name)) {
        let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no part {unknown}; the parts are: {}", names.join(" ")).into());
    }
    let bench = Bench::new(quick)?;
    let mut report = Report::new(quick);
    for (name, part) in PARTS {
        if wanted.is_empty() || wanted.contains(&name) {
            // One part that cannot be measured does not take the others away.
            if let Err(error) = part(&bench, &mut report) {
                report.failed(name, &error.to_string());
            }
        }
    }
    std::fs::remove_dir_all(&bench.place)?;
    Ok(report.end())
}
