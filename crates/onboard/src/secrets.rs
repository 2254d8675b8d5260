//! The credentials that were sent: overheard on the way out, so that no report repeats them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use record::{Failure, Response};
use source::{Request, Transport};

/// What was shown to a supplier to be let in. Tokens are fetched and renewed under way, so they are known only when they leave.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<BTreeSet<String>>>);

/// Shorter ones are words.
const LENGTH_MIN: usize = 4;

impl Secrets {
    /// The same transport, on which credentials are overheard.
    pub fn on(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(Overheard { secrets: self.clone(), transport })
    }

    /// Adds one.
    pub fn add(&self, secret: &str) {
        if secret.len() >= LENGTH_MIN {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.to_owned());
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(redacted)")
    }
}

struct Overheard {
    secrets: Secrets,
    transport: Arc<dyn Transport>,
}

#[async_trait]
impl Transport for Overheard {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let shown = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        shown.for_each(|(_, value)| self.secrets.add(value.split_whitespace().next_back().unwrap_or_default()));
        self.transport.send(request).await
    }
}
