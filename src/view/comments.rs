//! The shape of comments.

use serde_json::{Value, json};

use crate::app::CommentThread;
use crate::domain::comment::Comment;
use crate::domain::{Task, TaskId};

/// The whole answer of `comments`: threads, and beside them the task in short.
#[must_use]
pub fn document(id: &TaskId, task: Option<&Task>, threads: &[CommentThread]) -> Value {
    let data: Vec<Value> = threads.iter().map(|thread| comment(&thread.comment, &thread.replies)).collect();
    json!({
        "data": data,
        "ok": true,
        "task_context": {
            "id": task.map_or_else(|| id.to_string(), Task::name),
            "title": task.map(|task| &task.title),
            "status": task.map(|task| &task.status),
        },
    })
}

/// A comment with its replies. The text of a deleted one stays.
#[must_use]
pub fn comment(comment: &Comment, replies: &[Comment]) -> Value {
    json!({
        "id": comment.id,
        "body": comment.body,
        "role": comment.role,
        "author": comment.author,
        "created_at": comment.created_at,
        "edited": !comment.edit_history.is_empty(),
        "edited_at": comment.edited_at,
        "edit_history": comment.edit_history,
        "deleted": comment.is_deleted(),
        "deleted_by": comment.deleted_by,
        "deleted_at": comment.deleted_at,
        "parent_id": comment.parent_id,
        "reactions": comment.reactions,
        "replies": replies.iter().map(|reply| self::comment(reply, &[])).collect::<Vec<_>>(),
    })
}
