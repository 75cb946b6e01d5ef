//! Archiving what was done a while ago.

use super::execute::{Outcome, carry_out};
use super::{App, Failure, Identity};
use crate::domain::{Command, Timestamp};

const DAY: i64 = 24 * 60 * 60;

impl App {
    /// Archives every task that was done before yesterday began (UTC). One transaction, so that
    /// no task is taken that somebody has just opened again.
    ///
    /// # Errors
    /// [`Failure`]; none of them is archived then.
    pub fn archive_stale(&mut self, who: &Identity) -> Result<Vec<Outcome>, Failure> {
        let world = &self.world;
        let outcomes: Vec<Outcome> = self.store.write(|tx| {
            let config = tx.config()?;
            let author = who.author(tx, &config)?;
            let today = world.now().seconds().div_euclid(DAY);
            let yesterday = Timestamp::from_seconds((today - 1) * DAY);
            let stale = tx.done_before(&yesterday.to_string())?;
            stale
                .into_iter()
                .map(|task| carry_out(tx, world, config.clone(), &author, &Command::Archive { task }))
                .collect::<Result<_, Failure>>()
        })?;
        outcomes.iter().for_each(|outcome| self.remember_hooks(outcome));
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{InitOptions, World};
    use crate::domain::command::NewTask;

    #[test]
    fn only_what_was_done_before_yesterday_is_stale() {
        // 2026-01-10T12:00:00Z
        let noon: u64 = 1_768_046_400_000;
        let world = World::scripted(noon, 7);
        let options = InitOptions { project_code: Some("LAT".into()), ..InitOptions::default() };
        let mut app = App::in_memory(world, &options, None).unwrap();
        let who = Identity { actor: Some("agent:a".into()), ..Identity::default() };
        let make = |app: &mut App, hours_ago: u64, status: &str| {
            app.world().set_clock(noon - hours_ago * 3_600_000);
            let task = NewTask {
                title: format!("{hours_ago}"),
                status: Some(status.to_owned()),
                ..NewTask::default()
            };
            let build = |names: &crate::app::Names<'_>| {
                Ok(Command::Create { id: names.fresh_task(), chosen: false, task })
            };
            app.execute(&who, build).unwrap();
        };
        make(&mut app, 36, "done"); // the first second of yesterday
        make(&mut app, 37, "done"); // the day before
        make(&mut app, 500, "cancelled");
        app.world().set_clock(noon);
        let archived = app.archive_stale(&who).unwrap();
        let titles: Vec<String> =
            archived.iter().filter_map(|o| o.task.as_ref()).map(|t| t.title.clone()).collect();
        assert_eq!(titles, ["37"]);
        assert!(app.archive_stale(&who).unwrap().is_empty());
    }
}
