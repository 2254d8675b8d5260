//! Names of rows that something lies sealed under.

/// The row under whose name a version of a Consent is sealed.
pub(crate) fn consent(person: &record::PersonId, id: &str, version: u32) -> String {
    format!("consent/{person}/{id}/{version}")
}

/// The row under whose name the note of a review is sealed.
pub(crate) fn note(task: &str, review: &str) -> String {
    format!("privacy/{task}/{review}")
}

/// The row under whose name a person's own key is sealed.
pub(crate) fn person_key(person: &record::PersonId) -> String {
    format!("person-key/{person}")
}

/// The row under whose name a step about a person's evidence is sealed, under the person's key.
pub(crate) fn step(id: &str, number: u32) -> String {
    format!("step/{id}/{number}")
}
