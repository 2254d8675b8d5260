//! Emergency access, from its beginning to its end: granted for one user, in one organisation, by one application, about one person, for
//! four hours at most; and entered a second time when it is over.

use std::time::Duration;

use access::{ClaimKind, Evidence, Refusal};
use audit::{Audited, Ending, Event};
use jiff::Timestamp;
use record::{Ask, Caller, Need, PersonId, Question, RequestId};

use crate::index::Known;
use crate::{Exchange, KeptClaim, Refused, StoreDown};

/// For how long one node may take to enter an end before another does it.
const LEASE: Duration = Duration::from_secs(120);
/// Ends that are entered in one go.
const ENDS_MAX: usize = 100;

/// How an emergency ended, as the ledger says it.
const BY_TIME: &str = "its time was over";
const BY_USER: &str = "its user ended it";
/// Ended before it could last: the number that it was claimed under was cut.
const BY_CUT: &str = "the number that the person had is nobody's any more";

impl KeptClaim {
    /// Whether it speaks for this caller: an emergency, and what overrides an objection, only in the application that it was claimed by, and only while what is known of
    /// who the person is stays as it was.
    pub(crate) fn speaks_for(&self, caller: &Caller, index: &Known) -> bool {
        let own = self.user == caller.user && self.organisation == caller.organisation.code;
        let same_person = || index.changed.is_none_or(|changed| changed <= self.from);
        own && (self.kind == ClaimKind::Relationship || self.client == caller.client && caller.human && same_person())
    }

    /// What it says of the caller and the person.
    pub fn evidence(&self) -> Evidence {
        let until = self.until;
        match self.kind {
            ClaimKind::Emergency => Evidence::Emergency { until },
            ClaimKind::LegalOverride => Evidence::LegalOverride { until },
            ClaimKind::Relationship => Evidence::SelfClaimed { until },
        }
    }

    fn ended(&self, how: &str, at: Timestamp) -> Event {
        Event::EmergencyEnded {
            patient: self.person.to_string(),
            claim: self.id.clone(),
            issuer: self.user.issuer.clone(),
            subject: self.user.subject.clone(),
            organisation: self.organisation.to_string(),
            began: self.from.to_string(),
            ended: at.to_string(),
            how: how.to_owned(),
        }
    }
}

impl Exchange {
    /// Ends this user's own emergencies about a person before their time. Answers whether there were any, and takes the same way for whom
    /// there is none.
    pub async fn end_emergency(&self, request: &RequestId, caller: &Caller, person: &PersonId) -> Result<Audited<bool>, Refused> {
        let question = Question::Read { person: person.clone(), need: Need::everything() };
        let ask = Ask { request: request.clone(), caller: caller.clone(), question, hops: Vec::new(), wait: None };
        let entry =
            self.parts.ledger.open(request, crate::told::opened(&ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        if !caller.human {
            return Err(self.refused(entry, &ask, Refusal::Unclaimable).await);
        }
        let now = self.parts.clock.now();
        let own = self.parts.claims.of(person, &caller.user, now).await?;
        let own: Vec<KeptClaim> =
            own.into_iter().filter(|claim| claim.kind == ClaimKind::Emergency && claim.organisation == caller.organisation.code).collect();
        for claim in &own {
            self.parts.claims.end(person, &claim.id, now).await?;
        }
        for claim in &own {
            if self.parts.claims.lease(claim, now, now + LEASE).await? {
                self.enter(claim, BY_USER, now, false).await?;
            }
        }
        let ending = if own.is_empty() { Ending::NoEmergency } else { Ending::EmergencyEnded };
        Ok(entry.close(!own.is_empty(), Event::closed(ending)).await)
    }

    /// Enters the end of every emergency that is over and whose end nobody has entered, whoever granted it and whatever was restarted
    /// meanwhile. Answers how many. Each is entered once, however many nodes look for it at a time.
    ///
    /// # Errors
    ///
    /// The store or the ledger is away: what is left is entered the next time.
    pub async fn enter_ended_emergencies(&self) -> Result<usize, Refused> {
        let now = self.parts.clock.now();
        let mut entered = 0;
        for (claim, tried) in self.parts.claims.ended(now, ENDS_MAX).await? {
            if self.parts.claims.lease(&claim, now, now + LEASE).await? {
                self.enter(&claim, if claim.until <= claim.from { BY_CUT } else { BY_TIME }, claim.until, tried).await?;
                entered += 1;
            }
        }
        Ok(entered)
    }

    /// Who tried before may have entered it, and died before that was kept.
    async fn enter(&self, claim: &KeptClaim, how: &str, at: Timestamp, tried: bool) -> Result<(), Refused> {
        if !tried || !self.is_entered(claim).await? {
            let noted = self.parts.ledger.note(&claim.trace, &claim.ended(how, at)).await;
            noted.map_err(|down| Refused::Unavailable(down.to_string()))?;
        }
        Ok(self.parts.claims.entered(&claim.person, &claim.id).await?)
    }

    async fn is_entered(&self, claim: &KeptClaim) -> Result<bool, StoreDown> {
        let lines = self.parts.reader.about(claim.person.as_str(), claim.from).await.map_err(|down| StoreDown(down.to_string()))?;
        let ended =
            |line: &audit::Line| matches!(serde_json::from_str(&line.event), Ok(Event::EmergencyEnded { claim: id, .. }) if id == claim.id);
        Ok(lines.iter().any(ended))
    }
}
