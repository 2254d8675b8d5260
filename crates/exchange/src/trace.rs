//! Finding a person by demographics: candidates from the person index. Identity only; leave to find is not leave to read.

use access::{Admission, Restriction};
use audit::{Audited, Event, Who};
use people::{Candidate, Traced};
use record::{Ask, Question};

use crate::facts::same_time;
use crate::journey::refused;
use crate::{Exchange, Refused, told};

impl Exchange {
    /// Finds who might be meant.
    pub async fn trace(&self, ask: Ask) -> Result<Audited<Traced>, Refused> {
        self.no_loop(&ask).await?;
        let entry =
            self.parts.ledger.open(&ask.request, told::opened(&ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        let Question::Trace(sought) = &ask.question else { return Err(refused(entry, &ask, access::Refusal::NoActivity).await) };
        let admission = match access::admit(&ask) {
            Ok(admission) => admission,
            Err(refusal) => return Err(refused(entry, &ask, refusal).await),
        };
        let slowest = self.slowest_look();
        let traced = match self.parts.index.trace(&admission, sought).await? {
            Traced::Candidates(candidates) => Traced::Candidates(self.nameable(&ask, &admission, candidates).await?),
            other => other,
        };
        // As for a read: that somebody was left out is not told by how long nobody took.
        if matches!(&traced, Traced::Candidates(candidates) if candidates.is_empty()) {
            same_time(slowest).await;
        }
        let outcome = match &traced {
            Traced::Candidates(candidates) => {
                self.show_candidates(&ask, candidates).await?;
                "answered"
            }
            Traced::TooLittle(_) => "too little to look for anybody",
            Traced::TooMany => "too many to show anybody",
        };
        let policy = admission.why().iter().map(|rule| (*rule).to_owned()).collect();
        let closing = Event::Closed { outcome: outcome.to_owned(), policy, legs: Vec::new(), shown: Vec::new() };
        Ok(entry.close(traced, closing).await)
    }

    /// Of those who might be meant, whom this reader may know of. The index has a label from when it last heard one; whoever has none that
    /// is believed now, be it that the national service is silent or that they have no number to ask by, is not among them.
    async fn nameable(&self, ask: &Ask, admission: &Admission, candidates: Vec<Candidate>) -> Result<Vec<Candidate>, Refused> {
        if self.parts.demographics.is_none() || admission.finds_restricted() {
            return Ok(candidates);
        }
        let until = self.until(ask);
        let looks = candidates.iter().map(|candidate| async move {
            let Some(number) = candidate.number else { return Ok::<bool, Refused>(false) };
            let about = self.whose(admission, &candidate.person, number, until).await?;
            Ok(about.number.is_some() && about.restriction == Restriction::Unrestricted)
        });
        let open = futures::future::try_join_all(looks).await?;
        Ok(candidates.into_iter().zip(open).filter(|(_, open)| *open).map(|(candidate, _)| candidate).collect())
    }

    /// Each candidate is entered before any is shown: whoever asks "who looked me up" is to hear of a search that only matched them.
    async fn show_candidates(&self, ask: &Ask, candidates: &[Candidate]) -> Result<(), Refused> {
        for candidate in candidates {
            let patient = candidate.person.as_str().to_owned();
            let shown = Event::Disclosed { by: Who::of(&ask.caller), patient, answer: ask.request.to_string(), from_piece: 0 };
            self.parts.ledger.note(&ask.request, &shown).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        }
        Ok(())
    }
}
