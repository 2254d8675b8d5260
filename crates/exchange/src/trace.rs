//! Finding a person by demographics: candidates from the person index. Identity only; leave to find is not leave to read.
//!
//! Only of whom it is known that they are not restricted is anything told, and of nobody else can be seen that they are there: not by
//! who is shown, nor by how many there are, nor by how long it took, nor by what is said where it cannot be known.

use access::{Admission, Restriction, Step};
use audit::{Audited, Ending, Event, Who};
use futures::future::try_join_all;
use people::{Candidate, Nameable, Traced};
use record::{Ask, NhsNumber, PersonId, Question, Sought};
use tokio::time::Instant;

use crate::facts::same_time;
use crate::{Exchange, Refused, told};

/// Candidates looked up at once: the service lets an application ask about few people in a second, and others wait for it, too.
const LOOKED_UP_AT_ONCE: usize = 4;

/// What the national service has to say of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// They may not be named.
    Hidden,
    /// They may.
    Open,
    /// It does not say, and said nothing that is believed still.
    Silent,
}

impl Exchange {
    /// Finds who might be meant.
    pub async fn trace(&self, ask: Ask) -> Result<Audited<Traced>, Refused> {
        self.no_loop(&ask).await?;
        let entry =
            self.parts.ledger.open(&ask.request, told::opened(&ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        let Question::Trace(sought) = &ask.question else { return Err(self.refused(entry, &ask, access::Refusal::NoActivity).await) };
        let admission = match self.admit(&ask) {
            Ok(admission) => admission,
            Err(refusal) => return Err(self.refused(entry, &ask, refusal).await),
        };
        let slowest = self.slowest_look();
        let named = self.named(&ask, &admission, sought).await?;
        if let Some(Traced::Candidates(candidates)) = &named {
            self.show_candidates(&ask, candidates).await?;
        }
        // That too little was said says nothing of anybody.
        if !admission.finds_restricted() && !matches!(named, Some(Traced::TooLittle(_))) {
            self.same_stretch(slowest).await;
        }
        let Some(traced) = named else {
            let why = "whether those who fit may be shown is not known: the national demographics service did not answer";
            entry.close((), Event::refused(Some(Who::of(&ask.caller)), "", why)).await;
            return Err(Refused::Undecided);
        };
        let outcome = match &traced {
            Traced::Candidates(_) => Ending::Answered,
            Traced::TooLittle(_) => Ending::TooLittle,
            Traced::TooMany => Ending::TooMany,
        };
        let policy = told::policy(admission.version(), admission.why());
        let closing = Event::Closed { outcome, policy, legs: Vec::new(), shown: Vec::new() };
        Ok(entry.close(traced, closing).await)
    }

    /// Who fits, of those who may be named to this reader; none where that cannot be known now. The index has a label from when it last
    /// heard one: whoever turns out to be hidden is as if they were not, and who fits is asked once more without them.
    async fn named(&self, ask: &Ask, admission: &Admission, sought: &Sought) -> Result<Option<Traced>, Refused> {
        let until = self.until(ask);
        let mut nameable = self.nameable(admission);
        loop {
            let traced = self.parts.index.trace(admission, sought, &nameable).await?;
            let (Traced::Candidates(candidates), Nameable::Open { but, .. }) = (&traced, &mut nameable) else { return Ok(Some(traced)) };
            let Some(hidden) = self.hidden(admission, candidates, until).await? else { return Ok(None) };
            if hidden.is_empty() {
                return Ok(Some(traced));
            }
            but.extend(hidden);
        }
    }

    /// Whom this reader may be told of, as far as that is known before anybody is looked up. Without the national service only those whose
    /// number was never issued to anybody are known to be unrestricted; whoever has no number has no label either way.
    fn nameable(&self, admission: &Admission) -> Nameable {
        let demonstrated = self.parts.settings.ladder.step() == Step::Demo;
        let made_up = demonstrated || self.parts.demographics.is_none();
        let labelled: fn(&NhsNumber) -> bool = if made_up { NhsNumber::is_synthetic } else { |_| true };
        match admission.finds_restricted() {
            true if demonstrated => Nameable::MadeUp,
            true => Nameable::All,
            false => Nameable::Open { labelled, but: Default::default() },
        }
    }

    /// Who of these may not be named, looked up in their order; none where the service does not say of all.
    async fn hidden(&self, admission: &Admission, candidates: &[Candidate], until: Instant) -> Result<Option<Vec<PersonId>>, Refused> {
        let mut hidden = Vec::new();
        for few in candidates.chunks(LOOKED_UP_AT_ONCE) {
            let looks = try_join_all(few.iter().map(|candidate| self.look(admission, candidate, until))).await?;
            if looks.contains(&Look::Silent) {
                return Ok(None);
            }
            hidden.extend(few.iter().zip(looks).filter(|(_, look)| *look == Look::Hidden).map(|(candidate, _)| candidate.person.clone()));
        }
        // Nor is it said of nobody that they do not fit while it could not be said of somebody that they do.
        let silent = candidates.is_empty() && self.parts.demographics.as_ref().is_some_and(|service| service.is_silent());
        Ok((!silent).then_some(hidden))
    }

    async fn look(&self, admission: &Admission, candidate: &Candidate, until: Instant) -> Result<Look, Refused> {
        let known = match (&self.parts.demographics, candidate.number) {
            (Some(service), Some(number)) => Some(service.look(admission, Some(&candidate.person), number, until).await?),
            _ => None,
        };
        // A source's own mark stands beside the service's label.
        let marked = self.parts.index.known(&candidate.person).await?.restricted;
        Ok(match known {
            Some(known) if !known.is_said() => Look::Silent,
            Some(known) if known.restriction() != Restriction::Unrestricted => Look::Hidden,
            _ if marked => Look::Hidden,
            _ => Look::Open,
        })
    }

    /// Waits until the time of one look is over, or of two, or three: looking takes as long as there are people to look at, those who are
    /// not shown among them.
    async fn same_stretch(&self, slowest: Option<Instant>) {
        let (Some(mut end), Some(service)) = (slowest, &self.parts.demographics) else { return };
        // What comes to nothing ends a little after the time of its look.
        while end + service.lookup() / 4 < Instant::now() {
            end += service.lookup();
        }
        same_time(Some(end)).await;
    }

    /// Each candidate is entered before any is shown: whoever asks "who looked me up" is to hear of a search that only matched them.
    async fn show_candidates(&self, ask: &Ask, candidates: &[Candidate]) -> Result<(), Refused> {
        for candidate in candidates {
            let patient = candidate.person.as_str().to_owned();
            let shown = Event::disclosed(Who::of(&ask.caller), patient, ask.request.to_string());
            self.parts.ledger.note(&ask.request, &shown).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        }
        Ok(())
    }
}
