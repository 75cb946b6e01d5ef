//! The exported tree from outside: round trips, refusals, what is touched and what is not.

mod export_support;

use std::path::{Path, PathBuf};

use export_support::*;
use lattice::app::{App, Code, ImportSet, InitOptions, InitOutcome, Merge, World};
use lattice::domain::{Command, Subject, TaskId};
use lattice::export::{ExportOptions, ReadOptions, export_tree, read_document, read_tree, write_document};

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
    run(&mut app, |_| Command::SetNotes { task: ids[1].clone(), body: "more".to_owned(), base: None });
    let report = export(&app, &lattice);
    let expected = [
        format!("notes/{}.md", ids[1]),
        format!("events/{}.jsonl", ids[1]),
        format!("tasks/{}.json", ids[1]),
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
    let set = read(&lattice).set;
    // The youngest tasks arrive first, each with its last event first.
    let (instance, mut tasks): (Vec<_>, Vec<_>) =
        set.events.iter().cloned().partition(|e| e.item.subject == Subject::Instance);
    let (_dir, other) = folder();
    let mut reversed = init_with(&other, Some(&ImportSet { events: instance, ..set.clone() }));
    tasks.sort_by(|a, b| b.item.key.cmp(&a.item.key));
    for event in tasks {
        let one = ImportSet { events: vec![event], ..ImportSet::default() };
        reversed.import(&one, &Merge::default(), false, |_| {}).unwrap();
    }
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

#[test]
fn what_an_artifact_holds_is_read_when_it_is_taken_in_and_not_kept() {
    let (_dir, lattice, app, _) = sample();
    export(&app, &lattice);
    drop(app);
    let (_dir, elsewhere) = folder();
    copy(&lattice, &elsewhere);
    let set = read(&elsewhere).set;
    let payload = elsewhere.join("artifacts/payload/art_00000000000000000000000001.md");
    let before = std::fs::read(&payload).unwrap();
    let init = || App::init(&elsewhere, &World::scripted(NOW, 7), WAIT, &InitOptions::default(), Some(&set));
    std::fs::write(&payload, "others by now").unwrap();
    let failure = init().map(drop).unwrap_err();
    assert_eq!(failure.code, Code::ImportInvalid);
    assert!(failure.message.contains("changed while it was read"), "{failure:?}");
    std::fs::remove_file(&payload).unwrap();
    assert_eq!(init().map(drop).unwrap_err().code, Code::ImportInvalid);
    // Where it is known nothing is read again.
    assert_eq!(open(&lattice, 12).import(&set, &Merge::default(), false, |_| {}).unwrap().new_artifacts, 0);
    std::fs::write(&payload, before).unwrap();
    assert!(matches!(init().unwrap(), InitOutcome::Made(_)));
}
