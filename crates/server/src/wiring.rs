//! From a configuration to a running exchange: which part gets which.

use std::sync::Arc;

use record::Clock;

/// The machine's clock: the one place that reads it.
pub fn system_clock() -> Arc<dyn Clock> {
    struct System;
    impl Clock for System {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::now()
        }
    }
    Arc::new(System)
}
