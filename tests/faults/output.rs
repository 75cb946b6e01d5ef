//! Output that nobody takes, and limits on how long a file may become.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use crate::injector::Ending;
use crate::sandbox::{empty, sound, tracker};
use crate::support::Project;

/// Everything that prints and changes nothing.
const READS: [&[&str]; 12] = [
    &["list"],
    &["list", "--json"],
    &["show", "LAT-1"],
    &["show", "LAT-1", "--json"],
    &["events"],
    &["events", "--json"],
    &["ready"],
    &["doctor", "--json"],
    &["sql", "SELECT * FROM events"],
    &["export", "--file", "-"],
    &["--help"],
    &["create", "--help"],
];

fn example() -> Project {
    let project = tracker();
    project.task("first");
    project
}

fn full() -> Stdio {
    Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap())
}

fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Stdio::from(writer)
}

fn with_output(project: &Project, args: &[&str], output: Stdio) -> Ending {
    let mut command = project.command(args);
    command.env("LATTICE_ACTOR", "agent:test").stdout(output).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    Ending {
        status: output.status.code(),
        signal: None,
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        fired: Vec::new(),
    }
}

#[test]
fn an_answer_that_cannot_be_printed_is_a_failure() {
    let project = example();
    for args in READS {
        let ending = with_output(&project, args, full());
        assert_eq!(ending.code(), Some("OUTPUT_FAILED"), "{args:?}: {ending:?}");
        assert!(!ending.stderr.contains("is saved"), "{args:?}: {ending:?}");
    }
}

#[test]
fn numbers_that_an_import_rules_out_are_saved_and_it_says_so() {
    let project = example();
    project.ok(["export"]);
    let index = project.lattice().join("ids.json");
    let raise = |to: u32| std::fs::write(&index, format!("{{\"floors\": {{\"LAT\": {to}}}}}")).unwrap();
    raise(500);
    let ending = with_output(&project, &["import"], full());
    assert!(ending.stderr.contains("the change is saved"), "{ending:?}");
    let again = with_output(&project, &["import"], full());
    assert!(!again.stderr.contains("is saved"), "{again:?}");
    raise(600);
    assert!(project.ok(["sync"]).starts_with("In: 0 events, 1 higher next number.\n"));
    assert_eq!(project.task("another"), "LAT-600");
}

#[test]
fn a_change_whose_answer_cannot_be_printed_is_saved_and_says_so() {
    for json in [false, true] {
        let project = empty();
        let commands: [&[&str]; 4] = [
            &["init", "--project-code", "LAT"],
            &["create", "first"],
            &["comment", "LAT-1", "a word"],
            &["status", "LAT-1", "in_planning"],
        ];
        for args in commands {
            let args: Vec<_> = args.iter().copied().chain(json.then_some("--json")).collect();
            let ending = with_output(&project, &args, full());
            assert_eq!(ending.code(), Some("OUTPUT_FAILED"), "{args:?}: {ending:?}");
            assert!(ending.stderr.contains("the change is saved"), "{args:?}: {ending:?}");
        }
        let task = project.json(["show", "LAT-1"]);
        assert_eq!((task["status"].as_str(), task["comment_count"].as_i64()), (Some("in_planning"), Some(1)));
        sound(&project, &|| "answers to a full device".to_owned());
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let project = example();
    let writes: [&[&str]; 3] = [
        &["create", "second"],
        &["comment", "LAT-2", "a word", "--json"],
        &["status", "LAT-2", "in_planning"],
    ];
    for args in READS.into_iter().chain(writes) {
        let ending = with_output(&project, args, closed());
        assert_eq!((ending.status, ending.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
    // A refusal stays one, and is still heard.
    let ending = with_output(&project, &["show", "LAT-9"], closed());
    assert_eq!(ending.status, Some(1));
    assert!(ending.stderr.contains("[NOT_FOUND]"), "{ending:?}");
    assert_eq!(project.json(["show", "LAT-2"])["status"], "in_planning");
}

#[test]
fn nobody_hearing_the_errors_changes_nothing() {
    let project = example();
    for stderr in [full(), closed()] {
        let mut command = project.command(["show", "LAT-9"]);
        let output =
            command.stderr(stderr).stdout(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
    }
}

/// A process that may not make files longer than this is sent a signal that kills it, unless it
/// has asked for an error instead.
#[test]
fn a_limit_on_the_length_of_files_is_a_full_disk_and_no_death() {
    let project = example();
    let long = project.path().join("long");
    std::fs::write(&long, vec![b'x'; 100_000]).unwrap();
    let mut refused = 0;
    for blocks in [0, 1, 8, 64, 256, 400] {
        for args in [&["create", "limited", "--quiet"][..], &["plan", "LAT-1", "--file", "long", "--quiet"]] {
            let before = sound(&project, &|| "before".to_owned()).len();
            let ending = Ending::of(limited(&project, blocks, args));
            let after = sound(&project, &|| format!("{blocks} blocks: {ending:?}")).len();
            match ending.code() {
                None => assert_eq!(after - before, usize::from(args[0] == "create"), "{ending:?}"),
                Some(code) => {
                    refused += 1;
                    assert_eq!((code, after), ("STORE_FULL", before), "{blocks} blocks, {ending:?}");
                }
            }
        }
        let elsewhere = empty();
        let ending = Ending::of(limited(&elsewhere, blocks, &["init"]));
        match ending.code() {
            None => drop(sound(&elsewhere, &|| format!("{ending:?}"))),
            Some(code) => {
                refused += 1;
                assert_eq!(code, "STORE_FULL", "{blocks} blocks, {ending:?}");
                assert!(!elsewhere.lattice().exists(), "{blocks} blocks");
            }
        }
        let file = project.path().join("out.json");
        std::fs::write(&file, "old").unwrap();
        let ending = Ending::of(limited(&project, blocks, &["export", "--file", "out.json"]));
        let wrote = std::fs::read(&file).unwrap() != b"old";
        assert_eq!(wrote, ending.code().is_none(), "{blocks} blocks, {ending:?}");
        refused += usize::from(!wrote);
    }
    assert!(refused > 8, "{refused}");
}

/// The program where no file may become longer than so many blocks of the shell's.
fn limited(project: &Project, blocks: u32, args: &[&str]) -> Command {
    let program = project.command(args);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -f {blocks} && exec \"$@\""), "sh"]);
    shell.arg(program.get_program()).args(args).current_dir(project.path()).stdin(Stdio::null());
    shell.env("LATTICE_ACTOR", "agent:test").env_remove("LATTICE_ROOT");
    shell
}
