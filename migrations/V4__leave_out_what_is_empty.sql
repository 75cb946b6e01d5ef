-- The record of a task and of a comment no longer names what it does not have:
-- that was nearly half of a new task's.

UPDATE tasks SET state = json_remove(state,
  iif(state ->> '$.claim' IS NULL, '$.claim', '$.none'),
  iif(state ->> '$.priority' IS NULL, '$.priority', '$.none'),
  iif(state ->> '$.urgency' IS NULL, '$.urgency', '$.none'),
  iif(state ->> '$.complexity' IS NULL, '$.complexity', '$.none'),
  iif(state ->> '$.type' IS NULL, '$.type', '$.none'),
  iif(state ->> '$.description' IS NULL, '$.description', '$.none'),
  iif(state ->> '$.tags' IS NULL, '$.tags', '$.none'),
  iif(state ->> '$.assigned_to' IS NULL, '$.assigned_to', '$.none'),
  iif(state ->> '$.done_at' IS NULL, '$.done_at', '$.none'),
  iif(state ->> '$.last_status_changed_at' IS NULL, '$.last_status_changed_at', '$.none'),
  iif(state ->> '$.relationships_out' = '[]', '$.relationships_out', '$.none'),
  iif(state ->> '$.evidence_refs' = '[]', '$.evidence_refs', '$.none'),
  iif(state ->> '$.branch_links' = '[]', '$.branch_links', '$.none'),
  iif(state ->> '$.linked_files' = '[]', '$.linked_files', '$.none'),
  iif(state ->> '$.needs_human' IS NULL, '$.needs_human', '$.none'),
  iif(state ->> '$.comment_count' = 0, '$.comment_count', '$.none'),
  iif(state ->> '$.reopened_count' = 0, '$.reopened_count', '$.none'),
  iif(state ->> '$.custom_fields' = '{}', '$.custom_fields', '$.none'),
  iif(state ->> '$.extra' = '{}', '$.extra', '$.none'),
  iif(state ->> '$.archived' = 0, '$.archived', '$.none'),
  iif(state ->> '$.archived_at' IS NULL, '$.archived_at', '$.none'))
WHERE json_valid(state);
UPDATE comments SET state = json_remove(state,
  iif(state ->> '$.role' IS NULL, '$.role', '$.none'),
  iif(state ->> '$.parent_id' IS NULL, '$.parent_id', '$.none'),
  iif(state ->> '$.edit_history' = '[]', '$.edit_history', '$.none'),
  iif(state ->> '$.edited_at' IS NULL, '$.edited_at', '$.none'),
  iif(state ->> '$.deleted_at' IS NULL, '$.deleted_at', '$.none'),
  iif(state ->> '$.deleted_by' IS NULL, '$.deleted_by', '$.none'),
  iif(state ->> '$.reactions' = '{}', '$.reactions', '$.none'))
WHERE json_valid(state);

-- In the same transaction as all of the above: schema and number never part.
PRAGMA user_version = 4;
