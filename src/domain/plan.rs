//! Plans: the scaffold that every task has, and what counts as more than that.

use super::time::Timestamp;

/// How the heading of a "Reset" begins, which a backward move appends.
const RESET: &str = "## Reset ";

/// The plan of a task that nobody has planned: heading, blank line, description.
#[must_use]
pub fn scaffold(short_id: Option<&str>, title: &str, description: Option<&str>) -> String {
    let title = one_line(title);
    let mut text = match short_id {
        Some(short_id) => format!("# {short_id}: {title}\n"),
        None => format!("# {title}\n"),
    };
    if let Some(description) = description.filter(|d| !d.trim().is_empty()) {
        text.push('\n');
        text.push_str(description);
        text.push('\n');
    }
    text
}

fn one_line(title: &str) -> String {
    title.split(['\n', '\r']).collect::<Vec<_>>().join(" ")
}

/// Appends the note that the task went back, after which the plan should be looked at again.
#[must_use]
pub fn with_reset(plan: &str, at: Timestamp, actor: &str) -> String {
    let gap = if plan.ends_with('\n') { "\n" } else { "\n\n" };
    format!("{plan}{gap}{RESET}{} by {}\n", at.date(), one_line(actor))
}

/// Whether a plan says nothing beyond the scaffold of one of these titles and descriptions
/// (those that the task has or had). Reset headings and blank lines do not count.
#[must_use]
pub fn is_scaffold(plan: &str, titles: &[String], descriptions: &[String]) -> bool {
    is_scaffold_of(
        plan,
        |heading| titles.iter().any(|title| title_line(title) == heading),
        |body| descriptions.iter().any(|description| description_lines(description) == body),
    )
}

/// The same where it is not the titles and descriptions themselves that are known.
#[must_use]
pub fn is_scaffold_of(
    plan: &str,
    is_title: impl Fn(&str) -> bool,
    is_description: impl Fn(&str) -> bool,
) -> bool {
    let kept: Vec<&str> = plan.lines().filter(|line| !line.starts_with(RESET)).collect();
    let text = kept.join("\n");
    let text = text.trim();
    if text.is_empty() {
        return true;
    }
    let (heading, body) = text.split_once('\n').unwrap_or((text, ""));
    let Some(heading) = heading.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with(' '))
    else {
        return false;
    };
    let heading = heading.trim();
    let is_short_id = |id: &str| super::ShortId::parse(id).is_some();
    let named = heading.split_once(": ").filter(|(id, _)| is_short_id(id));
    // The heading of a task whose title is none or blank.
    let nameless = heading.is_empty() || heading.strip_suffix(':').is_some_and(is_short_id);
    let titled = nameless || is_title(heading) || named.is_some_and(|(_, title)| is_title(title.trim()));
    let body = body.trim();
    titled && (body.is_empty() || is_description(&description_lines(body)))
}

/// A title as the heading of a scaffold has it.
#[must_use]
pub fn title_line(title: &str) -> String {
    one_line(title).trim().to_owned()
}

/// A description as scaffolds are compared.
#[must_use]
pub fn description_lines(text: &str) -> String {
    let lines = text.trim().lines().map(str::trim_end).filter(|line| !line.starts_with(RESET));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scaffold_of_a_title_with_blanks_around_it_is_no_plan() {
        for title in [" a", "\ta", "a ", "  a  b ", "\n a"] {
            for short_id in [Some("LAT-1"), None] {
                let text = scaffold(short_id, title, None);
                assert!(is_scaffold(&text, &[title.to_owned()], &[]), "{text:?}");
            }
        }
    }

    #[test]
    fn the_scaffold_of_a_task_without_a_title_is_no_plan() {
        for short_id in [Some("LAT-1"), None] {
            let text = scaffold(short_id, "", None);
            assert!(is_scaffold(&text, &[], &[]), "{text:?}");
            assert!(!is_scaffold(&format!("{text}\n- one step\n"), &[], &[]), "{text:?}");
        }
        assert!(!is_scaffold("#hashtag", &[], &[]));
    }

    #[test]
    fn the_scaffold_is_no_plan_whatever_the_description_holds() {
        let description = "Do this:\n\n- a bullet\n```\ncode\n```";
        let text = scaffold(Some("LAT-1"), "A title", Some(description));
        let (titles, descriptions) = (vec!["A title".to_owned()], vec![description.to_owned()]);
        assert!(is_scaffold(&text, &titles, &descriptions));
        assert!(is_scaffold(&text.replace("LAT-1", "LAT-9"), &titles, &descriptions));
        let reset = with_reset(&text, Timestamp::from_seconds(0), "agent:x");
        assert!(is_scaffold(&reset, &titles, &descriptions), "{reset}");
        assert!(!is_scaffold(&format!("{reset}\n- step one\n"), &titles, &descriptions));
        assert!(!is_scaffold("# Another heading\n", &titles, &descriptions));
        assert!(!is_scaffold("just do it", &titles, &descriptions));
    }
}
