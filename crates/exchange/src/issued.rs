//! Tokens that this exchange gives, and whom they are about.

use audit::{Audited, Event, Who};
use record::{Caller, NhsNumber, PersonId, RequestId};

use crate::{Exchange, Refused};

impl Exchange {
    /// Enters that somebody was given a token, and lets it go. `kind` says by which way: `client` or `launch`.
    pub async fn issued<T>(
        &self,
        request: &RequestId,
        caller: &Caller,
        kind: &str,
        until: jiff::Timestamp,
        told: T,
    ) -> Result<Audited<T>, Refused> {
        let event = Event::Issued {
            by: Who::of(caller),
            patient: caller.launch_patient.as_ref().map(|person| person.as_str().to_owned()).unwrap_or_default(),
            kind: kind.to_owned(),
            scopes: caller.scopes.clone(),
            until: until.to_string(),
        };
        let entry = self.parts.ledger.open(request, event).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        let closed = Event::Closed { outcome: "given".to_owned(), policy: Vec::new(), legs: Vec::new(), shown: Vec::new() };
        Ok(entry.close(told, closed).await)
    }

    /// The person whom a connected organisation has open by this number; an id is minted where there is none. `None` for a number that
    /// was cut: it leads to nobody.
    pub async fn launched(&self, number: &NhsNumber) -> Result<Option<PersonId>, Refused> {
        if self.parts.index.is_cut(number).await? {
            return Ok(None);
        }
        Ok(Some(self.parts.people.person_of(number).await?))
    }
}
