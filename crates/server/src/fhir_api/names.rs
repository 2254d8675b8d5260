//! What requests are called: as their client says, until it has said the same too often.
//!
//! Whoever asks who looked reads every request of a name to tell them apart. Without a bound somebody who gives one name to all they ask
//! would make that as slow as they like, and their own looks the hardest to find.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::HeaderMap;
use moka::sync::Cache;
use record::RequestId;

/// Names that are remembered; those that are used often the longest.
const NAMES_MAX: u64 = 65_536;

/// Names, and how often each was used.
pub struct Names {
    used: Cache<RequestId, Arc<AtomicU32>>,
    one_name_max: u32,
}

impl Names {
    /// With this many requests by one name of a client's, at most. More are called by names of their own, and told so.
    pub fn new(one_name_max: u32) -> Names {
        Names { used: Cache::new(NAMES_MAX), one_name_max }
    }

    /// The request's id: the client's where it is a usable one, else a new one.
    pub fn of(&self, headers: &HeaderMap) -> RequestId {
        let theirs = headers.get("x-request-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        theirs.filter(|id| self.is_free(id)).unwrap_or_else(own)
    }

    fn is_free(&self, id: &RequestId) -> bool {
        let used = self.used.get_with_by_ref(id, Arc::default);
        // Saturates: nobody gets round to the beginning.
        used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |times| (times < self.one_name_max).then_some(times + 1)).is_ok()
    }
}

fn own() -> RequestId {
    uuid::Uuid::new_v4().to_string().parse().expect("a UUID is a request id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_client_s_until_it_gave_it_to_too_many() {
        let names = Names::new(3);
        let of = |name: &'static str| names.of(&HeaderMap::from_iter([("x-request-id".parse().unwrap(), name.parse().unwrap())]));
        for _ in 0..3 {
            assert_eq!(of("theirs").as_str(), "theirs");
        }
        let (one, other) = (of("theirs"), of("theirs"));
        assert!(one.as_str() != "theirs" && one != other, "{one} {other}");
        assert_eq!(of("another").as_str(), "another");
        // What is no name is nobody's.
        for unusable in ["", "with space", "\u{e9}"] {
            assert_eq!(of(unusable).as_str().len(), 36, "{unusable}");
        }
        assert_eq!(names.of(&HeaderMap::new()).as_str().len(), 36);
    }
}
