//! Redaction on a failing disk: done or not done, and done again it leaves nothing.

use crate::injector::{SIGKILL, injector, writes};
use crate::sandbox::{chosen, copy_of, say, soak, sound, tracker};
use crate::support::Project;

const SECRET: &str = "Hunter2zQx";

fn holds_the_secret(project: &Project) -> bool {
    let files = std::fs::read_dir(project.lattice()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap() != "lock").any(|path| {
        std::fs::read(path).unwrap().windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    })
}

#[test]
fn a_redaction_is_made_or_not_and_completed_by_the_next_whatever_fails() {
    let Some(injector) = injector() else { return };
    let original = tracker();
    original.task("first");
    let comment = original.say(&["comment", "LAT-1", SECRET]);
    let redact = ["redact", comment.as_str(), "--reason", "r"];
    let calls = injector.calls(&copy_of(&original), redact);
    let (mut undone, mut done) = (0, 0);
    // Behind the commit, which is among the first calls, the file is written anew, page by page.
    let met = |(number, call): &(usize, &String)| soak() || !writes(call) || *number < 32 || number % 3 == 0;
    for (number, call) in calls.iter().enumerate().filter(met) {
        for action in chosen(number, if writes(call) { &["torn"] } else { &[] }) {
            let project = copy_of(&original);
            let ending = injector.run(&project, &[&format!("*:{action}:{}", number + 1)], redact);
            let when = || format!("{action} at {number}, {call}: {ending:?}");
            assert_eq!(sound(&project, &when).len(), 1, "{}", when());
            let is_done = !project.ok(["comments", "LAT-1"]).contains(SECRET);
            (done, undone) = (done + u32::from(is_done), undone + u32::from(!is_done));
            if ending.signal != Some(SIGKILL) {
                match ending.status {
                    // What fails behind the commit is a warning.
                    Some(0) => assert!(is_done, "{}", when()),
                    _ if ending.stderr.contains("COMMIT_UNKNOWN") => {}
                    _ => assert!(!is_done, "{}", when()),
                }
                if ending.status == Some(0) && !ending.stderr.contains("traces") {
                    assert!(!holds_the_secret(&project), "traces that nobody was told of: {}", when());
                }
            }
            let again = project.run([&redact[..], &["--actor", "agent:a"]].concat());
            assert_eq!((again.status, again.stderr.as_str()), (0, ""), "after {}: {again:?}", when());
            assert!(!holds_the_secret(&project), "{}", when());
            assert_eq!(sound(&project, &when).len(), 1, "{}", when());
        }
    }
    assert!(undone > 3 && done > 3, "{undone} without, {done} with: {calls:#?}");
    say(&format!("redact met faults {undone} times before its commit and {done} times after"));
}
