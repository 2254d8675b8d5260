//! Names of rows that something lies sealed under.

/// The row under whose name a version of a Consent is sealed.
pub(crate) fn consent(person: &record::PersonId, id: &str, version: u32) -> String {
    format!("consent/{person}/{id}/{version}")
}

/// The row under whose name the note of a review is sealed.
pub(crate) fn note(task: &str, review: &str) -> String {
    format!("privacy/{task}/{review}")
}
