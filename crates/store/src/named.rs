//! Whom a line of the ledger names: kept beside it, so that who saw somebody's record can be asked of millions of lines.

use audit::Line;

#[derive(serde::Deserialize)]
struct Names {
    #[serde(default)]
    patient: String,
}

/// The person that a line names.
pub(crate) fn person(line: &Line) -> Option<String> {
    // What was shown is long, and names nobody again.
    if line.event.starts_with(r#"{"event":"closed""#) {
        return None;
    }
    let names: Names = serde_json::from_str(&line.event).ok()?;
    Some(names.patient).filter(|patient| !patient.is_empty())
}

/// The row under whose name the note of a review is sealed.
pub(crate) fn note(task: &str, review: &str) -> String {
    format!("privacy/{task}/{review}")
}
