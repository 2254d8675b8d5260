//! Pages of the desks: what each desk's own answers say, laid out. Nothing is told here that they do not tell.

pub mod privacy;
pub mod steward;

use serde_json::Value;

use crate::words;

/// A text of an answer; empty where there is none.
fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// An instant of an answer, by the clock on the wall.
fn instant(value: &Value, name: &str) -> String {
    let text = text(value, name);
    text.parse().map(words::instant).unwrap_or(text)
}

/// What a list of an answer holds, each read so.
fn all<T>(value: &Value, name: &str, read: impl Fn(&Value) -> T) -> Vec<T> {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default().iter().map(read).collect()
}
