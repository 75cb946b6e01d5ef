//! GitHub: what `gh issue list --json …` prints. The members are those that
//! <https://cli.github.com/manual/gh_issue_list> names; one that was not asked for says nothing.

use serde_json::{Value, json};

use super::Read;
use super::invalid;
use super::members::Members;
use crate::app::Failure;
use crate::domain::foreign::{Record, Remark};

/// All that is worth asking for.
const ASK: &str = "number,title,url,body,state,stateReason,author,assignees,labels,milestone,createdAt,updatedAt,closedAt,comments";

/// One issue.
pub(super) fn record(mut issue: Members) -> Result<Read, Failure> {
    let number = issue.needed("number")?;
    let url = issue.text("url")?.unwrap_or_default();
    // Numbers alone would take the issues of two repositories for the same.
    let Some(id) = id(&url) else {
        let what = format!("issue {number} has no `url` that tells its repository");
        return Err(invalid(&issue.place, &what, &format!("ask for it: gh issue list --json {ASK}")));
    };
    let state = issue.text("state")?.unwrap_or_else(|| "open".to_owned());
    let reason = issue.text("stateReason")?.filter(|_| state.eq_ignore_ascii_case("closed"));
    let given_up = |reason: &String| {
        reason.eq_ignore_ascii_case("not_planned") || reason.eq_ignore_ascii_case("duplicate")
    };
    let labels = issue.objects("labels")?.map(|labels| {
        labels.into_iter().map(|mut label| label.needed("name")).collect::<Result<Vec<_>, _>>()
    });
    let labels = labels.transpose()?;
    let kind = labels.iter().flatten().find(|label| label.eq_ignore_ascii_case("bug")).map(|_| "bug");
    let mut assignees = Vec::new();
    let are_said = issue.map.contains_key("assignees");
    for mut one in issue.objects("assignees")?.unwrap_or_default() {
        assignees.extend(one.text("login")?);
    }
    let author = issue.object("author")?.map(login).transpose()?.flatten();
    let comments = issue.objects("comments")?.unwrap_or_default().into_iter().map(comment);
    let record = Record {
        id,
        title: issue.needed("title")?,
        description: issue.text("body")?,
        status: Some(reason.clone().filter(given_up).unwrap_or(state)),
        kind: kind.map(str::to_owned),
        tags: labels,
        assignee: are_said.then(|| assignees.first().cloned().unwrap_or_default()),
        author,
        created: issue.time("createdAt")?,
        updated: issue.time("updatedAt")?,
        closed: issue.time("closedAt")?,
        close_reason: reason.filter(|reason| !reason.is_empty()).map(|reason| reason.to_lowercase()),
        comments: comments.collect::<Result<_, _>>()?,
        ..Record::default()
    };
    // `closed` follows from the state, `id` is only GitHub's own.
    issue.ignore(&["closed", "id"]);
    if let Some(title) = issue.map.get("milestone").and_then(|of| of.get("title")).cloned() {
        issue.map.insert("milestone".to_owned(), title);
    }
    issue.map.insert("url".to_owned(), json!(url));
    if assignees.len() > 1 {
        issue.map.insert("assignees".to_owned(), json!(assignees));
    }
    if issue.map.get("isPinned") == Some(&Value::Bool(false)) {
        issue.ignore(&["isPinned"]);
    }
    Ok(Read::Record(Box::new(Record { rest: issue.rest(), ..record })))
}

/// `owner/name#12` out of an address, as GitHub itself writes it.
fn id(url: &str) -> Option<String> {
    let parts: Vec<&str> = url.split('/').filter(|part| !part.is_empty()).collect();
    let [.., owner, name, "issues" | "pull", number] = parts.as_slice() else { return None };
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{owner}/{name}#{number}"))
}

/// Who it is: programs are agents.
fn login(mut author: Members) -> Result<Option<String>, Failure> {
    let is_bot = author.map.get("is_bot") == Some(&Value::Bool(true));
    let login = author.text("login")?.filter(|login| !login.is_empty());
    Ok(login.map(|login| match is_bot {
        true => format!("agent:{}", login.trim_start_matches("app/")),
        false => login,
    }))
}

fn comment(mut comment: Members) -> Result<Remark, Failure> {
    Ok(Remark {
        author: comment.object("author")?.map(login).transpose()?.flatten(),
        at: comment.time("createdAt")?,
        body: comment.text("body")?.unwrap_or_default(),
    })
}
