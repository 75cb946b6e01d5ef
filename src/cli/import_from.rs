//! `lattice import --from`: take in the tasks of another tracker.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::output::Done;
use super::progress::Progress;
use super::text::printable;
use super::write::OutputArgs;
use crate::app::{Code, Failure, Intake, IntakeReport, in_short};
use crate::domain::foreign::{is_source, words::plain};
use crate::intake::{self, Format, Mapping};
use crate::view;

/// What another tracker wrote, and how to read it.
#[derive(clap::Args, Debug, Default)]
pub struct FromArgs {
    /// Take in what another tracker wrote: FOLDER is its file, its folder, or - for standard input
    #[arg(long, value_enum, value_name = "TRACKER", help_heading = "Other trackers",
        conflicts_with_all = ["file", "repair", "reconcile", "prefer", "adopt"])]
    from: Option<Tracker>,
    /// Which column or member says what, such as title=Summary,status=State
    #[arg(long, value_name = "FIELD=NAME", help_heading = "Other trackers", requires = "from")]
    map: Vec<String>,
    /// What its statuses mean here, such as "Won't do=cancelled"
    #[arg(long, value_name = "THEIRS=OURS", help_heading = "Other trackers", requires = "from")]
    status_map: Vec<String>,
    /// What to call it, in the names of custom fields, instead of its kind
    #[arg(long = "as", value_name = "NAME", help_heading = "Other trackers", requires = "from")]
    called: Option<String>,
}

/// Another tracker, by what it writes.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum Tracker {
    /// issues.jsonl of beads
    Beads,
    /// What `gh issue list --json …` prints
    Github,
    /// What `task export` prints
    Taskwarrior,
    /// The folder of Backlog.md
    Backlog,
    /// A table with a line of headers
    Csv,
    /// A list of objects, or one on each line
    Json,
}

impl From<Tracker> for Format {
    fn from(tracker: Tracker) -> Self {
        match tracker {
            Tracker::Beads => Self::Beads,
            Tracker::Github => Self::Github,
            Tracker::Taskwarrior => Self::Taskwarrior,
            Tracker::Backlog => Self::Backlog,
            Tracker::Csv => Self::Csv,
            Tracker::Json => Self::Json,
        }
    }
}

impl FromArgs {
    /// The tracker that was named, if one was.
    pub fn format(&self) -> Option<Format> {
        self.from.map(Into::into)
    }
}

/// Takes it in, in one transaction.
pub fn run(
    args: &FromArgs,
    format: Format,
    path: Option<&Path>,
    dry_run: bool,
    output: OutputArgs,
    context: &Context,
) -> Result<Done, Failure> {
    let path = match (path, format.usual_place()) {
        (Some(path), _) => path.to_path_buf(),
        (None, Some(usual)) => PathBuf::from(usual),
        (None, None) => {
            return Err(Failure::new(Code::Usage, "no file is named")
                .hint(format!("lattice import --from {} FILE, or - for standard input", format.name())));
        }
    };
    let source = args.called.clone().unwrap_or_else(|| format.name().to_owned());
    if !is_source(&source) {
        return Err(Failure::new(Code::ValidationError, format!("`{source}` cannot name a tracker"))
            .hint("use a small letter, then up to 31 of small letters, digits, `_`, `-`"));
    }
    let statuses = pairs(&args.status_map, "--status-map")?;
    let statuses: BTreeMap<String, String> =
        statuses.into_iter().map(|(theirs, ours)| (plain(&theirs), ours)).collect();
    let mapping = mapping(args, format)?;
    context.root()?;
    let found = intake::read(format, &path, &mapping)?;
    let intake = Intake { source, records: found.records, statuses };
    let mut app = context.writer()?;
    let progress = Progress::start("Tasks taken in");
    let mut report = app.take_in(&intake, dry_run, |_| progress.step())?;
    drop(progress);
    app.close();
    report.notices.splice(0..0, found.notices);
    let shown = path.display().to_string();
    let done = output.reply(
        || view::import_from(&shown, &intake.source, dry_run, &report),
        || report.import.tasks.values().map(|task| printable(&task.name) + "\n").collect(),
        || plan(&report, dry_run),
    );
    let done = match output.json {
        true => done,
        false => report.notices.iter().fold(done, |done, notice| done.warn(notice)),
    };
    let changed = !dry_run && !report.import.is_empty();
    Ok(if changed { done.committed() } else { done })
}

fn mapping(args: &FromArgs, format: Format) -> Result<Mapping, Failure> {
    let mapping = pairs(&args.map, "--map")?;
    if !mapping.is_empty() && !format.is_mapped() {
        return Err(Failure::new(
            Code::Usage,
            format!("--map is for csv and json, not for {}", format.name()),
        )
        .hint("leave it out: what its members mean is known"));
    }
    let mut seen = Vec::new();
    for (field, _) in &mapping {
        if !intake::FIELDS.contains(&field.as_str()) {
            return Err(Failure::new(
                Code::ValidationError,
                format!("there is no field `{field}` to map to"),
            )
            .hint(format!("FIELD=NAME with one of: {}", intake::FIELDS.join(", "))));
        }
        if seen.contains(field) {
            return Err(Failure::new(Code::ValidationError, format!("`{field}` is mapped twice"))
                .hint("one name for each field"));
        }
        seen.push(field.clone());
    }
    Ok(mapping)
}

/// Pairs with `=` between, several with commas; a comma in a name that no `=` follows belongs to it.
fn pairs(texts: &[String], flag: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for text in texts {
        for (place, part) in text.split(',').enumerate() {
            match (part.split_once('='), pairs.last_mut()) {
                (Some((left, right)), _) if !left.trim().is_empty() && !right.trim().is_empty() => {
                    pairs.push((left.trim().to_owned(), right.trim().to_owned()));
                }
                (None, Some((_, name))) if place > 0 => {
                    name.push(',');
                    name.push_str(part.trim_end());
                }
                _ => {
                    return Err(Failure::new(Code::Usage, format!("{flag} `{text}` is no list of pairs"))
                        .hint(format!("write {flag} LEFT=RIGHT,LEFT=RIGHT")));
                }
            }
        }
    }
    Ok(pairs)
}

/// One line per task, what stays as it is here, then the sums.
fn plan(report: &IntakeReport, dry_run: bool) -> String {
    let mut text = super::import::tasks(&report.import);
    for (task, kept) in &report.kept {
        text.push_str(&printable(&format!(
            "! {task} {}: stays \"{}\", as it was changed here; there it is \"{}\"",
            kept.field,
            in_short(&kept.here),
            in_short(&kept.there)
        )));
        text.push('\n');
    }
    let new = report.import.tasks.values().filter(|task| task.is_new).count();
    let verb = if dry_run { "Would take in" } else { "Took in" };
    text.push_str(&format!(
        "{verb} {} of {} records: {new} new, {} changed.\n",
        report.records - report.unchanged,
        report.records,
        report.import.tasks.len() - new
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_belongs_to_a_name_unless_a_pair_follows() {
        let of = |texts: &[&str]| {
            pairs(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), "--map").ok()
        };
        let pair = |left: &str, right: &str| (left.to_owned(), right.to_owned());
        assert_eq!(
            of(&["title=Summary, short,status=State", "id=Key"]),
            Some(vec![pair("title", "Summary, short"), pair("status", "State"), pair("id", "Key")])
        );
        for bad in [&["title"][..], &["=x"], &["title="], &["title=A", "B"], &[""]] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }
}
