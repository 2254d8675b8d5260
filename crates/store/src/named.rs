//! Names of rows that something lies sealed under.

/// The row under whose name the note of a review is sealed.
pub(crate) fn note(task: &str, review: &str) -> String {
    format!("privacy/{task}/{review}")
}
