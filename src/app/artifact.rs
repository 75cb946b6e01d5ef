//! Artifacts as somebody asks for them: by id, with what they hold.

use super::{App, Code, Failure, resolve};
use crate::domain::Artifact;

impl App {
    /// The artifact that a whole id or an unambiguous beginning means.
    ///
    /// # Errors
    /// `INVALID_ID`, `NOT_FOUND`, `AMBIGUOUS_ID`.
    pub fn artifact(&self, text: &str) -> Result<Artifact, Failure> {
        self.read(|reader| resolve::artifact(reader, text))
    }

    /// What an artifact holds.
    ///
    /// # Errors
    /// `NOT_FOUND` where it holds nothing, or its content did not come along.
    pub fn payload(&self, artifact: &Artifact) -> Result<Vec<u8>, Failure> {
        let found = self.read(|reader| Ok(reader.payload(&artifact.id)?))?;
        found.ok_or_else(|| match artifact.payload_file() {
            Some(_) => Failure::new(Code::NotFound, format!("the content of {} is not here", artifact.id))
                .hint("it stayed where the artifact was made: `lattice export --include-sensitive` takes it along"),
            None => Failure::new(Code::NotFound, format!("{} has no content of its own", artifact.id))
                .hint(artifact.url().map_or_else(
                    || format!("see `lattice artifact {}`", artifact.id),
                    |url| format!("it stands at {url}"),
                )),
        })
    }
}
