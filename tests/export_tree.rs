//! The exported tree from outside: round trips, refusals, what is touched and what is not.

mod export_support;

use std::path::{Path, PathBuf};

use export_support::*;
use lattice::app::{App, Code, Identity, ImportSet, InitOptions, Merge, Place, Sourced, World};
use lattice::domain::artifact::{Artifact, NewArtifact};
use lattice::domain::command::NewTask;
use lattice::domain::{Command, Event, TaskId};
use lattice::export::{ExportOptions, ReadOptions, export_tree, read_document, read_tree, write_document};
use serde_json::json;

fn who() -> Identity {
    Identity { actor: Some("agent:tester".to_owned()), ..Identity::default() }
}

fn run(app: &mut App, build: impl FnOnce(TaskId) -> Command) -> TaskId {
    let outcome = app.execute(&who(), |names| Ok(build(names.fresh_task.clone()))).unwrap();
    outcome.task.unwrap().id
}

fn create(app: &mut App, title: &str) -> TaskId {
    let task =
        NewTask { title: title.to_owned(), description: Some("Why.".to_owned()), ..NewTask::default() };
    run(app, |id| Command::Create { id, chosen: false, task })
}

/// A tracker with one of everything, in a folder of its own.
fn sample() -> (tempfile::TempDir, PathBuf, App, Vec<TaskId>) {
    let (dir, lattice) = folder();
    let options = InitOptions { project_code: Some("LAT".to_owned()), ..InitOptions::default() };
    let mut app = init_named(&lattice, &options, None);
    let ids: Vec<TaskId> =
        ["First", "Second \u{2028} line", "Third é"].iter().map(|title| create(&mut app, title)).collect();
    run(&mut app, |_| Command::SetPlan {
        task: ids[0].clone(),
        body: "# A plan\n\n- with steps\n".to_owned(),
    });
    run(&mut app, |_| Command::SetNotes { task: ids[1].clone(), body: "no newline at the end".to_owned() });
    let comment =
        Command::Comment { task: ids[1].clone(), body: "a\u{85}b".into(), reply_to: None, role: None };
    run(&mut app, |_| comment);
    run(&mut app, |_| Command::Archive { task: ids[2].clone() });
    let set = ImportSet { artifacts: vec![artifact(1, false), artifact(2, true)], ..resource() };
    app.import(&set, &Merge::default(), false, |_| {}).unwrap();
    (dir, lattice, app, ids)
}

fn place() -> Place {
    Place { file: PathBuf::from("test"), line: None }
}

fn artifact(n: u32, sensitive: bool) -> Sourced<NewArtifact> {
    let id = format!("art_0000000000000000000000000{n}");
    let payload = format!("payload {n}").into_bytes();
    let meta = json!({
        "id": id, "type": "note", "title": "T", "sensitive": sensitive, "created_at": "2026-01-01T00:00:00Z",
        "created_by": "human:a", "payload": {"file": format!("{id}.md"), "size_bytes": payload.len()},
    });
    let artifact = Artifact::from_value(meta).unwrap();
    Sourced { item: NewArtifact { artifact, payload: Some(payload) }, place: place() }
}

fn resource() -> ImportSet {
    let event = json!({
        "id": "ev_01KPH4C22JNABBN4W02JP1GNNS", "ts": "2026-04-18T20:26:31Z", "type": "resource_created",
        "resource_id": "res_01KPH4C22JNABBN4W02JP1GNNR", "actor": "human:a",
        "data": {"name": "staging", "max_holders": 1, "ttl_seconds": 60}, "future": [1.50],
    });
    let event = Sourced { item: Event::from_value(event).unwrap(), place: place() };
    ImportSet { events: vec![event], ..ImportSet::default() }
}

