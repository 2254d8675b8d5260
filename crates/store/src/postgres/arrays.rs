//! Rows as columns: one statement writes many.

use jiff::Timestamp;

/// As PostgreSQL keeps it: to the microsecond, the rest cut off.
pub(super) fn micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
