//! Tasks that cannot be begun, and why.

use serde_json::{Value, json};

use crate::app::{BlockReason, BlockedTask};
use crate::domain::Task;

/// The envelope: `data` is an array of compact tasks, each with `blocked_by`.
#[must_use]
pub fn blocked(tasks: &[BlockedTask], truncated: bool) -> Value {
    let one = |blocked: &BlockedTask| {
        let mut map = super::compact(&blocked.task);
        let reasons = blocked.reasons.iter().map(|why| reason(&blocked.task, why)).collect();
        map.insert("blocked_by".into(), reasons);
        Value::Object(map)
    };
    let mut envelope = super::envelope(tasks.iter().map(one).collect());
    if truncated {
        envelope["truncated"] = json!(true);
    }
    envelope
}

/// `reason` is a type of relation with the task at its other end, `status`, or `needs_human`.
fn reason(task: &Task, reason: &BlockReason) -> Value {
    match reason {
        BlockReason::Task { because, on } => {
            let short_id = on.short_id.as_ref().map(ToString::to_string);
            json!({
                "reason": because,
                "task_id": on.id.as_str(),
                "short_id": short_id,
                "title": on.title,
                "status": on.status,
            })
        }
        BlockReason::Status => json!({"reason": "status", "status": task.status}),
        BlockReason::NeedsHuman => {
            let said = task.needs_human.as_ref().and_then(|flag| flag.get("reason"));
            json!({"reason": "needs_human", "text": said})
        }
    }
}
