//! Attaching artifacts to tasks: files, references and short texts.

use serde_json::{Map, Value, json};

use super::{Decision, one_of};
use crate::domain::artifact::{
    Artifact, Attached, Attachment, KINDS, KnownArtifact, NewArtifact, payload_limit,
};
use crate::domain::command::Author;
use crate::domain::event::{EventBody, kind};
use crate::domain::facts::Facts;
use crate::domain::id::ArtifactId;
use crate::domain::json;
use crate::domain::rejection::Rejection;
use crate::domain::task::Task;

/// Types that a text on the command line may have.
const INLINE_KINDS: [&str; 2] = ["note", "file"];

/// The artifact and one `artifact_attached`. Where the same artifact is there under the chosen id,
/// only the event, and that only if the task has none.
pub(super) fn attach(
    facts: &Facts,
    author: &Author,
    task: &Task,
    chosen: Option<&ArtifactId>,
    attachment: &Attachment,
    role: Option<&str>,
) -> Result<Decision, Rejection> {
    super::comments::check_role(facts, role)?;
    let id = chosen.unwrap_or(&facts.fresh_artifact);
    let meta = metadata(facts, author, id, &described(attachment)?);
    let payload = attachment.content.bytes();
    let limit = payload_limit(&facts.config);
    let size = payload.map_or(0, <[u8]>::len) as u64;
    if size > limit {
        return Err(Rejection::PayloadTooLarge { size: Some(size), limit });
    }
    let event = attached(task, id, role);
    let Some(known) = &facts.same_artifact else {
        let artifact = Artifact::new(id.clone(), meta);
        let payload = payload.map(<[u8]>::to_vec);
        return Ok(Decision {
            events: vec![event],
            artifacts: vec![NewArtifact { artifact, payload }],
            ..Decision::default()
        });
    };
    let before = task.evidence_refs.iter().find(|e| e.id == id.as_str());
    let other_role = before.is_some_and(|before| before.role.as_deref() != role);
    if other_role || !is_same(known, &meta) {
        return Err(Rejection::ContentDiffers { id: id.to_string() });
    }
    let events = if before.is_some() { Vec::new() } else { vec![event] };
    Ok(events.into())
}

fn attached(task: &Task, id: &ArtifactId, role: Option<&str>) -> EventBody {
    let mut data = json!({"artifact_id": id.as_str()});
    if let Some(role) = role {
        data["role"] = json!(role);
    }
    EventBody::of_task(&task.id, kind::ARTIFACT_ATTACHED, data)
}

/// What metadata says beyond who made it and when.
struct Described {
    kind: String,
    title: String,
    summary: Option<String>,
    sensitive: bool,
    url: Option<String>,
    /// The ending of the payload's name, its content type, its size; `None` without a payload.
    payload: Option<(String, Option<String>, usize)>,
}

fn described(attachment: &Attachment) -> Result<Described, Rejection> {
    let Attachment { kind, title, summary, sensitive, content } = attachment;
    let (standard_kind, standard_title) = match content {
        Attached::File { name, .. } => ("file", name.as_str()),
        Attached::Url(url) => ("reference", url.as_str()),
        Attached::Inline(_) if kind.as_deref() == Some("file") => ("file", "Inline file"),
        Attached::Inline(_) => ("note", "Inline note"),
    };
    let kind = kind.as_deref().unwrap_or(standard_kind);
    let title = title.as_deref().unwrap_or(standard_title).to_owned();
    one_of("artifact type", kind, &KINDS)?;
    if title.trim().is_empty() {
        return Err(Rejection::Blank { what: "title" });
    }
    let (url, payload) = match content {
        Attached::File { name, content_type, bytes } => {
            (None, Some((ending(name), content_type.clone(), bytes.len())))
        }
        Attached::Url(url) => (Some(checked_url(url)?.to_owned()), None),
        Attached::Inline(text) => {
            one_of("type of an inline artifact", kind, &INLINE_KINDS)?;
            if text.trim().is_empty() {
                return Err(Rejection::Blank { what: "inline text" });
            }
            let (ending, content_type) =
                if kind == "note" { (".md", "text/markdown") } else { (".txt", "text/plain") };
            (None, Some((ending.to_owned(), Some(content_type.to_owned()), text.len())))
        }
    };
    Ok(Described {
        kind: kind.to_owned(),
        title,
        summary: summary.clone(),
        sensitive: *sensitive,
        url,
        payload,
    })
}

