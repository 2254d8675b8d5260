//! `$request-access`: claims, granted and kept.

use access::{Claim, ClaimKind, Restriction};
use audit::{Audited, Event, Who};
use record::{Ask, Caller, Need, PersonId, Question, RequestId};

use crate::facts::same_time;
use crate::{Exchange, KeptClaim, PrivacyKind, PrivacyTask, Refused};

impl Exchange {
    /// Grants a claim and keeps it until it ends. Refusals and grants are entered in the same detail.
    pub async fn request_access(
        &self,
        request: &RequestId,
        caller: &Caller,
        person: &PersonId,
        claim: Claim,
    ) -> Result<Audited<jiff::Timestamp>, Refused> {
        let question = Question::Read { person: person.clone(), need: Need::everything() };
        let ask = Ask { request: request.clone(), caller: caller.clone(), question, hops: Vec::new(), wait: None };
        let entry =
            self.parts.ledger.open(request, crate::told::opened(&ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        let slowest = self.slowest_look();
        let known = self.parts.people.number_of(person).await?;
        // Looked up for everybody, so that a refusal takes one way.
        let marked = self.parts.index.known(person).await?.restricted;
        let granted = access::grant(&self.parts.policy.rules(), &ask, &claim, self.parts.settings.terms, self.parts.clock.now());
        // The server tells what is wrong with a reason; whoever calls by another way is refused.
        let reasoned = claim.is_reasoned(self.parts.settings.words).map_err(|_| access::Refusal::Unclaimable);
        let granted = match (granted.and_then(|granted| reasoned.map(|()| granted)), known) {
            (Ok(granted), Some(number)) => match self.claimable(&ask, (person, number, marked), claim.kind).await? {
                Ok(()) => granted,
                Err(refusal) => {
                    same_time(slowest).await;
                    return Err(self.refused(entry, &ask, refusal).await);
                }
            },
            (Ok(_), None) => {
                same_time(slowest).await;
                return Err(self.refused(entry, &ask, access::Refusal::UnknownPerson).await);
            }
            (Err(refusal), _) => return Err(self.refused(entry, &ask, refusal).await),
        };
        let kept = KeptClaim {
            id: uuid::Uuid::new_v4().to_string(),
            person: person.clone(),
            user: caller.user.clone(),
            organisation: caller.organisation.code.clone(),
            client: caller.client.clone(),
            kind: granted.kind,
            reason: claim.reason_code.clone(),
            trace: request.clone(),
            from: self.parts.clock.now(),
            until: granted.until,
        };
        // First the task, then the claim: none stands that nobody is to look at.
        let task = task(request, &granted, &claim, self.parts.clock.now());
        self.parts.privacy.raise(&task).await?;
        self.parts.claims.keep(kept).await?;
        task.announce();
        let event = Event::Claimed {
            by: Who::of(caller),
            patient: person.as_str().to_owned(),
            kind: granted.kind.name().to_owned(),
            reason: claim.reason_code,
            text: claim.text,
            until: Some(granted.until.to_string()),
        };
        Ok(entry.close(granted.until, event).await)
    }

    /// Whose place is hidden, the national service says, where it is asked; whom any source marks as restricted is, whatever else is said.
    async fn claimable(
        &self,
        ask: &Ask,
        (person, number, marked): (&PersonId, record::NhsNumber, bool),
        kind: ClaimKind,
    ) -> Result<Result<(), access::Refusal>, Refused> {
        let (rules, now) = (self.parts.policy.rules(), self.parts.clock.now());
        let claimable = |restriction| access::claimable(&rules, &ask.caller, kind, restriction, now);
        if self.parts.demographics.is_none() {
            return Ok(claimable(if marked { Restriction::Restricted } else { Restriction::Unrestricted }));
        }
        let admission = match self.admit(ask) {
            Ok(admission) => admission,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let about = self.whose(&admission, person, number, self.until(ask)).await?;
        Ok(match (about.number, about.restriction) {
            (None, _) => Err(access::Refusal::UnknownPerson),
            (Some(_), restriction) => claimable(restriction),
        })
    }
}

/// Every claim is looked at afterwards by somebody else.
fn task(request: &RequestId, granted: &access::Granted, claim: &Claim, now: jiff::Timestamp) -> PrivacyTask {
    let (kind, rule) = match granted.kind {
        ClaimKind::Emergency => (PrivacyKind::Emergency, "claim.emergency"),
        ClaimKind::LegalOverride => (PrivacyKind::LegalOverride, "objection.legal-override"),
        ClaimKind::Relationship => (PrivacyKind::SelfClaimed, "claim.self-claimed"),
    };
    PrivacyTask::open(kind, request, rule, &claim.reason_code, now)
}
