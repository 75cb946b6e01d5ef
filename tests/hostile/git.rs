//! The settings and hooks of a repository that git would obey: nothing of them runs because of Lattice.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::stranger::{COMMANDS, Stranger, say};

fn git(folder: &Path, line: &[&str]) -> bool {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(line);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env_remove("GIT_DIR");
    command.output().is_ok_and(|output| output.status.success())
}

/// Settings whose value git runs, in one command or another (git-config(1)).
const RUN: [&str; 18] = [
    "core.fsmonitor",
    "core.pager",
    "pager.log",
    "pager.status",
    "pager.config",
    "core.editor",
    "core.sshCommand",
    "core.askPass",
    "gpg.program",
    "diff.external",
    "diff.evil.textconv",
    "diff.evil.command",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "merge.lattice.driver",
    "credential.helper",
    "uploadpack.packObjectsHook",
];
const ALIASES: [&str; 6] = ["log", "for-each-ref", "status", "config", "rev-parse", "update-index"];

/// Only git itself may be started; what it is told to run leaves a mark.
#[test]
fn nothing_that_a_repository_asks_git_to_run_is_run() {
    let stranger = Stranger::new();
    let folder = stranger.project.path();
    let (mark, program) = (folder.join("mark"), folder.join("program"));
    stranger.project.file("program", format!("#!/bin/sh\ntouch '{}'\ncat\n", mark.display()));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(git(folder, &["init", "-q", "-b", "main"]), "git is needed here");
    stranger.project.file(".gitattributes", "* diff=evil filter=evil\n");
    assert!(git(folder, &["add", "."]) && git(folder, &["commit", "-q", "-m", "LAT-1 first"]));
    let program = program.to_str().unwrap();
    for key in RUN {
        assert!(git(folder, &["config", key, program]), "{key}");
    }
    for name in ALIASES {
        assert!(git(folder, &["config", &format!("alias.{name}"), &format!("!{program}")]));
    }
    assert!(git(folder, &["config", "log.showSignature", "true"]));
    for hook in [
        "pre-commit",
        "post-checkout",
        "post-merge",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
    ] {
        std::fs::copy(program, folder.join(".git/hooks").join(hook)).unwrap();
    }
    drop(std::fs::remove_file(&mark));
    let more: [&[&str]; 3] = [&["show", "LAT-1", "--json"], &["hooks", "list"], &["conflicts"]];
    let mut runs = 0;
    for args in COMMANDS.into_iter().chain(more) {
        let run = stranger.project.tried(args);
        assert!(!mark.exists(), "{args:?}: {run:?}");
        runs += 1;
    }
    // The settings do work: with git's own commands the mark comes up.
    git(folder, &["status"]);
    assert!(mark.exists(), "the trap was never set");
    say(&format!(
        "git: {runs} commands in a repository with {} traps for git, none sprung",
        RUN.len() + ALIASES.len() + 6
    ));
}

/// Hooks of the tracker that came with it.
#[test]
fn hooks_that_came_with_a_clone_do_not_run() {
    let trap = "touch mark";
    let hooks = serde_json::json!({
        "post_event": trap, "on": {"task_created": trap, "comment_added": [trap]}, "transitions": {"* -> *": trap},
    });
    let mut runs = 0;
    for with_database in [true, false] {
        let stranger = if with_database { Stranger::new() } else { Stranger::tree() };
        let folder = stranger.project.path();
        let path = stranger.project.lattice().join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config["hooks"] = hooks.clone();
        std::fs::write(&path, config.to_string()).unwrap();
        let begin: &[&str] =
            if with_database { &["sync"] } else { &["init", "--project-code", "LAT", "--actor", "human:a"] };
        stranger.run("hooks in a tree", begin);
        for args in [
            &["create", "x"][..],
            &["comment", "LAT-1", "y"],
            &["status", "LAT-1", "planned", "--force", "--reason", "r"],
        ]
        .into_iter()
        .chain(COMMANDS)
        {
            stranger.run("hooks that nobody trusts", args);
            runs += 1;
        }
        assert!(stranger.run("hooks", &["hooks", "list"]).stdout.contains(trap), "the hooks came in");
        assert!(!folder.join("mark").exists());
    }
    say(&format!("hooks: {runs} runs with hooks that came along, none run"));
}
