//! Tokens that this exchange gives, and whom they are about.

use audit::{Audited, Ending, Event, Who};
use record::{Caller, NhsNumber, PersonId, RequestId};

use crate::{Exchange, Refused};

impl Exchange {
    /// Enters that somebody is given a token, gives it, and lets it go; where it is not given, for which `give` has words and what to say,
    /// the entry closes with those. `kind` says by which way: `client` or `launch`.
    pub async fn issued<T, E: From<Refused>>(
        &self,
        request: &RequestId,
        caller: &Caller,
        kind: &str,
        until: jiff::Timestamp,
        give: impl Future<Output = Result<T, (String, E)>>,
    ) -> Result<Audited<T>, E> {
        let (by, patient) = (Who::of(caller), caller.launch_patient.as_ref().map(|person| person.as_str().to_owned()).unwrap_or_default());
        let event = Event::Issued {
            by: by.clone(),
            patient: patient.clone(),
            kind: kind.to_owned(),
            scopes: caller.scopes.clone(),
            until: until.to_string(),
        };
        let entry = self.parts.ledger.open(request, event).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        match give.await {
            Ok(given) => Ok(entry.close(given, Event::closed(Ending::Given)).await),
            Err((why, not)) => {
                entry.close((), Event::refused(Some(by), patient, why)).await;
                Err(not)
            }
        }
    }

    /// The person whom a connected organisation has open by this number; an id is minted where there is none. `None` for a number that
    /// was cut, or that might be somebody's where only made-up people are known: it leads to nobody.
    pub async fn launched(&self, number: &NhsNumber) -> Result<Option<PersonId>, Refused> {
        if self.parts.index.is_cut(number).await? || !self.parts.settings.ladder.knows(number) {
            return Ok(None);
        }
        Ok(Some(self.parts.people.person_of(number).await?))
    }
}
