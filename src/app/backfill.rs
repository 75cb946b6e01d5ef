//! Short ids for tasks that never had one.

use super::execute::carry_out;
use super::{App, Failure, Identity};
use crate::domain::{Command, ShortId};

impl App {
    /// Gives short ids to all tasks without one, archived or not, oldest first. With `code` the
    /// project gets this code before; `force` changes another one. One transaction.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where there is no code, `CONFLICT` where there is another; nothing was
    /// changed then.
    pub fn backfill_ids(
        &mut self,
        who: &Identity,
        code: Option<String>,
        force: bool,
    ) -> Result<Vec<ShortId>, Failure> {
        let world = &self.world;
        self.store.write(|tx| {
            let mut config = tx.config()?;
            let author = who.author(tx, &config)?;
            if let Some(code) = code {
                let command = Command::SetProjectCode { code, force };
                carry_out(tx, world, config, &author, &command)?;
                config = tx.config()?;
            }
            let mut given = Vec::new();
            if config.short_id_prefix().is_none() {
                return Err(crate::domain::Rejection::NoProjectCode { purpose: "short ids" }.into());
            }
            for task in tx.tasks_without_short_id()? {
                let outcome = carry_out(tx, world, config.clone(), &author, &Command::NameTask { task })?;
                given.extend(outcome.task.and_then(|task| task.short_id));
            }
            Ok(given)
        })
    }
}
