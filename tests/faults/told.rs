//! What a failure says of what it left: "nothing was changed" only where that is so.

use crate::commands::example;
use crate::injector::{Ending, Injector, SIGKILL, injector};
use crate::sandbox::{INIT, copy_folder, empty, names, sound};
use crate::support::Project;

/// A run with one fault, which must come up.
fn run(injector: &Injector, project: &Project, fault: &str, args: &[&str]) -> Ending {
    let ending = injector.run(project, &[fault], args);
    assert!(!ending.fired.is_empty(), "{fault} did not come up: {ending:?}");
    ending
}

#[test]
fn a_file_that_has_its_name_is_not_said_to_be_the_old_one() {
    let Some(injector) = injector() else { return };
    let (original, _) = example();
    for (file, args) in [
        ("out.txt", &["artifact", "art_01J00000000000000000000000", "--output", "out.txt"][..]),
        ("out.json", &["export", "--file", "out.json"]),
        ("CLAUDE.md", &["setup-claude"]),
        ("skills/lattice/SKILL.md", &["setup-openclaw"]),
    ] {
        for error in ["EIO", "ENOSPC", "EACCES"] {
            let project = empty();
            copy_folder(original.path(), project.path());
            // The last flush is that of the folder with the name.
            let calls = injector.calls(&project, args);
            let place = calls.iter().rposition(|call| call.starts_with("fsync ")).unwrap() + 1;
            let bytes = std::fs::read(project.path().join(file)).unwrap();
            std::fs::remove_file(project.path().join(file)).unwrap();
            let project = empty();
            copy_folder(original.path(), project.path());
            let ending = run(injector, &project, &format!("*:{error}:{place}"), args);
            assert_eq!(ending.status, Some(4), "{ending:?}");
            assert!(ending.code().is_some_and(|code| code.starts_with("STORE_")), "{ending:?}");
            assert!(ending.stderr.contains("what was written stands"), "{ending:?}");
            assert!(!ending.stderr.contains("nothing was"), "{ending:?}");
            let found = std::fs::read(project.path().join(file)).unwrap();
            assert!(found.len().abs_diff(bytes.len()) < 300, "{} of {}", found.len(), bytes.len());
        }
    }
}

/// What reads the tracker without the index of its log has the file to itself, and has to let it go.
#[test]
fn a_failing_index_of_the_log_keeps_the_same_command_from_nothing() {
    let Some(injector) = injector() else { return };
    let (original, _) = example();
    original.tried(["config", "set", "hooks.post_event", "true", "--text"]);
    for args in [&["hooks", "trust", "--all"][..], &["hooks", "untrust"]] {
        for place in 1..=3 {
            for error in ["EIO", "ENOSPC"] {
                let project = empty();
                copy_folder(original.path(), project.path());
                let ending =
                    run(injector, &project, &format!("pwrite64:{error}:{place}:lattice.db-shm"), args);
                assert_eq!((ending.status, ending.stderr.as_str()), (Some(0), ""), "{ending:?}");
            }
        }
    }
}

#[test]
fn an_init_that_cannot_take_its_parts_away_says_so_and_the_next_completes_them() {
    let Some(injector) = injector() else { return };
    let calls = injector.calls(&empty(), INIT);
    let build = calls.iter().position(|call| call.starts_with("pwrite64 ")).unwrap();
    let renames: Vec<_> = (0..build).filter(|&at| calls[at].starts_with("rename ")).collect();
    for place in renames.into_iter().chain([build, build + 20]) {
        for error in ["EIO", "ENOSPC", "EROFS"] {
            let project = empty();
            let ending = run(injector, &project, &format!("*:{error}:{}+", place + 1), &INIT);
            assert_eq!(ending.status, Some(4), "{ending:?}");
            assert!(!names(&project).is_empty() && !project.database().exists(), "{ending:?}");
            assert!(ending.stderr.contains("the next `lattice init` completes it"), "{ending:?}");
            assert!(!ending.stderr.contains("nothing was"), "{ending:?}");
            project.ok(INIT);
            sound(&project, &|| format!("{ending:?}"));
            let unfinished = names(&project).iter().any(|name| name.starts_with("new-"));
            assert!(!unfinished, "{:?}", names(&project));
        }
        // Where it can, it does.
        let project = empty();
        let ending = run(injector, &project, &format!("*:EIO:{}", place + 1), &INIT);
        assert!(ending.stderr.contains("nothing was changed"), "{ending:?}");
        assert!(!project.lattice().exists(), "{ending:?}");
    }
}

/// The file that it keeps aside has two names for a moment.
#[test]
fn a_restore_that_cannot_take_the_kept_name_away_says_so() {
    let Some(injector) = injector() else { return };
    let (original, _) = example();
    original.ok(["create", "later"]);
    let copy = || {
        let project = empty();
        copy_folder(original.path(), project.path());
        project
    };
    let args = ["restore", "copy.db", "--force"];
    let calls = injector.calls(&copy(), args);
    let place = calls.iter().rposition(|call| call.starts_with("rename ")).unwrap() + 1;
    for (fault, left) in [(format!("*:EIO:{place}+"), true), (format!("*:EIO:{place}"), false)] {
        let project = copy();
        let tasks = sound(&copy(), &|| "before".to_owned()).len();
        let ending = run(injector, &project, &fault, &args);
        assert_eq!(ending.status, Some(4), "{ending:?}");
        assert_eq!(names(&project).iter().any(|name| name == "lattice-kept-1.db"), left, "{ending:?}");
        assert_eq!(ending.stderr.contains("nothing was changed"), !left, "{ending:?}");
        assert_eq!(ending.stderr.contains("nothing is lost"), left, "{ending:?}");
        assert_eq!(sound(&project, &|| format!("{ending:?}")).len(), tasks);
        let ending = run(injector, &copy(), &format!("*:kill:{place}"), &args);
        assert_eq!(ending.signal, Some(SIGKILL));
        project.ok(args);
    }
}
