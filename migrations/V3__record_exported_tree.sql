-- What the files of each task read as when they were last exported, so that
-- files with the same bytes need not be read into events nor written again.
-- Derived and local: it may be emptied at any time.
CREATE TABLE tree_record (
  task_id TEXT PRIMARY KEY,
  archived INTEGER NOT NULL,
  events INTEGER NOT NULL,
  short_id TEXT,
  claimed TEXT,
  claim_key TEXT,
  log BLOB,
  snapshot BLOB,
  plan BLOB,
  notes BLOB
) STRICT, WITHOUT ROWID;

-- In the same transaction as all of the above: schema and number never part.
PRAGMA user_version = 3;
