//! What is known of a person before any source is asked: their number now, whether their place may be known, and what the guards
//! compare answers with. This is the one place where it comes together.

use access::{Admission, Evidence, Permit, PersonFacts, Refusal, Restriction};
use identity::{Facts, Voice};
use jiff::Timestamp;
use record::{Ask, NhsNumber, OdsCode, PersonId};
use tokio::time::Instant;

use crate::demographics::{Known, Said};
use crate::{Exchange, Refused, index};

/// A person, as far as they are known before the sources are asked.
#[derive(Clone)]
pub(crate) struct About {
    /// By which sources are asked for them; none where the number is nobody's.
    pub(crate) number: Option<NhsNumber>,
    /// The number that the national service just said is nobody's any more.
    pub(crate) cut: Option<NhsNumber>,
    /// Numbers that were replaced by it.
    pub(crate) former: Vec<NhsNumber>,
    /// Whether their place may be known.
    pub(crate) restriction: Restriction,
    /// What the national service says.
    birth_date: Option<String>,
    given_names: Vec<String>,
    /// What the person index has of them, source by source.
    voices: Vec<Voice>,
    /// When what they object to changed last.
    pub(crate) objected: Option<Timestamp>,
    /// Who turned out to be this person.
    pub(crate) merged: Vec<PersonId>,
    /// Where the permit rests on an emergency alone: when it ends.
    pub(crate) emergency: Option<Timestamp>,
    /// Which practice the national service just said that they are registered with, if any; none where it said nothing of it now.
    pub(crate) practice: Option<Option<OdsCode>>,
    /// Where the national service does not answer: when it last said what is believed here.
    pub(crate) unconfirmed: Option<Timestamp>,
}

impl About {
    /// Nobody was asked.
    fn unasked(number: Option<NhsNumber>, restriction: Restriction) -> About {
        About {
            number,
            cut: None,
            former: Vec::new(),
            restriction,
            birth_date: None,
            given_names: Vec::new(),
            voices: Vec::new(),
            objected: None,
            merged: Vec::new(),
            emergency: None,
            practice: None,
            unconfirmed: None,
        }
    }

    /// With what the person index has of them. Whom any source marks as restricted is, whatever else is said.
    fn with(self, index: index::Known) -> About {
        let restriction = match self.restriction {
            Restriction::Unrestricted if index.restricted => Restriction::Restricted,
            said => said,
        };
        About { restriction, voices: index.voices, merged: index.merged, ..self }
    }

    /// What the guards compare with, and whose word it is.
    pub(crate) fn facts(&self, number: NhsNumber, said_by_caller: Option<&String>) -> Facts {
        Facts {
            number,
            former: self.former.clone(),
            birth_date: self.birth_date.clone(),
            given_names: self.given_names.clone(),
            voices: self.voices.clone(),
            said_by_caller: said_by_caller.cloned(),
        }
    }
}

impl Exchange {
    /// May this reader read this person's record now, and what is known of the person? The outer error is that it cannot be decided.
    pub(crate) async fn decide(&self, ask: &Ask, person: &PersonId, until: Instant) -> Result<(Result<Permit, Refusal>, About), Refused> {
        let (permitted, about) = self.decide_unminded(ask, person, until).await?;
        // Looked up for everybody, so that a refusal takes one way.
        let (directives, objected) = self.directives(person, &about.merged).await;
        let permitted = permitted.and_then(|permit| access::consent::minded(permit, &directives, self.parts.clock.now()));
        let emergency = about.emergency.filter(|_| permitted.is_ok());
        Ok((permitted, About { objected, emergency, ..about }))
    }

    /// The same without a look at what the person objects to: for whoever is to record that.
    pub(crate) async fn decide_unminded(
        &self,
        ask: &Ask,
        person: &PersonId,
        until: Instant,
    ) -> Result<(Result<Permit, Refusal>, About), Refused> {
        let slowest = self.slowest_look();
        let number = self.parts.people.number_of(person).await?;
        let index = self.parts.index.known(person).await?;
        let evidence = self.evidence(ask, person, &index).await?;
        let admission = self.admit(ask);
        let about = match (&admission, number) {
            // Whoever has no relationship may not read whatever the service says: it is not asked in their name.
            (Ok(admission), Some(number)) if !evidence.is_empty() => self.about(admission, Some(person), number, until).await?,
            (_, Some(_)) if self.parts.demographics.is_some() => About::unasked(number, Restriction::Unknown),
            (_, number) => About::unasked(number, restriction(number.as_ref())),
        };
        self.keep_practice(person, &about).await;
        // Looked up for everybody, so that a refusal takes one way; and once more after the service's word, which is done to the index.
        let about = about.with(match self.parts.demographics.is_some() {
            true => self.parts.index.known(person).await?,
            false => index,
        });
        let facts = PersonFacts { person: about.number.map(|_| person.clone()), restriction: about.restriction };
        // Without the leave to find anybody, everybody is refused alike, and at once.
        let tells = admission.is_ok();
        let permitted = admission.and_then(|admission| access::decide(admission, &facts, &evidence, self.parts.clock.now()));
        if tells && permitted.is_err() {
            same_time(slowest).await;
        }
        let emergency = permitted.as_ref().is_ok_and(Permit::is_emergency).then(|| until_when(&evidence)).flatten();
        Ok((permitted, About { emergency, ..about }))
    }

