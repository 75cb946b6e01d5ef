-- Sums over the log, kept so that `stats` and `weather` need not walk it, and one
-- index of what tasks are, which both read instead of the tasks.

ALTER TABLE tasks ADD COLUMN event_count INTEGER NOT NULL DEFAULT 0;
UPDATE tasks SET event_count = (SELECT count(*) FROM events WHERE task_id = tasks.id);
DROP INDEX tasks_by_status;
CREATE INDEX tasks_by_status ON tasks (status, id, updated_at, event_count, open, needs_human, assigned_to, priority, type, tags) WHERE archived = 0;
CREATE INDEX tasks_by_done ON tasks (done_at, id) WHERE done_at IS NOT NULL;
CREATE TABLE tallies (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  count INTEGER NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- In the same transaction as all of the above: schema and number never part.
PRAGMA user_version = 2;
