//! What stands in the tree already: what is not overwritten, what is, and what hands changed.

mod export_support;

use std::path::{Path, PathBuf};

use export_support::*;
use lattice::app::{Code, Merge};
use lattice::domain::{Command, TaskId};
use lattice::export::{ExportOptions, export_tree};
use serde_json::json;

/// What keeps an export from writing: (what is done to the tree, the code).
#[test]
fn what_the_tracker_does_not_know_is_not_overwritten() {
    type Change = fn(&Path, &[TaskId]);
    fn append(path: &Path, text: &str) {
        let mut all = std::fs::read_to_string(path).unwrap_or_default();
        all.push_str(text);
        std::fs::write(path, all).unwrap();
    }
    fn replace(path: &Path, from: &str, to: &str) {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(from));
        std::fs::write(path, text.replace(from, to)).unwrap();
    }
    const LINE: &str = r#"{"actor":"human:x","data":{},"id":"ev_01KPH4C22JNABBN4W02JP1GNNT","ts":"2026-04-18T20:26:31Z","type":"x_a""#;
    let cases: &[(&str, Change, Code)] = &[
        (
            "an event more",
            |d, ids| {
                append(
                    &d.join(format!("events/{}.jsonl", ids[0])),
                    &format!("{LINE},\"task_id\":\"{}\"}}\n", ids[0]),
                )
            },
            Code::ExportConflict,
        ),
        (
            "another content",
            |d, ids| replace(&d.join(format!("events/{}.jsonl", ids[0])), "Why.", "Because."),
            Code::ExportConflict,
        ),
        (
            "a log of its own",
            |d, _| {
                append(
                    &d.join("events/task_00000000000000000000000009.jsonl"),
                    &format!("{LINE},\"task_id\":\"task_00000000000000000000000009\"}}\n"),
                )
            },
            Code::ExportConflict,
        ),
        (
            "an instance event",
            |d, _| append(&d.join("instance.jsonl"), &format!("{LINE}}}\n")),
            Code::ExportConflict,
        ),
        (
            "half a line",
            |d, ids| append(&d.join(format!("events/{}.jsonl", ids[0])), "{\"actor\":"),
            Code::ExportConflict,
        ),
        (
            "a lifecycle",
            |d, ids| {
                append(&d.join("events/_lifecycle.jsonl"), &format!("{LINE},\"task_id\":\"{}\"}}\n", ids[0]))
            },
            Code::ExportConflict,
        ),
        (
            "a plan",
            |d, ids| append(&d.join(format!("plans/{}.md", ids[0])), "- by hand\n"),
            Code::ExportConflict,
        ),
        (
            "a scaffold and more",
            |d, ids| append(&d.join(format!("plans/{}.md", ids[1])), "- by hand\n"),
            Code::ExportConflict,
        ),
        ("notes", |d, ids| append(&d.join(format!("notes/{}.md", ids[1])), "x"), Code::ExportConflict),
        (
            "notes where there are none",
            |d, ids| append(&d.join(format!("notes/{}.md", ids[0])), "x"),
            Code::ExportConflict,
        ),
        ("a context", |d, _| append(&d.join("context.md"), "x"), Code::ExportConflict),
        (
            "a configuration",
            |d, _| replace(&d.join("config.json"), "\"LAT\"", "\"CAT\""),
            Code::ExportConflict,
        ),
        ("a broken configuration", |d, _| append(&d.join("config.json"), "x"), Code::ExportConflict),
        (
            "another artifact",
            |d, _| replace(&d.join("artifacts/meta/art_00000000000000000000000001.json"), "\"T\"", "\"U\""),
            Code::ExportConflict,
        ),
        (
            "another payload",
            |d, _| append(&d.join("artifacts/payload/art_00000000000000000000000001.md"), "x"),
            Code::ExportConflict,
        ),
        (
            "a link",
            |d, ids| {
                let p = d.join(format!("plans/{}.md", ids[0]));
                std::fs::remove_file(&p).unwrap();
                std::os::unix::fs::symlink("/etc/hosts", &p).unwrap();
            },
            Code::StoreDenied,
        ),
        (
            "a linked folder",
            |d, _| {
                std::fs::rename(d.join("notes"), d.join("n")).unwrap();
                std::os::unix::fs::symlink("n", d.join("notes")).unwrap();
            },
            Code::StoreDenied,
        ),
        ("a newer format", |d, _| replace(&d.join("format.json"), "1", "2"), Code::TreeTooNew),
        (
            "another tracker",
            |d, _| {
                std::fs::remove_file(d.join("instance.jsonl")).unwrap();
                replace(&d.join("config.json"), "\"inst_0", "\"inst_1");
            },
            Code::InstanceMismatch,
        ),
    ];
    let (_dir, original, mut app, ids) = sample();
    export(&app, &original);
    run(&mut app, |_| Command::SetPlan { task: ids[1].clone(), body: "news\n".to_owned(), base: None });
    for (name, change, code) in cases {
        let (_dir, lattice) = folder();
        copy(&original, &lattice);
        change(&lattice, &ids);
        let before = marks(&lattice);
        let failure = export_tree(&app, &lattice, &ExportOptions::default()).unwrap_err();
        assert_eq!(failure.code, *code, "{name}: {failure}");
        assert!(failure.hint.is_some(), "{name}");
        assert_eq!(marks(&lattice), before, "{name}");
    }
}

