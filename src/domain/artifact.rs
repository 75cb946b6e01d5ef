//! Artifacts: files, notes and references that speak for tasks. A set that only grows.

use serde_json::{Map, Value};

use super::config::Config;
use super::id::ArtifactId;
use super::json;

/// An artifact's metadata, kept to the letter behind a small typed view.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    meta: Map<String, Value>,
}

impl Artifact {
    /// Metadata of our own making.
    #[must_use]
    pub fn new(id: ArtifactId, meta: Map<String, Value>) -> Self {
        Self { id, meta }
    }

    /// Reads metadata as it stands in `artifacts/meta/<id>.json`.
    #[must_use]
    pub fn from_value(value: Value) -> Option<Self> {
        if json::depth(&value) > json::MAX_DEPTH {
            return None;
        }
        let Value::Object(meta) = value else { return None };
        let id = ArtifactId::parse_foreign(json::text(&meta, "id")?)?;
        let artifact = Self { id, meta };
        // The payload's name becomes a path.
        artifact.payload_file().is_none_or(is_plain_name).then_some(artifact)
    }

    /// The metadata.
    #[must_use]
    pub fn meta(&self) -> &Map<String, Value> {
        &self.meta
    }

    /// Text under a key of the metadata.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        json::text(&self.meta, key)
    }

    /// The address that it refers to, if it is a reference.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        json::text(self.meta.get("custom_fields")?.as_object()?, "url")
    }

    /// Whether the payload stays out of the exported tree unless asked for.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.meta.get("sensitive").and_then(Value::as_bool).unwrap_or(false)
    }

    /// The payload's file name below `artifacts/payload/`, if there is a payload.
    #[must_use]
    pub fn payload_file(&self) -> Option<&str> {
        self.payload().and_then(|p| json::text(p, "file"))
    }

    /// The payload's content type.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.payload().and_then(|p| json::text(p, "content_type"))
    }

    /// The payload's size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> Option<i64> {
        self.payload()?.get("size_bytes")?.as_i64()
    }

    /// Whether another's metadata names the same payload, by file and size; not if there is none.
    #[must_use]
    pub fn names_the_payload_of(&self, other: &Self) -> bool {
        let named = |artifact: &Self| artifact.payload_file().map(str::to_owned).zip(artifact.size_bytes());
        named(self).is_some() && named(self) == named(other)
    }

    fn payload(&self) -> Option<&Map<String, Value>> {
        self.meta.get("payload")?.as_object()
    }
}

/// A name that stays in its folder: no separator, no leading dot, nothing that a terminal or a
/// file system would take for something else.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && !name.starts_with('.')
        && !name.chars().any(|c| c == '/' || c == '\\' || c.is_control())
}

/// Bytes of a payload unless configured: 64 MiB.
const DEFAULT_PAYLOAD: u64 = 64 * 1024 * 1024;
/// Bytes of a payload at most: an import takes no more, so an export must not hold more.
pub const MOST_PAYLOAD: u64 = 256 * 1024 * 1024;

/// Bytes that the payload of a new artifact may have.
#[must_use]
pub fn payload_limit(config: &Config) -> u64 {
    let limit = config.get("/artifacts/max_bytes").and_then(Value::as_u64);
    limit.unwrap_or(DEFAULT_PAYLOAD).min(MOST_PAYLOAD)
}

/// Types that an artifact may have.
pub const KINDS: [&str; 6] = ["conversation", "file", "log", "note", "prompt", "reference"];

/// What somebody attaches to a task. `None` takes what goes with the content.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the metadata")]
pub struct Attachment {
    pub kind: Option<String>,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub sensitive: bool,
    pub content: Attached,
}

/// The content of an attachment.
#[derive(Clone, Debug, PartialEq)]
pub enum Attached {
    /// A file that was read.
    File {
        /// Its name without folders.
        name: String,
        /// What its name says of the content.
        content_type: Option<String>,
        /// All of it.
        bytes: Vec<u8>,
    },
    /// An address; nothing is fetched.
    Url(String),
    /// A text.
    Inline(String),
}

impl Attached {
    /// The bytes that would be kept; none of an address.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::File { bytes, .. } => Some(bytes),
            Self::Url(_) => None,
            Self::Inline(text) => Some(text.as_bytes()),
        }
    }
}

/// An artifact that is there under an id that a caller chose, held against what is to be attached.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownArtifact {
    /// What is there.
    pub artifact: Artifact,
    /// Whether it holds the same bytes, or neither holds any. Bytes that are not here are not the
    /// same: nobody could tell.
    pub same_payload: bool,
}

/// An artifact to be added, with its payload.
#[derive(Clone, Debug, PartialEq)]
pub struct NewArtifact {
    /// The metadata.
    pub artifact: Artifact,
    /// The payload's bytes; `None` for a reference, or where the payload is not at hand.
    pub payload: Option<Vec<u8>>,
}

/// Whether a source is an address instead of a file.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}
