//! Further pages, plans, and what ids stand for.

use access::Permit;
use audit::{Audited, Ending, Event, Who};
use fhir::Kind;
use jiff::Timestamp;
use record::{Ask, Caller, Need, NhsNumber, PersonId, Plan, Question, RequestId, Row, Status};

use crate::{Claimed, Digests, Exchange, Refused, told};

impl Exchange {
    /// Leave to show a further page of an answer that was made then: decided again, since permission may have ended, and entered. None
    /// where who the person is, what they object to or the rules have changed meanwhile, or the emergency that it was made in is over: so is
    /// the answer.
    pub async fn page(
        &self,
        request: &RequestId,
        caller: &Caller,
        person: &PersonId,
        answer: &str,
        (from, shown): (usize, Digests),
        (made, rules, claimed): (Timestamp, &str, Claimed),
    ) -> Result<Option<Audited<()>>, Refused> {
        let ask = asked_again(request, caller, person);
        let entry = self.parts.ledger.open(request, told::opened(&ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        let (permitted, about) = self.decide(&ask, person, self.until(&ask)).await?;
        let permit = match permitted {
            Ok(permit) => permit,
            Err(refusal) => return Err(self.refused(entry, &ask, refusal).await),
        };
        // Entries were linked, unlinked or merged since: what was laid out may show somebody else's. Only who may read them is told so.
        let same = self.parts.index.known(person).await?.changed.is_none_or(|changed| changed <= made);
        // What an emergency opened is not open by anything that came after it, nor what a law did.
        let same = same && about.objected.is_none_or(|changed| changed <= made) && permit.version() == rules;
        let stays = |then: Option<Timestamp>, now: Option<Timestamp>| then.is_none() || then == now;
        let whole = same && stays(claimed.emergency, about.emergency) && stays(claimed.overridden, permit.overridden());
        if !whole {
            entry.close((), Event::closed(Ending::AnswerOver)).await;
            return Ok(None);
        }
        let (shown, bytes) = shown.told();
        let (by, patient) = (Who::of(caller), person.as_str().to_owned());
        let event = Event::Disclosed { by, patient, answer: answer.to_owned(), from_piece: from as u64, shown };
        let audited = entry.close((), event).await;
        self.parts.vault.keep(request, person, self.parts.clock.now(), bytes);
        Ok(Some(audited))
    }

    /// The plan of an earlier read by the same user.
    pub async fn plan(
        &self,
        request: &RequestId,
        caller: &Caller,
        person: &PersonId,
        of: &RequestId,
    ) -> Result<Audited<Option<Plan>>, Refused> {
        let own = self.parts.plans.plan_of(of, person, &caller.user, self.parts.clock.now()).await?;
        let event = Event::disclosed(Who::of(caller), person.as_str(), format!("plan of {of}"));
        // A plan of before somebody's place was hidden names their sources.
        let named = |plan: &Plan| {
            plan.rows.iter().any(|row| row.source.as_str() != crate::consent::OWN && !crate::is_hidden_name(row.source.as_str()))
        };
        let permitted = |permit: &Permit| own.filter(|plan| !permit.hides_place() || !named(plan)).map(|plan| as_permitted(permit, plan));
        self.again(request, caller, person, event, permitted).await
    }

    /// Decides once more about the same person, and closes with `event`.
    async fn again<T>(
        &self,
        request: &RequestId,
        caller: &Caller,
        person: &PersonId,
        event: Event,
        value: impl FnOnce(&Permit) -> T,
    ) -> Result<Audited<T>, Refused> {
        let ask = asked_again(request, caller, person);
        let entry = self.parts.ledger.open(request, told::opened(&ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        match self.decide(&ask, person, self.until(&ask)).await?.0 {
            Ok(permit) => Ok(entry.close(value(&permit), event).await),
            Err(refusal) => Err(self.refused(entry, &ask, refusal).await),
        }
    }

    /// The person that a Patient's id stands for: the exchange's own, or a source's minted one.
    pub async fn person_of_patient(&self, id: &str) -> Result<Option<PersonId>, Refused> {
        if let Ok(person) = id.parse::<PersonId>()
            && self.parts.people.number_of(&person).await?.is_some()
        {
            return Ok(Some(person));
        }
        self.person_of_minted(Kind::PATIENT, id, None).await
    }

    /// The person of a number, if one was minted.
    pub async fn person_of_number(&self, number: &NhsNumber) -> Result<Option<PersonId>, Refused> {
        Ok(self.parts.people.known(number).await?)
    }

    /// The person in whose record a minted id was met. What is met in many records (a practitioner) leads to one the caller has evidence for.
    pub async fn person_of_minted(&self, kind: Kind, id: &str, ask: Option<&Ask>) -> Result<Option<PersonId>, Refused> {
        let met = self.parts.minted.resolve(kind, id).await?;
        if let Some(ask) = ask.filter(|_| met.len() > 1) {
            for one in met.iter().take(PERSONS_MAX) {
                let index = self.parts.index.known(&one.person).await?;
                if !self.evidence(ask, &one.person, &index).await?.is_empty() {
                    return Ok(Some(one.person.clone()));
                }
            }
        }
        // A Patient's id in the records of two people is nobody's.
        if kind == Kind::PATIENT && met.iter().any(|one| one.person != met[0].person) {
            return Ok(None);
        }
        Ok(met.into_iter().next().map(|one| one.person))
    }

    /// Enters the refusal of somebody without a good token.
    pub async fn refused_stranger(&self, request: &RequestId, why: &str) -> Result<(), Refused> {
        let event = Event::refused(None, "", why);
        self.parts.ledger.note(request, &event).await.map_err(|down| Refused::Unavailable(down.to_string()))
    }
}

impl Exchange {
    /// Enters a refusal of what a known caller asked before any journey began. `patient` is an id of any kind: only one that is known is written.
    pub async fn refused_known(&self, request: &RequestId, caller: &Caller, patient: Option<&str>, why: &str) -> Result<(), Refused> {
        self.enter_refused(request, caller, patient, (why, Vec::new())).await
    }

    /// The same of what these rules refused.
    pub async fn refused_by(&self, rules: &access::Rules, request: &RequestId, caller: &Caller, why: &str) -> Result<(), Refused> {
        self.enter_refused(request, caller, None, (why, told::policy(rules.version(), &[]))).await
    }

    async fn enter_refused(
        &self,
        request: &RequestId,
        caller: &Caller,
        patient: Option<&str>,
        (why, policy): (&str, Vec<String>),
    ) -> Result<(), Refused> {
        let person = match patient {
            Some(id) => self.person_of_patient(id).await?,
            None => None,
        };
        let patient = person.map(|person| person.as_str().to_owned()).unwrap_or_default();
        let event = Event::Refused { by: Some(Who::of(caller)), patient, why: why.to_owned(), policy };
        self.parts.ledger.note(request, &event).await.map_err(|down| Refused::Unavailable(down.to_string()))
    }
}

fn asked_again(request: &RequestId, caller: &Caller, person: &PersonId) -> Ask {
    let question = Question::Read { person: person.clone(), need: Need::everything() };
    Ask { request: request.clone(), caller: caller.clone(), question, hops: Vec::new(), wait: None }
}

/// A plan as its reader may see it now: what was asked for them with wider leave is told no more.
fn as_permitted(permit: &Permit, mut plan: Plan) -> Plan {
    for row in &mut plan.rows {
        if let Some(why) = permit.lacks_of(&row.source, row.kind) {
            *row = Row { status: Some(Status::Withheld), note: Some(why.to_owned()), ..Row::new(row.source.clone(), row.kind) };
        }
    }
    plan
}

/// Persons looked through for one the caller cares for.
const PERSONS_MAX: usize = 20;