#[test]
fn a_tree_makes_the_tracker_anew_and_that_one_the_same_tree() {
    let (_dir, lattice, app, ids) = sample();
    let report = export(&app, &lattice);
    assert_eq!((report.unchanged, report.removed.len()), (0, 0));
    let tree = files(&lattice);
    assert_eq!(report.written.len(), tree.len());
    let has = |path: &str| tree.contains_key(Path::new(path));
    assert!(has(&format!("archive/events/{}.jsonl", ids[2])) && has(&format!("archive/plans/{}.md", ids[2])));
    assert!(has("resources/staging/resource.json") && has("events/res_01KPH4C22JNABBN4W02JP1GNNR.jsonl"));
    assert!(has("events/_lifecycle.jsonl") && has("instance.jsonl") && has("format.json"));
    assert!(has("artifacts/payload/art_00000000000000000000000001.md".trim()));
    assert!(!has("artifacts/payload/art_00000000000000000000000002.md"), "sensitive");
    let log = String::from_utf8(tree[Path::new(&format!("events/{}.jsonl", ids[1]))].clone()).unwrap();
    assert!(!log.contains(['\u{2028}', '\u{85}']));
    assert_eq!(log.lines().count(), 3);
    drop(app);

    let (_dir, elsewhere) = folder();
    copy(&lattice, &elsewhere);
    let read_back = read(&elsewhere);
    assert_eq!(read_back.report, Default::default());
    let other = init(&elsewhere);
    let again = export(&other, &elsewhere);
    assert_eq!((again.written, again.removed), (vec![], vec![]));
    assert_eq!(files(&elsewhere), tree);
}

#[test]
fn a_second_export_touches_no_file() {
    let (_dir, lattice, app, _) = sample();
    let first = export(&app, &lattice);
    let before = marks(&lattice);
    let second = export(&app, &lattice);
    assert_eq!((second.written, second.unchanged), (vec![], first.written.len()));
    assert_eq!(marks(&lattice), before);
}

#[test]
fn only_what_changed_is_written() {
    let (_dir, lattice, mut app, ids) = sample();
    export(&app, &lattice);
    let before = marks(&lattice);
    run(&mut app, |_| Command::SetNotes { task: ids[1].clone(), body: "more".to_owned() });
    let report = export(&app, &lattice);
    let expected = [
        format!("events/{}.jsonl", ids[1]),
        format!("tasks/{}.json", ids[1]),
        format!("notes/{}.md", ids[1]),
    ];
    assert_eq!(report.written, expected.map(PathBuf::from));
    let after = marks(&lattice);
    assert_eq!(before.iter().filter(|(path, mark)| after[*path] != **mark).count(), 3);
}

#[test]
fn a_task_that_moves_leaves_no_copy() {
    let (_dir, lattice, mut app, ids) = sample();
    export(&app, &lattice);
    run(&mut app, |_| Command::Archive { task: ids[1].clone() });
    run(&mut app, |_| Command::Unarchive { task: ids[2].clone() });
    let report = export(&app, &lattice);
    assert_eq!(report.removed.len(), 4 + 3);
    let tree = files(&lattice);
    for folder in ["events", "tasks", "plans", "notes"] {
        let active = |id: &TaskId| {
            tree.keys().any(|p| p.starts_with(folder) && p.to_string_lossy().contains(id.as_str()))
        };
        assert!(!active(&ids[1]), "{folder}");
        assert!(active(&ids[2]) || folder == "notes");
    }
    let (_dir, fresh) = folder();
    export(&app, &fresh);
    assert_eq!(files(&fresh), tree);
}

#[test]
fn files_of_others_are_never_touched() {
    let (_dir, lattice, mut app, ids) = sample();
    let others = [
        "orchestration/run.md",
        "plans/review/pack.md",
        "plans/task_00000000000000000000000009.md",
        "events/.keep",
        "resources/staging/field-guide.md",
        "tasks/readme.txt",
        "new-plan.tmp",
    ];
    for path in others {
        let path = lattice.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"mine").unwrap();
    }
    std::os::unix::fs::symlink("/nowhere", lattice.join("plans/link")).unwrap();
    export(&app, &lattice);
    run(&mut app, |_| Command::Archive { task: ids[0].clone() });
    export(&app, &lattice);
    for path in others {
        assert_eq!(std::fs::read(lattice.join(path)).unwrap(), b"mine", "{path}");
    }
    let unknown = read(&lattice).report.unknown_files;
    for path in
        ["orchestration", "plans/review", "plans/link", "events/.keep", "resources/staging/field-guide.md"]
    {
        assert!(unknown.contains(&PathBuf::from(path)), "{path}: {unknown:?}");
    }
}

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
    run(&mut app, |_| Command::SetPlan { task: ids[1].clone(), body: "news\n".to_owned() });
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
    run(&mut app, |_| Command::SetPlan { task: ids[0].clone(), body: "another\n".to_owned() });
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
    let mut left_app = init(&left);
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
    let plan = |body: &str| Command::SetPlan { task: ids[0].clone(), body: body.to_owned() };
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
    assert_eq!(tree.report.notices.len(), 2, "{:?}", tree.report.notices);
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

