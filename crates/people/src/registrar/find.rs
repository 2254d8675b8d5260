//! Finding somebody by what is known of them.

use std::collections::BTreeMap;

use record::PersonId;

use super::Registrar;
use super::explain::reasons;
use crate::index;
use crate::matching::{Comparison, Decision, Field, Fields, Folded, Guard, Level};
use crate::{Candidate, Demographics, Entry, Grade, Nameable, NumberStatus, Person, RegisterDown, Traced};

/// What must be said at least.
const CRITERIA: &str = "a valid NHS number, or a family name with a whole birth date";

impl Registrar {
    /// Who might be meant, the surest first; at most so many. Whoever may not be named is not among them, and everything is done as if
    /// they were to be shown, up to the last step.
    pub async fn find(&self, asked: &Demographics, count_max: usize, nameable: &Nameable) -> Result<Traced, RegisterDown> {
        let folded = Folded::of(asked);
        let fields = folded.fields();
        let named = !fields.families.is_empty() && fields.birth_date.is_some_and(|date| date.is_whole());
        if fields.number.is_none() && !named {
            return Ok(Traced::TooLittle(CRITERIA));
        }
        let found = self.index.search(&fields, self.limits.compared_max);
        let mut likely: Vec<(index::Candidate, Comparison)> = Vec::new();
        for candidate in found.candidates {
            let best = candidate.profiles().map(|profile| self.model.compare(&fields, &profile)).max_by(likelier);
            // By the number alone nobody is compared: whoever has it is meant.
            let meant = |comparison: &Comparison| {
                comparison.decision != Decision::NonMatch && told_apart_by_more(comparison)
                    || !named && candidate.number() == fields.number.map(|(number, _)| number)
            };
            if let Some(best) = best.filter(meant) {
                likely.push((candidate, best));
            }
        }
        likely.sort_by(|(a, one), (b, other)| likelier(other, one).then_with(|| a.person.cmp(&b.person)));
        let most = count_max.min(self.limits.shown_max);
        // Only who may be named is counted: a count would tell of the others.
        let named = |candidate: &index::Candidate| nameable.has(&candidate.person, candidate.number().as_ref(), candidate.restricted);
        let shown = likely.iter().filter(|(candidate, _)| named(candidate)).count();
        let certain = likely.iter().any(|(candidate, comparison)| named(candidate) && grade(comparison) == Grade::Certain);
        if shown > most && !certain {
            return Ok(Traced::TooMany);
        }
        let mut candidates = Vec::new();
        for (candidate, comparison) in likely {
            if candidates.len() == most {
                break;
            }
            // Read in any case, so that it takes no less time to find somebody who is not shown.
            let Some(person) = self.register.person(&candidate.person).await? else { continue };
            let best = person.entries.into_iter().max_by(|a, b| likelier(&self.with(&folded, a), &self.with(&folded, b)));
            let named = !person.cut && nameable.has(&person.id, person.number.as_ref(), person.restricted);
            let Some(best) = best.filter(|_| named) else { continue };
            candidates.push(Candidate {
                person: person.id,
                number: person.number,
                restricted: person.restricted,
                grade: grade(&comparison),
                score: comparison.probability(),
                best,
                reasons: reasons(&comparison),
            });
        }
        Ok(Traced::Candidates(candidates))
    }

    /// Others whose entries give a number of this person's, with only those entries: whose the number is, is in doubt. Of whom somebody
    /// said that they are not this person, and whoever was cut, is not among them.
    pub async fn confused_with(&self, person: &Person) -> Result<Vec<Person>, RegisterDown> {
        let mut others: BTreeMap<PersonId, Person> = BTreeMap::new();
        for number in person.superseded.iter().chain(&person.number) {
            let asked = Fields { number: Some((*number, NumberStatus::Verified)), ..Fields::default() };
            for found in self.index.candidates(&asked, self.limits.compared_max) {
                if found.person == person.id || others.contains_key(&found.person) {
                    continue;
                }
                let Some(mut other) = self.register.person(&found.person).await?.filter(|other| !other.cut) else { continue };
                let mut giving = Vec::new();
                for entry in other.entries.into_iter().filter(|entry| person.is_numbered(entry)) {
                    let apart = self.register.apart(&other.id, &entry.key).await?;
                    if !person.entries.iter().any(|own| apart.contains(&own.key)) {
                        giving.push(entry);
                    }
                }
                other.entries = giving;
                others.insert(found.person, other);
            }
        }
        Ok(others.into_values().filter(|other| !other.entries.is_empty()).collect())
    }

    fn with(&self, asked: &Folded, entry: &Entry) -> Comparison {
        self.model.compare(&asked.fields(), &Folded::of(&entry.demographics).fields())
    }
}

/// Whether anything but given name and birth date speaks for somebody of another family name: where they live, how they are rung, the
/// number. Without it whoever knows a child's old name would be shown the new one.
fn told_apart_by_more(comparison: &Comparison) -> bool {
    let level = |field| comparison.pattern.level(field);
    let agrees = |field| !matches!(level(field), Level::Unknown | Level::Different | Level::District);
    level(Field::Family) != Level::Different || [Field::Address, Field::Phone, Field::Email, Field::Number].into_iter().any(agrees)
}

/// The likelier of two comparisons.
fn likelier(one: &Comparison, other: &Comparison) -> std::cmp::Ordering {
    (one.decision, one.tier == Some(0))
        .cmp(&(other.decision, other.tier == Some(0)))
        .then(one.weights.total.total_cmp(&other.weights.total))
}

fn grade(comparison: &Comparison) -> Grade {
    match (comparison.decision, comparison.guard) {
        (Decision::Match, _) => Grade::Certain,
        (Decision::Possible, None | Some(Guard::Unsaid)) => Grade::Probable,
        (Decision::Possible, Some(Guard::Birth | Guard::Confusion | Guard::Given | Guard::Numbers)) | (Decision::NonMatch, _) => {
            Grade::Possible
        }
    }
}