    /// May this caller ask this at all?
    pub(crate) fn admit(&self, ask: &Ask) -> Result<Admission, Refusal> {
        access::admit(&self.parts.policy.rules(), ask, self.parts.clock.now())
    }

    /// When the national service, asked now, has answered or will not. Only of some whom a reader may not read is it asked: a refusal is
    /// told then and no sooner, so that how long it took says nothing of whom it is about.
    pub(crate) fn slowest_look(&self) -> Option<Instant> {
        self.parts.demographics.as_ref().map(|service| Instant::now() + service.lookup())
    }

    /// What is known of the person of a number that somebody looks for.
    pub(crate) async fn sought(&self, admission: &Admission, number: NhsNumber, until: Instant) -> Result<About, Refused> {
        let cut = self.parts.index.is_cut(&number).await?;
        let about = match cut {
            true => About::unasked(None, Restriction::Unknown),
            false => self.about(admission, None, number, until).await?,
        };
        let index = match self.parts.people.known(&number).await? {
            Some(person) => {
                self.keep_practice(&person, &about).await;
                self.parts.index.known(&person).await?
            }
            None => index::Known::default(),
        };
        Ok(about.with(index))
    }

    /// What is known of a person whose number is known.
    pub(crate) async fn whose(
        &self,
        admission: &Admission,
        person: &PersonId,
        number: NhsNumber,
        until: Instant,
    ) -> Result<About, Refused> {
        let about = self.about(admission, Some(person), number, until).await?;
        Ok(about.with(self.parts.index.known(person).await?))
    }

    /// The same without the index: by the national service's word, where it is asked.
    async fn about(&self, admission: &Admission, person: Option<&PersonId>, number: NhsNumber, until: Instant) -> Result<About, Refused> {
        // In a demonstration nobody is asked about anybody real, and nothing is told of them.
        if !self.parts.settings.ladder.knows(&number) {
            return Ok(About::unasked(Some(number), Restriction::Unknown));
        }
        let Some(service) = &self.parts.demographics else { return Ok(About::unasked(Some(number), restriction(Some(&number)))) };
        let known = service.look(admission, person, number, until).await?;
        if matches!(&known, Known::Fresh(word) if matches!(word.said, Said::Invalidated)) {
            return Ok(About { cut: Some(number), ..About::unasked(None, Restriction::Unknown) });
        }
        let Some((who, word)) = known.person() else { return Ok(About::unasked(Some(number), Restriction::Unknown)) };
        // Somebody made up may turn out to be somebody who is not.
        if !self.parts.settings.ladder.knows(&who.number) {
            return Ok(About::unasked(Some(number), Restriction::Unknown));
        }
        let said = &who.demographics;
        // By an old number, the service's own word is that it was replaced, whether or not the index could keep it.
        let replaced = (number != who.number && !word.former.contains(&number)).then_some(number);
        Ok(About {
            former: word.former.iter().copied().chain(replaced).collect(),
            birth_date: said.birth_date.filter(|date| date.is_whole()).map(|date| date.to_string()),
            given_names: said.names.iter().filter_map(|name| name.given.first().cloned()).collect(),
            practice: matches!(known, Known::Fresh(_)).then(|| said.practice.as_deref().and_then(|code| code.parse().ok())),
            unconfirmed: matches!(known, Known::Stale(_)).then_some(word.at),
            ..About::unasked(Some(who.number), known.restriction())
        })
    }
}

/// When the last emergency among the evidence ends.
fn until_when(evidence: &[Evidence]) -> Option<Timestamp> {
    let until = |one: &Evidence| if let Evidence::Emergency { until } = one { Some(*until) } else { None };
    evidence.iter().filter_map(until).max()
}

/// Waits for it.
pub(crate) async fn same_time(slowest: Option<Instant>) {
    if let Some(slowest) = slowest {
        tokio::time::sleep_until(slowest).await;
    }
}

/// Without the national service: synthetic people have no place to be hidden; of anybody else nobody knows.
pub fn restriction(number: Option<&NhsNumber>) -> Restriction {
    match number {
        Some(number) if number.is_synthetic() => Restriction::Unrestricted,
        _ => Restriction::Unknown,
    }
}
