//! Time as a parameter.

/// What time it is. Production asks the machine; tests say.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC.
    fn now(&self) -> jiff::Timestamp;
}

impl Clock for jiff::Timestamp {
    /// A clock that stands still.
    fn now(&self) -> jiff::Timestamp {
        *self
    }
}
