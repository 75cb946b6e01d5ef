-- The whole tracker in one file: the two sets that only grow (events and
-- artifacts), and tables derived from them so that questions are cheap to ask.
-- Derived tables carry no foreign key and no UNIQUE constraint that a union of
-- two valid histories could break. The text is short on purpose: SQLite parses
-- it at every open.

-- The first set: every change ever made, in order of arrival.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  sort_key TEXT NOT NULL,
  ts TEXT NOT NULL,
  type TEXT NOT NULL,
  task_id TEXT,
  resource_id TEXT,
  actor TEXT NOT NULL,
  raw TEXT NOT NULL,
  hash BLOB NOT NULL,
  chain BLOB NOT NULL,
  data TEXT GENERATED ALWAYS AS (json_extract(raw, '$.data')) VIRTUAL
) STRICT;
CREATE INDEX events_by_task ON events (task_id, sort_key);
CREATE INDEX events_by_resource ON events (resource_id) WHERE resource_id IS NOT NULL;
CREATE INDEX events_by_instance ON events (sort_key) WHERE task_id IS NULL AND resource_id IS NULL;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'events are append-only'); END;

-- The second set: artifacts by id, their payloads by content.
CREATE TABLE artifacts (
  id TEXT PRIMARY KEY,
  type TEXT,
  title TEXT,
  summary TEXT,
  created_at TEXT,
  created_by TEXT,
  content_type TEXT,
  size_bytes INTEGER,
  sensitive INTEGER NOT NULL,
  payload_file TEXT,
  payload_hash BLOB,
  meta TEXT NOT NULL
) STRICT;
CREATE TABLE payloads (
  hash BLOB PRIMARY KEY,
  content BLOB NOT NULL
) STRICT;

-- Events and artifacts that lost against others under the same id.
CREATE TABLE quarantine (
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  found_at TEXT NOT NULL,
  content TEXT NOT NULL
) STRICT;

-- What the events say, task by task. open = not archived and not in a finished
-- status; the ranks are those of `next`.
CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  short_id TEXT,
  title TEXT NOT NULL,
  status TEXT NOT NULL,
  priority TEXT,
  urgency TEXT,
  complexity TEXT,
  type TEXT,
  assigned_to TEXT,
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  done_at TEXT,
  last_status_changed_at TEXT,
  comment_count INTEGER NOT NULL,
  reopened_count INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  archived_at TEXT,
  needs_human INTEGER NOT NULL,
  open INTEGER NOT NULL,
  priority_rank INTEGER NOT NULL,
  urgency_rank INTEGER NOT NULL,
  last_event_id TEXT NOT NULL,
  description TEXT,
  tags TEXT,
  custom_fields TEXT,
  state TEXT NOT NULL
) STRICT;
CREATE INDEX tasks_in_order ON tasks (priority_rank, urgency_rank, id) WHERE open = 1;
CREATE INDEX tasks_by_status ON tasks (status, id) WHERE archived = 0;
CREATE INDEX tasks_by_assignee ON tasks (assigned_to, status, id) WHERE assigned_to IS NOT NULL;
CREATE INDEX tasks_at_work ON tasks (id) WHERE archived = 0;

-- Numbers that tasks claim and show; a loser of a contested number has two rows.
CREATE TABLE short_ids (
  prefix TEXT NOT NULL,
  number INTEGER NOT NULL,
  task_id TEXT NOT NULL,
  claim_key TEXT,
  shown INTEGER NOT NULL,
  PRIMARY KEY (prefix, number, task_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX short_ids_contested ON short_ids (task_id) WHERE claim_key IS NULL OR shown = 0;

CREATE TABLE task_tags (
  tag TEXT NOT NULL,
  task_id TEXT NOT NULL,
  PRIMARY KEY (tag, task_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE relationships (
  task_id TEXT NOT NULL,
  type TEXT NOT NULL,
  target_task_id TEXT NOT NULL,
  note TEXT,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (task_id, type, target_task_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX relationships_by_target ON relationships (target_task_id, type);
CREATE TABLE branch_links (
  task_id TEXT NOT NULL,
  branch TEXT NOT NULL,
  repo TEXT NOT NULL,
  linked_at TEXT NOT NULL,
  linked_by TEXT NOT NULL,
  PRIMARY KEY (task_id, branch, repo)
) STRICT, WITHOUT ROWID;
CREATE TABLE task_artifacts (
  task_id TEXT NOT NULL,
  artifact_id TEXT NOT NULL,
  role TEXT,
  PRIMARY KEY (task_id, artifact_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE comments (
  id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  parent_id TEXT,
  author TEXT NOT NULL,
  created_at TEXT NOT NULL,
  edited_at TEXT,
  deleted_at TEXT,
  role TEXT,
  body TEXT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (task_id, id)
) STRICT;
CREATE TABLE reactions (
  comment_id TEXT NOT NULL,
  emoji TEXT NOT NULL,
  actor TEXT NOT NULL,
  task_id TEXT NOT NULL,
  PRIMARY KEY (comment_id, emoji, actor)
) STRICT, WITHOUT ROWID;
CREATE TABLE plans (
  task_id TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  event_id TEXT NOT NULL
) STRICT;
CREATE TABLE notes (
  task_id TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  event_id TEXT NOT NULL
) STRICT;

CREATE TABLE resources (
  name TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  description TEXT,
  max_holders INTEGER NOT NULL,
  ttl_seconds INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT;
CREATE TABLE resource_ids (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL
) STRICT;

-- Local state: sessions are neither merged nor exported.
CREATE TABLE sessions (
  name TEXT PRIMARY KEY,
  started_at TEXT,
  ended_at TEXT,
  state TEXT NOT NULL
) STRICT;

-- The configuration as the events leave it; `statuses` spreads its workflow out
-- for joins.
CREATE TABLE statuses (
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  display_name TEXT NOT NULL,
  finished INTEGER NOT NULL,
  wip_limit INTEGER
) STRICT;
-- Single values: config, context, instance heads, the file's epoch, number floors.
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every word of the texts above; what a row is about stands in its rowid.
CREATE VIRTUAL TABLE search USING fts5(title, body, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