fn checked_url(url: &str) -> Result<&str, Rejection> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    if rest.is_empty() || rest.starts_with('/') || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Rejection::Invalid {
            what: "address",
            got: url.to_owned(),
            rule: "write http://HOST/… or https://HOST/…, without spaces",
        });
    }
    Ok(url)
}

/// The ending of a file's name with its dot, where it is one that every file system and shell takes
/// as it is; else nothing. The payload's name in the tree ends so.
fn ending(name: &str) -> String {
    /// Longer ones are no endings but sentences with a dot.
    const LONGEST: usize = 16;
    match name.rsplit_once('.') {
        Some((stem, ending))
            if !stem.is_empty()
                && (1..=LONGEST).contains(&ending.len())
                && ending.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+')) =>
        {
            format!(".{ending}")
        }
        _ => String::new(),
    }
}

fn metadata(facts: &Facts, author: &Author, id: &ArtifactId, of: &Described) -> Map<String, Value> {
    let payload = match &of.payload {
        Some((ending, content_type, size)) => {
            json!({"file": format!("{id}{ending}"), "content_type": content_type, "size_bytes": size})
        }
        None => json!({"file": null, "content_type": null, "size_bytes": null}),
    };
    let custom_fields = of.url.as_ref().map_or_else(|| json!({}), |url| json!({"url": url}));
    let meta = json!({
        "schema_version": 1,
        "id": id.as_str(),
        "type": of.kind,
        "title": of.title,
        "summary": of.summary,
        "created_at": facts.now.to_string(),
        "created_by": author.actor,
        "model": author.model(),
        "tags": [],
        "payload": payload,
        "token_usage": null,
        "sensitive": of.sensitive,
        "custom_fields": custom_fields,
    });
    match meta {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Whether what is there under an id is what is to be attached: all but author and time.
fn is_same(known: &KnownArtifact, wanted: &Map<String, Value>) -> bool {
    const SAID: [&str; 4] = ["/title", "/type", "/payload/file", "/payload/size_bytes"];
    const MAYBE: [&str; 2] = ["/summary", "/custom_fields/url"];
    let (before, wanted) = (Value::Object(known.artifact.meta().clone()), Value::Object(wanted.clone()));
    let at = |value: &Value, path: &str| value.pointer(path).cloned().unwrap_or_default();
    known.same_payload
        && SAID.iter().all(|path| at(&before, path) == at(&wanted, path))
        && MAYBE.iter().all(|path| json::same_or_both_empty(&at(&before, path), &at(&wanted, path)))
        && known.artifact.is_sensitive() == (wanted["sensitive"] == json!(true))
}

/// The note that keeps a review.
pub(super) fn review(facts: &Facts, author: &Author, review: &str) -> NewArtifact {
    /// Characters of the review that serve as its summary.
    const SUMMARY: usize = 200;
    let of = Described {
        kind: "note".to_owned(),
        title: "Review".to_owned(),
        summary: Some(review.chars().take(SUMMARY).collect()),
        sensitive: false,
        url: None,
        payload: Some((".md".to_owned(), Some("text/markdown".to_owned()), review.len())),
    };
    let id = &facts.fresh_artifact;
    let artifact = Artifact::new(id.clone(), metadata(facts, author, id, &of));
    NewArtifact { artifact, payload: Some(review.as_bytes().to_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_kept_only_if_it_is_plain() {
        for (name, kept) in [
            ("a.md", ".md"),
            ("a.tar.gz", ".gz"),
            ("A.PNG", ".PNG"),
            ("none", ""),
            (".hidden", ""),
            ("dot.", ""),
            ("a.b c", ""),
            ("a.\u{1b}[2J", ""),
            ("a.é", ""),
            ("a./etc", ""),
            ("Chapter 1. A beginning of it all", ""),
        ] {
            assert_eq!(ending(name), kept, "{name}");
        }
    }

    #[test]
    fn an_address_names_a_host() {
        assert!(checked_url("https://example.org/a?b#c").is_ok());
        for url in ["https://", "http:///x", "https://a b", "http://a\nb"] {
            assert!(checked_url(url).is_err(), "{url}");
        }
    }
}
