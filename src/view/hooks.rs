//! The shape of hooks.

use serde_json::{Value, json};

use crate::app::{Standing, hook_id};
use crate::domain::hooks::Hook;

/// Every hook with what was decided about it.
#[must_use]
pub fn hooks(hooks: &[(Hook, Standing)]) -> Value {
    let one = |(hook, standing): &(Hook, Standing)| {
        json!({
            "id": hook_id(hook),
            "point": hook.point,
            "command": hook.command,
            "state": standing.word(),
        })
    };
    json!({"hooks": hooks.iter().map(one).collect::<Vec<_>>()})
}