#[test]
fn older_versions_and_derived_files_are_overwritten() {
    let (_dir, lattice, mut app, ids) = sample();
    export(&app, &lattice);
    let changes = vec![("title".to_owned(), "Renamed".to_owned())];
    run(&mut app, |_| Command::Update { task: ids[1].clone(), changes });
    run(&mut app, |_| Command::SetPlan { task: ids[0].clone(), body: "another\n".to_owned(), base: None });
    let set = |path: &str, to| Command::SetConfig { path: path.to_owned(), to };
    app.execute(&who(), |_| Ok(set("/default_priority", json!("high")))).unwrap();
    let snapshot = lattice.join(format!("tasks/{}.json", ids[0]));
    std::fs::write(&snapshot, "<<<<<<< a\n{\n=======\n}\n>>>>>>> b\n").unwrap();
    std::fs::write(lattice.join("ids.json"), "nonsense").unwrap();
    export(&app, &lattice);
    let (_dir, fresh) = folder();
    export(&app, &fresh);
    assert_eq!(files(&lattice), files(&fresh));
}

#[test]
fn two_clones_make_the_same_event_of_a_hand_edit() {
    let (_dir, lattice, mut app, ids) = sample();
    export(&app, &lattice);
    let (_left, left) = folder();
    let (_right, right) = folder();
    copy(&lattice, &left);
    copy(&lattice, &right);
    // Another source of ids than the one that made what it was made of.
    drop(init(&left));
    let mut left_app = open(&left, 13);
    let mut right_app = init(&right);
    // The two trackers differ by now in what they know and when they were made.
    create(&mut left_app, "Only here");
    std::fs::write(lattice.join(format!("plans/{}.md", ids[1])), "# By hand\n\nReally.\n").unwrap();
    std::fs::write(lattice.join(format!("notes/{}.md", ids[0])), "noted\n").unwrap();
    std::fs::write(lattice.join("context.md"), "# About\n").unwrap();
    let config = std::fs::read_to_string(lattice.join("config.json")).unwrap();
    std::fs::write(lattice.join("config.json"), config.replace("\"medium\"", "\"low\"")).unwrap();
    let made = read(&lattice).set;
    assert_eq!(
        read(&lattice).set.events.iter().map(|e| e.item.raw()).collect::<Vec<_>>(),
        made.events.iter().map(|e| e.item.raw()).collect::<Vec<_>>()
    );
    for app in [&mut app, &mut left_app, &mut right_app] {
        let report = app.import(&made, &Merge::default(), false, |_| {}).unwrap();
        assert_eq!(report.new_events, 4);
        assert_eq!(app.plan(ids[1].as_str()).unwrap().1.body, "# By hand\n\nReally.\n");
        assert_eq!(app.notes(ids[0].as_str()).unwrap().1.as_deref(), Some("noted\n"));
        assert_eq!(app.read(|r| Ok(r.config()?)).unwrap().default_priority(), "low");
    }
    // What was edited is known now and may be written over; the tree holds the event too.
    export(&app, &lattice);
    export(&right_app, &right);
    assert_eq!(files(&lattice), files(&right));
    assert_eq!(app.import(&read(&lattice).set, &Merge::default(), false, |_| {}).unwrap().new_events, 0);
}

#[test]
fn conflicts_that_the_log_knows_both_sides_of_are_settled() {
    let (_dir, lattice, app, ids) = sample();
    export(&app, &lattice);
    let (_left, left) = folder();
    let (_right, right) = folder();
    copy(&lattice, &left);
    copy(&lattice, &right);
    drop(app);
    let (mut ours, mut theirs) = (init(&left), init(&right));
    drop((ours, theirs));
    (ours, theirs) = (open(&left, 1), open(&right, 2));
    let plan = |body: &str| Command::SetPlan { task: ids[0].clone(), body: body.to_owned(), base: None };
    run(&mut ours, |_| plan("ours\n"));
    run(&mut theirs, |_| plan("theirs\n"));
    export(&ours, &left);
    export(&theirs, &right);
    // What git makes of it: logs by union, the plan with markers.
    let log = PathBuf::from(format!("events/{}.jsonl", ids[0]));
    let (a, b) = (
        std::fs::read_to_string(left.join(&log)).unwrap(),
        std::fs::read_to_string(right.join(&log)).unwrap(),
    );
    let merged = format!("<<<<<<< ours\n{a}||||||| base\n=======\n{b}>>>>>>> theirs\n\n");
    std::fs::write(left.join(&log), merged).unwrap();
    let plan = left.join(format!("plans/{}.md", ids[0]));
    std::fs::write(&plan, "<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n").unwrap();
    let tree = read(&left);
    assert_eq!(tree.report.sentences().count(), 2, "{:?}", tree.report.notices);
    ours.import(&tree.set, &Merge::default(), false, |_| {}).unwrap();
    export(&ours, &left);
    import(&mut theirs, &left);
    export(&theirs, &right);
    let mut right_files = files(&right);
    let mut left_files = files(&left);
    assert_eq!(left_files.remove(&log), right_files.remove(&log));
    assert_eq!(left_files, right_files);
    assert_ne!(a, b);
}