#[test]
fn sensitive_payloads_are_written_on_request_only_and_git_is_told() {
    let (_dir, lattice, app, _) = sample();
    let options = ExportOptions { include_sensitive: true };
    export_tree(&app, &lattice, &options).unwrap();
    let payload = "artifacts/payload/art_00000000000000000000000002.md";
    assert_eq!(std::fs::read(lattice.join(payload)).unwrap(), b"payload 2");
    let ignored = std::fs::read_to_string(lattice.join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == format!("/{payload}")), "{ignored}");
    assert_eq!(export_tree(&app, &lattice, &options).unwrap().written, Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_export_left_is_swept() {
    let (_dir, lattice, app, _) = sample();
    export(&app, &lattice);
    let (ours, other) =
        (lattice.join("tasks/new-0aB345678901.tmp"), lattice.join("tasks/new-0aB3456789.tmp"));
    std::fs::write(&ours, b"half").unwrap();
    std::fs::write(&other, b"somebody's").unwrap();
    export(&app, &lattice);
    assert!(!ours.exists() && other.exists());
}

#[test]
fn the_document_says_what_the_tree_says() {
    let (_dir, _, app, _) = sample();
    let (_dir, target) = folder();
    export(&app, &target);
    let mut document = Vec::new();
    write_document(&app, &mut document, false).unwrap();
    let tree = read_document(&mut &document[..], &ReadOptions::default()).unwrap();
    let (_dir, fresh) = folder();
    let other = init_with(&fresh, Some(&tree.set));
    export(&other, &fresh);
    assert_eq!(files(&fresh), files(&target));
    let mut again = Vec::new();
    write_document(&other, &mut again, false).unwrap();
    assert_eq!(again, document);

    let text = String::from_utf8(document).unwrap();
    let broken = [
        ("\"format\": 1", "\"format\": 2", Code::TreeTooNew),
        ("lattice-tracker", "something", Code::ImportInvalid),
        ("\"task_created\"", "7", Code::ImportInvalid),
        ("\"next_seqs\"", "\"surprise\": 1, \"next_seqs\"", Code::ImportInvalid),
    ];
    for (from, to, code) in broken {
        let failure =
            read_document(&mut text.replacen(from, to, 1).as_bytes(), &ReadOptions::default()).unwrap_err();
        assert_eq!(failure.code, code, "{from}: {failure}");
    }
    let kind = text.replacen("\"task_created\"", "7", 1);
    let line = kind.lines().position(|line| line.contains("\"type\":7")).unwrap() + 1;
    let failure = read_document(&mut kind.as_bytes(), &ReadOptions::default()).unwrap_err();
    assert!(failure.message.contains(&format!("document:{line}:")), "{failure}");
}

#[test]
fn arrival_order_does_not_show() {
    let (_dir, lattice, app, _) = sample();
    export(&app, &lattice);
    let mut set = read(&lattice).set;
    set.events.reverse();
    let (_dir, other) = folder();
    let mut memory = App::in_memory(World::scripted(NOW, 3), &InitOptions::default()).unwrap();
    let adopted = memory.import(&set, &Merge { adopt: true, ..Merge::default() }, false, |_| {}).unwrap();
    assert!(adopted.new_events > 0);
    let reversed = init_with(&other, Some(&set));
    export(&reversed, &other);
    assert_eq!(files(&other), files(&lattice));
}

#[test]
fn a_folder_that_is_not_there_is_made_by_an_export_and_refused_by_a_read() {
    let (_dir, _, app, _) = sample();
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    assert_eq!(read_tree(&target, &ReadOptions::default()).unwrap_err().code, Code::StoreIo);
    assert!(!target.exists());
    export(&app, &target);
    assert!(target.join("config.json").is_file());
}
