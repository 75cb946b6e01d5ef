//! Artifacts of a tree: what they hold is known by its hash, and read one by one where it is needed.
//! All of it at once may be more than memory holds.

use std::fmt;
use std::rc::Rc;

use super::{Code, Failure};
use crate::domain::artifact::{Artifact, NewArtifact};
use crate::store::sha256;

/// An artifact that can be taken in.
#[derive(Clone, Debug)]
pub struct FoundArtifact {
    /// The metadata.
    pub artifact: Artifact,
    /// What it holds; `None` for a reference, or where that is not at hand.
    pub payload: Option<Payload>,
}

/// Bytes that can be read later.
#[derive(Clone)]
pub struct Payload {
    hash: [u8; 32],
    read: Rc<dyn Fn() -> Result<Vec<u8>, Failure>>,
}

impl Payload {
    /// Bytes with this SHA-256, and how to read them.
    pub fn new(hash: [u8; 32], read: impl Fn() -> Result<Vec<u8>, Failure> + 'static) -> Self {
        Self { hash, read: Rc::new(read) }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("hash", &self.hash).finish_non_exhaustive()
    }
}

impl FoundArtifact {
    /// The SHA-256 of what it holds.
    #[must_use]
    pub fn hash(&self) -> Option<&[u8; 32]> {
        self.payload.as_ref().map(|payload| &payload.hash)
    }

    /// The artifact with all that it holds, read now.
    ///
    /// # Errors
    /// `IMPORT_INVALID` if the bytes are others by now, or what keeps them from being read.
    pub fn whole(&self) -> Result<NewArtifact, Failure> {
        let read = |payload: &Payload| match (payload.read)()? {
            bytes if sha256(&bytes) == payload.hash => Ok(bytes),
            _ => Err(Failure::new(
                Code::ImportInvalid,
                format!("the payload of {} changed while it was read", self.artifact.id),
            )
            .hint("nothing was imported; do it again once nobody writes there")),
        };
        let payload = self.payload.as_ref().map(read).transpose()?;
        Ok(NewArtifact { artifact: self.artifact.clone(), payload })
    }
}

/// With bytes that are at hand.
impl From<NewArtifact> for FoundArtifact {
    fn from(new: NewArtifact) -> Self {
        let payload = new.payload.map(|bytes| Payload::new(sha256(&bytes), move || Ok(bytes.clone())));
        Self { artifact: new.artifact, payload }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bytes_that_changed_since_they_were_hashed_are_refused() {
        let meta = json!({"id": "art_01J00000000000000000000001"});
        let artifact = Artifact::from_value(meta).unwrap();
        let of = |bytes: &'static [u8]| FoundArtifact {
            artifact: artifact.clone(),
            payload: Some(Payload::new(sha256(b"as it was"), move || Ok(bytes.to_vec()))),
        };
        assert_eq!(of(b"as it was").whole().unwrap().payload.as_deref(), Some(&b"as it was"[..]));
        let failure = of(b"as it is").whole().unwrap_err();
        assert_eq!(failure.code, Code::ImportInvalid);
        assert!(failure.message.contains("changed while it was read"), "{failure:?}");
    }
}
