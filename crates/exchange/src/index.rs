//! The person index, as the journey asks it.

use access::Admission;
use async_trait::async_trait;
use identity::Voice;
use jiff::Timestamp;
use people::{Deed, Entry, Nameable, Registrar, Traced};
use record::{NhsNumber, OdsCode, PersonId, Sought, SourceId};

use crate::StoreDown;

/// The person index. Leave to find is not leave to read: it answers who somebody is, and nothing of their record.
#[async_trait]
pub trait PersonIndex: Send + Sync {
    /// Who might be meant, the surest first. Whoever may not be named does not exist, and the answer takes no other way for them.
    async fn trace(&self, admission: &Admission, sought: &Sought, nameable: &Nameable) -> Result<Traced, StoreDown>;
    /// Whether a number was cut: it is nobody's any more, whatever a source says.
    async fn is_cut(&self, number: &NhsNumber) -> Result<bool, StoreDown>;
    /// What is known of a person; of somebody unknown, what is known of anybody.
    async fn known(&self, person: &PersonId) -> Result<Known, StoreDown>;
}

/// What the index knows of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// What sources said of who they are, one voice for each entry that carries their own verified number: theirs, and those of whoever
    /// else has it, until a steward says that these are somebody else.
    pub voices: Vec<Voice>,
    /// Whether any entry, or the national service by it, marks them as restricted, or whoever else has their number.
    pub restricted: bool,
    /// The practice that each of those entries which are theirs gives.
    pub practices: Vec<Practice>,
    /// Persons whose entries all turned out to be theirs.
    pub merged: Vec<PersonId>,
    /// When something was last done to their entries: what was laid out of their record before is over (G8).
    pub changed: Option<Timestamp>,
}

/// A registered practice, as a source said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Practice {
    /// Which source.
    pub source: SourceId,
    /// The practice's code.
    pub organisation: OdsCode,
    /// When it was last said.
    pub seen: Timestamp,
}

#[async_trait]
impl PersonIndex for Registrar {
    async fn trace(&self, _admission: &Admission, sought: &Sought, nameable: &Nameable) -> Result<Traced, StoreDown> {
        let count = sought.count.unwrap_or(usize::MAX);
        let found = self.find(&sought.demographics, count, nameable).await.map_err(down)?;
        Ok(match found {
            Traced::Candidates(mut candidates) if sought.certain_only => {
                candidates.retain(|candidate| candidate.grade == people::Grade::Certain);
                Traced::Candidates(candidates)
            }
            found => found,
        })
    }

    async fn is_cut(&self, number: &NhsNumber) -> Result<bool, StoreDown> {
        Ok(!self.register().cut_among(&[*number]).await.map_err(down)?.is_empty())
    }

    async fn known(&self, person: &PersonId) -> Result<Known, StoreDown> {
        // Whatever is told of it to nobody: it is a time, and leads to nobody.
        let history = self.register().history(person).await.map_err(down)?;
        let changed = history.iter().rfind(|event| over(&event.deed)).map(|event| event.at);
        // Who turned out to be somebody who turned out to be them is they as well.
        let mut merged = merged(&history);
        let mut looked = 0;
        while let Some(one) = merged.get(looked).cloned() {
            let theirs = self.register().history(&one).await.map_err(down)?;
            let further: Vec<PersonId> =
                self::merged(&theirs).into_iter().filter(|other| other != person && !merged.contains(other)).collect();
            merged.extend(further);
            looked += 1;
        }
        let Some(person) = self.register().person(person).await.map_err(down)? else { return Ok(Known::default()) };
        let confused = self.confused_with(&person).await.map_err(down)?;
        let all = || std::iter::once(&person).chain(&confused);
        let voices = all().flat_map(|one| &one.entries).filter(|entry| person.is_numbered(entry)).map(voice).collect();
        let practices = person.entries.iter().filter(|entry| person.is_numbered(entry)).filter_map(practice).collect();
        Ok(Known { voices, practices, merged, restricted: all().any(|one| one.restricted), changed })
    }
}

/// Whose entries went to a person, by that person's history, and did not go back.
fn merged(history: &[people::Event]) -> Vec<PersonId> {
    let mut merged: Vec<PersonId> = Vec::new();
    for event in history {
        match &event.deed {
            Deed::Merged { from, .. } => merged.push(from.clone()),
            Deed::Unmerged { to, .. } => merged.retain(|known| known != to),
            _ => {}
        }
    }
    merged
}

/// Whether what was laid out of a record before a deed is over with it. An entry that the rules linked came with an answer, or was
/// not asked for yet.
fn over(deed: &Deed) -> bool {
    match deed {
        Deed::Linked { tier, .. } => tier.is_none(),
        Deed::Cut | Deed::Merged { .. } | Deed::NumberSuperseded | Deed::Restricted | Deed::Unlinked { .. } | Deed::Unmerged { .. } => true,
        Deed::Apart { .. }
        | Deed::Died
        | Deed::Investigated
        | Deed::InvestigationEnded
        | Deed::RestrictionLifted
        | Deed::Together { .. } => false,
    }
}

fn practice(entry: &Entry) -> Option<Practice> {
    let organisation = entry.demographics.practice.as_deref()?.parse().ok()?;
    Some(Practice { source: entry.key.source.clone(), organisation, seen: entry.seen })
}

fn voice(entry: &Entry) -> Voice {
    let given = entry.demographics.names.iter().filter_map(|name| name.given.first().cloned());
    Voice {
        source: entry.key.source.clone(),
        birth_date: entry.demographics.birth_date.filter(|date| date.is_whole()).map(|date| date.to_string()),
        given_names: given.collect(),
    }
}

fn down(error: people::RegisterDown) -> StoreDown {
    StoreDown(error.to_string())
}
