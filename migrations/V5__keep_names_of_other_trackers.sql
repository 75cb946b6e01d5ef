-- What other trackers call a task: the texts of custom fields whose names end in `_id`. A name
-- that means nothing here is looked up there, and no longer looked for in every task.

CREATE TABLE task_names (
  task_id TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (task_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_names_by_name ON task_names (name);

-- What does not read is left for `doctor` to find. LIKE would end a key at a NUL; these are the bytes
-- of `_id` in any case.
INSERT OR IGNORE INTO task_names (task_id, name)
SELECT t.id, f.value
  FROM tasks t, json_each(iif(json_valid(t.custom_fields), t.custom_fields, '{}')) f
 WHERE t.custom_fields IS NOT NULL AND f.type = 'text'
   AND substr(hex(f.key), -6) IN ('5F6964', '5F6944', '5F4964', '5F4944');

-- In the same transaction as all of the above: schema and number never part.
PRAGMA user_version = 5;
