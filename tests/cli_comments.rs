//! Comments, replies and reactions.

mod support;

use serde_json::{Value, json};
use support::Project;

#[test]
fn a_comment_is_text_or_a_file_but_not_both_or_neither() {
    let project = Project::new();
    let task = project.task("A title");
    let said = project.ok(["comment", &task, " said \n"]);
    assert!(said.starts_with("Commented on LAT-1 (ev_") && said.ends_with(")\n"), "{said}");
    assert_eq!(project.ok(["comment", &task, "more", "--quiet"]), "ok\n");
    project.file("file", "from a file\n");
    assert_eq!(project.json(["comment", &task, "--file", "file"])["comment_count"], 3);
    let run = project.fed(["comment", &task, "--file", "-"], "from ščž\n".as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let bodies: Vec<Value> =
        project.json(["comments", &task]).as_array().unwrap().iter().map(|c| c["body"].clone()).collect();
    assert_eq!(bodies, ["said", "more", "from a file", "from ščž"]);
    for line in
        [vec!["comment", &task], vec!["comment", &task, "a", "--file", "file"], vec!["comment", &task, " "]]
    {
        let (status, error) = project.refused(&line);
        assert_eq!((status, &error["code"]), (1, &json!("VALIDATION_ERROR")), "{line:?}");
    }
}

#[test]
fn a_thread_is_one_level_deep() {
    let project = Project::new();
    let task = project.task("A title");
    let top = project.say(&["comment", &task, "top", "--role", "review"]);
    let reply = project.say(&["comment", &task, "reply", "--reply-to", &top]);
    let gone = project.say(&["comment", &task, "gone"]);
    project.ok(["comment-delete", &task, &gone]);
    for (line, code) in [
        (vec!["comment", &task, "x", "--reply-to", &reply], "VALIDATION_ERROR"),
        (vec!["comment", &task, "x", "--reply-to", &gone], "VALIDATION_ERROR"),
        (vec!["comment", &task, "x", "--reply-to", "ev_01ARZ3NDEKTSV4RRFFQ69G5FAV"], "VALIDATION_ERROR"),
        (vec!["comment", &task, "x", "--reply-to", "nonsense"], "VALIDATION_ERROR"),
        (vec!["comment", &task, "x", "--role", "praise"], "INVALID_ROLE"),
        (vec!["comment-edit", &task, &gone, "x"], "VALIDATION_ERROR"),
        (vec!["comment-delete", &task, &gone], "VALIDATION_ERROR"),
        (vec!["comment-delete", &task, "ev_01ARZ3NDEKTSV4RRFFQ69G5FAV"], "VALIDATION_ERROR"),
        (vec!["react", &task, "ev_01ARZ3NDEKTSV4RRFFQ69G5FAV", "eyes"], "VALIDATION_ERROR"),
        (vec!["react", &task, &top, "👍"], "VALIDATION_ERROR"),
        (vec!["unreact", &task, &top, "eyes"], "NOT_FOUND"),
    ] {
        let (status, error) = project.refused(&line);
        assert_eq!((status, error["code"].as_str()), (1, Some(code)), "{line:?}");
    }
    let data = project.json(["comments", &task]);
    assert_eq!(data.as_array().unwrap().len(), 2);
    assert_eq!(data[0]["replies"][0]["body"], "reply");
    assert_eq!(data[0]["replies"][0]["parent_id"], json!(top));
    assert_eq!((&data[1]["deleted"], &data[1]["body"]), (&json!(true), &json!("gone")));
    assert_eq!(project.ok(["comments", &task, "--quiet"]), format!("{top}\n{gone}\n"));
}

#[test]
fn comments_read_as_a_tree() {
    let project = Project::new();
    let task = project.task("A title");
    let top = project.say(&["comment", &task, "first line\nsecond line", "--role", "review"]);
    let reply = project.say(&["comment", &task, "rely", "--reply-to", &top]);
    let gone = project.say(&["comment", &task, "secret"]);
    assert_eq!(project.ok(["comment-edit", &task, &reply, "reply"]), format!("Edited comment {reply}\n"));
    assert_eq!(project.ok(["comment-delete", &task, &gone]), format!("Deleted comment {gone}\n"));
    assert_eq!(project.ok(["react", &task, &top, "eyes"]), format!("Reacted with eyes to {top}\n"));
    project.ok(["react", &task, &top, "eyes", "--actor", "human:ada"]);
    let text = project.ok(["comments", &task]);
    let data = project.json(["comments", &task]);
    let at = |value: &Value| value["created_at"].as_str().unwrap().to_owned();
    let expected = format!(
        "LAT-1 \"A title\": 2 comments\n\n\
         agent:test  {}  {top}  [review]\n  first line\n  second line\n  :eyes: agent:test, human:ada\n    \
         agent:test  {}  {reply}  [edited]\n      reply\n\n\
         agent:test  {}  {gone}  [deleted]\n",
        at(&data[0]),
        at(&data[0]["replies"][0]),
        at(&data[1])
    );
    assert_eq!(text, expected);
}

#[test]
fn an_edit_keeps_what_was_said_before() {
    let project = Project::new();
    let task = project.task("A title");
    let id = project.say(&["comment", &task, "one"]);
    project.ok(["comment-edit", &task, &id, "two", "--actor", "human:ada"]);
    let same = project.json(["comment-edit", &task, &id, "two"]);
    let data = project.json(["comments", &task]);
    assert_eq!((&data[0]["body"], &data[0]["edited"]), (&json!("two"), &json!(true)));
    let history = data[0]["edit_history"].as_array().unwrap();
    assert_eq!(history.len(), 1, "the same text again is no edit");
    assert_eq!((&history[0]["body"], &history[0]["edited_by"]), (&json!("one"), &json!("human:ada")));
    assert_eq!(same["title"], "A title");
    let data = project.json(["comment-edit", &task, &id, "three", "--role", "review"]);
    assert_eq!(data["evidence_refs"][0]["role"], "review");
}

#[test]
fn a_reaction_counts_once_and_only_ones_own_goes() {
    let project = Project::new();
    let task = project.task("A title");
    let id = project.say(&["comment", &task, "one"]);
    let first = project.json(["react", &task, &id, "eyes"]);
    let again = project.json(["react", &task, &id, "eyes"]);
    assert_eq!(first["last_event_id"], again["last_event_id"]);
    assert_eq!(project.ok(["react", &task, &id, "eyes"]), "You reacted so already.\n");
    let (status, error) = project.refused(["unreact", &task, &id, "eyes", "--actor", "human:ada"]);
    assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")));
    assert_eq!(project.json(["comments", &task])[0]["reactions"], json!({"eyes": ["agent:test"]}));
    assert_eq!(project.ok(["unreact", &task, &id, "eyes"]), format!("Took eyes back from {id}\n"));
    assert_eq!(project.json(["comments", &task])[0]["reactions"], json!({}));
}

#[test]
fn a_whole_id_of_no_task_has_no_comments() {
    let project = Project::new();
    let id = "task_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    assert_eq!(project.json(["comments", id]), json!([]));
    assert_eq!(project.ok(["comments", id, "--quiet"]), "");
    let (status, error) = project.refused(["comments", "LAT-7"]);
    assert_eq!((status, &error["code"]), (1, &json!("NOT_FOUND")));
    let (status, error) = project.refused(["comments", "?"]);
    assert_eq!((status, &error["code"]), (1, &json!("INVALID_ID")));
}

#[test]
fn json_beats_quiet() {
    let project = Project::new();
    let task = project.task("A title");
    assert!(project.json(["comment", &task, "x", "--quiet"])["id"].is_string());
    assert_eq!(project.json(["comments", &task, "--quiet"]).as_array().unwrap().len(), 1);
}
