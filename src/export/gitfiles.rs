//! What git is told about the tree beside what `init` tells it, and which files are the tree's.

use std::path::Path;

use super::derived::PATTERNS;
use super::layout::{self, TaskFile};
use crate::app::GIT_ATTRIBUTES;
use crate::domain::artifact::is_plain_name;
use crate::domain::id::ArtifactId;

/// The file with the attributes, in the tree's folder.
pub const ATTRIBUTES_FILE: &str = ".gitattributes";

/// The attribute of files that the merge driver merges. Where a clone has not set the driver up, git
/// merges them as text (gitattributes(5)), and import passes over what that leaves.
fn driven(pattern: &str) -> String {
    format!("{pattern} merge=lattice")
}

/// The attributes with all that Lattice wants of git, `None` if nothing is missing.
#[must_use]
pub fn with_driver(content: &str) -> Option<String> {
    let wanted = GIT_ATTRIBUTES.iter().map(|line| (*line).to_owned()).chain(PATTERNS.map(driven));
    let missing: Vec<String> = wanted.filter(|line| !content.lines().any(|l| l.trim() == line)).collect();
    if missing.is_empty() {
        return None;
    }
    let gap = if content.is_empty() || content.ends_with('\n') { "" } else { "\n" };
    Some(format!("{content}{gap}{}\n", missing.join("\n")))
}

/// The attributes without those of the merge driver, `None` if none of them is there.
#[must_use]
pub fn without_driver(content: &str) -> Option<String> {
    let driven = PATTERNS.map(driven);
    let is_ours = |line: &str| driven.iter().any(|ours| ours == line.trim());
    let left: String = content.split_inclusive('\n').filter(|line| !is_ours(line)).collect();
    (left != content).then_some(left)
}

/// Whether a path in the tree's folder is one of the files that Lattice writes there: the exported
/// tree and git's two files. Others may lie beside them and are nobody's to commit.
#[must_use]
pub fn is_of_tree(path: &Path) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    for part in path {
        match part.to_str() {
            Some(part) => parts.push(part),
            None => return false,
        }
    }
    const AT_TOP: [&str; 7] = [
        layout::CONFIG,
        layout::IDS,
        layout::CONTEXT,
        layout::FORMAT_FILE,
        layout::INSTANCE,
        ".gitignore",
        ATTRIBUTES_FILE,
    ];
    let of_task = |folder: &str, name: &str| {
        TaskFile::ALL.iter().any(|file| file.folder(false) == Path::new(folder) && file.task(name).is_some())
    };
    match parts.as_slice() {
        [name] => AT_TOP.contains(name),
        [layout::EVENTS, name] if layout::resource_of_log(name).is_some() => true,
        [folder, name] => of_task(folder, name) || path == Path::new(layout::LIFECYCLE),
        [layout::ARCHIVE, folder, name] => of_task(folder, name),
        ["artifacts", "meta", name] => layout::artifact_of_meta(name).is_some(),
        ["artifacts", "payload", name] => {
            let id = name.split('.').next().and_then(ArtifactId::parse_foreign);
            id.is_some_and(|id| layout::is_payload_of(&id, name))
        }
        [layout::RESOURCES, name, layout::RESOURCE_FILE] => is_plain_name(name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_and_go_and_others_stay() {
        let mine = "*.png binary\r\n* -text\n*.svg diff";
        let with = with_driver(mine).unwrap();
        assert!(
            with.starts_with(&format!("{mine}\n")) && with.contains("\nids.json merge=lattice\n"),
            "{with}"
        );
        assert_eq!(with_driver(&with), None);
        let without = without_driver(&with).unwrap();
        assert!(
            without.starts_with(mine) && without.contains("merge=union") && !without.contains("=lattice")
        );
        assert_eq!(without_driver(&without), None);
        assert!(with_driver("").unwrap().starts_with("* -text\n"));
    }

    #[test]
    fn the_files_of_the_tree_are_told_from_others() {
        let task = "task_01KPH4C22FWF63BPQ4SET7E5JG";
        let art = "art_01KPYETN888X1C0T6F3DGCJ14J";
        for path in [
            "config.json",
            "ids.json",
            ".gitattributes",
            "instance.jsonl",
            "events/_lifecycle.jsonl",
            &format!("events/{task}.jsonl"),
            &format!("archive/events/{task}.jsonl"),
            &format!("tasks/{task}.json"),
            &format!("plans/{task}.md"),
            &format!("archive/notes/{task}.md"),
            &format!("artifacts/meta/{art}.json"),
            &format!("artifacts/payload/{art}.tar.gz"),
            &format!("artifacts/payload/{art}"),
            "resources/staging/resource.json",
            "events/res_01KPH4C22JNABBN4W02JP1GNNR.jsonl",
        ] {
            assert!(is_of_tree(Path::new(path)), "{path}");
        }
        for path in [
            "lattice.db",
            "secret.env",
            "plans/mine.md",
            "events/x.jsonl",
            "archive/config.json",
            "notes",
            &format!("plans/{task}.txt"),
            &format!("orchestration/{task}.md"),
            "artifacts/payload/x.md",
            &format!("archive/archive/events/{task}.jsonl"),
            "archive/events/_lifecycle.jsonl",
            "resources/a/b.json",
            "",
        ] {
            assert!(!is_of_tree(Path::new(path)), "{path}");
        }
    }
}
