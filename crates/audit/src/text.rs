//! Text that stands in one way only.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a text says, if it is written exactly as it would be written again: no byte of it can change without being seen, not even one
/// that a reader of JSON would pass over.
pub fn exact<T: Serialize + DeserializeOwned>(text: &[u8]) -> Option<T> {
    let said: T = serde_json::from_slice(text).ok()?;
    (serde_json::to_vec(&said).ok()?.as_slice() == text).then_some(said)
}
