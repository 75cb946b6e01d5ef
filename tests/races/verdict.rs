//! What has to be true of a log of calls and of the file that came of it.

use std::collections::{BTreeMap, BTreeSet};

use lattice::domain::event::kind;
use lattice::domain::{Config, Timestamp};
use serde_json::Value;

use crate::call::{Answer, Call, PLAN, Wish};
use crate::crowd::Used;
use crate::file::File;
use crate::model::{Object, Op, Part, told};
use crate::search::in_one_order;

/// What happened in a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub calls: usize,
    pub reads: usize,
    pub refused: usize,
    /// Transactions that changed something.
    pub commits: usize,
    /// Calls that were killed before they had answered.
    pub kills: usize,
    /// Those of them that had changed the file.
    pub kept: usize,
    /// Tasks and resources on which a killed call was seen to have done nothing, and later it had.
    pub posthumous: usize,
    /// Rounds behind which the log held a change that its process was killed in.
    pub remains: usize,
    /// Calls that were killed once they had answered.
    pub late: usize,
    pub busy: usize,
}

/// Judges a run, and counts what was in it.
pub fn judge(used: &Used) -> Counts {
    let counts = |is: &dyn Fn(&Call) -> bool| used.calls.iter().filter(|call| is(call)).count();
    let is_busy =
        |call: &Call| matches!(&call.answer, Answer::Refused(error) if error["code"] == "STORE_BUSY");
    assert_eq!(counts(&is_busy), 0, "calls were turned away: {:?}", used.calls.iter().find(|c| is_busy(c)));
    let file = File::read(&used.project);
    let kept = file.left_by_the_killed(&used.calls);
    file.is_in_the_order_of_the_answers(&used.calls);
    let config = Config::fold(&file.events);
    let mut posthumous = 0;
    for (name, ops) in parts(&used.calls, &kept) {
        let end = file.events_of(&name).iter().map(|place| told(&file.events[*place].value())).collect();
        let object = Object { config: config.clone(), now: Timestamp::from_seconds(0), end: Some(end) };
        if in_one_order(&object, &ops).is_ok() {
            continue;
        }
        // A log that was written and not flushed when its process died may be found only when the last
        // who had the file open is gone: decision 0029.
        posthumous += 1;
        let deathless: Vec<Op> = ops.into_iter().map(Op::without_a_bound).collect();
        if let Err(stuck) = in_one_order(&object, &deathless) {
            panic!("{name}: {stuck:?}");
        }
    }
    let kills = counts(&|call| matches!(call.answer, Answer::Killed));
    let doctor = used.project.json(["doctor"]);
    let findings: Vec<&Value> = doctor["findings"].as_array().unwrap().iter().collect();
    let unexplained = findings.iter().filter(|finding| kills == 0 || !is_left_by_the_killed(finding));
    assert_eq!(unexplained.count(), 0, "{doctor}");
    if !findings.is_empty() {
        // It goes when the log is emptied, as an import does at its end.
        used.project.ok(["export"]);
        used.project.ok(["import"]);
        let doctor = used.project.json(["doctor"]);
        assert_eq!(doctor["findings"], Value::Array(Vec::new()), "{doctor}");
    }
    Counts {
        calls: used.calls.len(),
        reads: counts(&|call| matches!(call.wish, Wish::Show(_) | Wish::List | Wish::Holders(_))),
        refused: counts(&|call| matches!(call.answer, Answer::Refused(_))),
        commits: kept.len() + written(&used.calls, &file),
        kills,
        kept: kept.len(),
        posthumous,
        remains: usize::from(!findings.is_empty()),
        late: counts(&|call| call.killed && !matches!(call.answer, Answer::Killed)),
        busy: counts(&is_busy),
    }
}

/// Who is killed in the flush leaves frames in the log that a shorter change is written over: a warning
/// until the log is emptied, because damage can look the same (decision 0030).
fn is_left_by_the_killed(finding: &Value) -> bool {
    finding["check"] == "write_ahead_log" && finding["level"] == "warning"
}

/// The calls of each object, by when they began. `kept` says what the killed ones left; a killed call
/// that left nothing did nothing.
fn parts(calls: &[Call], kept: &BTreeMap<usize, String>) -> BTreeMap<String, Vec<Op>> {
    let tasks: BTreeSet<String> = calls
        .iter()
        .filter_map(|call| match &call.wish {
            Wish::Change(command) => command.task().map(ToString::to_string),
            Wish::Show(task) => Some(task.to_string()),
            _ => None,
        })
        .collect();
    let mut parts: BTreeMap<String, Vec<Op>> = BTreeMap::new();
    for (place, call) in calls.iter().enumerate() {
        let mut add = |name: &str, part: Part, answer: Answer| {
            let (actor, invoked, returned) = (call.actor.clone(), call.invoked, call.returned);
            let op = Op { call: place, actor, invoked, returned, part, answer };
            parts.entry(name.to_owned()).or_default().push(op);
        };
        match (&call.wish, &call.answer) {
            (Wish::Change(command), Answer::Killed) => {
                if let Some(name) = kept.get(&place) {
                    add(name, Part::Change(command.clone()), Answer::Killed);
                }
            }
            (Wish::Change(command), answer) => {
                let task = command.task().map(ToString::to_string);
                let name = task.or_else(|| command.resource().map(str::to_owned)).unwrap();
                add(&name, Part::Change(command.clone()), answer.clone());
            }
            (Wish::Claim, Answer::Killed) => {
                if let Some(name) = kept.get(&place) {
                    add(name, Part::Took, Answer::Killed);
                }
            }
            (Wish::Claim, Answer::Data(task)) if task.is_object() => {
                add(task["id"].as_str().unwrap(), Part::Took, call.answer.clone());
            }
            (Wish::Claim, answer) => tasks.iter().for_each(|task| add(task, Part::TookNone, answer.clone())),
            (Wish::Show(task), answer) => add(task.as_str(), Part::Shown, answer.clone()),
            (Wish::Holders(name), answer) => add(name, Part::Holders, answer.clone()),
            (Wish::List, Answer::Data(rows)) => {
                let rows: BTreeMap<&str, &Value> =
                    rows.as_array().unwrap().iter().map(|row| (row["id"].as_str().unwrap(), row)).collect();
                for task in &tasks {
                    let row = rows.get(task.as_str()).map_or(Value::Null, |row| (*row).clone());
                    add(task, Part::Listed, Answer::Data(row));
                }
            }
            (Wish::List, answer) => panic!("a list answered {answer:?}"),
        }
    }
    parts
}

/// Transactions that were acknowledged: each names its last event, but for plans.
fn written(calls: &[Call], file: &File) -> usize {
    let named: BTreeSet<&str> = calls
        .iter()
        .filter(|call| matches!(call.wish, Wish::Change(_) | Wish::Claim))
        .filter_map(|call| crate::file::named(call).filter(|id| file.author_of(id) == Some(&call.actor)))
        .collect();
    let is_plan = |call: &Call| {
        matches!(&call.wish, Wish::Change(command) if matches!(command, lattice::domain::Command::SetPlan { .. }))
            && matches!(call.answer, Answer::Killed)
    };
    let lost: BTreeSet<&str> = calls.iter().filter(|c| is_plan(c)).map(|call| call.actor.as_str()).collect();
    let plans = file.events.iter().filter(|event| {
        event.kind == kind::PLAN_UPDATED
            && event.text("body") == Some(PLAN.1)
            && !lost.contains(event.actor.display())
    });
    named.len() + plans.count()
}
