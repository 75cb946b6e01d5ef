-- Answers to common questions, made for each connection that asks in SQL. They are not part of the
-- file, because every command would parse them: with them in it, opening takes a third longer.
-- waiting_on: what keeps a task from starting.
CREATE TEMP VIEW waiting_on AS
  SELECT r.task_id, r.target_task_id AS on_task_id, r.type AS because
    FROM relationships r JOIN tasks t ON t.id = r.target_task_id AND t.open = 1
   WHERE r.type = 'depends_on'
  UNION ALL
  SELECT r.target_task_id, r.task_id, r.type
    FROM relationships r JOIN tasks t ON t.id = r.task_id AND t.open = 1
   WHERE r.type = 'blocks'
  UNION ALL
  SELECT r.target_task_id, r.task_id, r.type
    FROM relationships r JOIN tasks t ON t.id = r.task_id AND t.open = 1
   WHERE r.type = 'subtask_of';
CREATE TEMP VIEW ready AS
  SELECT id, short_id, title, status, priority, urgency, type, assigned_to
    FROM tasks t
   WHERE open = 1 AND needs_human = 0 AND status IN ('backlog', 'planned') AND assigned_to IS NULL
     AND NOT EXISTS (SELECT 1 FROM waiting_on w WHERE w.task_id = t.id)
   ORDER BY priority_rank, urgency_rank, id;
CREATE TEMP VIEW blocked AS
  SELECT t.id, t.short_id, t.title, t.status, w.because, w.on_task_id,
         b.short_id AS on_short_id, b.title AS on_title
    FROM waiting_on w JOIN tasks t ON t.id = w.task_id AND t.open = 1
    JOIN tasks b ON b.id = w.on_task_id;
CREATE TEMP VIEW stale AS
  SELECT id, short_id, title, status, assigned_to, updated_at,
         CAST(julianday('now') - julianday(updated_at) AS INTEGER) AS days
    FROM tasks WHERE open = 1 AND julianday('now') - julianday(updated_at) >= 7;
CREATE TEMP VIEW wip AS
  SELECT s.name AS status, s.wip_limit, count(t.id) AS current,
         s.wip_limit IS NOT NULL AND count(t.id) > s.wip_limit AS over
    FROM statuses s LEFT JOIN tasks t ON t.status = s.name AND t.archived = 0
   GROUP BY s.name ORDER BY s.position;
CREATE TEMP VIEW cycle_times AS
  SELECT id, short_id, title, created_at, done_at,
         round((julianday(done_at) - julianday(created_at)) * 24, 2) AS hours
    FROM tasks WHERE done_at IS NOT NULL;
CREATE TEMP VIEW activity AS
  SELECT date(ts) AS day, actor, count(*) AS events, count(DISTINCT task_id) AS tasks
    FROM events GROUP BY day, actor;
